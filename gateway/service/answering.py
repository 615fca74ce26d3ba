"""What every answer of a recipient to a delivery has in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.domain.errors import Conflict, IllegalTransition, LeaseLost, NotFound
from gateway.domain.ledger import InboxItem, Said
from gateway.domain.model import AgencyCode, DeliveryId, Receipt
from gateway.domain.states import ChangeKind, DeliveryState, check_move
from gateway.service.ending import End, end
from gateway.service.exchange import Exchange
from gateway.service.saying import TRIES


@dataclass(frozen=True, slots=True)
class Answer:
    """DELIVERED or REFUSED, by whom and why; `lease` is None for who need not hold one."""

    state: DeliveryState
    by: AgencyCode
    reason: str | None = None
    lease: str | None = None


async def own(x: Exchange, delivery: DeliveryId, *, by: AgencyCode) -> InboxItem:
    """Return a delivery of an agency.

    Raises:
        NotFound: `by` has no such delivery.
    """
    item = await x.records.delivery(delivery)
    if item is None or item.delivery.recipient != by:
        raise NotFound
    return item


def check_open(item: InboxItem, *, towards: DeliveryState) -> None:
    """Pass when the recipient may still move its delivery to a state.

    Raises:
        IllegalTransition: It has ended, or its recipient has agreed that it is taken back.
    """
    check_move(item.delivery.state, towards)
    if item.delivery.life.ended_by is ChangeKind.RECALL:
        raise IllegalTransition("The document has been taken back.")


async def answered(
    x: Exchange,
    item: InboxItem,
    answer: Answer,
    *,
    says: Callable[[InboxItem], Awaitable[Sequence[Said]]] | None = None,
) -> Receipt:
    """End a delivery as its recipient answers, together with what the answer says of the document, and return
    the signed receipt; the same answer again gets the same receipt.

    Raises:
        IllegalTransition: It has ended otherwise, or its recipient has agreed that it is taken back.
        LeaseLost: Somebody of the agency holds it, and the lease is not theirs.
        Conflict: Others kept moving the document at the same moment.
    """
    seen = None
    for _ in range(TRIES):
        if item.delivery.state is answer.state:
            return await _first_receipt(x, item)
        check_open(item, towards=answer.state)
        said = await says(item) if says else []
        lives = [each.before for each in said]
        if lives == seen:
            # Nothing has moved, and yet it could not be ended.
            raise LeaseLost
        ends = End(
            item.delivery, item.document, answer.state, answer.by, answer.reason, answer.lease, said=said
        )
        ended = await end(x, [ends])
        if item.delivery.id in ended:
            return ended[item.delivery.id]
        seen = lives
        item = await own(x, item.delivery.id, by=answer.by)
    raise Conflict("The document is being changed by others at this moment. Send the answer again.")


async def _first_receipt(x: Exchange, item: InboxItem) -> Receipt:
    """Return the receipt a delivery has ended with."""
    receipt = await x.records.receipt(item.delivery.receipt) if item.delivery.receipt else None
    if receipt is None:
        raise Conflict("The delivery has ended without a receipt.")
    return receipt
