"""The command `lienthong`. Only this module makes exit codes: 0 good, 1 judged and not good,
2 could not judge or bad settings, 64 wrong usage."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from gateway.domain.errors import DependencyUnavailable, ExchangeError
from ops import __version__
from ops.broker_users_line import broker_users
from ops.client.commands import document_commands
from ops.client.life_commands import life_commands
from ops.confinement import close_memory
from ops.control import FolderTaken, RemoteRefusal
from ops.desk import Json
from ops.dossiers_line import dossiers
from ops.evidence_line import evidence
from ops.line import as_json, print_outcome, run_command, settings_of
from ops.logs import start_logging
from ops.receipt_check import receipt
from ops.reports_line import report
from ops.settings import NotInitialised, SettingsError, masked
from ops.systems_line import systems
from ops.verify_line import verify

GOOD, NOT_GOOD, COULD_NOT, WRONG_USAGE = 0, 1, 2, 64

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config", type=click.Path(path_type=Path), envvar="LIENTHONG_CONFIG", help="The site's settings file."
)
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """Exchange gateway and signature service for official documents."""
    context.obj = config


for command in (*document_commands, *life_commands):
    cli.add_command(command)
cli.add_command(receipt)
cli.add_command(systems)
cli.add_command(broker_users)
cli.add_command(dossiers)
cli.add_command(evidence)
cli.add_command(report)
cli.add_command(verify)


@cli.command()
@as_json
@click.pass_obj
def init(config: Path | None, as_json: bool) -> None:
    """Make the data folder, the record, the receipt key and the first administrator."""
    from ops.setup import initialise

    outcome = asyncio.run(initialise(settings_of(config)))
    print_outcome(
        outcome,
        as_json=as_json,
        lines=lambda: [
            f"data folder       {outcome['data_dir']}",
            f"receipt key       {outcome['receipt_key']}",
            f"its certificate   {outcome['receipt_certificate']}  (agencies verify receipts with it)",
            f"trust folder      {outcome['trust_dir']}  (for certificates of the signers' authorities)",
            *_administrator_lines(outcome),
        ],
    )


def _administrator_lines(outcome: Json) -> list[str]:
    if "administrator" not in outcome:
        return ["administrator     exists already"]
    administrator = outcome["administrator"]
    return [
        f"administrator     {administrator['client_id']}",
        f"its secret        {administrator['client_secret']}  (shown this once)",
    ]


@cli.command()
@click.pass_obj
def run(config: Path | None) -> None:
    """Run everything in one process (embedded size)."""
    _serve(config, "run")


@cli.command()
@click.pass_obj
def serve(config: Path | None) -> None:
    """Run one HTTP process of a site."""
    _serve(config, "serve")


@cli.command()
@click.pass_obj
def worker(config: Path | None) -> None:
    """Run one worker of a site: hand-over, sweeping, expiry."""
    _serve(config, "worker")


@cli.group()
def agencies() -> None:
    """The directory."""


@agencies.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@click.pass_obj
def import_agencies(config: Path | None, file: Path, as_json: bool) -> None:
    """Insert or change the agencies of a CSV or JSON file."""
    outcome = run_command(config, "agencies import", {"file": str(file.absolute())})
    print_outcome(
        outcome,
        as_json=as_json,
        lines=lambda: [
            f"created {len(outcome['created'])}, changed {len(outcome['changed'])}, "
            f"unchanged {outcome['unchanged']}",
            *(f"line {row['line']}: {row['fault']}" for row in outcome["bad"]),
        ],
    )
    sys.exit(NOT_GOOD if outcome["bad"] else GOOD)


@cli.group()
def clients() -> None:
    """Credentials of agency systems."""


@clients.command("create")
@click.argument("agency", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="One for each agency of the directory.")
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM public key or JWK, for private_key_jwt.",
)
@as_json
@click.pass_obj
def create_client(
    config: Path | None,
    agency: tuple[str, ...],
    everybody: bool,
    public_key: Path | None,
    as_json: bool,
) -> None:
    """Make credentials; a secret is shown this once."""
    if not agency and not everybody:
        raise click.UsageError("Name an agency, or --all.")
    arguments: Json = {"agencies": list(agency), "all": everybody}
    if public_key is not None:
        arguments["public_key"] = public_key.read_text()
    outcome = run_command(config, "clients create", arguments)
    print_outcome(outcome, as_json=as_json, lines=lambda: _credentials(outcome))


@clients.command("rotate")
@click.argument("agency")
@as_json
@click.pass_obj
def rotate_client(config: Path | None, agency: str, as_json: bool) -> None:
    """Give an agency's clients new secrets; the old ones work a week longer."""
    outcome = run_command(config, "clients rotate", {"agency": agency})
    print_outcome(outcome, as_json=as_json, lines=lambda: _credentials(outcome))


