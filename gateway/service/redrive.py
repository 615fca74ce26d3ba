"""Sending parked or waiting deliveries on their way again, when a person has seen to the cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.ledger import ParkedFilter
from gateway.domain.ledger_ports import Deliveries
from gateway.domain.model import AgencyCode, Delivery, Event, EventKind
from gateway.domain.ports import Broker, Clock

LIMIT = 10_000
"""Deliveries redriven at once."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """The deliveries queued again, or only found, as they were; `more_wait`: run it again for the rest."""

    deliveries: Sequence[Delivery]
    more_wait: bool = False


async def redrive(
    deliveries: Deliveries,
    which: ParkedFilter,
    *,
    broker: Broker,
    clock: Clock,
    dry_run: bool,
    limit: int = LIMIT,
) -> Redriven:
    """Queue the parked deliveries meant, those parked first; only look if `dry_run`."""
    found = await deliveries.parked(which, limit=limit + 1)
    meant, more_wait = found[:limit], len(found) > limit
    if not dry_run:
        meant = await _queue(deliveries, meant, broker=broker, clock=clock)
    return Redriven(meant, more_wait)


async def redrive_line(
    deliveries: Deliveries, agency: AgencyCode, *, broker: Broker, clock: Clock, dry_run: bool
) -> Redriven:
    """Try at once what an agency's line waits for, with the whole schedule before it; only look if `dry_run`.

    A worker whose circuit for the agency is open still leaves it alone until that closes.
    """
    first = await deliveries.held_up_by(agency, now=clock())
    meant = [] if first is None else [first]
    if not dry_run:
        meant = await _queue(deliveries, meant, broker=broker, clock=clock)
    return Redriven(meant)


async def _queue(
    deliveries: Deliveries, meant: Sequence[Delivery], *, broker: Broker, clock: Clock
) -> list[Delivery]:
    """Queue and announce deliveries; return, as they were, those that nobody has moved meanwhile."""
    if not meant:
        return []
    now = clock()
    events = [
        Event(each.document, each.id, each.recipient, EventKind.REDRIVEN, now, each.reason or "")
        for each in meant
    ]
    moved = await deliveries.redrive([each.id for each in meant], now=now, events=events)
    broker.announce(moved)
    ids = {handover.delivery for handover in moved}
    return [each for each in meant if each.id in ids]
