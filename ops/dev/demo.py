"""`./dev demo`: a city's agencies exchange signed documents, and every receipt is verified.

Exit codes: 0 the counts agree, 1 they do not, 2 it could not run, 64 wrong usage.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ops.client.line import Credentials, Refused, Unreachable
from ops.dev.centres import connect_centres, plan_centres, with_labels
from ops.dev.city import FULL_SIZE, city, write_csv
from ops.dev.demo_env import shell_file
from ops.dev.life import Life, LifeTally
from ops.dev.pki import DemoAuthority
from ops.dev.report import Outcome, Progress, farewell, summary
from ops.dev.site import CannotRun, Site, Size, open_site, running
from ops.dev.story import Office, Sending, Story
from ops.dev.vxp_client import CallRefused, Centre
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


@dataclass(frozen=True, slots=True)
class Members:
    """Who is connected: agencies by their codes, and centres."""

    credentials: Mapping[str, Credentials]
    centres: Sequence[Centre]

    def fields(self) -> Json:
        """Return them for `--json`."""
        clients = [
            {"agency": agency, "client_id": each.client_id, "client_secret": each.client_secret}
            for agency, each in self.credentials.items()
        ]
        return {"clients": clients, "vxp": [asdict(centre) for centre in self.centres]}


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
            rows = city(agencies)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        self._plans = plan_centres(rows)
        self._city = with_labels(rows, self._plans)
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
            members = await self._settle_in(site, authority)
            self._progress.step("starting the exchange")
            async with running(site, self._size):
                office = Office(site.folder / "papers", authority)
                story, sendings = await self._story(site, office, members)
                life = await self._life(site, office, members)
                self._progress.done()
                outcome = Outcome(
                    agencies=len(self._city),
                    documents=self._documents,
                    size=self._size,
                    site=site,
                    tally=story.tally,
                    life=life,
                    seconds=time.monotonic() - started,
                )
                self._report(outcome, members, sendings[0])
                if self._stays:
                    await _until_told_to_stop()
        return GOOD if outcome.is_good else NOT_GOOD

    async def _settle_in(self, site: Site, authority: DemoAuthority) -> Members:
        """Make record, keys, directory, credentials and centres."""
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
        credentials = {
            each["agency"]: Credentials(site.url, each["client_id"], each["client_secret"])
            for each in clients
        }
        return Members(credentials, await connect_centres(site, self._plans))

    async def _story(self, site: Site, office: Office, members: Members) -> tuple[Story, list[Sending]]:
        trust = load_trust(site.trust_dir)

        def verify(receipt: bytes) -> str | None:
            finding = check_receipt(receipt, trust=trust)
            return None if finding.judgement is Judgement.GOOD else finding.detail

        receipts = site.folder / "receipts"
        receipts.mkdir()
        story = Story(
            self._city,
            members.credentials,
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

    async def _life(self, site: Site, office: Office, members: Members) -> LifeTally | None:
        """Tell what two centres and `/v1` do together; None in a city that is too small for centres."""
        if not members.centres:
            return None
        self._progress.step("a document over edXML, and a circular that is taken back")
        folder = site.folder / "received"
        life = Life(self._city, members.credentials, members.centres, office=office, folder=folder)
        try:
            await life.tell()
        except (CallRefused, Refused, Unreachable, TimeoutError) as error:
            raise CannotRun(f"{error or 'not everything arrived'}\n{site.last_words}") from error
        return life.tally

    def _report(self, outcome: Outcome, members: Members, example: Sending) -> None:
        variables = outcome.site.folder / "demo.env"
        variables.touch(mode=0o600)
        centre = next(iter(members.centres), None)
        variables.write_text(
            shell_file(outcome.site, members.credentials, example=example, centre=centre), "utf-8"
        )
        print(summary(outcome), file=self._out)
        if self._json_path is not None:
            fields = {**outcome.fields(), **members.fields()}
            text = json.dumps(fields, ensure_ascii=False, indent=1) + "\n"
            if self._json_path == "-":
                sys.stdout.write(text)
            else:
                Path(self._json_path).write_text(text, "utf-8")
        if self._stays:
            print(farewell(outcome.site, variables, members.centres), file=self._out)
        sys.stdout.flush()


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
