"""`lienthong evidence …`: what says whether certificates still hold, brought in without a network."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from ops.desk import Json
from ops.line import as_json, print_outcome, settings_of

GOOD, NOT_GOOD = 0, 1


@click.group()
def evidence() -> None:
    """Revocation lists and responders' answers that verdicts rest on."""


@evidence.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@as_json
@click.pass_obj
def import_evidence(config: Path | None, files: tuple[Path, ...], as_json: bool) -> None:
    """Take in revocation lists (CRL) and responders' answers (OCSP), for sites that may not fetch them.

    Each finds its place by what it says of itself; a running server uses it at once. What is older than the
    one at hand takes no place. Exit code 1: something was not taken.
    """
    from ops.evidence_import import import_files

    imported = asyncio.run(import_files(settings_of(config), files))
    outcome: Json = {
        "files": [{"file": each.file, "new": each.is_new, "fault": each.fault} for each in imported]
    }
    print_outcome(
        outcome,
        as_json=as_json,
        lines=lambda: [
            f"{each.file}: {each.fault or ('taken in' if each.is_new else 'known already')}"
            for each in imported
        ],
    )
    sys.exit(NOT_GOOD if any(each.fault for each in imported) else GOOD)
