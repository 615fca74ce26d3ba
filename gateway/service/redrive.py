"""Sending parked deliveries on their way again, when a person has seen to the cause."""

from __future__ import annotations

from gateway.domain.ledger import ParkedFilter
from gateway.domain.model import Delivery, Event, EventKind
from gateway.domain.ports import Broker, Clock, Deliveries


async def redrive(
    deliveries: Deliveries, which: ParkedFilter, *, broker: Broker, clock: Clock, dry_run: bool
) -> list[Delivery]:
    """Queue the parked deliveries meant again and return them as they were; only look if `dry_run`."""
    parked = await deliveries.parked(which)
    if dry_run or not parked:
        return parked
    now = clock()
    events = [
        Event(each.document, each.id, each.recipient, EventKind.REDRIVEN, now, each.reason or "")
        for each in parked
    ]
    moved = await deliveries.redrive([each.id for each in parked], now=now, events=events)
    broker.announce(moved)
    ids = {handover.delivery for handover in moved}
    return [each for each in parked if each.id in ids]
