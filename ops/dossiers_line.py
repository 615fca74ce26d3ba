"""`lienthong dossiers …`: existing stores on the command line."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from ops.desk import Json
from ops.intake_source import read_manifest
from ops.line import as_json, print_outcome, settings_of
from ops.settings import Settings

NOT_GOOD = 1


@click.group()
def dossiers() -> None:
    """Dossiers and existing digitised stores."""


@dossiers.command("import")
@click.argument("manifest", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the files are; the paths of the list begin here.",
)
@click.option("--agency", required=True, help="Whose dossiers they are.")
@as_json
@click.pass_obj
def import_dossiers(config: Path | None, manifest: Path, folder: Path, agency: str, as_json: bool) -> None:
    """Take in the files of a CSV list with the columns dossier, component, path; procedure and name too.

    Run it again after it was cut short: what is there is left as it is.
    """
    outcome = asyncio.run(_import(settings_of(config), manifest, folder, agency))
    print_outcome(
        outcome,
        as_json=as_json,
        lines=lambda: [
            *(f"line {row['line']}: {row['fault']}" for row in outcome["bad"]),
            f"taken in {outcome['kept']}, there already {outcome['there_already']}, "
            f"bad {len(outcome['bad'])}",
        ],
    )
    sys.exit(NOT_GOOD if outcome["bad"] else 0)


async def _import(settings: Settings, manifest: Path, folder: Path, agency: str) -> Json:
    from ops.intake import Progress, import_store

    def show(progress: Progress) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{progress.line}\x1b[K", nl=progress.done == progress.rows, err=True)

    try:
        listed = read_manifest(manifest)
    except ValueError as error:
        raise click.UsageError(f"{manifest}: {error}") from error
    return (await import_store(settings, listed, folder, agency=agency, show=show)).as_json()
