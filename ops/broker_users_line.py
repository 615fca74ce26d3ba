"""`lienthong broker-users …`: agencies' credentials for RabbitMQ on the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gateway.domain.model import AgencyCode
from ops.desk import Json
from ops.line import as_json, print_outcome, settings_of


@click.group("broker-users")
def broker_users() -> None:
    """Agencies that take their documents from a RabbitMQ queue of their own."""


@broker_users.command("create")
@click.argument("agency")
@as_json
@click.pass_obj
def create_user(config: Path | None, agency: str, as_json: bool) -> None:
    """Make an agency's broker user and queue; the password is shown this once."""
    from ops.broker_users import create

    outcome = asyncio.run(create(settings_of(config), AgencyCode(agency)))
    print_outcome(
        outcome,
        as_json=as_json,
        lines=lambda: [
            *_credentials(outcome),
            f"its queue       {outcome['queue']}",
            f"it answers on   {outcome['answers_to']}  (routing key {agency}, user_id {outcome['user']})",
            *([f"still to do     {outcome['todo']}"] if outcome["todo"] else []),
        ],
    )


@broker_users.command("rotate")
@click.argument("agency")
@as_json
@click.pass_obj
def rotate_user(config: Path | None, agency: str, as_json: bool) -> None:
    """Give an agency's broker user a new password; the old one ends now, connections that stand go on."""
    from ops.broker_users import rotate

    outcome = asyncio.run(rotate(settings_of(config), AgencyCode(agency)))
    print_outcome(outcome, as_json=as_json, lines=lambda: _credentials(outcome))


@broker_users.command("revoke")
@click.argument("agency")
@as_json
@click.pass_obj
def revoke_user(config: Path | None, agency: str, as_json: bool) -> None:
    """Delete an agency's broker user and close its connections."""
    from ops.broker_users import revoke

    outcome = asyncio.run(revoke(settings_of(config), AgencyCode(agency)))
    print_outcome(
        outcome,
        as_json=as_json,
        lines=lambda: [
            f"revoked {outcome['revoked']}",
            f"the queue {outcome['queue']} stays with what it holds, and is filled while channel=amqp",
        ],
    )


def _credentials(outcome: Json) -> list[str]:
    return [
        f"user            {outcome['user']}",
        f"its password    {outcome['password']}  (shown this once)",
        f"virtual host    {outcome['vhost']}",
    ]
