"""The recipient's answer: it takes a delivery, or refuses it with a reason."""

from __future__ import annotations

from gateway.domain.errors import Conflict, LeaseLost, MalformedRequest, NotFound
from gateway.domain.ledger import InboxItem
from gateway.domain.model import AgencyCode, DeliveryId, Receipt
from gateway.domain.states import DeliveryState, check_move
from gateway.service.ending import End, end
from gateway.service.exchange import Exchange


async def acknowledge(
    x: Exchange,
    delivery: DeliveryId,
    *,
    by: AgencyCode,
    state: DeliveryState,
    reason: str | None = None,
    lease: str | None = None,
) -> Receipt:
    """Move a delivery to DELIVERED or REFUSED and return the signed receipt.

    The same answer again gets the same receipt.

    Raises:
        NotFound: `by` has no such delivery.
        MalformedRequest: A refusal without a reason (QĐ 28/2018 Đ5.4).
        IllegalTransition: It has ended otherwise.
        LeaseLost: Somebody of the agency holds it, and `lease` is not theirs.
    """
    if state is DeliveryState.REFUSED and not (reason or "").strip():
        raise MalformedRequest("Say why the document is refused.", reasons=("reason: must not be empty",))
    item = await _own(x, delivery, by)
    if item.delivery.state is not state:
        check_move(item.delivery.state, state)
        # None is the exchange itself; who shows no lease holds none.
        ended = await end(x, [End(item.delivery, item.document, state, by, reason, lease or "")])
        if delivery in ended:
            return ended[delivery]
        item = await _own(x, delivery, by)
    return await _first_receipt(x, item, state)


async def _own(x: Exchange, delivery: DeliveryId, agency: AgencyCode) -> InboxItem:
    item = await x.records.delivery(delivery)
    if item is None or item.delivery.recipient != agency:
        raise NotFound
    return item


async def _first_receipt(x: Exchange, item: InboxItem, state: DeliveryState) -> Receipt:
    """Return the receipt of a delivery that had ended in this state before."""
    if item.delivery.state is not state:
        check_move(item.delivery.state, state)
        raise LeaseLost
    receipt = await x.records.receipt(item.delivery.receipt) if item.delivery.receipt else None
    if receipt is None:
        raise Conflict("The delivery has ended without a receipt.")
    return receipt
