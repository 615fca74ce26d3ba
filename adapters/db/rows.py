"""Rows to values of the domain and back, and the selects that more than one port needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from sqlalchemy import Row, Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import among_named
from adapters.db.schema import deliveries, documents, events, files
from gateway.domain.ledger import InboxItem
from gateway.domain.model import (
    Attempt,
    Channel,
    Delivery,
    Document,
    DocumentId,
    Event,
    Handover,
    Lane,
    PolicyLabel,
    Receipt,
    StoredFile,
)
from gateway.domain.states import BusinessStatus, ChangeKind, DeliveryState, Life
from gateway.domain.working_days import VIETNAM

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row of any columns: they are read by name, and the mappers say which they need."""

# --- documents -----------------------------------------------------------------------------------

# A file's name is never empty, so NULL means a document without any.
DOCUMENT_COLUMNS = (
    documents.c.id.label("document_id"),
    documents.c.sender,
    documents.c.envelope,
    documents.c.label,
    documents.c.accepted_at,
    documents.c.duplicate_of,
    documents.c.skipped,
    documents.c.send_by,
    files.c.name,
    files.c.media_type,
    files.c.size_bytes,
    files.c.sha256,
    files.c.report,
)
_DOCUMENTS: Select[Any] = (
    select(*DOCUMENT_COLUMNS)
    .outerjoin_from(documents, files, files.c.document == documents.c.id)
    .where(among_named(documents.c.id, "ids"))
    .order_by(documents.c.id, files.c.n)
)


async def documents_by_id(
    connection: AsyncConnection, ids: Iterable[DocumentId]
) -> dict[DocumentId, Document]:
    """Return these documents with their files; unknown ids are left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = await connection.execute(_DOCUMENTS, {"ids": wanted})
    return {
        document: document_of(list(group))
        for document, group in groupby(rows, key=lambda row: row.document_id)
    }


def document_of(rows: Sequence[AnyRow]) -> Document:
    """Return a document from its rows of `DOCUMENT_COLUMNS`, one per file."""
    row = rows[0]
    return Document(
        id=row.document_id,
        sender=row.sender,
        envelope=row.envelope,
        files=tuple(_stored_file(each) for each in rows if each.name is not None),
        label=PolicyLabel(row.label),
        accepted_at=row.accepted_at,
        duplicate_of=row.duplicate_of,
        skipped=row.skipped,
        send_by=row.send_by,
    )


def _stored_file(row: AnyRow) -> StoredFile:
    return StoredFile(
        name=row.name,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        report=row.report,
    )


def document_row(document: Document) -> dict[str, Any]:
    """Return the row of a document, without its files."""
    envelope = document.envelope
    accepted_on = document.accepted_at.astimezone(VIETNAM).date()
    return {
        "id": document.id,
        "sender": document.sender,
        "document_id": envelope.document_id,
        "envelope": envelope,
        "label": document.label.value,
        "accepted_at": document.accepted_at,
        "duplicate_of": document.duplicate_of,
        "skipped": document.skipped,
        "kind": envelope.kind.value,
        "subject": envelope.subject,
        "number": envelope.number,
        "notation": envelope.notation,
        "year": (envelope.issued_on or accepted_on).year,
        "send_by": document.send_by,
    }


def file_rows(document: Document) -> list[dict[str, Any]]:
    """Return the rows of a document's files."""
    return [
        {
            "document": document.id,
            "n": n,
            "name": file.name,
            "media_type": file.media_type,
            "size_bytes": file.size_bytes,
            "sha256": file.sha256,
            "verdict": file.verdict.value,
            "report": file.report,
        }
        for n, file in enumerate(document.files)
    ]


# --- deliveries ----------------------------------------------------------------------------------

LIFE_COLUMNS = (deliveries.c.progress, deliveries.c.asked, deliveries.c.ended_by)
DELIVERY_COLUMNS = (
    deliveries.c.id,
    deliveries.c.document,
    deliveries.c.recipient,
    deliveries.c.lane,
    deliveries.c.channel,
    deliveries.c.state,
    deliveries.c.attempts,
    deliveries.c.due_at,
    deliveries.c.expires_at,
    deliveries.c.offered_at,
    deliveries.c.ended_at,
    deliveries.c.reason,
    deliveries.c.receipt,
    deliveries.c.tries,
    deliveries.c.opened_at,
    deliveries.c.acknowledge_by,
    *LIFE_COLUMNS,
)
ITEM_COLUMNS = (*DELIVERY_COLUMNS, deliveries.c.leased_until)
HANDOVER_COLUMNS = (
    deliveries.c.id,
    deliveries.c.attempts,
    deliveries.c.lane,
    deliveries.c.channel,
    deliveries.c.recipient,
)


