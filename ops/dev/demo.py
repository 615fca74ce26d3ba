"""`./dev demo`: a city's agencies exchange signed documents, and every receipt is verified.

Exit codes: 0 the counts agree, 1 they do not, 2 it could not run, 64 wrong usage.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ops.client.line import Credentials, Refused, Unreachable
from ops.dev.city import FULL_SIZE, city, write_csv
from ops.dev.pki import DemoAuthority
from ops.dev.report import Outcome, Progress, farewell, summary
from ops.dev.site import CannotRun, Site, Size, open_site, running
from ops.dev.story import Office, Sending, Story
from ops.receipt_check import Judgement, check_receipt
from signing.trust import load_trust

GOOD, NOT_GOOD, COULD_NOT, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 64, 130

Json = dict[str, Any]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--agencies", type=click.IntRange(min=3), default=FULL_SIZE, show_default=True, help="Size of the city."
)
@click.option(
    "--documents", type=click.IntRange(min=0), default=0, help="So many one-recipient documents more."
)
@click.option("--broker", type=click.Choice(["direct", "rabbitmq"]), default="direct", show_default=True)
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option(
    "--json", "json_path", metavar="FILE", help="Write the outcome there ('-' for standard output)."
)
@click.option(
    "--keep", type=click.Path(path_type=Path), metavar="DIR", help="A new folder for all data; it stays."
)
@click.option("--exit", "leave", is_flag=True, help="End after the summary, as without a terminal.")
def demo(
    agencies: int,
    documents: int,
    broker: str,
    database: str,
    json_path: str | None,
    keep: Path | None,
    leave: bool,
) -> None:
    """Let a city's agencies exchange signed documents on a real exchange of this machine."""
    size = Size(broker, database)
    stays = not leave and sys.stdout.isatty()
    run = _Run(agencies, documents=documents, size=size, json_path=json_path, keep=keep, stays=stays)
    sys.exit(asyncio.run(run.go()))


class _Run:
    """One run of the demo."""

    def __init__(
        self,
        agencies: int,
        *,
        documents: int,
        size: Size,
        json_path: str | None,
        keep: Path | None,
        stays: bool,
    ) -> None:
        try:
            self._city = city(agencies)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        self._documents = documents
        self._size = size
        self._json_path = json_path
        self._keep = keep
        self._stays = stays
        # With the outcome on standard output, everything for people goes beside it.
        self._out = sys.stderr if json_path == "-" else sys.stdout
        self._progress = Progress(self._out)

    async def go(self) -> int:
        """Run everything and return the exit code."""
        me = asyncio.current_task()
        assert me is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
        started = time.monotonic()
        async with open_site(self._size, keep=self._keep, say=self._progress.step) as site:
            self._progress.step("drawing up the city: directory, credentials, certificates")
            authority = DemoAuthority(now=datetime.now(UTC))
            credentials = await self._settle_in(site, authority)
            self._progress.step("starting the exchange")
            async with running(site, self._size):
                story, sendings = await self._story(site, authority, credentials)
                self._progress.done()
                outcome = Outcome(
                    agencies=len(self._city),
                    documents=self._documents,
                    size=self._size,
                    site=site,
                    tally=story.tally,
                    seconds=time.monotonic() - started,
                )
                self._report(outcome, credentials, sendings[0])
                if self._stays:
                    await _until_told_to_stop()
        return GOOD if outcome.is_good else NOT_GOOD

    async def _settle_in(self, site: Site, authority: DemoAuthority) -> dict[str, Credentials]:
        """Make record, keys, directory and credentials; return the credentials of each agency."""
        made = await site.command("init")
        for folder in (site.own_trust_dir, site.trust_dir):
            authority.write_trust(folder)
        shutil.copy(made["receipt_certificate"], site.trust_dir / "receipts.pem")
        directory = site.folder / "agencies.csv"
        write_csv(self._city, directory)
        imported = await site.command("agencies", "import", str(directory))
        if len(imported["created"]) != len(self._city):
            raise CannotRun(f"{len(imported['created'])} of {len(self._city)} agencies were imported")
        clients = (await site.command("clients", "create", "--all"))["clients"]
        return {
            each["agency"]: Credentials(site.url, each["client_id"], each["client_secret"])
            for each in clients
        }

    async def _story(
        self, site: Site, authority: DemoAuthority, credentials: dict[str, Credentials]
    ) -> tuple[Story, list[Sending]]:
        trust = load_trust(site.trust_dir)

        def verify(receipt: bytes) -> str | None:
            finding = check_receipt(receipt, trust=trust)
            return None if finding.judgement is Judgement.GOOD else finding.detail

        office = Office(site.folder / "papers", authority)
        receipts = site.folder / "receipts"
        receipts.mkdir()
        story = Story(
            self._city,
            credentials,
            office=office,
            verify=verify,
            receipts=receipts,
            progress=self._progress.show,
        )
        self._progress.step("drawing and signing the papers")
        sendings = await story.prepare(documents=self._documents)
        self._progress.expect(sum(len(sending.to) for sending in sendings))
        try:
            await story.be_refused()
            await story.tell(sendings)
        except (Refused, Unreachable, TimeoutError) as error:
            raise CannotRun(f"{error or 'not everything arrived'}\n{site.last_words}") from error
        return story, sendings

    def _report(self, outcome: Outcome, credentials: dict[str, Credentials], example: Sending) -> None:
        variables = outcome.site.folder / "demo.env"
        variables.touch(mode=0o600)
        variables.write_text(_variables(outcome.site, credentials, example), "utf-8")
        print(summary(outcome), file=self._out)
        if self._json_path is not None:
            fields = {**outcome.fields(), "clients": _clients(credentials)}
            text = json.dumps(fields, ensure_ascii=False, indent=1) + "\n"
            if self._json_path == "-":
                sys.stdout.write(text)
            else:
                Path(self._json_path).write_text(text, "utf-8")
        if self._stays:
            print(farewell(outcome.site, variables), file=self._out)
        sys.stdout.flush()


def _clients(credentials: dict[str, Credentials]) -> list[Json]:
    return [
        {"agency": agency, "client_id": each.client_id, "client_secret": each.client_secret}
        for agency, each in credentials.items()
    ]


def _variables(site: Site, credentials: dict[str, Credentials], example: Sending) -> str:
    """Return a shell file with what the examples of the README need."""
    sender, recipient = example.sender.code, example.to[0].code
    values = {
        "URL": site.url,
        "SENDER": sender,
        "SENDER_ID": credentials[sender].client_id,
        "SENDER_SECRET": credentials[sender].client_secret,
        "RECIPIENT": recipient,
        "RECIPIENT_ID": credentials[recipient].client_id,
        "RECIPIENT_SECRET": credentials[recipient].client_secret,
        "PDF": str(example.pdf),
        "TRUST": str(site.trust_dir),
        "LIENTHONG_CONFIG": str(site.config),
        "LIENTHONG": str(Path(sys.executable).parent / "lienthong"),
    }
    exports = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join([*exports, _FIELD, ""])


_FIELD = """\
# field NAME…: print one field of the JSON that comes in, e.g. `field items 0 delivery`
field() { python3 -c 'import json, sys
found = json.load(sys.stdin)
for name in sys.argv[1:]:
    found = found[int(name) if isinstance(found, list) else name]
print(found)' "$@"; }"""


async def _until_told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def main() -> None:
    """Run the demo and exit with its code."""
    try:
        demo.main(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(WRONG_USAGE)
    except (CannotRun, OSError) as error:
        print(f"demo: could not run: {error}", file=sys.stderr)
        sys.exit(COULD_NOT)
    except (click.Abort, KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
