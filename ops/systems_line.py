"""`lienthong systems …`: connected centres on the command line."""

from __future__ import annotations

from pathlib import Path

import click

from ops.desk import Json
from ops.line import as_json, print_outcome, run_command

_CODES = "Agency codes, separated by commas."


@click.group()
def systems() -> None:
    """Connected centres (VXP) and the agencies behind them."""


@systems.command("create")
@click.argument("system_id")
@click.option("--name", default="", help="What people call it.")
@click.option("--agencies", default="", help=_CODES)
@click.option("--register-under", help="It may only register this code and those beneath it.")
@as_json
@click.pass_obj
def create_system(
    config: Path | None, system_id: str, name: str, agencies: str, register_under: str | None, as_json: bool
) -> None:
    """Connect a centre; its secret is shown this once."""
    arguments = {
        "id": system_id,
        "name": name,
        "agencies": _codes(agencies),
        "register_under": register_under,
    }
    outcome = run_command(config, "systems create", arguments)
    print_outcome(outcome, as_json=as_json, lines=lambda: [*_lines(outcome), _secret_line(outcome)])


@systems.command("rotate")
@click.argument("system_id")
@as_json
@click.pass_obj
def rotate_system(config: Path | None, system_id: str, as_json: bool) -> None:
    """Give a centre a new secret; the old one works a week longer."""
    outcome = run_command(config, "systems rotate", {"id": system_id})
    print_outcome(outcome, as_json=as_json, lines=lambda: [_secret_line(outcome)])


@systems.command("revoke")
@click.argument("system_id")
@as_json
@click.pass_obj
def revoke_system(config: Path | None, system_id: str, as_json: bool) -> None:
    """Refuse a centre from now on."""
    outcome = run_command(config, "systems revoke", {"id": system_id})
    print_outcome(outcome, as_json=as_json, lines=lambda: [f"revoked {outcome['revoked']}"])


@systems.command("agencies")
@click.argument("system_id")
@click.option("--add", default="", help=_CODES)
@click.option("--remove", default="", help=_CODES)
@as_json
@click.pass_obj
def agencies_of_system(config: Path | None, system_id: str, add: str, remove: str, as_json: bool) -> None:
    """Show who is behind a centre, put agencies behind it, or take them away."""
    arguments = {"id": system_id, "add": _codes(add), "remove": _codes(remove)}
    outcome = run_command(config, "systems agencies", arguments)
    print_outcome(outcome, as_json=as_json, lines=lambda: outcome["agencies"])


@systems.command("list")
@as_json
@click.pass_obj
def list_systems(config: Path | None, as_json: bool) -> None:
    """Show all centres."""
    outcome = run_command(config, "systems list", {})
    print_outcome(
        outcome,
        as_json=as_json,
        lines=lambda: [
            f"{each['system_id']}\t{each['name']}\t{len(each['agencies'])} agencies"
            + ("\trevoked" if each["revoked_at"] else "")
            for each in outcome["systems"]
        ],
    )


def _codes(text: str) -> list[str]:
    return [code.strip() for code in text.split(",") if code.strip()]


def _lines(outcome: Json) -> list[str]:
    return [
        f"system id   {outcome['system_id']}",
        f"agencies    {', '.join(outcome['agencies']) or '(none yet)'}",
    ]


def _secret_line(outcome: Json) -> str:
    return f"its secret  {outcome['secret']}  (shown this once)"
