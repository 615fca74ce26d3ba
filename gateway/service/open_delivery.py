"""Opening a delivery: recorded before a byte of it is given out, so that "unopened" is proof."""

from __future__ import annotations

from gateway.domain.errors import NotAllowed
from gateway.domain.ledger import InboxItem
from gateway.domain.model import AgencyCode, DeliveryId, Event, EventKind
from gateway.service.answering import own
from gateway.service.exchange import Exchange


async def open_delivery(x: Exchange, delivery: DeliveryId, *, by: AgencyCode) -> InboxItem:
    """Record that the recipient begins to read a delivery and return it; its files may be given out now.

    Raises:
        NotFound: `by` has no such delivery.
        NotAllowed: It was taken back, or its time is over.
    """
    item = await own(x, delivery, by=by)
    opened = Event(item.document.id, delivery, by, EventKind.OPENED, x.clock())
    if not item.delivery.may_be_read or (
        item.delivery.opened_at is None and not await x.inbox.open(delivery, event=opened)
    ):
        raise NotAllowed("The document has been taken back, or its time is over.")
    return item
