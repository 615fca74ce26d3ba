"""Taking a delivery without a word about the document: its recipient's system says the rest (VXP `done`)."""

from __future__ import annotations

from gateway.domain.model import AgencyCode, DeliveryId, Receipt
from gateway.domain.states import DeliveryState
from gateway.service.answering import Answer, answered, own
from gateway.service.exchange import Exchange


async def take(x: Exchange, delivery: DeliveryId, *, by: AgencyCode) -> Receipt:
    """Move a delivery to DELIVERED and return the signed receipt; again gets the same receipt.

    Raises:
        NotFound: `by` has no such delivery.
        IllegalTransition: It has ended otherwise.
        LeaseLost: A program of the agency holds it.
    """
    item = await own(x, delivery, by=by)
    return await answered(x, item, Answer(DeliveryState.DELIVERED, by, lease=""))
