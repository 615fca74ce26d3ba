"""Reading the record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, func, select

from adapters.db.dialects import among
from adapters.db.engine import Database
from adapters.db.rows import (
    DELIVERY_COLUMNS,
    ITEM_COLUMNS,
    AnyRow,
    delivery_of,
    documents_by_id,
    items,
    items_of,
)
from adapters.db.schema import IS_ENDED, IS_OPEN, attempts, deliveries, documents, events, files, receipts
from gateway.domain.ledger import Backlog, InboxItem
from gateway.domain.model import (
    AgencyCode,
    Attempt,
    AttemptOutcome,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Event,
    EventKind,
    Receipt,
    ReceiptId,
    ReceiptKind,
    Sha256,
)
from gateway.domain.states import DeliveryState

_TIMELINE_LIMIT = 10_000

_EVENTS = (
    select(events.c.document, events.c.delivery, events.c.agency, events.c.kind, events.c.at, events.c.detail)
    .order_by(events.c.seq)
    .limit(_TIMELINE_LIMIT)
)
_ATTEMPTS = (
    select(attempts.c.delivery, attempts.c.number, attempts.c.at, attempts.c.outcome, attempts.c.detail)
    .join(deliveries, deliveries.c.id == attempts.c.delivery)
    .order_by(attempts.c.at, attempts.c.delivery, attempts.c.number)
    .limit(_TIMELINE_LIMIT)
)
_ITEM = items(select(*ITEM_COLUMNS).where(deliveries.c.id == bindparam("delivery")))


def _counted(state: DeliveryState) -> ColumnElement[int]:
    return func.count().filter(deliveries.c.state == state.value).label(state.name.lower())


_open_counts = (
    select(
        deliveries.c.recipient,
        _counted(DeliveryState.QUEUED),
        _counted(DeliveryState.OFFERED),
        _counted(DeliveryState.PARKED),
        func.min(deliveries.c.id).label("oldest"),  # ids sort by the time they were made
    )
    .where(IS_OPEN)
    .group_by(deliveries.c.recipient)
    .subquery()
)
_oldest = deliveries.alias("oldest")
_OPEN_BACKLOG = (
    select(
        _open_counts.c.recipient,
        _open_counts.c.queued,
        _open_counts.c.offered,
        _open_counts.c.parked,
        documents.c.accepted_at,
    )
    .join_from(_open_counts, _oldest, _oldest.c.id == _open_counts.c.oldest)
    .join(documents, documents.c.id == _oldest.c.document)
)
_ENDED_BACKLOG = (
    select(deliveries.c.recipient, _counted(DeliveryState.DELIVERED), _counted(DeliveryState.REFUSED))
    .where(IS_ENDED)
    .group_by(deliveries.c.recipient)
)


class SqlRecords:
    """Meets the port `Records`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def document(self, document: DocumentId) -> Document | None:
        """Return a document with its files."""
        async with self._database.read() as connection:
            return (await documents_by_id(connection, [document])).get(document)

    async def deliveries(self, document: DocumentId) -> list[Delivery]:
        """Return the deliveries of a document in the order of the recipients' codes."""
        query = (
            select(*DELIVERY_COLUMNS)
            .where(deliveries.c.document == document)
            .order_by(deliveries.c.recipient)
        )
        async with self._database.read() as connection:
            return [delivery_of(row) for row in await connection.execute(query)]

    async def delivery(self, delivery: DeliveryId) -> InboxItem | None:
        """Return one delivery with its document."""
        async with self._database.read() as connection:
            found = items_of(await connection.execute(_ITEM, {"delivery": delivery}))
        return found[0] if found else None

    async def timeline(self, document: DocumentId) -> list[Event | Attempt]:
        """Return everything that happened to a document, oldest first, at most 10,000 lines."""
        async with self._database.read() as connection:
            event_rows = await connection.execute(_EVENTS.where(events.c.document == document))
            attempt_rows = await connection.execute(_ATTEMPTS.where(deliveries.c.document == document))
        lines: list[Event | Attempt] = [_event(row) for row in event_rows]
        lines += [_attempt(row) for row in attempt_rows]
        return sorted(lines, key=_place_in_time)[:_TIMELINE_LIMIT]

    async def receipt(self, receipt: ReceiptId) -> Receipt | None:
        """Return a receipt."""
        query = select(
            receipts.c.id,
            receipts.c.kind,
            receipts.c.document,
            receipts.c.delivery,
            receipts.c.at,
            receipts.c.content,
        ).where(receipts.c.id == receipt)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return Receipt(row.id, ReceiptKind(row.kind), row.document, row.delivery, row.at, row.content)

    async def backlog(self, *, now: datetime) -> list[Backlog]:  # noqa: ARG002 - the port's
        """Return per agency what is open, parked and ended, in the order of the agencies' codes."""
        async with self._database.read() as connection:
            waiting = {row.recipient: row for row in await connection.execute(_OPEN_BACKLOG)}
            ended = {row.recipient: row for row in await connection.execute(_ENDED_BACKLOG)}
        return [
            _backlog(code, waiting.get(code), ended.get(code))
            for code in sorted(waiting.keys() | ended.keys())
        ]

    async def bodies_unused(self, names: Collection[Sha256]) -> set[Sha256]:
        """Return those of the bodies that no document has."""
        used = select(files.c.sha256).distinct().where(among(files.c.sha256, names))
        async with self._database.read() as connection:
            return set(names) - set(await connection.scalars(used))


def _event(row: AnyRow) -> Event:
    return Event(row.document, row.delivery, row.agency, EventKind(row.kind), row.at, row.detail)


def _attempt(row: AnyRow) -> Attempt:
    return Attempt(row.delivery, row.number, row.at, AttemptOutcome(row.outcome), row.detail)


def _place_in_time(line: Event | Attempt) -> tuple[datetime, int]:
    """Return what orders the timeline: of one moment, the acceptance first, then attempts."""
    if isinstance(line, Attempt):
        return line.at, 1
    return line.at, 0 if line.kind is EventKind.ACCEPTED else 2


def _backlog(agency: AgencyCode, waiting: AnyRow | None, ended: AnyRow | None) -> Backlog:
    return Backlog(
        agency=agency,
        queued=waiting.queued if waiting else 0,
        offered=waiting.offered if waiting else 0,
        parked=waiting.parked if waiting else 0,
        delivered=ended.delivered if ended else 0,
        refused=ended.refused if ended else 0,
        oldest_open_at=waiting.accepted_at if waiting else None,
    )
