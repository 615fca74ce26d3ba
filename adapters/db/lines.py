"""Long lists, a line for each delivery or status: asked for by hundreds of centres again and again.

No line reads an envelope or a packet: one may be megabytes, and a list has thousands of lines.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, or_, select

from adapters.db.dialects import among_named
from adapters.db.paging import PageOfAgencies
from adapters.db.rows import AnyRow
from adapters.db.schema import IS_NOT_TAKEN, IS_OPEN, deliveries, documents, statuses
from gateway.domain.ledger import InboxLine, SentLine, StatusLine
from gateway.domain.states import DeliveryState

# --- what waits ----------------------------------------------------------------------------------

IS_TO_BE_TAKEN = (
    IS_OPEN
    & or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= bindparam("now"))
    # One that is parked waits for a person: listed, it would fail again at the next poll, and again.
    & (deliveries.c.state != DeliveryState.PARKED.value)
)


def _with_document(chosen: Select[Any]) -> Select[Any]:
    delivery = chosen.subquery("chosen")
    return (
        select(*delivery.c, documents.c.sender, documents.c.accepted_at)
        .join_from(delivery, documents, documents.c.id == delivery.c.document)
        .order_by(delivery.c.id)
    )


INBOX = PageOfAgencies(
    select(
        deliveries.c.id,
        deliveries.c.document,
        deliveries.c.recipient,
        deliveries.c.offered_at,
        deliveries.c.opened_at,
    ).where(IS_TO_BE_TAKEN),
    owner=deliveries.c.recipient,
    complete=_with_document,
)
STATUSES = PageOfAgencies(
    select(statuses.c.id, statuses.c.author, statuses.c.addressee, statuses.c.at).where(IS_NOT_TAKEN),
    owner=statuses.c.addressee,
)


def inbox_line(row: AnyRow) -> InboxLine:
    """Return a line of `INBOX`."""
    return InboxLine(
        delivery=row.id,
        sender=row.sender,
        recipient=row.recipient,
        accepted_at=row.accepted_at,
        offered_at=row.offered_at,
        opened_at=row.opened_at,
    )


def status_line(row: AnyRow) -> StatusLine:
    """Return a line of `STATUSES`."""
    return StatusLine(row.id, row.author, row.addressee, row.at)


# --- what was sent -------------------------------------------------------------------------------


def _deliveries_of(chosen: Select[Any]) -> Select[Any]:
    """Return the select of lines for chosen documents: those of the newest first, of one by recipient."""
    newest = chosen.subquery("newest")
    return (
        select(
            deliveries.c.id,
            deliveries.c.document,
            deliveries.c.recipient,
            deliveries.c.state,
            deliveries.c.opened_at,
            deliveries.c.ended_at,
            deliveries.c.reason,
            documents.c.sender,
            documents.c.subject,
            documents.c.number,
            documents.c.notation,
            documents.c.accepted_at,
        )
        .join_from(newest, documents, documents.c.id == newest.c.id)
        .join(deliveries, deliveries.c.document == newest.c.id)
        .order_by(newest.c.id.desc(), deliveries.c.recipient)
        # Every document has a delivery, so as many documents have enough of them.
        .limit(bindparam("limit"))
    )


SENT = PageOfAgencies(
    select(documents.c.id), owner=documents.c.sender, complete=_deliveries_of, newest_first=True
)
SENT_OF_DOCUMENT = _deliveries_of(
    select(documents.c.id).where(
        documents.c.id == bindparam("document"), among_named(documents.c.sender, "agencies")
    )
)


def sent_line(row: AnyRow) -> SentLine:
    """Return a line of `SENT`."""
    return SentLine(
        delivery=row.id,
        document=row.document,
        sender=row.sender,
        recipient=row.recipient,
        subject=row.subject or "",
        number=row.number,
        notation=row.notation,
        accepted_at=row.accepted_at,
        state=DeliveryState(row.state),
        opened_at=row.opened_at,
        ended_at=row.ended_at,
        reason=row.reason,
    )
