"""The commands that change or ask the ledger, the same whether run here or by a running server."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gateway.domain.errors import MalformedRequest, NotFound
from gateway.domain.ids import new_id
from gateway.domain.ledger import ParkedFilter
from gateway.domain.model import AgencyCode, Client, ClientId, Role
from gateway.service.redrive import Redriven, redrive, redrive_line
from ops import dossiers, reports, systems
from ops.desk import SECRET_OVERLAP, Command, Desk, Json, new_secret
from ops.directory_file import read_directory
from ops.directory_import import import_directory


async def import_agencies(desk: Desk, arguments: Json) -> Json:
    """Insert or change the agencies of a file; report what changed and which rows are bad.

    Raises:
        MalformedRequest: The file as a whole cannot be read.
    """
    try:
        file = read_directory(Path(arguments["file"]))
    except (OSError, ValueError) as error:
        raise MalformedRequest(f"{arguments['file']}: {error}") from error
    changes = await import_directory(desk.directory, file, clock=desk.clock)
    return {
        "created": changes.created,
        "changed": changes.changed,
        "unchanged": changes.unchanged,
        "bad": [{"line": row.line, "fault": row.fault} for row in changes.bad],
    }


async def create_clients(desk: Desk, arguments: Json) -> Json:
    """Make credentials for agencies (`agencies`, or all with `all`); the secrets are shown this once.

    Raises:
        NotFound: Some agencies do not exist; all are named and no credentials are made.
        MalformedRequest: The public key cannot be used.
    """
    public_key = arguments.get("public_key")
    if public_key is not None:
        _check_public_key(public_key)
    agencies = await _all_codes(desk) if arguments.get("all") else arguments["agencies"]
    if unknown := [code for code in agencies if await desk.directory.agency(AgencyCode(code)) is None]:
        raise NotFound(f"There is no agency {', '.join(unknown)}.")
    return {"clients": [await _create_client(desk, AgencyCode(code), public_key) for code in agencies]}


async def create_administrator(desk: Desk, _: Json) -> Json:
    """Make an administrator's credentials."""
    client, secret = _new_client(desk.clock(), role=Role.ADMINISTRATOR, agency=None, public_key=None)
    await desk.clients.add(client)
    return {"client_id": client.id, "client_secret": secret}


async def rotate_clients(desk: Desk, arguments: Json) -> Json:
    """Give an agency's clients new secrets; the old ones work for SECRET_OVERLAP longer.

    A client that holds its own key is left alone: a new key is registered with a new client.

    Raises:
        NotFound: The agency has no client with a secret.
    """
    now = desk.clock()
    clients = [each for each in await _live_clients(desk, arguments["agency"]) if each.public_key is None]
    if not clients:
        raise NotFound(f"The clients of {arguments['agency']} hold their own keys: there is no secret.")
    rotated = []
    for client in clients:
        secret = new_secret()
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
    """Queue parked deliveries again, or with `waiting` what the line of `recipient` waits for.

    With `dry_run` they are only listed.

    Raises:
        MalformedRequest: A moment is not RFC 3339, or `waiting` without `recipient`.
    """
    dry_run = bool(arguments.get("dry_run"))
    if arguments.get("waiting"):
        line = await _redrive_line(desk, arguments.get("recipient"), dry_run=dry_run)
        return _redriven(line, dry_run=dry_run)
    which = ParkedFilter(
        recipient=AgencyCode(arguments["recipient"]) if arguments.get("recipient") else None,
        parked_after=_moment(arguments.get("after")),
        parked_before=_moment(arguments.get("before")),
    )
    driven = await redrive(desk.deliveries, which, broker=desk.broker, clock=desk.clock, dry_run=dry_run)
    return _redriven(driven, dry_run=dry_run)


async def _redrive_line(desk: Desk, recipient: str | None, *, dry_run: bool) -> Redriven:
    if not recipient:
        raise MalformedRequest("Name the agency whose line waits.")
    return await redrive_line(
        desk.deliveries, AgencyCode(recipient), broker=desk.broker, clock=desk.clock, dry_run=dry_run
    )


def _redriven(driven: Redriven, *, dry_run: bool) -> Json:
    return {
        "dry_run": dry_run,
        "deliveries": [
            {"delivery": each.id, "document": each.document, "to": each.recipient, "reason": each.reason}
            for each in driven.deliveries
        ],
        "more_wait": driven.more_wait,
    }


COMMANDS: dict[str, Command] = {
    "agencies import": import_agencies,
    "clients create": create_clients,
    "clients rotate": rotate_clients,
    "clients revoke": revoke_clients,
    "administrators create": create_administrator,
    "redrive": redrive_parked,
    **systems.COMMANDS,
    **dossiers.COMMANDS,
    **reports.COMMANDS,
}


async def _all_codes(desk: Desk) -> list[AgencyCode]:
    codes: list[AgencyCode] = []
    while page := await desk.directory.page(after=codes[-1] if codes else None, limit=1000):
        codes += [agency.code for agency in page]
    return codes


async def _create_client(desk: Desk, agency: AgencyCode, public_key: str | None) -> Json:
    client, secret = _new_client(desk.clock(), role=Role.AGENCY, agency=agency, public_key=public_key)
    await desk.clients.add(client)
    credentials: Json = {"agency": agency, "client_id": client.id}
    return credentials if public_key else {**credentials, "client_secret": secret}


def _new_client(
    now: datetime, *, role: Role, agency: AgencyCode | None, public_key: str | None
) -> tuple[Client, str]:
    secret = new_secret()
    hashed = None if public_key else _sha256(secret)
    return Client(ClientId(new_id(now)), role, agency, hashed, public_key, now), secret


async def _live_clients(desk: Desk, agency: str) -> list[Client]:
    clients = [each for each in await desk.clients.of_agency(AgencyCode(agency)) if each.revoked_at is None]
    if not clients:
        raise NotFound(f"{agency} has no client.")
    return clients


def _check_public_key(text: str) -> None:
    """Keep private keys out of the record. Whether a public one can be used its first login shows.

    Raises:
        MalformedRequest: It is not the PEM or JWK of a public key.
    """
    try:
        is_jwk = text.lstrip().startswith("{")
        is_public = "d" not in json.loads(text) if is_jwk else "PUBLIC KEY-----" in text
    except ValueError:
        is_public = False
    if not is_public or "PRIVATE KEY-----" in text:
        raise MalformedRequest("This is not the PEM or JWK of a public key.")


def _sha256(secret: str) -> str:
    """Return the hash kept of a secret. Secrets are random and long: a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedRequest(f"{text}: no moment like 2026-11-21T08:00:00+07:00") from error
    if moment.tzinfo is None:
        raise MalformedRequest(f"{text}: say the time zone too, e.g. {text}+07:00")
    return moment
