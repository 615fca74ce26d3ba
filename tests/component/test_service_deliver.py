from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.errors import AgencyUnavailable, RecipientRefused
from gateway.domain.ledger import ParkedFilter
from gateway.domain.model import AttemptOutcome, Event, EventKind
from gateway.domain.states import DeliveryState
from gateway.service.deliver import DRAIN_LIMIT, LOST_LIMIT
from gateway.service.redrive import redrive
from tests.support.exchange_samples import NOW
from tests.support.hand_over import MINUTE, RULES, SCHEDULE, Floor, hand_over_floor
from tests.support.ledgers import PULLS, PULLS_TOO, PUSHED, PUSHED_TOO

QUEUED, OFFERED, PARKED = DeliveryState.QUEUED, DeliveryState.OFFERED, DeliveryState.PARKED


def down(*, retry_after: timedelta | None = None) -> AgencyUnavailable:
    return AgencyUnavailable("the webhook answered 503", retry_after=retry_after)


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    async with hand_over_floor(tmp_path) as opened:
        yield opened


# --- the good way ----------------------------------------------------------------------------------


async def test_delivery_that_is_taken_is_offered_and_its_agency_woken(floor: Floor) -> None:
    (delivery,) = await floor.books.accept(PUSHED)
    await floor.hand_over(delivery)
    assert await floor.states([delivery]) == [OFFERED]
    assert [each.outcome for each in await floor.attempts(delivery)] == [AttemptOutcome.OFFERED]
    assert (floor.wakeups.woken, floor.meter.counts["offered normal webhook"]) == ([PUSHED], 1)


async def test_batch_for_inboxes_is_offered_at_once(floor: Floor) -> None:
    deliveries = await floor.books.accept(PULLS, PULLS_TOO)
    await floor.hand_over(*deliveries)
    assert await floor.states(deliveries) == [OFFERED, OFFERED]
    assert sorted(floor.wakeups.woken) == [PULLS, PULLS_TOO]
    assert floor.connector.offered == []


async def test_one_announcement_takes_everything_that_waits_for_the_agency_along(floor: Floor) -> None:
    line = [(await floor.books.accept(PUSHED))[0] for _ in range(5)]
    await floor.hand_over(line[0])
    assert floor.connector.taken == [each.id for each in line]


async def test_agency_gets_its_deliveries_in_the_order_they_were_accepted(floor: Floor) -> None:
    line = [(await floor.books.accept(PUSHED))[0] for _ in range(4)]
    await floor.hand_over(line[2], line[3], line[1], line[0])
    assert floor.connector.taken == [each.id for each in line]


async def test_long_line_gives_its_place_to_others_and_is_announced_again(floor: Floor) -> None:
    line = [(await floor.books.accept(PUSHED))[0] for _ in range(DRAIN_LIMIT + 2)]
    await floor.hand_over(line[0])
    assert len(floor.connector.taken) == DRAIN_LIMIT
    assert [each.delivery for each in floor.broker.announced] == [line[DRAIN_LIMIT].id]


# --- handovers that come twice, late or for nothing ------------------------------------------------


async def test_doubled_handover_sends_once(floor: Floor) -> None:
    (delivery,) = await floor.books.accept(PUSHED)
    await floor.hand_over(delivery, delivery)
    await floor.hand_over(delivery)
    assert floor.connector.offered == [delivery.id]


async def test_two_workers_with_the_same_handover_send_once(floor: Floor) -> None:
    (delivery,) = await floor.books.accept(PUSHED)
    await asyncio.gather(floor.hand_over(delivery), floor.hand_over(delivery))
    assert floor.connector.offered == [delivery.id]


async def test_two_workers_do_not_send_to_one_agency_at_the_same_time(floor: Floor) -> None:
    floor.connector.held[PUSHED] = asyncio.Event()
    (first,) = await floor.books.accept(PUSHED)
    (second,) = await floor.books.accept(PUSHED)
    async with asyncio.timeout(10), asyncio.TaskGroup() as workers:
        workers.create_task(floor.hand_over(first))
        await floor.connector.arrivals.get()
        await floor.hand_over(second)
        assert floor.connector.offered == [first.id]
        floor.connector.held[PUSHED].set()
    assert floor.connector.taken == [first.id, second.id]


async def test_recalled_delivery_is_passed_over_and_its_neighbours_are_not(floor: Floor) -> None:
    recalled, other = await floor.books.accept(PUSHED, PUSHED_TOO)
    ending = floor.books.ending(recalled, DeliveryState.RECALLED)
    await floor.books.ledger.deliveries.end([ending])
    await floor.hand_over(recalled, other)
    assert floor.connector.taken == [other.id]


async def test_delivery_whose_life_is_over_is_not_sent(floor: Floor) -> None:
    (delivery,) = await floor.books.accept(PUSHED)
    floor.now = delivery.expires_at
    await floor.hand_over(delivery)
    assert floor.connector.offered == []


