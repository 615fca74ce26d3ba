"""Handing deliveries over: claim, attempt, settle (design §3 rules 2 to 4)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
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
    if batch[0].channel is Channel.AMQP:
        await _deliver_together(x, batch)
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
        for claim in await x.deliveries.claim(line, now=now, lease=x.rules.handover_lease):
            tried = await _attempt(x, claim)
            await _settle(x, [tried])
            if tried.has_failed:
                return
        line = await x.deliveries.next_in_line([agency], now=x.clock())
        if not line:
            return
    x.broker.announce(line)


async def _deliver_together(x: Exchange, batch: Sequence[Handover]) -> None:
    """Hand a batch over all at once, with one claim and one settle: each agency's queue keeps its own order
    and none of them is slow."""
    now = x.clock()
    waits = {each.recipient: x.breaker.open_until(each.recipient, now=now) for each in batch}
    for until in {until for until in waits.values() if until is not None}:
        await x.deliveries.postpone([each for each in batch if waits[each.recipient] == until], until=until)
    ready = [each for each in batch if waits[each.recipient] is None]
    claims = await x.deliveries.claim(ready, now=now, lease=x.rules.handover_lease) if ready else []
    ends = await asyncio.gather(*(_attempt(x, claim) for claim in claims), return_exceptions=True)
    await _settle(x, [end for end in ends if isinstance(end, _Tried)])
    for end in ends:
        if isinstance(end, BaseException):
            raise end


@dataclass(frozen=True, slots=True)
class _Tried:
    """A claimed delivery after its attempt, not settled yet; `has_failed` when its agency was not there."""

    claim: Claim
    settlement: Settlement
    events: tuple[Event, ...] = ()
    has_failed: bool = False


async def _attempt(x: Exchange, claim: Claim) -> _Tried:
    if claim.lost >= LOST_LIMIT:
        return _parked(x, claim, "too many attempts ended without an outcome")
    try:
        await x.connectors[claim.delivery.channel].deliver(claim)
    except AgencyUnavailable as unavailable:
        return _failed(x, claim, unavailable.detail, unavailable.retry_after)
    except RecipientRefused as refused:
        x.breaker.note(claim.recipient.code, ok=True, now=x.clock())
        return _parked(x, claim, refused.detail)
    x.breaker.note(claim.recipient.code, ok=True, now=x.clock())
    attempt = _outcome(x, claim, AttemptOutcome.OFFERED, "")
    return _Tried(claim, Settlement(attempt, DeliveryState.OFFERED))


def _failed(x: Exchange, claim: Claim, detail: str, retry_after: timedelta | None) -> _Tried:
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
        reason = f"the last of {claim.delivery.tries} attempts failed: {detail}"
        return _parked(x, claim, reason, has_failed=True)
    attempt = _outcome(x, claim, AttemptOutcome.FAILED, detail)
    settlement = Settlement(attempt, DeliveryState.QUEUED, due_at, detail)
    return _Tried(claim, settlement, has_failed=True)


def _parked(x: Exchange, claim: Claim, reason: str, *, has_failed: bool = False) -> _Tried:
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
    return _Tried(claim, settlement, (parked,), has_failed)


def _outcome(x: Exchange, claim: Claim, outcome: AttemptOutcome, detail: str) -> Attempt:
    return Attempt(claim.delivery.id, claim.delivery.attempts, x.clock(), outcome, detail)


async def _settle(x: Exchange, tried: Sequence[_Tried]) -> None:
    """Record what came of attempts, and tell who waits for what was offered."""
    if not tried:
        return
    events = [event for each in tried for event in each.events]
    await x.deliveries.settle([each.settlement for each in tried], events=events)
    offered = [each.claim for each in tried if each.settlement.state is DeliveryState.OFFERED]
    x.wakeups.wake([claim.recipient.code for claim in offered])
    for claim in offered:
        _count_offered(x, claim.delivery.id, claim.delivery.lane, claim.delivery.channel)
