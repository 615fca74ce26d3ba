"""Taking a document back from everybody who has not taken it yet."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.errors import NotFound
from gateway.domain.model import AgencyCode, DeliveryId, DocumentId, Receipt
from gateway.domain.states import OPEN_STATES, DeliveryState
from gateway.service.ending import End, end
from gateway.service.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a recall achieved: receipts of what was taken back, and the deliveries that had ended."""

    receipts: dict[DeliveryId, Receipt]
    too_late: tuple[DeliveryId, ...]


async def recall(x: Exchange, document: DocumentId, *, by: AgencyCode, reason: str) -> Recalled:
    """End every open delivery of the sender's document as RECALLED.

    Raises:
        NotFound: `by` has not sent such a document.
    """
    found = await x.records.document(document)
    if found is None or found.sender != by:
        raise NotFound
    deliveries = await x.records.deliveries(document)
    ends = [
        End(delivery, found, DeliveryState.RECALLED, by, reason)
        for delivery in deliveries
        if delivery.state in OPEN_STATES
    ]
    receipts = await end(x, ends) if ends else {}
    late = tuple(delivery.id for delivery in deliveries if delivery.id not in receipts)
    return Recalled(receipts, late)