async def test_delivery_whose_life_is_over_holds_up_nobody_and_is_not_announced_again(floor: Floor) -> None:
    (over,) = await floor.books.accept(PUSHED)
    (second,) = await floor.books.accept(PUSHED, at=NOW + MINUTE)
    floor.now = over.expires_at
    await floor.hand_over(second)
    assert floor.connector.taken == [second.id]
    await floor.hand_over(over)
    assert floor.broker.announced == []


# --- failing and trying again ----------------------------------------------------------------------


async def test_failed_delivery_is_due_again_as_the_schedule_says(floor: Floor) -> None:
    floor.connector.scripts[PUSHED] = [down()]
    (delivery,) = await floor.books.accept(PUSHED)
    await floor.hand_over(delivery)
    failed = await floor.books.state(delivery)
    assert (failed.state, failed.due_at, failed.reason) == (
        QUEUED,
        floor.now + SCHEDULE[0],
        "the webhook answered 503",
    )
    assert await floor.sweep(after=SCHEDULE[0] - timedelta(seconds=1)) == 0
    assert await floor.sweep(after=timedelta(seconds=1)) == 1
    assert await floor.states([delivery]) == [OFFERED]


async def test_schedule_used_up_parks_the_delivery_with_the_last_reason(floor: Floor) -> None:
    floor.connector.scripts[PUSHED] = [down(), down(), down()]
    (delivery,) = await floor.books.accept(PUSHED)
    await floor.hand_over(delivery)
    for wait in SCHEDULE:
        assert await floor.sweep(after=wait) == 1
    parked = await floor.books.state(delivery)
    assert (parked.state, parked.due_at) == (PARKED, None)
    assert parked.reason == "the last of 3 attempts failed: the webhook answered 503"
    assert [each.number for each in await floor.attempts(delivery)] == [1, 2, 3]
    assert await floor.sweep(after=timedelta(days=1)) == 0


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(timedelta(seconds=1), MINUTE), (1.5 * MINUTE, 1.5 * MINUTE), (timedelta(days=365), 2 * MINUTE)],
)
async def test_retry_after_is_honoured_within_bounds(
    floor: Floor, asked: timedelta, waited: timedelta
) -> None:
    floor.connector.scripts[PUSHED] = [down(retry_after=asked)]
    (delivery,) = await floor.books.accept(PUSHED)
    await floor.hand_over(delivery)
    assert (await floor.books.state(delivery)).due_at == floor.now + waited


async def test_failing_first_delivery_holds_up_the_line_behind_it(floor: Floor) -> None:
    floor.connector.scripts[PUSHED] = [down()]
    (first,) = await floor.books.accept(PUSHED)
    (second,) = await floor.books.accept(PUSHED)
    await floor.hand_over(first)
    await floor.hand_over(second)
    assert floor.connector.offered == [first.id]
    await floor.sweep(after=SCHEDULE[0])
    assert floor.connector.taken == [first.id, second.id]


async def test_refusal_parks_at_once_and_lets_the_next_one_through(floor: Floor) -> None:
    floor.connector.scripts[PUSHED] = [RecipientRefused("the webhook answered 410")]
    (refused,) = await floor.books.accept(PUSHED)
    (second,) = await floor.books.accept(PUSHED)
    await floor.hand_over(refused)
    assert await floor.states([refused, second]) == [PARKED, OFFERED]
    lines = await floor.books.ledger.records.timeline(refused.document)
    (parked,) = [each for each in lines if isinstance(each, Event) and each.kind is EventKind.PARKED]
    assert parked.detail == "the webhook answered 410"


async def test_redriven_delivery_has_the_whole_schedule_before_it_again(floor: Floor) -> None:
    floor.connector.scripts[PUSHED] = [RecipientRefused("gone"), down(), down()]
    (delivery,) = await floor.books.accept(PUSHED)
    await floor.hand_over(delivery)
    await redrive(
        floor.exchange.deliveries, ParkedFilter(), broker=floor.broker, clock=lambda: floor.now, dry_run=False
    )
    for wait in (timedelta(0), *SCHEDULE):
        assert await floor.sweep(after=wait) == 1
    assert await floor.states([delivery]) == [OFFERED]
    assert [each.number for each in await floor.attempts(delivery)] == [1, 2, 3, 4]


# --- workers that die or come back -----------------------------------------------------------------


async def test_worker_killed_while_sending_is_followed_by_another_attempt(floor: Floor) -> None:
    floor.connector.held[PUSHED] = asyncio.Event()
    (delivery,) = await floor.books.accept(PUSHED)
    worker = asyncio.create_task(floor.hand_over(delivery))
    await floor.connector.arrivals.get()
    worker.cancel()
    await asyncio.wait({worker})
    floor.connector.held.clear()
    assert await floor.sweep() == 0
    assert await floor.sweep(after=RULES.handover_lease) == 1
    assert (floor.connector.taken, await floor.states([delivery])) == ([delivery.id], [OFFERED])


