"""The agencies and all their codes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from itertools import combinations
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import among, among_named
from adapters.db.engine import Database
from adapters.db.rows_agencies import AGENCIES, agencies_by_code, agencies_of, agencies_where
from adapters.db.schema import agencies, agency_aliases
from gateway.domain.errors import Conflict
from gateway.domain.ledger import DirectoryChanges
from gateway.domain.model import Agency, AgencyCode, Alias

_VERSION = select(func.coalesce(func.max(agencies.c.revision), 0))

_MEANT = AGENCIES.where(
    agencies.c.code.in_(
        union(
            select(agencies.c.code).where(among_named(agencies.c.code, "wanted")),
            select(agency_aliases.c.agency).where(
                among_named(agency_aliases.c.value, "wanted"),
                or_(agency_aliases.c.valid_from.is_(None), agency_aliases.c.valid_from <= bindparam("day")),
                or_(agency_aliases.c.valid_until.is_(None), agency_aliases.c.valid_until >= bindparam("day")),
            ),
        )
    )
)


class SqlDirectory:
    """Meets the port `Directory`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def resolve(self, codes: Collection[str], *, on: date) -> dict[str, Agency]:
        """Return the agency each given code or alias means on that day."""
        async with self._database.read() as connection:
            return await resolve(connection, codes, on=on)

    async def agency(self, code: AgencyCode) -> Agency | None:
        """Return one agency by its own code."""
        async with self._database.read() as connection:
            return (await agencies_by_code(connection, [code])).get(code)

    async def page(self, *, after: AgencyCode | None, limit: int) -> list[Agency]:
        """Return agencies in the order of their own codes, those behind `after` first."""
        codes = (
            select(agencies.c.code)
            .where(agencies.c.code > (after or ""))
            .order_by(agencies.c.code)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return await agencies_where(connection, agencies.c.code.in_(codes))

    async def version(self) -> str:
        """Return a short text that changes whenever any agency does."""
        ((version,),) = await self._database.rows(_VERSION)
        return str(version)

    async def upsert(self, agencies: Sequence[Agency], *, now: datetime) -> DirectoryChanges:
        """Insert or change these agencies and their aliases; others stay as they are.

        Raises:
            Conflict: An alias would mean two agencies on the same day, or a parent is unknown.
        """
        async with self._database.write() as connection:
            return await upsert(self._database, connection, agencies, now=now)


async def resolve(connection: AsyncConnection, codes: Collection[str], *, on: date) -> dict[str, Agency]:
    """Return the agency each code or alias means on that day; an own code wins over an alias."""
    wanted = sorted(set(codes))
    found = agencies_of(await connection.execute(_MEANT, {"wanted": wanted, "day": on}))
    means: dict[str, Agency] = {
        alias.value: agency for agency in found for alias in agency.aliases if alias.is_valid_on(on)
    }
    means |= {agency.code: agency for agency in found}
    return {code: means[code] for code in wanted if code in means}


# --- importing -----------------------------------------------------------------------------------


async def upsert(
    database: Database, connection: AsyncConnection, given: Sequence[Agency], *, now: datetime
) -> DirectoryChanges:
    """Insert or change agencies and their aliases, as the port says."""
    # One import at a time: two could each bring half of a conflict.
    await database.lock(connection, agencies)
    before = await agencies_by_code(connection, [agency.code for agency in given])
    await _check(connection, given)
    created = [agency for agency in given if agency.code not in before]
    changed = [agency for agency in given if agency.code in before and before[agency.code] != agency]
    revision = (await connection.scalar(_VERSION) or 0) + 1
    await _write(connection, created, changed, revision=revision, now=now)
    return DirectoryChanges(
        created=tuple(agency.code for agency in created),
        changed=tuple(agency.code for agency in changed),
        unchanged=len(given) - len(created) - len(changed),
    )


async def _check(connection: AsyncConnection, given: Sequence[Agency]) -> None:
    codes = {agency.code for agency in given}
    parents = {agency.parent for agency in given if agency.parent is not None} - codes
    known = await agencies_by_code(connection, parents)
    values = {alias.value for agency in given for alias in agency.aliases}
    holders = select(agency_aliases.c.agency).where(among(agency_aliases.c.value, sorted(values)))
    others = [
        each
        for each in await agencies_where(connection, agencies.c.code.in_(holders))
        if each.code not in codes
    ]
    reasons = [
        f"{agency.code}: the parent {agency.parent} is unknown"
        for agency in given
        if agency.parent in parents and agency.parent not in known
    ]
    reasons += _ambiguous([*given, *others])
    if reasons:
        raise Conflict("The import contradicts the directory.", reasons=reasons)


def _ambiguous(among_agencies: Sequence[Agency]) -> Iterator[str]:
    """Yield a reason for each alias that means two agencies on the same day."""
    holders: dict[str, list[tuple[Agency, Alias]]] = {}
    for agency in among_agencies:
        for alias in agency.aliases:
            holders.setdefault(alias.value, []).append((agency, alias))
    for value, pairs in sorted(holders.items()):
        for (one, one_alias), (other, other_alias) in combinations(pairs, 2):
            if one.code != other.code and _overlap(one_alias, other_alias):
                yield f"{value}: would mean both {one.code} and {other.code} on the same day"


def _overlap(one: Alias, other: Alias) -> bool:
    first, last = date.min, date.max
    return (one.valid_from or first) <= (other.valid_until or last) and (other.valid_from or first) <= (
        one.valid_until or last
    )


async def _write(
    connection: AsyncConnection,
    created: Sequence[Agency],
    changed: Sequence[Agency],
    *,
    revision: int,
    now: datetime,
) -> None:
    stamp = {"revision": revision, "changed_at": now}
    if created:
        await connection.execute(insert(agencies), [_agency_row(agency) | stamp for agency in created])
    if changed:
        rows = [_agency_row(agency) | stamp | {"this_code": agency.code} for agency in changed]
        await connection.execute(update(agencies).where(agencies.c.code == bindparam("this_code")), rows)
        codes = [agency.code for agency in changed]
        await connection.execute(delete(agency_aliases).where(among(agency_aliases.c.agency, codes)))
    aliases = [row for agency in (*created, *changed) for row in _alias_rows(agency)]
    if aliases:
        await connection.execute(insert(agency_aliases), aliases)


def _agency_row(agency: Agency) -> dict[str, Any]:
    return {
        "code": agency.code,
        "name": agency.name,
        "level": agency.level,
        "parent": agency.parent,
        "channel": agency.channel.value,
        "policy": agency.policy.value,
        "webhook_url": agency.webhook and agency.webhook.url,
        "webhook_secret": agency.webhook and agency.webhook.secret,
        "email": agency.email,
        "phone": agency.phone,
        "closed_on": agency.closed_on,
        "dialect": agency.dialect.value,
    }


def _alias_rows(agency: Agency) -> Iterator[dict[str, Any]]:
    for n, alias in enumerate(agency.aliases):
        yield {
            "agency": agency.code,
            "n": n,
            "scheme": alias.scheme.value,
            "value": alias.value,
            "valid_from": alias.valid_from,
            "valid_until": alias.valid_until,
        }
