"""The business life of documents: statuses and changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select, union_all, update

from adapters.db import lines, moves
from adapters.db.dialects import among_named
from adapters.db.engine import Database
from adapters.db.paging import PageOfAgencies
from adapters.db.rows import AnyRow, life_of
from adapters.db.schema import (
    IS_ASKED,
    IS_NOT_TAKEN,
    IS_OPEN,
    IS_RECALLED_BUT_OPEN,
    changes,
    deliveries,
    statuses,
)
from gateway.domain.ledger import Said, StatusLine
from gateway.domain.model import (
    AgencyCode,
    Change,
    ChangeId,
    DeliveryId,
    DocumentId,
    Status,
    StatusId,
)
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState

_UNANSWERED_LIMIT = 10_000

# --- statuses ------------------------------------------------------------------------------------

_STATUSES: Select[Any] = select(
    statuses.c.id,
    statuses.c.document,
    statuses.c.delivery,
    statuses.c.author,
    statuses.c.addressee,
    statuses.c.status,
    statuses.c.at,
    statuses.c.said_at,
    statuses.c.description,
    statuses.c.staff,
    statuses.c.packet,
    statuses.c.taken_at,
)
_BEHIND = _STATUSES.where(statuses.c.id > bindparam("after"))
_ADDRESSED = PageOfAgencies(_BEHIND, owner=statuses.c.addressee)
_WAITING = PageOfAgencies(_BEHIND.where(IS_NOT_TAKEN), owner=statuses.c.addressee)
_COUNT_WAITING = select(func.count()).where(IS_NOT_TAKEN, among_named(statuses.c.addressee, "agencies"))

# --- changes -------------------------------------------------------------------------------------

_CHANGES: Select[Any] = select(
    changes.c.id,
    changes.c.kind,
    changes.c.document,
    changes.c.delivery,
    changes.c.recipient,
    changes.c.asked_by,
    changes.c.asked_at,
    changes.c.reason,
    changes.c.answer_by,
    changes.c.opened_at,
    changes.c.order,
    changes.c.state,
    changes.c.answered_at,
)
_UNANSWERED = (
    _CHANGES.where(IS_ASKED, changes.c.answer_by < bindparam("before"))
    .order_by(changes.c.answer_by, changes.c.id)
    .limit(_UNANSWERED_LIMIT)
)
_CHANGES_OF_DOCUMENT = _CHANGES.where(changes.c.document == bindparam("document")).order_by(
    changes.c.asked_at, changes.c.recipient, changes.c.id
)
_CHANGES_OF_COPY = _CHANGES_OF_DOCUMENT.where(changes.c.recipient == bindparam("recipient"))
_IS_RECALL = changes.c.kind == ChangeKind.RECALL.value
_TAKEN_BACK_UNOPENED = (
    select(changes.c.id)
    .join(deliveries, deliveries.c.id == changes.c.delivery)
    .where(
        IS_ASKED,
        _IS_RECALL,
        deliveries.c.opened_at.is_(None),
        or_(IS_OPEN, deliveries.c.state == DeliveryState.EXPIRED.value),
    )
)
_ACCEPTED_BUT_OPEN = (
    select(changes.c.id)
    .join(deliveries, deliveries.c.id == changes.c.delivery)
    .where(IS_RECALLED_BUT_OPEN, _IS_RECALL, changes.c.state == ChangeState.ACCEPTED.value)
)
_UNFINISHED_RECALLS = (
    _CHANGES.where(changes.c.id.in_(union_all(_TAKEN_BACK_UNOPENED, _ACCEPTED_BUT_OPEN)))
    .order_by(changes.c.id)
    .limit(bindparam("limit"))
)
_WAITING_FOR = select(changes.c.delivery).where(IS_ASKED, among_named(changes.c.id, "ids"))


class SqlLives:
    """Meets the port `Lives`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def say(self, said: Sequence[Said]) -> set[DeliveryId]:
        """Add statuses, each only if its delivery's life is still `before`; return the deliveries whose did.

        Of two about one delivery in one call, only the first is looked at.
        """
        first = {each.status.delivery: each for each in reversed(said)}
        given_back = [id_ for id_, each in first.items() if each.after.ended_by is ChangeKind.RECALL]
        async with self._database.write() as connection:
            asked = await moves.asked_by(connection, given_back)
            locked = await moves.lock(connection, {*first, *(each.delivery for each in asked)})
            kept = {id_ for id_ in first if id_ in locked and life_of(locked[id_]) == first[id_].before}
            await moves.keep(connection, [first[id_] for id_ in first if id_ in kept], locked=locked)
            for change in asked:
                if change.asked_by in kept:
                    await moves.withdraw(connection, change.id, at=first[change.asked_by].status.at)
        return kept

    async def statuses(self, document: DocumentId) -> list[Status]:
        """Return the business history of a document, oldest first."""
        query = _STATUSES.where(statuses.c.document == document).order_by(statuses.c.at, statuses.c.id)
        async with self._database.read() as connection:
            return [_status(row) for row in await connection.execute(query)]

    async def addressed(
        self, agencies: Collection[AgencyCode], *, after: StatusId | None, limit: int, only_waiting: bool
    ) -> list[Status]:
        """Return statuses addressed to these agencies, oldest first, those behind `after`."""
        page = _WAITING if only_waiting else _ADDRESSED
        rows = await page.read(self._database, agencies, limit=limit, after=after or "")
        return [_status(row) for row in rows]

    async def lines(self, agencies: Collection[AgencyCode], *, limit: int) -> list[StatusLine]:
        """Return statuses addressed to these agencies that they have not taken, oldest first."""
        rows = await lines.STATUSES.read(self._database, agencies, limit=limit)
        return [lines.status_line(row) for row in rows]

    async def count(self, agencies: Collection[AgencyCode]) -> int:
        """Return how many statuses addressed to these agencies have not been taken."""
        ((count,),) = await self._database.rows(_COUNT_WAITING, {"agencies": sorted(agencies)})
        return int(count)

    async def status(self, status: StatusId) -> Status | None:
        """Return one status."""
        async with self._database.read() as connection:
            row = (await connection.execute(_STATUSES.where(statuses.c.id == status))).one_or_none()
        return None if row is None else _status(row)

    async def take(self, status: StatusId, *, at: datetime) -> None:
        """Record that its addressee's system has taken a status; taking it again changes nothing."""
        taken = update(statuses).where(IS_NOT_TAKEN, statuses.c.id == status).values(taken_at=at)
        async with self._database.write() as connection:
            await connection.execute(taken)

    async def changes(self, document: DocumentId, *, recipient: AgencyCode | None = None) -> list[Change]:
        """Return the changes that were asked for of a document, or of its copy at one recipient, oldest
        first, then by recipient."""
        if recipient is None:
            return await self._changes(_CHANGES_OF_DOCUMENT, document=document)
        return await self._changes(_CHANGES_OF_COPY, document=document, recipient=recipient)

    async def unanswered(self, agencies: Collection[AgencyCode] | None, *, before: datetime) -> list[Change]:
        """Return changes still ASKED whose answer was due before a moment, longest due first."""
        if agencies is None:
            return await self._changes(_UNANSWERED, before=before)
        query = _UNANSWERED.where(among_named(changes.c.recipient, "agencies"))
        return await self._changes(query, before=before, agencies=sorted(agencies))

    async def unopened_recalls(self, *, limit: int) -> list[Change]:
        """Return recalls that a crash has left unfinished, oldest first."""
        return await self._changes(_UNFINISHED_RECALLS, limit=limit)

    async def close_unopened(self, changes: Collection[ChangeId], *, at: datetime) -> None:
        """Move recalls of deliveries that expired unopened, and are still ASKED, to UNOPENED."""
        given = {"ids": sorted(changes)}
        async with self._database.write() as connection:
            await moves.lock(connection, list(await connection.scalars(_WAITING_FOR, given)))
            # Some may have been answered before the lock was ours.
            unopened = list(await connection.scalars(_WAITING_FOR, given))
            await moves.close_unopened(connection, dict.fromkeys(unopened, at))

    async def _changes(self, query: Select[Any], **wanted: Any) -> list[Change]:
        async with self._database.read() as connection:
            return [_change(row) for row in await connection.execute(query, wanted)]


# --- rows ----------------------------------------------------------------------------------------


def _status(row: AnyRow) -> Status:
    return Status(
        id=row.id,
        document=row.document,
        delivery=row.delivery,
        author=row.author,
        addressee=row.addressee,
        status=BusinessStatus(row.status),
        at=row.at,
        said_at=row.said_at,
        description=row.description,
        staff=row.staff,
        packet=row.packet,
        taken_at=row.taken_at,
    )


def _change(row: AnyRow) -> Change:
    return Change(
        id=row.id,
        kind=ChangeKind(row.kind),
        document=row.document,
        delivery=row.delivery,
        recipient=row.recipient,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        reason=row.reason,
        answer_by=row.answer_by,
        opened_at=row.opened_at,
        order=row.order,
        state=ChangeState(row.state),
        answered_at=row.answered_at,
    )
