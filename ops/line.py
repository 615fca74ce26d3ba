"""What the commands of `lienthong` share: settings, running a command on the site, printing its outcome."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from ops.desk import Json
from ops.settings import Settings, load

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings_of(config: Path | None) -> Settings:
    """Return the effective settings.

    Raises:
        SettingsError: They are wrong.
    """
    return load(config, os.environ)


def run_command(config: Path | None, name: str, arguments: Json) -> Json:
    """Return the outcome of a command on the site, see `ops.setup.command`."""
    from ops.setup import command

    return asyncio.run(command(settings_of(config), name, arguments))


def print_outcome(outcome: Json, *, as_json: bool, lines: Callable[[], list[str]]) -> None:
    """Print an outcome as JSON, or as the lines a person reads."""
    click.echo(msgspec.json.encode(outcome).decode() if as_json else "\n".join(lines()))
