"""The recipient's answer: it takes a delivery, or refuses it with a reason, and its sender is told."""

from __future__ import annotations

from functools import partial

from gateway.domain.errors import MalformedRequest
from gateway.domain.ledger import InboxItem, Said
from gateway.domain.model import AgencyCode, DeliveryId, Receipt
from gateway.domain.states import BusinessStatus, DeliveryState
from gateway.service.answering import Answer, answered, own
from gateway.service.exchange import Exchange
from gateway.service.reading import Reading, answers_of
from gateway.service.saying import Copy, Words, saying

_SAYS = {
    DeliveryState.DELIVERED: BusinessStatus.ARRIVED,
    DeliveryState.REFUSED: BusinessStatus.REFUSED,
}
"""What an answer tells the sender in the language of the axis (QĐ 28/2018 Đ6.3: automatically)."""


async def acknowledge(
    x: Exchange,
    delivery: DeliveryId,
    *,
    by: AgencyCode,
    state: DeliveryState,
    reason: str | None = None,
    lease: str | None = None,
) -> Receipt:
    """Move a delivery to DELIVERED or REFUSED, say 01 or 02 of the document unless its recipient has said
    as much, and return the signed receipt; all in one transaction. Who refuses an order declines (16) what it
    asks for.

    The same answer again gets the same receipt.

    Raises:
        NotFound: `by` has no such delivery.
        MalformedRequest: A refusal without a reason (QĐ 28/2018 Đ5.4).
        IllegalTransition: It has ended otherwise, or a document that was received is to be refused.
        LeaseLost: Somebody of the agency holds it, and `lease` is not theirs.
        Conflict: Others kept moving the document at the same moment; send it again.
    """
    if state is DeliveryState.REFUSED and not (reason or "").strip():
        raise MalformedRequest("Say why the document is refused.", reasons=("reason: must not be empty",))
    item = await own(x, delivery, by=by)
    says = partial(_says, x, status=_SAYS[state], words=Words(reason or ""))
    # None is the exchange itself; who shows no lease holds none.
    return await answered(x, item, Answer(state, by, reason, lease or ""), says=says)


async def _says(x: Exchange, item: InboxItem, *, status: BusinessStatus, words: Words) -> list[Said]:
    """Return what an answer says of the document, and of those it is an order about.

    Raises:
        IllegalTransition: It refuses a document that was received, or that something else has ended.
    """
    life, recipient = item.delivery.life, item.delivery.recipient
    if status is BusinessStatus.REFUSED and life.progress is not status:
        life.after(status)
    own_words = Reading(Copy(item.document, item.delivery), status)
    readings = [*await answers_of(x, item.document, status, by=recipient), own_words]
    return [saying(x, each.copy, status=each.status, words=words) for each in readings if each.may_come]
