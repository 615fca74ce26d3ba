"""Ending deliveries: state, signed receipt and event in one transaction, for every way to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.ledger import Ending, Said
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
from gateway.domain.states import NEVER_TAKEN, DeliveryState
from gateway.service.exchange import Exchange

_KIND = {
    DeliveryState.DELIVERED: (ReceiptKind.DELIVERED, EventKind.DELIVERED),
    DeliveryState.REFUSED: (ReceiptKind.REFUSED, EventKind.REFUSED),
    DeliveryState.EXPIRED: (ReceiptKind.EXPIRED, EventKind.EXPIRED),
    DeliveryState.RECALLED: (ReceiptKind.RECALLED, EventKind.RECALLED),
}


@dataclass(frozen=True, slots=True)
class End:
    """A delivery to end, the state it ends in, who ends it and why, and what that says of the document; with
    `only_unopened` it is left alone if its recipient has opened it or no recall of it waits any more."""

    delivery: Delivery
    document: Document
    state: DeliveryState
    by: AgencyCode
    reason: str | None = None
    lease: str | None = None
    only_unopened: bool = False
    said: Sequence[Said] = ()

    @property
    def withdraws(self) -> bool:
        """Return whether it ends an order that nobody has taken."""
        return self.state in NEVER_TAKEN and self.document.envelope.kind.change is not None


async def end(x: Exchange, ends: Sequence[End]) -> dict[DeliveryId, Receipt]:
    """End open deliveries, wake whom it is said to, and return the receipts of those that ended now.

    One that has ended or moved meanwhile, or that somebody else holds a lease on, is passed over and its
    unused receipt is thrown away unseen.
    """
    if not ends:
        return {}
    at = x.clock()
    ids = [ReceiptId(x.new_id()) for _ in ends]
    statements = [
        delivery_statement(id_, _KIND[each.state][0], each.document, each.delivery, at=at, reason=each.reason)
        for id_, each in zip(ids, ends, strict=True)
    ]
    contents = await x.receipts.sign(statements)
    endings = [
        _ending(each, Receipt(id_, _KIND[each.state][0], each.document.id, each.delivery.id, at, content))
        for id_, each, content in zip(ids, ends, contents, strict=True)
    ]
    ended = await x.deliveries.end(endings)
    for each in ends:
        if each.delivery.id in ended:
            seconds = (at - each.document.accepted_at).total_seconds()
            x.meter.ended(_KIND[each.state][0], seconds=seconds)
            x.wakeups.wake([said.status.addressee for said in each.said])
    return {ending.delivery: ending.receipt for ending in endings if ending.delivery in ended}


def _ending(each: End, receipt: Receipt) -> Ending:
    event_kind = _KIND[each.state][1]
    return Ending(
        delivery=each.delivery.id,
        state=each.state,
        at=receipt.at,
        receipt=receipt,
        event=Event(each.document.id, each.delivery.id, each.by, event_kind, receipt.at, each.reason or ""),
        reason=each.reason,
        lease=each.lease,
        only_unopened=each.only_unopened,
        said=each.said,
        withdraws=each.withdraws,
    )
