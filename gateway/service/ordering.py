"""What an order (a document of kind recall, update or replace) asks for, and of whom."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.envelope import About, Envelope
from gateway.domain.errors import IllegalTransition, UnknownDocument
from gateway.domain.ledger import Ordered, SubmissionFacts
from gateway.domain.model import Agency, AgencyCode, Delivery, DeliveryId, Document, Event, EventKind
from gateway.domain.states import ChangeKind
from gateway.service.exchange import Exchange
from gateway.service.saying import new_change


def targets_of(envelope: Envelope, facts: SubmissionFacts, *, recipients: Sequence[Agency]) -> list[Delivery]:
    """Return the earlier deliveries an order can change: of the documents it is about, to recipients it goes
    to as well. Another agency's document is no better known than one that does not exist.

    Raises:
        UnknownDocument: Its sender has sent a document it is about to none of these recipients, or not at
            all; `reasons` names them all.
        IllegalTransition: Nothing it is about can be changed any more.
    """
    kind = envelope.kind.change
    if kind is None:
        return []
    codes = frozenset(recipient.code for recipient in recipients)
    meant: dict[DeliveryId, Delivery] = {}
    unknown = []
    for about in envelope.about:
        deliveries = _meant(about, facts, codes=codes)
        meant |= {each.id: each for each in deliveries}
        if not deliveries:
            unknown.append(f"about: {about.document_id}: you have sent these recipients no such document")
    if unknown:
        raise UnknownDocument(reasons=unknown)
    return _askable(list(meant.values()), kind)


def orders_of(x: Exchange, order: Document, targets: Sequence[Delivery]) -> list[Ordered]:
    """Return the changes an order asks for, one for each of its targets."""
    kind = order.envelope.kind.change
    return [] if kind is None else [_ordered(x, order, target, kind) for target in targets]


def _meant(about: About, facts: SubmissionFacts, *, codes: frozenset[AgencyCode]) -> list[Delivery]:
    target = facts.targets.get(about.document_id)
    if target is None:
        return []
    if about.agencies:
        named = {facts.agencies[code].code for code in about.agencies if code in facts.agencies}
        codes = codes & named
    return [each for each in target.deliveries if each.recipient in codes]


def _askable(deliveries: Sequence[Delivery], kind: ChangeKind) -> list[Delivery]:
    """Return the deliveries a change can be asked of, as far as is known now: the commit judges anew. The
    order is refused only when that is none."""
    askable = []
    refusal: IllegalTransition | None = None
    for delivery in deliveries:
        try:
            delivery.life.asked_for(kind, state=delivery.state)
        except IllegalTransition as illegal:
            refusal = illegal
        else:
            askable.append(delivery)
    if refusal and not askable:
        raise refusal
    return askable


def _ordered(x: Exchange, order: Document, target: Delivery, kind: ChangeKind) -> Ordered:
    reason = order.envelope.reason or ""
    change = new_change(x, target, kind=kind, by=order.sender, reason=reason, order=order.id)
    asked = EventKind.CHANGE_ASKED
    event = Event(
        target.document, target.id, order.sender, asked, change.asked_at, f"{kind} {reason}".strip()
    )
    return Ordered(change, event)
