"""Agencies that a centre keeps in the directory itself.

The directory is locked first: what is looked at stays as it is until the agency is written.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import bindparam, func, literal, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.directory import resolve, upsert
from adapters.db.engine import Database
from adapters.db.schema import agencies, agency_aliases, system_agencies, systems
from gateway.domain.codes import is_under
from gateway.domain.errors import Conflict, NotYourAgency
from gateway.domain.ledger import Registration
from gateway.domain.model import Agency, AgencyCode, SystemId
from gateway.domain.working_days import VIETNAM

DEEPEST = 12
"""Levels of agencies: more than any state has."""

# Whoever has a code in any letters, as its own or as an alias of any time, and the centre it is behind.
_HOLDERS = (
    select(agencies.c.code, system_agencies.c.system)
    .outerjoin_from(agencies, system_agencies, system_agencies.c.agency == agencies.c.code)
    .where(
        agencies.c.code.in_(
            union(
                select(agencies.c.code).where(func.lower(agencies.c.code) == bindparam("code")),
                select(agency_aliases.c.agency).where(
                    func.lower(agency_aliases.c.value) == bindparam("code")
                ),
            )
        )
    )
)
_CENTRE = select(system_agencies.c.system, system_agencies.c.closed_on).where(
    system_agencies.c.agency == bindparam("agency")
)
_BEHIND = select(func.count()).where(system_agencies.c.system == bindparam("system"))
_REGISTER_UNDER = select(systems.c.register_under).where(systems.c.id == bindparam("system"))

# `union` leaves out what was found before, so that a circle ends.
_above = (
    select(agencies.c.code, agencies.c.parent)
    .where(agencies.c.code == bindparam("lowest"))
    .cte("above", recursive=True)
)
_above = _above.union(
    select(agencies.c.code, agencies.c.parent).join_from(_above, agencies, agencies.c.code == _above.c.parent)
)
_ABOVE = select(_above.c.code)
_below = (
    select(agencies.c.code, literal(1).label("depth"))
    .where(agencies.c.code == bindparam("top"))
    .cte("below", recursive=True)
)
_below = _below.union(
    select(agencies.c.code, _below.c.depth + 1)
    .join_from(_below, agencies, agencies.c.parent == _below.c.code)
    .where(_below.c.depth <= DEEPEST)
)
_HEIGHT = select(func.max(_below.c.depth))


async def register(
    database: Database,
    connection: AsyncConnection,
    system: SystemId,
    registration: Registration,
    *,
    now: datetime,
    most: int,
) -> AgencyCode:
    """Insert or change an agency as its centre describes it; return its own code.

    Raises:
        NotYourAgency, Conflict: As the port says.
    """
    await database.lock(connection, agencies)
    today = _legal_date(now)
    known = await resolve(connection, [registration.code, registration.parent or ""], on=today)
    present, parent = known.get(registration.code), known.get(registration.parent or "")
    await _check_holders(connection, system, registration.code, present=present)
    if present is None:
        await _check_room(connection, system, most=most)
    if parent is not None and (present is None or parent.code != present.parent):
        await _check_parent(connection, system, registration, present=present, parent=parent)
        await _check_depth(connection, present, parent=parent)
    agency = _described(registration, present, parent=parent)
    if present is not None and present.closed_on is not None:
        agency = replace(agency, closed_on=await _still_closed(connection, present, today=today))
    await upsert(database, connection, [agency], now=now)
    return agency.code


async def close(
    database: Database, connection: AsyncConnection, system: SystemId, agency: AgencyCode, *, now: datetime
) -> None:
    """Close an agency from today on and remember that its centre did; one that is closed stays so.

    Raises:
        NotYourAgency: It is not behind this centre.
    """
    await database.lock(connection, agencies)
    today = _legal_date(now)
    found = (await resolve(connection, [agency], on=today)).get(agency)
    row = (await connection.execute(_CENTRE, {"agency": agency})).one_or_none()
    if found is None or row is None or row.system != system:
        raise _not_yours(agency)
    if not found.is_open_on(today):
        return
    await upsert(database, connection, [replace(found, closed_on=today)], now=now)
    await _remember_closing(connection, agency, on=today)


async def _check_holders(
    connection: AsyncConnection, system: SystemId, code: str, *, present: Agency | None
) -> None:
    """Pass when nobody else has, or ever had, the code: whoever still writes it means that agency."""
    holders = await connection.execute(_HOLDERS, {"code": code.lower()})
    mine = None if present is None else present.code
    if any(each.code != mine or each.system != system for each in holders):
        raise _not_yours(code)


async def _check_room(connection: AsyncConnection, system: SystemId, *, most: int) -> None:
    if (await connection.scalar(_BEHIND, {"system": system}) or 0) >= most:
        raise Conflict(f"The centre {system} has {most} agencies, and no more may be behind one.")


async def _check_parent(
    connection: AsyncConnection,
    system: SystemId,
    registration: Registration,
    *,
    present: Agency | None,
    parent: Agency,
) -> None:
    """Pass when the centre may put an agency beneath this one: its own; or nobody's, under the code it may
    register under or by its code above the agency. A new agency may also have one above that is somebody
    else's: its code says so anyway. One that is there is not moved beneath somebody else's."""
    row = (await connection.execute(_CENTRE, {"agency": parent.code})).one_or_none()
    if row is not None and row.system == system:
        return
    is_above = any(
        is_under(code, above) for code in _codes(registration, present) for above in _all_of(parent)
    )
    if row is None:
        under = await connection.scalar(_REGISTER_UNDER, {"system": system})
        is_above = is_above or (under is not None and any(is_under(each, under) for each in _all_of(parent)))
    if not is_above or (row is not None and present is not None):
        raise NotYourAgency(
            reasons=(f"pcode: {parent.code} is no agency of this system, nor above {registration.code}",)
        )


async def _check_depth(connection: AsyncConnection, present: Agency | None, *, parent: Agency) -> None:
    above = list(await connection.scalars(_ABOVE, {"lowest": parent.code}))
    height = 1
    if present is not None:
        if present.code in above:
            raise Conflict(f"{parent.code} is {present.code} or lies beneath it.")
        height = await connection.scalar(_HEIGHT, {"top": present.code}) or 1
    if len(above) + height > DEEPEST:
        raise Conflict(f"Agencies can lie at most {DEEPEST} levels deep.")


async def _still_closed(connection: AsyncConnection, present: Agency, *, today: date) -> date | None:
    """Return from when on an agency that is registered again is closed: not any more if this is what its
    centre did itself; as before if it is open until then.

    Raises:
        NotYourAgency: Who keeps the directory has closed it.
    """
    row = (await connection.execute(_CENTRE, {"agency": present.code})).one()
    if row.closed_on == present.closed_on:
        await _remember_closing(connection, present.code, on=None)
        return None
    if present.is_open_on(today):
        return present.closed_on
    raise NotYourAgency(reasons=(f"{present.code}: was closed by those who keep the directory; ask them",))


async def _remember_closing(connection: AsyncConnection, agency: AgencyCode, *, on: date | None) -> None:
    closing = update(system_agencies).where(system_agencies.c.agency == agency)
    await connection.execute(closing.values(closed_on=on))


def _described(registration: Registration, present: Agency | None, *, parent: Agency | None) -> Agency:
    """Return an agency as its centre describes it now. What it has here besides (policy, channel, aliases)
    the centre does not decide."""
    level = 1 if parent is None else parent.level + 1
    if present is None:
        return Agency(
            code=AgencyCode(registration.code),
            name=registration.name,
            level=level,
            parent=None if parent is None else parent.code,
            email=registration.email,
            phone=registration.phone,
        )
    return replace(
        present,
        name=registration.name,
        parent=present.parent if parent is None else parent.code,
        level=present.level if parent is None else level,
        email=registration.email or present.email,
        phone=registration.phone or present.phone,
    )


def _codes(registration: Registration, present: Agency | None) -> Collection[str]:
    return {registration.code, *(_all_of(present) if present else ())}


def _all_of(agency: Agency) -> Collection[str]:
    return {agency.code, *(alias.value for alias in agency.aliases)}


def _not_yours(code: str) -> NotYourAgency:
    return NotYourAgency(reasons=(f"{code}: the code belongs to an agency that is not of this system",))


def _legal_date(now: datetime) -> date:
    return now.astimezone(VIETNAM).date()
