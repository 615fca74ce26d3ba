"""The commands that change or ask the ledger, the same whether run here or by a running server."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.domain.errors import Conflict, MalformedRequest, NotFound
from gateway.domain.ids import new_id
from gateway.domain.ledger import DirectoryChanges, ParkedFilter
from gateway.domain.model import Agency, AgencyCode, Client, ClientId, Role
from gateway.domain.ports import Broker, Clients, Clock, Deliveries, Directory
from gateway.service.redrive import redrive
from ops.directory_file import BadRow, read_directory

SECRET_OVERLAP = timedelta(days=7)
"""How long the old secret still works after a rotation."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work with."""

    clock: Clock
    directory: Directory
    clients: Clients
    deliveries: Deliveries
    broker: Broker


Command = Callable[[Desk, Json], Awaitable[Json]]


async def import_agencies(desk: Desk, arguments: Json) -> Json:
    """Insert or change the agencies of a file; report what changed and which rows are bad.

    Raises:
        MalformedRequest: The file as a whole cannot be read.
    """
    try:
        file = read_directory(Path(arguments["file"]))
    except (OSError, ValueError) as error:
        raise MalformedRequest(f"{arguments['file']}: {error}") from error
    created: list[AgencyCode] = []
    changed: list[AgencyCode] = []
    unchanged = 0
    bad = list(file.bad)
    # Superiors first, so that a file in any order works.
    rows = sorted(file.agencies, key=lambda row: row[1].level)
    for changes in await _upsert(desk, rows, bad):
        created += changes.created
        changed += changes.changed
        unchanged += changes.unchanged
    return {
        "created": created,
        "changed": changed,
        "unchanged": unchanged,
        "bad": [{"line": row.line, "fault": row.fault} for row in sorted(bad, key=lambda row: row.line)],
    }


async def _upsert(desk: Desk, rows: list[tuple[int, Agency]], bad: list[BadRow]) -> list[DirectoryChanges]:
    """Keep what can be kept: when some rows conflict, halve until the bad ones stand alone."""
    if not rows:
        return []
    try:
        return [await desk.directory.upsert([agency for _, agency in rows], now=desk.clock())]
    except Conflict as conflict:
        if len(rows) == 1:
            bad.append(BadRow(rows[0][0], "; ".join(conflict.reasons) or conflict.detail))
            return []
    middle = len(rows) // 2
    return await _upsert(desk, rows[:middle], bad) + await _upsert(desk, rows[middle:], bad)


async def create_clients(desk: Desk, arguments: Json) -> Json:
    """Make credentials for agencies (`agencies`, or all with `all`); the secrets are shown this once.

    Raises:
        NotFound: There is no such agency.
    """
    agencies = await _all_codes(desk) if arguments.get("all") else arguments["agencies"]
    created = [await _create_client(desk, AgencyCode(code), arguments.get("public_key")) for code in agencies]
    return {"clients": created}


async def create_administrator(desk: Desk, _: Json) -> Json:
    """Make an administrator's credentials."""
    client, secret = _new_client(desk.clock(), role=Role.ADMINISTRATOR, agency=None, public_key=None)
    await desk.clients.add(client)
    return {"client_id": client.id, "client_secret": secret}


async def rotate_clients(desk: Desk, arguments: Json) -> Json:
    """Give an agency's clients new secrets; the old ones work for SECRET_OVERLAP longer.

    Raises:
        NotFound: The agency has no client to rotate.
    """
    now = desk.clock()
    rotated = []
    for client in await _live_clients(desk, arguments["agency"]):
        if client.public_key is not None:
            continue  # it holds its own key: a new one is registered with a new client
        secret = _new_secret()
        await desk.clients.replace(
            replace(
                client,
                secret_sha256=_sha256(secret),
                previous_secret_sha256=client.secret_sha256,
                previous_valid_until=now + SECRET_OVERLAP,
            )
        )
        rotated.append({"agency": client.agency, "client_id": client.id, "client_secret": secret})
    return {"clients": rotated, "old_secrets_until": (now + SECRET_OVERLAP).isoformat()}


async def revoke_clients(desk: Desk, arguments: Json) -> Json:
    """Revoke an agency's clients, or only `client_id`; their tokens end with them.

    Raises:
        NotFound: The agency has no such client.
    """
    wanted = arguments.get("client_id")
    clients = [each for each in await _live_clients(desk, arguments["agency"]) if wanted in (None, each.id)]
    if not clients:
        raise NotFound(f"{arguments['agency']} has no client {wanted}.")
    for client in clients:
        await desk.clients.replace(replace(client, revoked_at=desk.clock()))
    return {"revoked": [client.id for client in clients]}


async def redrive_parked(desk: Desk, arguments: Json) -> Json:
    """Queue parked deliveries again, or only list them with `dry_run`."""
    which = ParkedFilter(
        recipient=AgencyCode(arguments["recipient"]) if arguments.get("recipient") else None,
        parked_after=_moment(arguments.get("after")),
        parked_before=_moment(arguments.get("before")),
    )
    dry_run = bool(arguments.get("dry_run"))
    deliveries = await redrive(desk.deliveries, which, broker=desk.broker, clock=desk.clock, dry_run=dry_run)
    return {
        "dry_run": dry_run,
        "deliveries": [
            {"delivery": each.id, "document": each.document, "to": each.recipient, "reason": each.reason}
            for each in deliveries
        ],
    }


COMMANDS: dict[str, Command] = {
    "agencies import": import_agencies,
    "clients create": create_clients,
    "clients rotate": rotate_clients,
    "clients revoke": revoke_clients,
    "administrators create": create_administrator,
    "redrive": redrive_parked,
}


async def _all_codes(desk: Desk) -> list[AgencyCode]:
    codes: list[AgencyCode] = []
    while page := await desk.directory.page(after=codes[-1] if codes else None, limit=1000):
        codes += [agency.code for agency in page]
    return codes


async def _create_client(desk: Desk, agency: AgencyCode, public_key: str | None) -> Json:
    if await desk.directory.agency(agency) is None:
        raise NotFound(f"There is no agency {agency}.")
    client, secret = _new_client(desk.clock(), role=Role.AGENCY, agency=agency, public_key=public_key)
    await desk.clients.add(client)
    credentials: Json = {"agency": agency, "client_id": client.id}
    return credentials if public_key else {**credentials, "client_secret": secret}


def _new_client(
    now: datetime, *, role: Role, agency: AgencyCode | None, public_key: str | None
) -> tuple[Client, str]:
    secret = _new_secret()
    hashed = None if public_key else _sha256(secret)
    return Client(ClientId(new_id(now)), role, agency, hashed, public_key, now), secret


async def _live_clients(desk: Desk, agency: str) -> list[Client]:
    clients = [each for each in await desk.clients.of_agency(AgencyCode(agency)) if each.revoked_at is None]
    if not clients:
        raise NotFound(f"{agency} has no client.")
    return clients


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _sha256(secret: str) -> str:
    """Return the hash kept of a secret. Secrets are random and long: a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise MalformedRequest(f"{text}: say the time zone too, e.g. {text}+07:00")
    return moment
