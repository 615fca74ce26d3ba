"""The port `Deliveries`: what the sweeper and the operator do, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from gateway.domain.ledger import ParkedFilter
from gateway.domain.model import Channel, Delivery, EventKind, Handover, Lane
from gateway.domain.states import DeliveryState
from tests.support.exchange_samples import NOW
from tests.support.ledgers import (
    GRACE,
    LANE_CHANNELS,
    LEASE,
    LIFE,
    PULLS,
    PULLS_TOO,
    PUSHED,
    PUSHED_TOO,
    Books,
    event,
    handover,
    settlement,
)

DUE = NOW + GRACE


async def overdue(books: Books, *, limit: int = 99) -> list[Handover]:
    return await books.ledger.deliveries.overdue(LANE_CHANNELS, now=DUE, grace=GRACE, limit=limit)


# --- sweeping ------------------------------------------------------------------------------------


async def test_delivery_is_overdue_from_its_due_time_and_once_per_grace(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    sweep = books.ledger.deliveries.overdue
    just_before = DUE - timedelta(microseconds=1)
    assert await sweep(LANE_CHANNELS, now=just_before, grace=GRACE, limit=9) == []
    assert await overdue(books) == [handover(delivery)]
    assert await overdue(books) == []
    assert await sweep(LANE_CHANNELS, now=DUE + GRACE, grace=GRACE, limit=9) == [handover(delivery)]


async def test_sweeping_keeps_to_its_queues_and_its_limit(books: Books) -> None:
    await books.accept(PULLS, PULLS_TOO, PUSHED)
    sweep = books.ledger.deliveries.overdue
    assert await sweep([(Lane.URGENT, Channel.INBOX)], now=DUE, grace=GRACE, limit=9) == []
    assert await sweep([], now=DUE, grace=GRACE, limit=9) == []
    found = await sweep([(Lane.NORMAL, Channel.INBOX)], now=DUE, grace=GRACE, limit=1)
    assert [each.channel for each in found] == [Channel.INBOX]
    assert len(await overdue(books)) == 2


async def test_many_sweepers_at_once_never_take_the_same_delivery(books: Books) -> None:
    deliveries = [(await books.accept(PULLS))[0] for _ in range(60)]
    found = await asyncio.gather(*(overdue(books, limit=15) for _ in range(6)))
    taken = [each.delivery for sweep in found for each in sweep]
    taken += [each.delivery for each in await overdue(books)]
    assert sorted(taken) == [delivery.id for delivery in deliveries]


async def test_only_the_first_in_line_of_an_ordered_channel_is_overdue(books: Books) -> None:
    first, other = await books.accept(PUSHED, PUSHED_TOO)
    await books.accept(PUSHED)
    assert await overdue(books) == [handover(first), handover(other)]


async def test_waiting_first_in_line_holds_the_others_back(books: Books) -> None:
    (first,), _ = await books.accept(PUSHED), await books.accept(PUSHED)
    await books.claim(first, now=NOW + LEASE)
    assert await overdue(books) == []


async def test_first_in_line_past_its_life_holds_nobody_back(books: Books) -> None:
    await books.accept(PUSHED, at=NOW - LIFE)
    (second,) = await books.accept(PUSHED)
    assert await overdue(books) == [handover(second)]


async def test_delivery_out_of_the_queue_or_past_its_life_is_not_overdue(books: Books) -> None:
    offered, ended, parked = await books.accept(PULLS, PULLS_TOO, PUSHED)
    await books.ledger.deliveries.offer([handover(offered)], now=NOW)
    await books.ledger.deliveries.end([books.ending(ended, DeliveryState.DELIVERED)])
    await books.park(parked)
    assert await books.ledger.deliveries.overdue(LANE_CHANNELS, now=DUE, grace=GRACE, limit=9) == []
    (late,) = await books.accept(PULLS)
    assert (
        await books.ledger.deliveries.overdue(LANE_CHANNELS, now=late.expires_at, grace=GRACE, limit=9) == []
    )


async def test_postponed_delivery_is_due_later_unless_somebody_claimed_it(books: Books) -> None:
    postponed, claimed = await books.accept(PUSHED, PUSHED_TOO)
    (claim,) = await books.claim(claimed)
    until = NOW + timedelta(hours=2)
    await books.ledger.deliveries.postpone([handover(postponed), handover(claimed)], until=until)
    assert await books.state(postponed) == replace(postponed, due_at=until)
    assert await books.state(claimed) == claim.delivery


# --- parked --------------------------------------------------------------------------------------


async def test_parked_deliveries_are_found_by_recipient_and_time(books: Books) -> None:
    one, two = await books.accept(PUSHED, PUSHED_TOO)
    later = NOW + timedelta(hours=1)
    two, one = await books.park(two), await books.park(one, at=later)
    await books.accept(PUSHED)
    parked = books.ledger.deliveries.parked
    assert await parked(ParkedFilter(), limit=9) == [two, one]
    assert await parked(ParkedFilter(), limit=1) == [two]
    assert await parked(ParkedFilter(recipient=PUSHED), limit=9) == [one]
    assert await parked(ParkedFilter(parked_after=later), limit=9) == [one]
    assert await parked(ParkedFilter(parked_before=later), limit=9) == [two]


async def test_redriven_delivery_is_queued_with_its_fence_and_a_fresh_schedule(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    parked = await books.park(delivery)
    later = NOW + timedelta(days=1)
    redriven = event(delivery, EventKind.REDRIVEN, at=later)
    moved = await books.ledger.deliveries.redrive([delivery.id], now=later, events=[redriven])
    now_queued = await books.state(delivery)
    assert now_queued == replace(
        parked, state=DeliveryState.QUEUED, attempts=1, tries=0, due_at=later, reason=None
    )
    assert moved == [handover(now_queued)]
    assert (await books.ledger.records.timeline(delivery.document))[-1] == redriven
    (claim,) = await books.claim(now_queued, now=later)
    assert (claim.delivery.attempts, claim.delivery.tries) == (2, 1)


async def test_only_parked_deliveries_are_redriven_and_once(books: Books) -> None:
    parked, queued = await books.accept(PUSHED, PUSHED_TOO)
    await books.park(parked)
    both = [parked.id, queued.id]
    events = [event(each, EventKind.REDRIVEN) for each in (parked, queued)]
    redrive = books.ledger.deliveries.redrive
    moved = await asyncio.gather(*(redrive(both, now=NOW, events=events) for _ in range(4)))
    assert [each.delivery for batch in moved for each in batch] == [parked.id]
    assert len(await books.ledger.records.timeline(parked.document)) == 4  # accepted, tried, parked, redriven


# --- held up -------------------------------------------------------------------------------------


async def failed(books: Books, delivery: Delivery) -> Delivery:
    """Return a delivery after an attempt that failed; it is tried again a day later."""
    (claim,) = await books.claim(delivery)
    tomorrow = NOW + timedelta(days=1)
    again = settlement(claim.delivery, DeliveryState.QUEUED, due_at=tomorrow)
    await books.ledger.deliveries.settle([again], events=[])
    return await books.state(delivery)


async def test_line_is_held_up_by_its_first_delivery_while_that_waits_for_another_attempt(
    books: Books,
) -> None:
    held_up_by = books.ledger.deliveries.held_up_by
    (first,), _ = await books.accept(PUSHED), await books.accept(PUSHED)
    assert await held_up_by(PUSHED, now=NOW) is None
    waiting = await failed(books, first)
    assert await held_up_by(PUSHED, now=NOW) == waiting
    assert await held_up_by(PUSHED_TOO, now=NOW) is None
    await books.claim(waiting, now=NOW + timedelta(days=1))
    assert await held_up_by(PUSHED, now=NOW + timedelta(days=1)) is None


async def test_waiting_delivery_is_redriven_once_and_never_while_it_is_attempted(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    waiting = await failed(books, delivery)
    redrive = books.ledger.deliveries.redrive
    moved = [await redrive([delivery.id], now=NOW, events=[]) for _ in range(2)]
    now_due = await books.state(delivery)
    assert now_due == replace(waiting, due_at=NOW, tries=0, reason=None)
    assert moved == [[handover(now_due)], []]
    await books.claim(now_due)
    assert await redrive([delivery.id], now=NOW, events=[]) == []
