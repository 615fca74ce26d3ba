"""The sweeper over every `Broker`: nothing is forgotten, and what still waits is not announced again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from broker.codec import BATCH
from broker.counters import BrokerCounters
from broker.direct import DirectBroker
from broker.sweeper import Sweeper, open_sweeper
from gateway.domain.errors import StoreUnavailable
from gateway.domain.model import Channel, Lane
from tests.support.brokers import (
    HandOver,
    Ledger,
    broker_kinds,
    broker_url,
    hand_over_at,
    handovers,
    rabbitmq,
    until,
)

__all__ = ["broker_url", "rabbitmq"]  # fixtures

GRACE = timedelta(seconds=30)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "broker_kind" in metafunc.fixturenames:
        metafunc.parametrize("broker_kind", broker_kinds(metafunc.config))


@pytest.fixture
async def x(broker_url: str) -> AsyncIterator[HandOver]:
    async with hand_over_at(broker_url) as hand_over:
        yield hand_over


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(grace=GRACE)


def sweeper_of(ledger: Ledger, x: HandOver) -> Sweeper:
    return Sweeper(ledger.as_port(), x.broker, clock=ledger.clock, grace=GRACE)


async def test_what_a_crash_left_behind_is_announced_once_its_grace_is_over(
    x: HandOver, ledger: Ledger
) -> None:
    ledger.commit(handovers(700))
    sweeper = sweeper_of(ledger, x)

    async with x.working(ledger.deliver):
        assert await sweeper.sweep_once() == 0
        ledger.now += GRACE
        assert await sweeper.sweep_once() == 700
        await until(lambda: ledger.queued == 0)
        ledger.now += GRACE
        assert await sweeper.sweep_once() == 0


async def test_stopped_workers_for_ten_graces_do_not_fill_the_broker(x: HandOver, ledger: Ledger) -> None:
    await stop_workers_for_ten_graces(x, ledger, rows=2_000)


@pytest.mark.long
async def test_stopped_workers_with_a_large_backlog_do_not_fill_the_broker(
    x: HandOver, ledger: Ledger
) -> None:
    await stop_workers_for_ten_graces(x, ledger, rows=100_000)


async def stop_workers_for_ten_graces(x: HandOver, ledger: Ledger, *, rows: int) -> None:
    """Announce rows one by one as single documents do, sweep for ten graces, then start the workers."""
    committed = handovers(rows)
    ledger.commit(committed)
    for each in committed:
        x.broker.announce([each])
        await asyncio.sleep(0)
    await until(lambda: x.counters.published == rows, within=120)
    sweeper = sweeper_of(ledger, x)

    for _ in range(10):
        ledger.now += GRACE
        await sweeper.sweep_once()

    waiting = sum((await x.broker.waiting()).values())
    assert waiting <= 1.1 * rows
    assert x.counters.published <= max(1.1 * rows, rows + 5_500)
    async with x.working(ledger.deliver):
        await until(lambda: ledger.queued == 0, within=120)
    assert x.counters.dropped == 0


async def test_a_long_queue_of_one_lane_does_not_stop_the_others(x: HandOver, ledger: Ledger) -> None:
    x.broker.announce(handovers(6_000, lane=Lane.BULK, start=10_000))
    await until(lambda: x.counters.published == 6_000)
    ledger.commit(handovers(10, lane=Lane.BULK) + handovers(10, lane=Lane.URGENT))
    ledger.now += GRACE

    announced = await sweeper_of(ledger, x).sweep_once()

    assert announced == 10
    assert (await x.broker.waiting())[Lane.BULK, Channel.INBOX] == 6_000 / BATCH


async def test_lag_grows_while_something_overdue_is_left_and_ends_with_it(ledger: Ledger) -> None:
    counters = BrokerCounters()
    broker = DirectBroker(counters=counters)
    sweeper = Sweeper(ledger.as_port(), broker, clock=ledger.clock, grace=GRACE, short_below=1)
    broker.announce(handovers(1, start=9))
    ledger.commit(handovers(1))
    ledger.now += GRACE

    await sweeper.sweep_once()
    assert sweeper.lag == GRACE

    async with broker.work(ledger.deliver):
        await until(lambda: counters.consumed == 1)
        await sweeper.sweep_once()
        assert sweeper.lag == timedelta(0)


async def test_a_store_that_is_away_for_a_round_stops_neither_sweeping_nor_chores() -> None:
    counters = BrokerCounters()
    rounds = 0
    enough = asyncio.Event()

    async def expire() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise StoreUnavailable
        enough.set()

    ledger = Ledger(grace=GRACE)
    sweeper = Sweeper(ledger.as_port(), DirectBroker(counters=counters), clock=ledger.clock, grace=GRACE)
    chores = {"expiry": (expire, timedelta(milliseconds=1))}
    async with open_sweeper(sweeper, counters=counters, chores=chores):
        await asyncio.wait_for(enough.wait(), 5)

    assert counters.sweeps_failed == 1
