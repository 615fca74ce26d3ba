"""The directory as the three calls list it, rendered once for each of its versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date

from adapters.vxp import wire
from gateway.domain.directory_ports import Directory
from gateway.domain.model import Agency, AgencyCode, AliasScheme
from gateway.domain.ports import Clock
from gateway.service.exchange import legal_date

_PAGE = 1_000
_OPENING = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":['
_CLOSING = b"]}"
KEPT = 8
"""Renderings kept: the three lists, and the levels that are asked for most."""


@dataclass(frozen=True, slots=True)
class Edition:
    """For which state of the directory a list is right: aliases and closures also go by the day."""

    version: str
    day: date


Render = Callable[[Agency, Edition], wire.Row | None]
"""Returns the row of an agency, None when the list leaves it out."""


@dataclass(slots=True)
class Listings:
    """The rendered lists. Half a directory of renderings costs less than one more round of queries."""

    directory: Directory
    clock: Clock
    _kept: dict[str, tuple[Edition, bytes]] = field(default_factory=dict)
    _rendering: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def listed(self, name: str, render: Render) -> bytes:
        """Return the answer that lists the directory; `name` stands for what `render` does."""
        edition = Edition(await self.directory.version(), legal_date(self.clock()))
        if (kept := self._kept.get(name)) is not None and kept[0] == edition:
            return kept[1]
        # One after the other: hundreds of centres ask again when the directory has changed.
        async with self._rendering:
            if (kept := self._kept.get(name)) is not None and kept[0] == edition:
                return kept[1]
            rows = [row async for row in self._rows(render, edition)]
            content = _OPENING + b",".join(rows) + _CLOSING
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[name] = edition, content
            return content

    async def _rows(self, render: Render, edition: Edition) -> AsyncIterator[bytes]:
        after: AgencyCode | None = None
        while page := await self.directory.page(after=after, limit=_PAGE):
            for agency in page:
                if (row := render(agency, edition)) is not None:
                    yield wire.encode(row)
            after = page[-1].code


def in_qcvn102(agency: Agency, edition: Edition) -> wire.AgencyRow | None:
    """Return an open agency under its QCVN 102 code."""
    if not agency.is_open_on(edition.day):
        return None
    return wire.AgencyRow(
        id=agency.code,
        pid=agency.parent or "",
        code=code_in_lists(agency, on=edition.day),
        name=agency.name,
        mail=agency.email or "",
        old_code=_alias(agency, AliasScheme.LEGACY, edition.day),
    )


def in_qd20(agency: Agency, edition: Edition, *, level: int | None) -> wire.AgencyRow20 | None:
    """Return an open agency of a level (None is any) under its QĐ 20/2020 code."""
    if not agency.is_open_on(edition.day) or level not in (None, agency.level):
        return None
    return wire.AgencyRow20(
        id=agency.code,
        code=_alias(agency, AliasScheme.QD20, edition.day) or agency.code,
        name=agency.name,
        mail=agency.email or "",
        code102=_alias(agency, AliasScheme.QCVN102, edition.day),
    )


def as_unit(agency: Agency, edition: Edition) -> wire.UnitRow:
    """Return any agency, closed ones too, as the change feed has it.

    Every row has the directory's version: the client takes rows that are newer than those it has, and so
    never misses one.
    """
    return wire.UnitRow(
        id=agency.code,
        pid=agency.parent or "",
        code=code_in_lists(agency, on=edition.day),
        name=agency.name,
        mail=agency.email or "",
        version=edition.version,
        center_code=agency.code.split(".", 1)[0],
        deleted="0" if agency.is_open_on(edition.day) else "1",
        modify_date=f"{agency.closed_on} 00:00:00" if agency.closed_on else "",
        is_agency="1",
    )


def code_in_lists(agency: Agency, *, on: date) -> str:
    """Return the code of an agency as packets and lists have it: its QCVN 102 code of that day, else ours."""
    return _alias(agency, AliasScheme.QCVN102, on) or agency.code


def _alias(agency: Agency, scheme: AliasScheme, day: date) -> str:
    valid = (each.value for each in agency.aliases if each.scheme is scheme and each.is_valid_on(day))
    return next(valid, "")