@pytest.mark.parametrize("answer", [None, down(), RecipientRefused("too late")])
async def test_worker_that_comes_back_after_its_lease_changes_nothing(
    floor: Floor, answer: AgencyUnavailable | RecipientRefused | None
) -> None:
    released = floor.connector.held[PUSHED] = asyncio.Event()
    (delivery,) = await floor.books.accept(PUSHED)
    async with asyncio.timeout(10), asyncio.TaskGroup() as workers:
        workers.create_task(floor.hand_over(delivery))
        await floor.connector.arrivals.get()
        del floor.connector.held[PUSHED]
        await floor.sweep(after=RULES.handover_lease)
        settled = await floor.books.state(delivery)
        floor.connector.scripts[PUSHED] = [answer]
        released.set()
    assert settled.state is OFFERED
    assert await floor.books.state(delivery) == settled
    assert [each.number for each in await floor.attempts(delivery)] == [2]


async def test_delivery_that_kills_its_workers_is_parked_and_not_sent_for_ever(floor: Floor) -> None:
    patient = replace(RULES, retry_schedule=[MINUTE] * 1000)
    floor.exchange = replace(floor.exchange, rules=patient)
    (delivery,) = await floor.books.accept(PUSHED)
    for _ in range(LOST_LIMIT):
        await floor.books.claim(await floor.books.state(delivery), now=floor.now)
        floor.now += RULES.handover_lease
    await floor.sweep(after=timedelta(hours=1))
    parked = await floor.books.state(delivery)
    assert (parked.state, parked.reason) == (PARKED, "too many attempts ended without an outcome")
    assert floor.connector.offered == []


async def test_attempt_with_an_outcome_clears_a_delivery_of_the_workers_it_lost(floor: Floor) -> None:
    floor.exchange = replace(floor.exchange, rules=replace(RULES, retry_schedule=[MINUTE] * 1000))
    floor.connector.scripts[PUSHED] = [down()]
    (delivery,) = await floor.books.accept(PUSHED)
    for _ in range(2):
        for _ in range(LOST_LIMIT - 1):
            await floor.books.claim(await floor.books.state(delivery), now=floor.now)
            floor.now += RULES.handover_lease
        await floor.sweep(after=timedelta(hours=1))
    assert await floor.states([delivery]) == [OFFERED]


# --- dead agencies ---------------------------------------------------------------------------------


async def test_agency_that_does_not_answer_holds_nobody_else_up(floor: Floor) -> None:
    floor.connector.held[PUSHED] = asyncio.Event()
    silent, other = await floor.books.accept(PUSHED, PUSHED_TOO)
    async with asyncio.timeout(10), asyncio.TaskGroup() as workers:
        workers.create_task(floor.hand_over(silent, other))
        assert {await floor.connector.arrivals.get(), await floor.connector.arrivals.get()} == {
            PUSHED,
            PUSHED_TOO,
        }
        assert floor.connector.taken == [other.id]
        floor.connector.held[PUSHED].set()


async def test_dead_agency_is_left_alone_after_some_failures_and_others_are_not(floor: Floor) -> None:
    floor.connector.scripts[PUSHED] = [down()] * RULES.breaker_failures
    line = [(await floor.books.accept(PUSHED))[0] for _ in range(2)]
    await floor.hand_over(line[0])
    for wait in SCHEDULE:
        await floor.sweep(after=wait)
    calls = len(floor.connector.offered)
    await floor.hand_over(line[1])
    (other,) = await floor.books.accept(PUSHED_TOO)
    await floor.hand_over(other)
    assert floor.connector.offered[calls:] == [other.id]
    assert (await floor.books.state(line[1])).due_at == floor.now + RULES.breaker_wait


async def test_one_attempt_closes_the_circuit_of_an_agency_that_is_back(floor: Floor) -> None:
    floor.connector.scripts[PUSHED] = [down()] * RULES.breaker_failures
    line = [(await floor.books.accept(PUSHED))[0] for _ in range(3)]
    await floor.hand_over(line[0])
    for wait in SCHEDULE:
        await floor.sweep(after=wait)
    await floor.hand_over(line[1])
    assert await floor.sweep(after=RULES.breaker_wait) == 1
    assert await floor.states(line) == [PARKED, OFFERED, OFFERED]
    assert floor.exchange.breaker.open_count(now=floor.now) == 0


async def test_waiting_for_an_open_circuit_uses_up_no_attempt(floor: Floor) -> None:
    for _ in range(RULES.breaker_failures):
        floor.exchange.breaker.note(PUSHED, ok=False, now=floor.now)
    (delivery,) = await floor.books.accept(PUSHED)
    await floor.hand_over(delivery)
    waiting = await floor.books.state(delivery)
    assert (waiting.attempts, waiting.tries, await floor.attempts(delivery)) == (0, 0, [])
