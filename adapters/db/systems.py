"""Connected centres (VXP) and the agencies behind them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Select, Update, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import among
from adapters.db.engine import Database
from adapters.db.registering import close, register
from adapters.db.rows import AnyRow
from adapters.db.schema import agencies, system_agencies, systems, vxp_calls
from gateway.domain.errors import Conflict
from gateway.domain.ledger import Registration
from gateway.domain.model import AgencyCode, System, SystemId

_SYSTEMS: Select[Any] = (
    select(
        systems.c.id,
        systems.c.name,
        systems.c.secret,
        systems.c.created_at,
        systems.c.register_under,
        systems.c.previous_secret,
        systems.c.previous_valid_until,
        systems.c.revoked_at,
        system_agencies.c.agency,
    )
    .outerjoin_from(systems, system_agencies, system_agencies.c.system == systems.c.id)
    .order_by(systems.c.id)
)
_SYSTEM = _SYSTEMS.where(systems.c.id == bindparam("system"))
# A sum, not a highest number: two changes at once would both take the same one, and the second go unseen.
_VERSION = select(func.coalesce(func.sum(systems.c.revision), 0))


class SqlSystems:
    """Meets the port `Systems`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, system: System) -> None:
        """Insert a centre and its agencies.

        Raises:
            Conflict: Its id is taken, or an agency is unknown or behind another centre.
        """
        async with self._database.write() as connection:
            added = await connection.execute(self._database.insert_or_ignore(systems), _row(system))
            if added.rowcount == 0:
                raise Conflict(f"There is a centre {system.id} already.")
            await self._place(connection, system.id, system.agencies)

    async def replace(self, system: System) -> None:
        """Change a centre itself; who is behind it stays as it is.

        Raises:
            Conflict: There is no such centre.
        """
        async with self._database.write() as connection:
            changed = await connection.execute(_raised(system.id).values(_row(system)))
            if changed.rowcount == 0:
                raise Conflict(f"There is no centre {system.id}.")

    async def place(self, system: SystemId, agencies: Collection[AgencyCode]) -> None:
        """Put agencies behind a centre; those behind it already stay there.

        Raises:
            Conflict: An agency is unknown or behind another centre.
        """
        async with self._database.write() as connection:
            await connection.execute(_raised(system))
            await self._place(connection, system, agencies)

    async def remove(self, system: SystemId, agencies: Collection[AgencyCode]) -> None:
        """Take agencies away from a centre; those not behind it are left alone."""
        theirs = (system_agencies.c.system == system) & among(system_agencies.c.agency, agencies)
        async with self._database.write() as connection:
            await connection.execute(_raised(system))
            await connection.execute(delete(system_agencies).where(theirs))

    async def register(
        self, system: SystemId, registration: Registration, *, now: datetime, most: int
    ) -> None:
        """Insert or change an agency and put it behind a centre.

        Raises:
            NotYourAgency, Conflict: As the port says.
        """
        async with self._database.write() as connection:
            code = await register(self._database, connection, system, registration, now=now, most=most)
            await connection.execute(_raised(system))
            await self._place(connection, system, [code])

    async def close(self, system: SystemId, agency: AgencyCode, *, now: datetime) -> None:
        """Close an agency of the centre from today on; one that is closed stays as it is.

        Raises:
            NotYourAgency: It is not behind this centre.
        """
        async with self._database.write() as connection:
            await close(self._database, connection, system, agency, now=now)

    async def find(self, system: SystemId) -> System | None:
        """Return a centre, revoked or not."""
        found = _grouped(await self._database.rows(_SYSTEM, {"system": system}))
        return found[0] if found else None

    async def every(self) -> list[System]:
        """Return all centres in the order of their ids."""
        return _grouped(await self._database.rows(_SYSTEMS))

    async def version(self) -> str:
        """Return a short text that changes whenever any centre does, or who is behind it."""
        ((version,),) = await self._database.rows(_VERSION)
        return str(version)

    async def use_call(self, system: SystemId, sha256: str, *, expires_at: datetime) -> bool:
        """Remember a signed call; False when it was used before."""
        row = {"system": system, "sha256": sha256, "expires_at": expires_at}
        async with self._database.write() as connection:
            stored = await connection.execute(self._database.insert_or_ignore(vxp_calls), row)
            return stored.rowcount == 1

    async def forget_expired(self, *, now: datetime) -> None:
        """Remove signed calls that no longer count."""
        async with self._database.write() as connection:
            await connection.execute(delete(vxp_calls).where(vxp_calls.c.expires_at <= now))

    async def _place(
        self, connection: AsyncConnection, system: SystemId, placed: Collection[AgencyCode]
    ) -> None:
        codes = sorted(placed)
        if not codes:
            return
        known = await connection.scalars(select(agencies.c.code).where(among(agencies.c.code, codes)))
        unknown = set(codes) - set(known)
        if unknown:
            reasons = [f"{code}: no agency has this code" for code in sorted(unknown)]
            raise Conflict("Only agencies of the directory can be behind a centre.", reasons=reasons)
        # A row that is there already belongs to another centre, which may be placing it at this moment.
        rows = [{"agency": code, "system": system} for code in codes]
        await connection.execute(self._database.insert_or_ignore(system_agencies), rows)
        elsewhere = select(system_agencies.c.agency, system_agencies.c.system).where(
            among(system_agencies.c.agency, codes), system_agencies.c.system != system
        )
        taken = await connection.execute(elsewhere.order_by(system_agencies.c.agency))
        reasons = [f"{row.agency}: is behind the centre {row.system}" for row in taken]
        if reasons:
            raise Conflict("An agency is behind one centre only.", reasons=reasons)


def _raised(system: SystemId) -> Update:
    """Return the update of a centre that everybody who remembers it will see."""
    return update(systems).where(systems.c.id == system).values(revision=systems.c.revision + 1)


def _grouped(rows: Iterable[AnyRow]) -> list[System]:
    return [_system(list(group)) for _, group in groupby(rows, key=lambda row: row.id)]


def _system(rows: list[AnyRow]) -> System:
    """Return a centre from its rows, one per agency; one without any has one row."""
    row = rows[0]
    return System(
        id=row.id,
        name=row.name,
        secret=row.secret,
        created_at=row.created_at,
        agencies=frozenset(each.agency for each in rows if each.agency is not None),
        register_under=row.register_under,
        previous_secret=row.previous_secret,
        previous_valid_until=row.previous_valid_until,
        revoked_at=row.revoked_at,
    )


def _row(system: System) -> dict[str, Any]:
    return {
        "id": system.id,
        "name": system.name,
        "secret": system.secret,
        "created_at": system.created_at,
        "register_under": system.register_under,
        "previous_secret": system.previous_secret,
        "previous_valid_until": system.previous_valid_until,
        "revoked_at": system.revoked_at,
    }
