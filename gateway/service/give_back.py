"""A delivery the recipient's own system could not take (VXP `fail`): offered again, or a person looks."""

from __future__ import annotations

from gateway.domain.errors import IllegalTransition
from gateway.domain.model import AgencyCode, DeliveryId, Event, EventKind
from gateway.domain.retry import next_due
from gateway.domain.states import DeliveryState
from gateway.service.answering import check_open, own
from gateway.service.exchange import Exchange


async def give_back(x: Exchange, delivery: DeliveryId, *, by: AgencyCode, reason: str) -> DeliveryState:
    """Queue a delivery again by the retry schedule, or park it after too many tries; return its state.

    Raises:
        NotFound: `by` has no such delivery.
        IllegalTransition: It has ended.
    """
    item = await own(x, delivery, by=by)
    if item.delivery.state is DeliveryState.PARKED:
        return DeliveryState.PARKED
    check_open(item, towards=DeliveryState.QUEUED)
    now, waits = x.clock(), x.rules.retry_schedule
    tries = min(max(item.delivery.tries, 1), len(waits))
    due_at = next_due(waits, attempts=tries, now=now, jitter=x.random())
    assert due_at is not None, "the schedule has a wait for each of its tries"
    after = await x.inbox.give_back(
        delivery,
        due_at=due_at,
        park_after=x.rules.returns_before_parked,
        reason=reason,
        event=Event(item.document.id, delivery, by, EventKind.RETURNED, now, reason),
    )
    if after is None:
        raise IllegalTransition("The delivery has ended.")
    return after
