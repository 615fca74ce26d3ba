"""One contract for every `Broker`: what is announced is handled, whatever goes wrong beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.domain.model import Channel, Handover, Lane
from tests.support.brokers import (
    HandOver,
    Recorder,
    broker_kinds,
    broker_url,
    hand_over_at,
    handovers,
    rabbitmq,
    until,
)

__all__ = ["broker_url", "rabbitmq"]  # fixtures

NORMAL_INBOX = (Lane.NORMAL, Channel.INBOX)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("broker_kind", broker_kinds(metafunc.config))


@pytest.fixture
async def x(broker_url: str) -> AsyncIterator[HandOver]:
    async with hand_over_at(broker_url) as hand_over:
        yield hand_over


async def test_everything_announced_is_handled_once_and_unchanged(x: HandOver) -> None:
    wanted = [each for lane in Lane for kind in Channel for each in handovers(120, lane=lane, channel=kind)]
    recorder = Recorder()

    async with x.working(recorder):
        x.broker.announce(wanted)
        await recorder.has_seen(wanted)

    assert Counter(recorder.seen) == Counter(wanted)
    assert x.counters.published == x.counters.consumed == len(wanted)


async def test_a_batch_has_one_lane_and_one_channel(x: HandOver) -> None:
    wanted = [each for lane in Lane for kind in Channel for each in handovers(7, lane=lane, channel=kind)]
    recorder = Recorder()

    async with x.working(recorder):
        x.broker.announce(wanted[::2])
        x.broker.announce(wanted[1::2])
        await recorder.has_seen(wanted)

    assert all(len({(each.lane, each.channel) for each in batch}) == 1 for batch in recorder.batches)


async def test_what_has_gathered_is_handled_in_few_large_batches(x: HandOver) -> None:
    wanted = handovers(400)
    for each in wanted:
        x.broker.announce([each])
    recorder = Recorder()

    await all_published(x, len(wanted))
    async with x.working(recorder):
        await recorder.has_seen(wanted)

    assert len(recorder.batches) < 100
    assert max(map(len, recorder.batches)) <= 500


async def test_an_urgent_delivery_overtakes_the_bulk(x: HandOver) -> None:
    circular = handovers(3_000, lane=Lane.BULK)
    urgent = handovers(1, lane=Lane.URGENT)
    recorder = Recorder(hold=lambda each: each.lane is Lane.BULK)

    async with x.working(recorder):
        x.broker.announce(circular)
        x.broker.announce(urgent)
        await recorder.has_seen(urgent)
        assert len(recorder.seen) < len(circular)
        recorder.released.set()
        await recorder.has_seen(circular)


async def test_a_slow_webhook_delays_no_other(x: HandOver) -> None:
    slow, *others = handovers(40, channel=Channel.WEBHOOK)
    recorder = Recorder(hold=lambda each: each == slow)

    async with x.working(recorder):
        for number, each in enumerate((slow, *others), start=1):
            x.broker.announce([each])
            await all_published(x, number)  # each in a message of its own
        await recorder.has_seen(others)
        recorder.released.set()


async def test_a_failing_batch_stops_nobody_and_is_left_to_the_ledger(x: HandOver) -> None:
    bad = handovers(1)
    good = handovers(300, start=1)
    recorder = Recorder(fail_at={bad[0].delivery})

    async with x.working(recorder):
        x.broker.announce(bad)
        await recorder.has_seen(bad)
        x.broker.announce(good)
        await recorder.has_seen(good)

    assert x.counters.handler_failed >= 1
    assert Counter(recorder.seen)[bad[0]] == 1
    assert (await x.broker.waiting())[NORMAL_INBOX] == 0


async def test_waiting_counts_the_batches_of_each_queue(x: HandOver) -> None:
    x.broker.announce(handovers(120) + handovers(10, lane=Lane.BULK, channel=Channel.WEBHOOK))
    await all_published(x, 130)

    waiting = await x.broker.waiting()

    assert waiting.pop(NORMAL_INBOX) == 3
    assert waiting.pop((Lane.BULK, Channel.WEBHOOK)) == 1
    assert set(waiting.values()) == {0}


async def test_leaving_finishes_what_was_taken(x: HandOver) -> None:
    finished: list[Handover] = []
    recorder = Recorder(hold=lambda _: True)

    async def handle(batch: Sequence[Handover]) -> None:
        await recorder(batch)
        finished.extend(batch)

    async with x.working(handle):
        x.broker.announce(handovers(1))
        await recorder.has_seen(handovers(1))
        recorder.released.set()

    assert finished == handovers(1)


async def test_thousands_of_deliveries_go_through(x: HandOver) -> None:
    wanted = handovers(10_000, lane=Lane.BULK)
    recorder = Recorder()

    async with x.working(recorder):
        x.broker.announce(wanted)
        await recorder.has_seen(wanted)

    assert Counter(recorder.seen) == Counter(wanted)


async def all_published(x: HandOver, count: int) -> None:
    await until(lambda: x.counters.published >= count)