@clients.command("revoke")
@click.argument("agency")
@click.option("--client-id", help="Only this one.")
@as_json
@click.pass_obj
def revoke_client(config: Path | None, agency: str, client_id: str | None, as_json: bool) -> None:
    """Revoke an agency's clients at once, with all their tokens."""
    outcome = run_command(config, "clients revoke", {"agency": agency, "client_id": client_id})
    print_outcome(outcome, as_json=as_json, lines=lambda: [f"revoked {each}" for each in outcome["revoked"]])


def _credentials(outcome: Json) -> list[str]:
    return [
        f"{each['agency']}\t{each['client_id']}\t{each.get('client_secret', '(its own key)')}"
        for each in outcome["clients"]
    ]


@cli.group()
def administrators() -> None:
    """Credentials of those who look after the exchange."""


@administrators.command("create")
@as_json
@click.pass_obj
def create_administrator(config: Path | None, as_json: bool) -> None:
    """Make an administrator's credentials; the secret is shown this once."""
    outcome = run_command(config, "administrators create", {})
    print_outcome(
        outcome, as_json=as_json, lines=lambda: [f"{outcome['client_id']}\t{outcome['client_secret']}"]
    )


@cli.command()
@click.option("--to", "recipient", help="Only deliveries to this agency.")
@click.option("--after", type=_MOMENT, help="Parked after this moment (RFC 3339).")
@click.option("--before", type=_MOMENT, help="Parked before this moment.")
@click.option("--waiting", is_flag=True, help="With --to: try at once what that agency's line waits for.")
@click.option("--dry-run", is_flag=True, help="Only list them.")
@as_json
@click.pass_obj
def redrive(
    config: Path | None,
    recipient: str | None,
    after: datetime | None,
    before: datetime | None,
    waiting: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send parked deliveries on their way again, or the line of an agency that is back."""
    if waiting and (recipient is None or after or before):
        raise click.UsageError("--waiting goes with --to alone.")
    arguments = {
        "recipient": recipient,
        "after": after and after.isoformat(),
        "before": before and before.isoformat(),
        "waiting": waiting,
        "dry_run": dry_run,
    }
    outcome = run_command(config, "redrive", arguments)
    verb = "would be queued" if dry_run else "queued"
    print_outcome(
        outcome,
        as_json=as_json,
        lines=lambda: [
            *(f"{each['delivery']}  to {each['to']}: {each['reason']}" for each in outcome["deliveries"]),
            f"{len(outcome['deliveries'])} {verb}",
            *(["more wait: run it again"] if outcome["more_wait"] else []),
        ],
    )


@cli.group("config")
def config_group() -> None:
    """The settings."""


@config_group.command("check")
@as_json
@click.pass_obj
def check_config(config: Path | None, as_json: bool) -> None:
    """Print the effective settings, secrets masked."""
    shown = masked(settings_of(config))
    print_outcome(shown, as_json=as_json, lines=lambda: _setting_lines(shown, ""))


def _setting_lines(tree: Json, section: str) -> list[str]:
    lines = []
    for key, value in tree.items():
        lines += (
            _setting_lines(value, f"{section}{key}.")
            if isinstance(value, dict)
            else [f"{section}{key} = {value!r}"]
        )
    return lines


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        sys.exit(cli.main(prog_name="lienthong", standalone_mode=False))
    except click.UsageError as error:
        error.show()
        sys.exit(WRONG_USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (SettingsError, FolderTaken, NotInitialised, OSError) as error:
        click.echo(f"lienthong: {error}", err=True)
        sys.exit(COULD_NOT)
    except (ExchangeError, RemoteRefusal) as error:
        click.echo(f"lienthong: {error.detail}", err=True)
        for reason in error.reasons:
            click.echo(f"  {reason}", err=True)
        # 503: nobody has judged anything, here or in the running server.
        sys.exit(COULD_NOT if error.status == DependencyUnavailable.status else NOT_GOOD)


def _serve(config: Path | None, role: Literal["run", "serve", "worker"]) -> None:
    close_memory()
    # Here and not above: the parts of a server take a second to load; a client need not wait for them.
    from ops import wiring

    settings = settings_of(config)
    start_logging(settings.log.level)
    asyncio.run(wiring.ROLES[role](settings))


if __name__ == "__main__":
    main()