def delivery_of(row: AnyRow) -> Delivery:
    """Return a delivery from a row of `DELIVERY_COLUMNS`."""
    return Delivery(
        id=row.id,
        document=row.document,
        recipient=row.recipient,
        lane=Lane(row.lane),
        channel=Channel(row.channel),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        expires_at=row.expires_at,
        offered_at=row.offered_at,
        ended_at=row.ended_at,
        reason=row.reason,
        receipt=row.receipt,
        tries=row.tries,
        opened_at=row.opened_at,
        acknowledge_by=row.acknowledge_by,
        life=life_of(row),
    )


def life_of(row: AnyRow) -> Life:
    """Return a business life from a row of `LIFE_COLUMNS`."""
    return Life(
        progress=row.progress and BusinessStatus(row.progress),
        asked=row.asked and ChangeKind(row.asked),
        ended_by=row.ended_by and ChangeKind(row.ended_by),
    )


def handover_of(row: AnyRow) -> Handover:
    """Return a hand-over from a row of `HANDOVER_COLUMNS`."""
    return Handover(
        delivery=row.id,
        attempts=row.attempts,
        lane=Lane(row.lane),
        channel=Channel(row.channel),
        recipient=row.recipient,
    )


def delivery_row(each: Delivery) -> dict[str, Any]:
    """Return the row of a delivery that was just accepted."""
    return {
        "id": each.id,
        "document": each.document,
        "recipient": each.recipient,
        "lane": each.lane.value,
        "channel": each.channel.value,
        "state": each.state.value,
        "attempts": each.attempts,
        "settled": each.attempts,
        "due_at": each.due_at,
        "expires_at": each.expires_at,
        "offered_at": each.offered_at,
        "ended_at": each.ended_at,
        "reason": each.reason,
        "receipt": each.receipt,
        "tries": each.tries,
        "opened_at": each.opened_at,
        "acknowledge_by": each.acknowledge_by,
        **life_row(each.life),
    }


def life_row(life: Life) -> dict[str, str | None]:
    """Return the columns of a business life."""
    return {"progress": life.progress, "asked": life.asked, "ended_by": life.ended_by}


# --- attempts, receipts, events ------------------------------------------------------------------


def attempt_row(attempt: Attempt) -> dict[str, Any]:
    """Return the row of an attempt."""
    return {
        "delivery": attempt.delivery,
        "number": attempt.number,
        "at": attempt.at,
        "outcome": attempt.outcome.value,
        "detail": attempt.detail,
    }


def receipt_row(receipt: Receipt) -> dict[str, Any]:
    """Return the row of a receipt."""
    return {
        "id": receipt.id,
        "kind": receipt.kind.value,
        "document": receipt.about,
        "delivery": receipt.delivery,
        "at": receipt.at,
        "content": receipt.content,
    }


# Not returned: nobody asks for the place the database has given it.
INSERT_EVENTS = insert(events).inline()


def event_row(event: Event) -> dict[str, Any]:
    """Return the row of an event; its place in the order is given by the database."""
    return {
        "document": event.document,
        "delivery": event.delivery,
        "agency": event.agency,
        "kind": event.kind.value,
        "at": event.at,
        "detail": event.detail,
    }


# --- what a recipient sees -----------------------------------------------------------------------


def items(chosen: Select[Any]) -> Select[Any]:
    """Return the select of inbox items for a select of `ITEM_COLUMNS`: a row per delivery and file."""
    delivery = chosen.subquery("chosen")
    return (
        select(*delivery.c, *DOCUMENT_COLUMNS)
        .join_from(delivery, documents, documents.c.id == delivery.c.document)
        .outerjoin(files, files.c.document == documents.c.id)
        .order_by(delivery.c.id, files.c.n)
    )


def items_of(rows: Iterable[AnyRow]) -> list[InboxItem]:
    """Return the inbox items of rows selected by `items`."""
    grouped = [list(group) for _, group in groupby(rows, key=lambda row: row.id)]
    return [InboxItem(delivery_of(rows[0]), document_of(rows), rows[0].leased_until) for rows in grouped]
