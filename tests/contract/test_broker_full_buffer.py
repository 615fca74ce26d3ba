"""Memory is bounded: what does not fit is counted, dropped, and found again by the sweeper."""

from __future__ import annotations

from datetime import timedelta

from broker.buffer import Buffer
from broker.counters import BrokerCounters
from broker.direct import DirectBroker
from broker.publisher import open_publisher
from gateway.domain.model import Lane
from tests.support.brokers import Recorder, handovers

NO_TIME = timedelta(0)
NOBODY_LISTENS = "amqp://nobody:nothing@127.0.0.1:1/"


async def test_direct_drops_what_does_not_fit_and_has_room_again_afterwards() -> None:
    counters = BrokerCounters()
    broker = DirectBroker(counters=counters, capacity=100)
    recorder = Recorder()

    broker.announce(handovers(130))
    async with broker.work(recorder):
        await recorder.has_seen(handovers(100))
        broker.announce(handovers(50, start=200))
        await recorder.has_seen(handovers(50, start=200))

    assert counters.dropped == 30
    assert len(recorder.seen) == 150


async def test_announcing_returns_at_once_while_the_broker_is_away() -> None:
    counters = BrokerCounters()

    async with open_publisher(
        NOBODY_LISTENS, counters=counters, capacity=100, flush_within=NO_TIME
    ) as publisher:
        publisher.announce(handovers(130))
        waiting = await publisher.waiting()

    assert counters.dropped == 30
    assert waiting == {}


async def test_the_buffer_gives_out_urgent_deliveries_first() -> None:
    buffer = Buffer(1_000)
    buffer.put(handovers(60, lane=Lane.BULK))
    buffer.put(handovers(2, lane=Lane.URGENT))

    taken = [await buffer.take(50) for _ in range(3)]

    assert taken == [
        handovers(2, lane=Lane.URGENT),
        handovers(50, lane=Lane.BULK),
        handovers(10, lane=Lane.BULK, start=50),
    ]
    assert buffer.is_empty
