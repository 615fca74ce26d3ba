"""Commands for connected centres (VXP): their secrets, and which agencies are behind each."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from gateway.domain.errors import Conflict, MalformedRequest, NotFound
from gateway.domain.model import AgencyCode, System, SystemId
from ops.desk import SECRET_OVERLAP, Desk, Json, new_secret

_SYSTEM_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")


async def create_system(desk: Desk, arguments: Json) -> Json:
    """Connect a centre; its secret is shown this once.

    Raises:
        MalformedRequest: The id cannot be used.
        NotFound: Some agencies do not exist; all are named.
        Conflict: The id is taken, or an agency is behind another centre.
    """
    id_ = SystemId(arguments["id"])
    if not _SYSTEM_ID.fullmatch(id_):
        raise MalformedRequest(f"{id_}: a system id has 1 to 64 letters, digits, dots, hyphens, underscores.")
    agencies = await _known(desk, arguments.get("agencies") or [])
    above = arguments.get("register_under")
    desk.box.create_key()
    secret = new_secret()
    system = System(
        id=id_,
        name=arguments.get("name") or id_,
        secret=desk.box.seal(secret, owner=id_),
        created_at=desk.clock(),
        agencies=frozenset(agencies),
        register_under=AgencyCode(above) if above else None,
    )
    await desk.systems.add(system)
    return {**_shown(system), "secret": secret}


async def rotate_system(desk: Desk, arguments: Json) -> Json:
    """Give a centre a new secret; the old one works for SECRET_OVERLAP longer.

    Raises:
        NotFound: There is no such centre, or it is revoked.
    """
    system = await _live(desk, arguments["id"])
    secret, until = new_secret(), desk.clock() + SECRET_OVERLAP
    rotated = replace(
        system,
        secret=desk.box.seal(secret, owner=system.id),
        previous_secret=system.secret,
        previous_valid_until=until,
    )
    await desk.systems.replace(rotated)
    return {**_shown(rotated), "secret": secret, "old_secret_until": until.isoformat()}


async def revoke_system(desk: Desk, arguments: Json) -> Json:
    """Refuse a centre from now on. Its agencies stay behind it until they are removed.

    Raises:
        NotFound: There is no such centre, or it is revoked already.
    """
    system = await _live(desk, arguments["id"])
    await desk.systems.replace(replace(system, revoked_at=desk.clock()))
    return {"revoked": system.id}


async def agencies_of_system(desk: Desk, arguments: Json) -> Json:
    """Put agencies behind a centre (`add`) or take them away (`remove`); return who is behind it now.

    Raises:
        NotFound: There is no such centre, or some agencies do not exist; all are named.
        Conflict: An agency is behind another centre, or one to be removed is not behind this one.
    """
    system = await desk.systems.find(SystemId(arguments["id"]))
    if system is None:
        raise NotFound(f"There is no centre {arguments['id']}.")
    added = await _known(desk, arguments.get("add") or [])
    removed = {AgencyCode(code) for code in arguments.get("remove") or []}
    if strange := sorted(removed - system.agencies):
        raise Conflict(f"{', '.join(strange)}: not behind {system.id}.")
    await desk.systems.place(system.id, added)
    await desk.systems.remove(system.id, removed)
    # Centres register agencies themselves, at this moment too.
    return _shown(await desk.systems.find(system.id) or system)


async def list_systems(desk: Desk, _: Json) -> Json:
    """Return every centre, its secret left out."""
    return {"systems": [_shown(system) for system in await desk.systems.every()]}


async def _known(desk: Desk, codes: Collection[str]) -> set[AgencyCode]:
    """Return codes that all have an agency."""
    known = {AgencyCode(code) for code in codes}
    if unknown := [code for code in sorted(known) if await desk.directory.agency(code) is None]:
        raise NotFound(f"There is no agency {', '.join(unknown)}.")
    return known


async def _live(desk: Desk, id_: str) -> System:
    system = await desk.systems.find(SystemId(id_))
    if system is None or system.revoked_at is not None:
        raise NotFound(f"There is no centre {id_}, or it is revoked.")
    return system


def _shown(system: System) -> Json:
    return {
        "system_id": system.id,
        "name": system.name,
        "agencies": sorted(system.agencies),
        "register_under": system.register_under,
        "created_at": system.created_at.isoformat(),
        "revoked_at": system.revoked_at.isoformat() if system.revoked_at else None,
    }


COMMANDS = {
    "systems create": create_system,
    "systems rotate": rotate_system,
    "systems revoke": revoke_system,
    "systems agencies": agencies_of_system,
    "systems list": list_systems,
}
