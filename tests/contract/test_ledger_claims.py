"""The port `Deliveries`: offering, claiming and settling, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from gateway.domain.model import Attempt, AttemptOutcome, DeliveryId, Event, EventKind
from gateway.domain.states import DeliveryState
from tests.support.exchange_samples import NOW
from tests.support.ledgers import (
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

LATER = NOW + timedelta(hours=1)

# --- offering ------------------------------------------------------------------------------------


async def test_offered_delivery_is_in_the_inbox_with_one_attempt(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    batch = [handover(delivery)]
    assert await books.ledger.deliveries.offer(batch, now=LATER) == batch
    assert await books.state(delivery) == replace(
        delivery, state=DeliveryState.OFFERED, attempts=1, tries=1, due_at=None, offered_at=LATER
    )
    timeline = await books.ledger.records.timeline(delivery.document)
    assert timeline[1:] == [Attempt(delivery.id, 1, LATER, AttemptOutcome.OFFERED)]


async def test_delivery_is_offered_once_however_often_it_is_announced(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    batches = [books.ledger.deliveries.offer([handover(delivery)], now=NOW) for _ in range(8)]
    assert sum(map(len, await asyncio.gather(*batches))) == 1
    assert (await books.state(delivery)).attempts == 1


async def test_bad_ids_in_a_batch_do_not_hurt_their_neighbours(books: Books) -> None:
    good, moved = await books.accept(PULLS, PULLS_TOO)
    (over,) = await books.accept(PULLS, at=NOW - LIFE)
    unknown = replace(handover(good), delivery=DeliveryId("no such delivery"))
    stale = replace(handover(moved), attempts=7)
    batch = [unknown, stale, handover(over), handover(good)]
    assert await books.ledger.deliveries.offer(batch, now=NOW) == [handover(good)]


async def test_batches_that_cross_each_other_are_offered_without_a_deadlock(books: Books) -> None:
    deliveries = [(await books.accept(PULLS))[0] for _ in range(50)]
    batch = [handover(delivery) for delivery in deliveries]
    both_ways = [batch, batch[::-1]] * 4
    offered = await asyncio.gather(*(books.ledger.deliveries.offer(each, now=NOW) for each in both_ways))
    assert sum(map(len, offered)) == 50


# --- claiming ------------------------------------------------------------------------------------


async def test_claim_holds_all_a_connector_needs(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    (claim,) = await books.claim(delivery)
    assert claim.delivery == replace(delivery, attempts=1, tries=1, due_at=NOW + LEASE)
    assert claim.document == await books.ledger.records.document(delivery.document)
    assert claim.recipient == await books.ledger.directory.agency(PUSHED)
    assert await books.state(delivery) == claim.delivery


async def test_of_many_claims_at_once_one_wins(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    claims = await asyncio.gather(*(books.claim(delivery) for _ in range(12)))
    assert sum(map(len, claims)) == 1


async def test_claimed_delivery_can_be_claimed_again_only_with_its_new_fence(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    (first,) = await books.claim(delivery)
    assert await books.claim(delivery) == []
    (second,) = await books.claim(first.delivery, now=NOW + LEASE)
    assert second.delivery.attempts == 2


async def test_expired_delivery_is_not_claimed(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    assert await books.claim(delivery, now=delivery.expires_at) == []


async def test_only_the_first_in_line_of_each_agency_is_claimed(books: Books) -> None:
    first, other = await books.accept(PUSHED, PUSHED_TOO)
    (second,) = await books.accept(PUSHED)
    claims = await books.claim(second, other, first)
    assert [claim.delivery.id for claim in claims] == [other.id, first.id]
    assert await books.claim(second) == []


async def test_next_in_line_is_claimed_when_the_first_has_left_the_line(books: Books) -> None:
    (first,), (second,) = await books.accept(PUSHED), await books.accept(PUSHED)
    await books.park(first)
    (claim,) = await books.claim(second)
    assert claim.delivery.id == second.id


async def test_agencies_that_pull_have_no_line(books: Books) -> None:
    (first,), (second,) = await books.accept(PULLS), await books.accept(PULLS)
    assert len(await books.claim(first, second)) == 2


async def test_next_in_line_is_the_first_if_it_is_new_or_due(books: Books) -> None:
    (first,), _ = await books.accept(PUSHED), await books.accept(PUSHED)
    peek = books.ledger.deliveries.next_in_line
    assert await peek([PUSHED, PUSHED_TOO], now=NOW) == [handover(first)]
    (claim,) = await books.claim(first)
    assert await peek([PUSHED], now=NOW) == []
    assert await peek([PUSHED], now=NOW + LEASE) == [handover(claim.delivery)]
    assert await peek([PUSHED_TOO], now=NOW) == []


async def test_delivery_past_its_life_holds_nobody_back(books: Books) -> None:
    (over,), (second,) = await books.accept(PUSHED, at=NOW - LIFE), await books.accept(PUSHED)
    deliveries = books.ledger.deliveries
    assert await deliveries.next_in_line([PUSHED], now=NOW) == [handover(second)]
    assert await deliveries.next_in_line([PUSHED], now=NOW + LIFE) == []
    (claim,) = await books.claim(over, second)
    assert claim.delivery.id == second.id


async def test_claim_tells_how_many_attempts_in_a_row_had_no_outcome(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    (first,) = await books.claim(delivery)
    (second,) = await books.claim(first.delivery, now=NOW + LEASE)
    await books.ledger.deliveries.settle(
        [settlement(second.delivery, DeliveryState.QUEUED, due_at=LATER)], events=[]
    )
    (third,) = await books.claim(second.delivery, now=LATER)
    assert [each.lost for each in (first, second, third)] == [0, 1, 0]


# --- settling ------------------------------------------------------------------------------------


async def test_settled_as_offered(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    (claim,) = await books.claim(delivery)
    done = settlement(claim.delivery, DeliveryState.OFFERED, at=LATER)
    assert await books.ledger.deliveries.settle([done], events=[]) == {delivery.id}
    assert await books.state(delivery) == replace(
        claim.delivery, state=DeliveryState.OFFERED, due_at=None, offered_at=LATER
    )
    assert (await books.ledger.records.timeline(delivery.document))[1:] == [done.attempt]


async def test_failed_attempt_is_due_again(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    (claim,) = await books.claim(delivery)
    failed = settlement(claim.delivery, DeliveryState.QUEUED, due_at=LATER)
    assert await books.ledger.deliveries.settle([failed], events=[]) == {delivery.id}
    assert await books.state(delivery) == replace(claim.delivery, due_at=LATER, reason="no answer")


async def test_one_attempt_is_settled_once(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    (claim,) = await books.claim(delivery)
    failed = settlement(claim.delivery, DeliveryState.QUEUED, due_at=LATER)
    ends = [books.ledger.deliveries.settle([failed], events=[]) for _ in range(6)]
    assert sum(map(len, await asyncio.gather(*ends))) == 1
    assert len(await books.ledger.records.timeline(delivery.document)) == 2


async def test_zombie_cannot_settle_what_another_has_claimed(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    (zombie,) = await books.claim(delivery)
    (heir,) = await books.claim(zombie.delivery, now=NOW + LEASE)
    late = settlement(zombie.delivery, DeliveryState.PARKED, at=LATER)
    parked = event(delivery, EventKind.PARKED)
    assert await books.ledger.deliveries.settle([late], events=[parked]) == set()
    assert await books.state(delivery) == heir.delivery
    assert len(await books.ledger.records.timeline(delivery.document)) == 1


async def test_settling_an_ended_delivery_changes_nothing(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    (claim,) = await books.claim(delivery)
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.DELIVERED)])
    late = settlement(claim.delivery, DeliveryState.OFFERED)
    assert await books.ledger.deliveries.settle([late], events=[]) == set()
    assert (await books.state(delivery)).state is DeliveryState.DELIVERED


async def test_each_of_a_batch_is_settled_for_itself_and_events_follow(books: Books) -> None:
    deliveries = await books.accept(PUSHED, PUSHED_TOO)
    good, bad = await books.claim(*deliveries)
    stale = replace(bad.delivery, attempts=9)
    settled = await books.ledger.deliveries.settle(
        [settlement(stale, DeliveryState.PARKED), settlement(good.delivery, DeliveryState.PARKED)],
        events=[event(each, EventKind.PARKED) for each in deliveries],
    )
    timeline = await books.ledger.records.timeline(good.document.id)
    kept = [line.delivery for line in timeline if isinstance(line, Event) and line.kind is EventKind.PARKED]
    assert settled == {good.delivery.id} == set(kept)
