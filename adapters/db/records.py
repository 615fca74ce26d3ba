"""Reading the record."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, func, select, true, union, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db import lines
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
from adapters.db.schema import (
    IS_ENDED,
    IS_OPEN,
    WAS_ANSWERED_LATE,
    WAS_SENT_LATE,
    attempts,
    deliveries,
    documents,
    events,
    files,
    packets,
    receipts,
)
from adapters.db.schema_dossiers import dossier_files
from gateway.domain.envelope import Dialect
from gateway.domain.ledger import Backlog, InboxItem, SentLine
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
    KeptPacket,
    Receipt,
    ReceiptId,
    ReceiptKind,
    Sha256,
)
from gateway.domain.states import DeliveryState

_TIMELINE_LIMIT = 10_000
_NAMED_LIMIT = 10

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


# Every column that names a body: what none of them names is swept away.
BODIES = (files.c.sha256, packets.c.sha256, dossier_files.c.sha256)

_NAMED = (
    union_all(
        *(
            select(documents.c.id).where(
                documents.c.sender == bindparam("sender"), column == bindparam("name")
            )
            for column in (documents.c.document_id, documents.c.id)
        )
    )
    .order_by(documents.c.id.desc())
    .limit(_NAMED_LIMIT)
)

# --- what is late --------------------------------------------------------------------------------

_OPEN_TOO_LONG = select(*ITEM_COLUMNS).where(
    IS_OPEN,
    deliveries.c.acknowledge_by < bindparam("before"),
    deliveries.c.ended_by.is_(None),  # given back, or replaced: no answer is owed
)
_ANSWERED_LATE = select(*ITEM_COLUMNS).where(
    WAS_ANSWERED_LATE,
    deliveries.c.ended_at >= bindparam("since"),
    deliveries.c.acknowledge_by < bindparam("before"),
)
_SENT_LATE = (
    select(documents.c.id)
    .where(WAS_SENT_LATE, documents.c.accepted_at >= bindparam("since"))
    # By id it would be found among all documents, however few of them were late.
    .order_by(documents.c.accepted_at.desc(), documents.c.id.desc())
    .limit(bindparam("limit"))
)


def _whose(owner: ColumnElement[str], agencies: Collection[AgencyCode] | None) -> ColumnElement[bool]:
    return true() if agencies is None else among(owner, agencies)


# --- backlog -------------------------------------------------------------------------------------


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

    async def copy(self, document: DocumentId, *, recipient: AgencyCode) -> Delivery | None:
        """Return the delivery of a document to one agency."""
        query = select(*DELIVERY_COLUMNS).where(
            deliveries.c.document == document, deliveries.c.recipient == recipient
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else delivery_of(row)

    async def named(self, sender: AgencyCode, document_id: str) -> list[Document]:
        """Return the documents of a sender that it, or we, call by this id, newest first, at most 10."""
        wanted = {"sender": sender, "name": document_id}
        async with self._database.read() as connection:
            return await _newest_first(connection, await connection.scalars(_NAMED, wanted))

    async def packet(self, document: DocumentId) -> KeptPacket | None:
        """Return the packet a document came in, None when it came as JSON."""
        query = select(packets.c.sha256, packets.c.dialect, packets.c.header)
        async with self._database.read() as connection:
            row = (await connection.execute(query.where(packets.c.document == document))).one_or_none()
        return None if row is None else KeptPacket(row.sha256, Dialect(row.dialect), row.header)

    async def sent(
        self, agencies: Collection[AgencyCode], *, document: DocumentId | None, limit: int
    ) -> list[SentLine]:
        """Return deliveries of documents these agencies sent, those of the newest document first, of one
        document in the order of the recipients' codes; with `document` only that one's."""
        if document is None:
            rows = await lines.SENT.read(self._database, agencies, limit=limit)
        else:
            wanted = {"document": document, "agencies": sorted(agencies), "limit": limit}
            rows = await self._database.rows(lines.SENT_OF_DOCUMENT, wanted)
        return [lines.sent_line(row) for row in rows]

    async def unacknowledged(
        self, agencies: Collection[AgencyCode] | None, *, before: datetime, since: datetime, limit: int
    ) -> list[InboxItem]:
        """Return deliveries that were not acknowledged in time, open ones and those ended since, longest due
        first. What was taken back or replaced is owed no more."""
        whose = _whose(deliveries.c.recipient, agencies)
        late = union_all(_OPEN_TOO_LONG.where(whose), _ANSWERED_LATE.where(whose)).subquery()
        longest_due = select(late).order_by(late.c.acknowledge_by, late.c.id).limit(limit)
        async with self._database.read() as connection:
            found = items_of(await connection.execute(items(longest_due), {"before": before, "since": since}))
        return sorted(found, key=lambda item: (item.delivery.acknowledge_by or before, item.delivery.id))

    async def sent_late(
        self, agencies: Collection[AgencyCode] | None, *, since: datetime, limit: int
    ) -> list[Document]:
        """Return documents sent after their `send_by` since a moment, newest first."""
        query = _SENT_LATE.where(_whose(documents.c.sender, agencies))
        async with self._database.read() as connection:
            ids = await connection.scalars(query, {"since": since, "limit": limit})
            return await _newest_first(connection, ids)

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
        used = union(*(select(column).where(among(column, names)) for column in BODIES))
        async with self._database.read() as connection:
            return set(names) - set(await connection.scalars(used))


async def _newest_first(connection: AsyncConnection, ids: Iterable[DocumentId]) -> list[Document]:
    found = await documents_by_id(connection, ids)
    return [found[id_] for id_ in sorted(found, reverse=True)]


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
