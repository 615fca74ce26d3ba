"""The first rows, by id, of those that belong to some agencies.

A database that is asked for the first fifty rows of a hundred agencies sorts all that they have, or walks
past everybody else's. Asked for one agency it reads the index of (agency, id) from one end and stops; so it
is asked agency by agency, in one statement. PostgreSQL wants a lateral join for that; SQLite has none, and
takes ids from a subquery for each agency instead, which PostgreSQL would run for each row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import Column, Select, bindparam, func, select, true

from adapters.db.dialects import TextList
from adapters.db.engine import Database
from adapters.db.rows import AnyRow
from gateway.domain.model import AgencyCode

_Refine = Callable[[Select[Any]], Select[Any]]
_AGENCIES = bindparam("agencies", type_=TextList())


class PageOfAgencies:
    """Selects of the first rows of some agencies, built once.

    Args:
        rows: A select with a column `id`, without an order.
        owner: The column of `rows` that says whose a row is.
        complete: What to select for these rows, when they are not all.
        newest_first: By falling ids.
    """

    def __init__(
        self,
        rows: Select[Any],
        *,
        owner: Column[Any],
        complete: _Refine = lambda rows: rows,
        newest_first: bool = False,
    ) -> None:
        def first(chosen: Select[Any]) -> Select[Any]:
            id_ = chosen.selected_columns["id"]
            return chosen.order_by(id_.desc() if newest_first else id_).limit(bindparam("limit"))

        self._of_one = complete(first(rows.where(owner == bindparam("agency"))))
        self._of_some_lateral = complete(first(_by_lateral_join(rows, owner, first)))
        self._of_some_subquery = complete(first(_by_subquery(rows, owner, first)))

    async def read(
        self, database: Database, agencies: Collection[AgencyCode], *, limit: int, **wanted: Any
    ) -> Sequence[AnyRow]:
        """Return the rows; `wanted` are the other parameters of the select."""
        codes = sorted(set(agencies))
        if len(codes) == 1:
            return await database.rows(self._of_one, {**wanted, "agency": codes[0], "limit": limit})
        of_some = self._of_some_lateral if database.is_postgresql else self._of_some_subquery
        return await database.rows(of_some, {**wanted, "agencies": codes, "limit": limit})


def _by_lateral_join(rows: Select[Any], owner: Column[Any], first: _Refine) -> Select[Any]:
    given = func.unnest(_AGENCIES).table_valued("code").render_derived()
    of_each = first(rows.where(owner == given.c.code)).lateral("of_each")
    return select(*of_each.c).select_from(given.join(of_each, true()))


def _by_subquery(rows: Select[Any], owner: Column[Any], first: _Refine) -> Select[Any]:
    given = func.json_each(_AGENCIES).table_valued("value")
    id_ = rows.selected_columns["id"]
    of_each = first(rows.with_only_columns(id_).where(owner == given.c.value)).correlate(given)
    return select(*rows.selected_columns).select_from(given.join(owner.table, id_.in_(of_each)))
