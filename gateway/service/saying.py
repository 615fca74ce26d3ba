"""Saying a business status of a document: a line of history, the life it leads to, the change it answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.envelope import Staff
from gateway.domain.ledger import Said
from gateway.domain.model import (
    AgencyCode,
    Change,
    ChangeId,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Event,
    EventKind,
    Status,
    StatusId,
)
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState
from gateway.service.exchange import Exchange

_ANSWERED = {
    BusinessStatus.CHANGE_ACCEPTED: ChangeState.ACCEPTED,
    BusinessStatus.CHANGE_REFUSED: ChangeState.REFUSED,
}

TRIES = 3
"""How often a status is read anew against a life that others move at the same moment."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A document as one of its recipients has it: what statuses are said of."""

    document: Document
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Words:
    """What an author says with a status; `said_at` None is now, `packet` the bytes it came in."""

    description: str = ""
    said_at: datetime | None = None
    staff: Staff | None = None
    packet: bytes | None = None


def saying(x: Exchange, copy: Copy, *, status: BusinessStatus, words: Words) -> Said:
    """Return a status to be said of a copy: 13 by its sender, any other by its recipient.

    Raises:
        IllegalTransition: The life of the copy does not allow it.
    """
    delivery = copy.delivery
    after = delivery.life.after(status)
    line = _line_of(x, copy, status=status, words=words)
    asks = None
    if status is BusinessStatus.RECALL_ASKED:
        asks = new_change(x, delivery, kind=ChangeKind.RECALL, by=line.author, reason=words.description)
    return Said(line, delivery.life, after, _ANSWERED.get(status), asks, _event_of(line))


def confirming(x: Exchange, copy: Copy, *, words: Words) -> Said:
    """Return the consent (15) to a recall that needed none: a line of history, the life stays as it is."""
    line = _line_of(x, copy, status=BusinessStatus.CHANGE_ACCEPTED, words=words)
    life = copy.delivery.life
    return Said(line, life, life, event=_event_of(line))


def _line_of(x: Exchange, copy: Copy, *, status: BusinessStatus, words: Words) -> Status:
    sender, recipient = copy.document.sender, copy.delivery.recipient
    is_senders = status is BusinessStatus.RECALL_ASKED
    at = x.clock()
    return Status(
        id=StatusId(x.new_id()),
        document=copy.document.id,
        delivery=copy.delivery.id,
        author=sender if is_senders else recipient,
        addressee=recipient if is_senders else sender,
        status=status,
        at=at,
        said_at=words.said_at or at,
        description=words.description,
        staff=words.staff,
        packet=words.packet,
    )


def new_change(
    x: Exchange,
    delivery: Delivery,
    *,
    kind: ChangeKind,
    by: AgencyCode,
    reason: str,
    order: DocumentId | None = None,
) -> Change:
    """Return a change to be asked for now; it remembers since when the recipient had opened the document."""
    at = x.clock()
    return Change(
        id=ChangeId(x.new_id()),
        kind=kind,
        document=delivery.document,
        delivery=delivery.id,
        recipient=delivery.recipient,
        asked_by=by,
        asked_at=at,
        reason=reason,
        answer_by=x.rules.calendar.answer_by(at, days=x.rules.change_answer_days),
        opened_at=delivery.opened_at,
        order=order,
    )


async def say(x: Exchange, said: Sequence[Said]) -> Collection[DeliveryId]:
    """Add statuses whose copies' lives are still as they were seen and wake whom they are for; return the
    deliveries whose were."""
    moved = await x.lives.say(said)
    x.wakeups.wake([each.status.addressee for each in said if each.status.delivery in moved])
    return moved


def _event_of(line: Status) -> Event:
    kind = EventKind.STATUS
    if line.status is BusinessStatus.RECALL_ASKED:
        kind = EventKind.CHANGE_ASKED
    elif line.status in _ANSWERED:
        kind = EventKind.CHANGE_ANSWERED
    detail = f"{line.status} {line.description}".strip()
    return Event(line.document, line.delivery, line.author, kind, line.at, detail)
