"""Rows to agencies with their aliases, and the selects that more than one port needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import among_named
from adapters.db.rows import AnyRow
from adapters.db.schema import agencies, agency_aliases
from gateway.domain.envelope import Dialect
from gateway.domain.model import Agency, Alias, AliasScheme, Channel, SignaturePolicy, Webhook

_ALIAS_COLUMNS = [
    agency_aliases.c[name].label(f"alias_{name}") for name in ("scheme", "value", "valid_from", "valid_until")
]
AGENCIES: Select[Any] = (
    select(
        agencies.c.code,
        agencies.c.name,
        agencies.c.level,
        agencies.c.parent,
        agencies.c.channel,
        agencies.c.policy,
        agencies.c.webhook_url,
        agencies.c.webhook_secret,
        agencies.c.email,
        agencies.c.phone,
        agencies.c.closed_on,
        agencies.c.dialect,
        *_ALIAS_COLUMNS,
    )
    .outerjoin_from(agencies, agency_aliases, agency_aliases.c.agency == agencies.c.code)
    .order_by(agencies.c.code, agency_aliases.c.n)
)
_AGENCIES_BY_CODE = AGENCIES.where(among_named(agencies.c.code, "codes"))


async def agencies_where(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[Agency]:
    """Return the agencies that meet a condition, with their aliases, in the order of their codes."""
    return agencies_of(await connection.execute(AGENCIES.where(condition)))


async def agencies_by_code(connection: AsyncConnection, codes: Collection[str]) -> dict[str, Agency]:
    """Return the agencies that have these own codes."""
    if not codes:
        return {}
    rows = await connection.execute(_AGENCIES_BY_CODE, {"codes": sorted(set(codes))})
    return {agency.code: agency for agency in agencies_of(rows)}


def agencies_of(rows: Iterable[AnyRow]) -> list[Agency]:
    """Return the agencies of rows of `AGENCIES`."""
    return [_agency(list(group)) for _, group in groupby(rows, key=lambda row: row.code)]


def _agency(rows: Sequence[AnyRow]) -> Agency:
    """Return an agency from its rows, one per alias."""
    row = rows[0]
    return Agency(
        code=row.code,
        name=row.name,
        level=row.level,
        parent=row.parent,
        channel=Channel(row.channel),
        policy=SignaturePolicy(row.policy),
        aliases=tuple(_alias(each) for each in rows if each.alias_value is not None),
        webhook=None if row.webhook_url is None else Webhook(row.webhook_url, row.webhook_secret),
        email=row.email,
        phone=row.phone,
        closed_on=row.closed_on,
        dialect=Dialect(row.dialect),
    )


def _alias(row: AnyRow) -> Alias:
    return Alias(
        scheme=AliasScheme(row.alias_scheme),
        value=row.alias_value,
        valid_from=row.alias_valid_from,
        valid_until=row.alias_valid_until,
    )
