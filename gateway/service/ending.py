"""Ending deliveries: state, signed receipt and event in one transaction, for every way to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.ledger import Ending
from gateway.domain.model import (
    AgencyCode,
    Delivery,
    DeliveryId,
    Document,
    Event,
    EventKind,
    Receipt,
    ReceiptId,
    ReceiptKind,
)
from gateway.domain.receipts import delivery_statement
from gateway.domain.states import DeliveryState
from gateway.service.exchange import Exchange

_KIND = {
    DeliveryState.DELIVERED: (ReceiptKind.DELIVERED, EventKind.DELIVERED),
    DeliveryState.REFUSED: (ReceiptKind.REFUSED, EventKind.REFUSED),
    DeliveryState.EXPIRED: (ReceiptKind.EXPIRED, EventKind.EXPIRED),
    DeliveryState.RECALLED: (ReceiptKind.RECALLED, EventKind.RECALLED),
}


@dataclass(frozen=True, slots=True)
class End:
    """A delivery to end, the state it ends in, who ends it and why."""

    delivery: Delivery
    document: Document
    state: DeliveryState
    by: AgencyCode
    reason: str | None = None
    lease: str | None = None


async def end(x: Exchange, ends: Sequence[End]) -> dict[DeliveryId, Receipt]:
    """End open deliveries and return the receipts of those that ended now.

    One that ended meanwhile, or that somebody else holds a lease on, is passed over and its unused
    receipt is thrown away unseen.
    """
    at = x.clock()
    ids = [ReceiptId(x.new_id()) for _ in ends]
    statements = [
        delivery_statement(id_, _KIND[each.state][0], each.document, each.delivery, at=at, reason=each.reason)
        for id_, each in zip(ids, ends, strict=True)
    ]
    contents = await x.receipts.sign(statements)
    endings = []
    for id_, each, content in zip(ids, ends, contents, strict=True):
        receipt_kind, event_kind = _KIND[each.state]
        document, delivery = each.document.id, each.delivery.id
        receipt = Receipt(id_, receipt_kind, document, delivery, at, content)
        event = Event(document, delivery, each.by, event_kind, at, each.reason or "")
        endings.append(Ending(delivery, each.state, at, receipt, event, each.reason, each.lease))
    ended = await x.deliveries.end(endings)
    for each in ends:
        if each.delivery.id in ended:
            seconds = (at - each.document.accepted_at).total_seconds()
            x.meter.ended(_KIND[each.state][0], seconds=seconds)
    return {ending.delivery: ending.receipt for ending in endings if ending.delivery in ended}
