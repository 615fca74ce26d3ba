"""Handing over to agencies' own queues: a batch at once, and nobody fails with a neighbour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.agency_queues import NoAgencyQueues
from gateway.domain.errors import AgencyUnavailable, RecipientRefused, StoreUnavailable
from gateway.domain.model import AttemptOutcome
from gateway.domain.states import DeliveryState
from tests.support.exchange_samples import claim
from tests.support.hand_over import MINUTE, RULES, Floor, hand_over_floor
from tests.support.ledgers import PULLS, PULLS_TOO, AmqpBooks

QUEUED, OFFERED, PARKED = DeliveryState.QUEUED, DeliveryState.OFFERED, DeliveryState.PARKED


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    async with hand_over_floor(tmp_path) as opened:
        opened.books = AmqpBooks(opened.books.ledger, opened.books.ids)
        yield opened


async def test_batch_is_offered_at_once_and_its_agencies_woken(floor: Floor) -> None:
    deliveries = await floor.books.accept(PULLS, PULLS_TOO)
    await floor.hand_over(*deliveries)
    assert await floor.states(deliveries) == [OFFERED, OFFERED]
    assert sorted(floor.wakeups.woken) == [PULLS, PULLS_TOO]
    assert floor.meter.counts["offered normal amqp"] == 2


async def test_several_to_one_agency_need_not_wait_for_one_another(floor: Floor) -> None:
    line = [(await floor.books.accept(PULLS))[0] for _ in range(3)]
    await floor.hand_over(*line)
    assert await floor.states(line) == [OFFERED] * 3


async def test_queue_that_cannot_be_reached_fails_its_own_delivery_alone(floor: Floor) -> None:
    down, well = await floor.books.accept(PULLS, PULLS_TOO)
    floor.connector.scripts[PULLS] = [AgencyUnavailable("the broker takes nothing at present")]
    await floor.hand_over(down, well)
    assert await floor.states([down, well]) == [QUEUED, OFFERED]
    assert [each.outcome for each in await floor.attempts(down)] == [AttemptOutcome.FAILED]
    assert (await floor.books.state(down)).due_at == floor.now + MINUTE


async def test_failing_ledger_in_one_hand_over_does_not_undo_its_neighbours(floor: Floor) -> None:
    bad, well = await floor.books.accept(PULLS, PULLS_TOO)
    floor.connector.scripts[PULLS] = [StoreUnavailable()]
    with pytest.raises(StoreUnavailable):
        await floor.hand_over(bad, well)
    assert await floor.states([bad, well]) == [QUEUED, OFFERED]


async def test_refused_delivery_is_parked(floor: Floor) -> None:
    (delivery,) = await floor.books.accept(PULLS)
    floor.connector.scripts[PULLS] = [RecipientRefused("not for this queue")]
    await floor.hand_over(delivery)
    assert await floor.states([delivery]) == [PARKED]


async def test_agency_with_an_open_circuit_is_left_alone_and_the_others_are_not(floor: Floor) -> None:
    for _ in range(RULES.breaker_failures):
        floor.exchange.breaker.note(PULLS, ok=False, now=floor.now)
    dead, well = await floor.books.accept(PULLS, PULLS_TOO)
    await floor.hand_over(dead, well)
    assert await floor.states([dead, well]) == [QUEUED, OFFERED]
    assert (await floor.books.state(dead)).due_at == floor.now + RULES.breaker_wait
    assert floor.connector.offered == [well.id]


async def test_without_rabbitmq_the_reason_says_what_is_missing() -> None:
    with pytest.raises(AgencyUnavailable, match="needs RabbitMQ"):
        await NoAgencyQueues().deliver(claim(None))
