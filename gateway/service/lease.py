"""Taking a delivery to work on, so that a colleague's program does not take it too."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.errors import LeaseLost
from gateway.domain.ledger import InboxItem
from gateway.domain.model import AgencyCode, DeliveryId, Event, EventKind
from gateway.domain.states import DeliveryState
from gateway.service.answering import check_open, own
from gateway.service.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Lease:
    """A leased delivery: whoever shows `token` before `until` may answer it."""

    token: str
    until: datetime
    item: InboxItem


async def lease(x: Exchange, delivery: DeliveryId, *, by: AgencyCode, token: str | None = None) -> Lease:
    """Lease a delivery for the agency, or renew the lease with its token.

    Raises:
        NotFound: `by` has no such delivery.
        IllegalTransition: It has ended.
        LeaseLost: Somebody else of the agency holds it.
    """
    item = await own(x, delivery, by=by)
    check_open(item, towards=DeliveryState.DELIVERED)
    now = x.clock()
    until = now + x.rules.inbox_lease
    token = token or secrets.token_urlsafe(16)
    event = Event(item.document.id, delivery, by, EventKind.CLAIMED, now)
    if not await x.inbox.lease(delivery, by, token=token, until=until, now=now, event=event):
        raise LeaseLost
    return Lease(token, until, item)
