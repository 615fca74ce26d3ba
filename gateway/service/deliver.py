"""Handing deliveries over: claim, attempt, settle (design §3 rules 2 to 4)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from gateway.domain.errors import AgencyUnavailable, RecipientRefused
from gateway.domain.ids import made_at
from gateway.domain.ledger import Claim, Settlement
from gateway.domain.model import (
    AgencyCode,
    Attempt,
    AttemptOutcome,
    Channel,
    DeliveryId,
    Event,
    EventKind,
    Handover,
    Lane,
)
from gateway.domain.retry import next_due
from gateway.domain.states import DeliveryState
from gateway.service.exchange import Exchange

DRAIN_LIMIT = 10
"""Deliveries to one agency in a row before its place goes to others; the next is announced again.

So many time-outs of a webhook must fit into the time a worker has for one batch; the settings check it."""

LOST_LIMIT = 10
"""Attempts in a row whose workers died before they could settle: such a delivery is parked as poison."""


async def deliver(x: Exchange, batch: Sequence[Handover]) -> None:
    """Hand a batch of one lane and channel over, as far as it is still to be done.

    Lost, doubled, dead and late handovers all end in the same place: an id that is gone, moved or
    claimed meanwhile is passed over, and a bad delivery never fails its neighbours.

    Raises:
        DependencyUnavailable, OutcomeUnknown: The ledger did not answer; the rows are due again later.
    """
    if batch[0].channel is Channel.INBOX:
        await _offer(x, batch)
        return
    lines: dict[AgencyCode, list[Handover]] = defaultdict(list)
    for handover in batch:
        lines[handover.recipient].append(handover)
    # A failing ledger must not cut short what is being sent to other agencies: all end, then it raises.
    ends = await asyncio.gather(
        *(_deliver_in_order(x, agency, line) for agency, line in lines.items()), return_exceptions=True
    )
    for end in ends:
        if end is not None:
            raise end


async def _offer(x: Exchange, batch: Sequence[Handover]) -> None:
    """Put deliveries into inboxes. The inbox is the ledger itself: claim, hand over and settle are one."""
    now = x.clock()
    offered = await x.deliveries.offer(batch, now=now)
    x.wakeups.wake([handover.recipient for handover in offered])
    for handover in offered:
        _count_offered(x, handover.delivery, handover.lane, handover.channel)


def _count_offered(x: Exchange, delivery: DeliveryId, lane: Lane, channel: Channel) -> None:
    x.meter.offered(lane, channel, seconds=(x.clock() - made_at(delivery)).total_seconds())


async def _deliver_in_order(x: Exchange, agency: AgencyCode, line: Sequence[Handover]) -> None:
    """Hand over what stands first in the agency's line, then the next, until one fails or none is due.

    One at a time per agency, over all workers: only the first in line can be claimed.
    """
    for _ in range(DRAIN_LIMIT):
        now = x.clock()
        if (until := x.breaker.open_until(agency, now=now)) is not None:
            await x.deliveries.postpone(line, until=until)
            return
        claims = await x.deliveries.claim(line, now=now, lease=x.rules.handover_lease)
        for claim in claims:
            if not await _attempt(x, claim):
                return
        following = await x.deliveries.next_in_line(agency, now=x.clock())
        if following is None:
            return
        line = [following]
    x.broker.announce(line)


async def _attempt(x: Exchange, claim: Claim) -> bool:
    """Try one claimed delivery and settle it; return whether the agency took it."""
    if claim.lost >= LOST_LIMIT:
        await _park(x, claim, "too many attempts ended without an outcome")
        return True
    try:
        await x.connectors[claim.delivery.channel].deliver(claim)
    except AgencyUnavailable as unavailable:
        await _fail(x, claim, unavailable.detail, unavailable.retry_after)
        return False
    except RecipientRefused as refused:
        x.breaker.note(claim.recipient.code, ok=True, now=x.clock())
        await _park(x, claim, refused.detail)
        return True
    x.breaker.note(claim.recipient.code, ok=True, now=x.clock())
    attempt = _outcome(x, claim, AttemptOutcome.OFFERED, "")
    await x.deliveries.settle([Settlement(attempt, DeliveryState.OFFERED)], events=[])
    x.wakeups.wake([claim.recipient.code])
    _count_offered(x, claim.delivery.id, claim.delivery.lane, claim.delivery.channel)
    return True


async def _fail(x: Exchange, claim: Claim, detail: str, retry_after: timedelta | None) -> None:
    now = x.clock()
    x.breaker.note(claim.recipient.code, ok=False, now=now)
    x.meter.failed(claim.delivery.lane, claim.delivery.channel)
    due_at = next_due(
        x.rules.retry_schedule,
        attempts=claim.delivery.tries,
        now=now,
        jitter=x.random(),
        retry_after=retry_after,
    )
    if due_at is None:
        await _park(x, claim, f"the last of {claim.delivery.tries} attempts failed: {detail}")
        return
    attempt = _outcome(x, claim, AttemptOutcome.FAILED, detail)
    await x.deliveries.settle([Settlement(attempt, DeliveryState.QUEUED, due_at, detail)], events=[])


async def _park(x: Exchange, claim: Claim, reason: str) -> None:
    attempt = _outcome(x, claim, AttemptOutcome.FAILED, reason)
    parked = Event(
        document=claim.document.id,
        delivery=claim.delivery.id,
        agency=claim.recipient.code,
        kind=EventKind.PARKED,
        at=attempt.at,
        detail=reason,
    )
    settlement = Settlement(attempt, DeliveryState.PARKED, reason=reason)
    await x.deliveries.settle([settlement], events=[parked])


def _outcome(x: Exchange, claim: Claim, outcome: AttemptOutcome, detail: str) -> Attempt:
    return Attempt(claim.delivery.id, claim.delivery.attempts, x.clock(), outcome, detail)
