"""What the hand-over does when a real RabbitMQ dies, forgets, refuses or blocks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path

import aio_pika
import pytest
from aio_pika.exceptions import DeliveryError, PublishError

from broker import topology
from broker.consumer import open_consumer
from broker.counters import BrokerCounters
from broker.publisher import open_publisher
from broker.sweeper import Sweeper, open_sweeper
from gateway.domain.model import Channel, Lane
from ops.dev.private_rabbitmq import PrivateRabbitMq
from tests.support.brokers import (
    HandOver,
    Ledger,
    Recorder,
    delete_topology,
    hand_over_at,
    handovers,
    killed_while_queues_are_made,
    rabbitmq,
    until,
)

__all__ = ["rabbitmq"]  # a fixture

GRACE = timedelta(seconds=30)
UNREADABLE = (
    b"",
    b"\xff\xfe",
    b"[]",
    b'{"lane": "normal"}',
    b'{"lane": "x", "channel": "inbox", "deliveries": []}',
)
NORMAL_INBOX = topology.queue_name(Lane.NORMAL, Channel.INBOX)


@pytest.fixture
async def x(rabbitmq: PrivateRabbitMq) -> AsyncIterator[HandOver]:
    async with hand_over_at(rabbitmq.url) as hand_over:
        yield hand_over


async def test_a_broker_killed_in_mid_stream_loses_nothing(rabbitmq: PrivateRabbitMq, x: HandOver) -> None:
    ledger = Ledger(grace=timedelta(0))
    sweeper = Sweeper(ledger.as_port(), x.broker, clock=ledger.clock, grace=timedelta(0))
    rows = handovers(20_000)
    ledger.commit(rows)

    async with x.working(ledger.deliver):
        x.broker.announce(rows[:10_000])
        await until(lambda: len(ledger.offered) > 500)
        await rabbitmq.kill9()
        x.broker.announce(rows[10_000:])
        await rabbitmq.start()
        async with open_sweeper(sweeper, counters=x.counters):
            await until(lambda: ledger.queued == 0, within=60)

    assert len(ledger.offered) == 20_000
    assert x.counters.sessions_lost >= 2


async def test_what_is_announced_while_the_broker_is_down_goes_out_when_it_is_back(
    rabbitmq: PrivateRabbitMq,
) -> None:
    counters, recorder = BrokerCounters(), Recorder()
    await rabbitmq.kill9()

    async with (
        open_publisher(rabbitmq.url, counters=counters) as publisher,
        open_consumer(rabbitmq.url, recorder, counters=counters),
    ):
        publisher.announce(handovers(120))
        assert await publisher.waiting() == {}
        await rabbitmq.start()
        await recorder.has_seen(handovers(120))

    assert counters.failed == 0


async def test_a_node_killed_while_its_queues_are_made_is_consumed_from_again(tmp_path: Path) -> None:
    node = await killed_while_queues_are_made(tmp_path)
    try:
        async with hand_over_at(node.url) as x, x.working(Recorder()):
            await until(lambda: x.counters.consuming, within=60)
    finally:
        await node.close(cleanly=False)


async def test_a_wiped_broker_gets_its_topology_and_its_work_back(
    rabbitmq: PrivateRabbitMq, x: HandOver
) -> None:
    ledger = Ledger(grace=GRACE)
    rows = handovers(2_000)
    ledger.commit(rows)
    x.broker.announce(rows)
    await until(lambda: x.counters.published == len(rows))

    await rabbitmq.wipe()
    ledger.now += GRACE
    sweeper = Sweeper(ledger.as_port(), x.broker, clock=ledger.clock, grace=GRACE)
    async with x.working(ledger.deliver), open_sweeper(sweeper, counters=x.counters):
        await until(lambda: ledger.queued == 0, within=60)

    assert x.counters.failed == 0


@pytest.mark.long
async def test_a_broker_wiped_with_a_large_backlog_gets_all_of_it_again(
    rabbitmq: PrivateRabbitMq, x: HandOver
) -> None:
    ledger = Ledger(grace=GRACE)
    rows = handovers(100_000)
    ledger.commit(rows)
    x.broker.announce(rows)
    await until(lambda: x.counters.published == len(rows), within=120)
    sweeper = Sweeper(ledger.as_port(), x.broker, clock=ledger.clock, grace=GRACE)
    for _ in range(10):
        ledger.now += GRACE
        await sweeper.sweep_once()
    assert sum((await x.broker.waiting()).values()) <= 1.1 * len(rows)

    await rabbitmq.wipe()
    ledger.now += GRACE
    async with x.working(ledger.deliver), open_sweeper(sweeper, counters=x.counters):
        await until(lambda: ledger.queued == 0, within=300)


async def test_a_batch_that_reaches_no_queue_is_returned_and_goes_out_after_binding_again(
    rabbitmq: PrivateRabbitMq, x: HandOver
) -> None:
    recorder = Recorder()
    async with await aio_pika.connect(rabbitmq.url) as connection, connection.channel() as channel:
        queue = await channel.get_queue(NORMAL_INBOX)
        await queue.unbind(topology.DELIVERIES, "normal.inbox.#")

    x.broker.announce(handovers(10))
    async with x.working(recorder):
        await recorder.has_seen(handovers(10))

    assert x.counters.returned >= 1
    assert x.counters.published == 10


async def test_a_deleted_queue_is_noticed_and_declared_again(rabbitmq: PrivateRabbitMq, x: HandOver) -> None:
    recorder = Recorder()
    async with x.working(recorder):
        await until(lambda: x.counters.consuming)
        async with await aio_pika.connect(rabbitmq.url) as connection, connection.channel() as channel:
            await channel.queue_delete(NORMAL_INBOX)

        x.broker.announce(handovers(10))
        await recorder.has_seen(handovers(10))


async def test_a_batch_the_broker_keeps_refusing_is_given_up_and_counted(
    rabbitmq: PrivateRabbitMq, x: HandOver
) -> None:
    full = '{"max-length": 1, "overflow": "reject-publish"}'
    await rabbitmq.ctl("set_policy", "full", f"^{NORMAL_INBOX}$", full, "--apply-to", "queues")
    try:
        await fill(rabbitmq, NORMAL_INBOX)
        x.broker.announce(handovers(3))
        await until(lambda: x.counters.failed > 0)
    finally:
        await rabbitmq.ctl("clear_policy", "full")

    assert x.counters.failed == 3
    assert x.counters.published == 0


async def fill(node: PrivateRabbitMq, queue: str) -> None:
    """Publish until the queue refuses; its limit is a soft one."""
    async with await aio_pika.connect(node.url) as connection, connection.channel() as channel:
        with suppress(DeliveryError):
            for _ in range(10):
                await channel.default_exchange.publish(aio_pika.Message(b"filler"), queue)


async def test_a_blocking_broker_delays_but_nothing_is_lost_or_doubled(
    rabbitmq: PrivateRabbitMq, x: HandOver
) -> None:
    recorder = Recorder()
    await rabbitmq.ctl("set_vm_memory_high_watermark", "0.0001")
    try:
        x.broker.announce(handovers(1))  # the broker only tells those who publish
        async with asyncio.timeout(10):
            while await x.broker.waiting():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert x.counters.blocked
        already = x.counters.published
        x.broker.announce(handovers(5_000, start=1))
        await asyncio.sleep(0)
        assert x.counters.published == already
    finally:
        await rabbitmq.ctl("set_vm_memory_high_watermark", "0.4")

    async with x.working(recorder):
        await recorder.has_seen(handovers(5_001))
    assert Counter(recorder.seen) == Counter(handovers(5_001))
    assert x.counters.sessions_lost == 0


async def test_a_message_nobody_can_read_is_counted_and_taken_out(
    rabbitmq: PrivateRabbitMq, x: HandOver
) -> None:
    recorder = Recorder()
    async with await aio_pika.connect(rabbitmq.url) as connection, connection.channel() as channel:
        exchange = await channel.get_exchange(topology.DELIVERIES)
        for body in (
            b"",
            b"\xff\xfe",
            b"[]",
            b'{"lane":"normal"}',
            b'{"lane":"x","channel":"inbox","deliveries":[]}',
        ):
            await exchange.publish(aio_pika.Message(body), "normal.inbox.H26")

    async with x.working(recorder):
        x.broker.announce(handovers(3))
        await recorder.has_seen(handovers(3))
        await until(lambda: x.counters.undecodable == len(UNREADABLE))

    assert (await x.broker.waiting())[Lane.NORMAL, Channel.INBOX] == 0


async def test_a_queue_an_older_version_declared_otherwise_is_used_as_it_is(
    rabbitmq: PrivateRabbitMq,
) -> None:
    await delete_topology(rabbitmq.url)
    async with await aio_pika.connect(rabbitmq.url) as connection, connection.channel() as channel:
        await channel.declare_queue(NORMAL_INBOX, durable=True, arguments={"x-queue-type": "quorum"})
    recorder = Recorder()

    counters = BrokerCounters()
    async with (
        open_publisher(rabbitmq.url, counters=counters) as publisher,
        open_consumer(rabbitmq.url, recorder, counters=counters),
    ):
        publisher.announce(handovers(5))
        await recorder.has_seen(handovers(5))
    await delete_topology(rabbitmq.url)


async def test_a_shared_message_id_makes_the_naked_library_report_a_lost_message_as_confirmed(
    rabbitmq: PrivateRabbitMq, x: HandOver
) -> None:
    """Why every publish has an id of its own (F26): seen on aio-pika 10.2.1."""
    async with await aio_pika.connect(rabbitmq.url) as connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange(topology.DELIVERIES)

        lost, good = await asyncio.gather(
            exchange.publish(aio_pika.Message(b"lost", message_id="shared"), "no.such.queue"),
            exchange.publish(aio_pika.Message(b"good", message_id="shared"), "normal.inbox.H26"),
            return_exceptions=True,
        )

    assert not isinstance(lost, Exception)
    assert isinstance(good, PublishError)


async def test_two_processes_share_the_work(rabbitmq: PrivateRabbitMq, x: HandOver) -> None:
    wanted = handovers(20_000)
    first, second = Recorder(), Recorder()

    async with AsyncExitStack() as both:
        for recorder in (first, second):
            counters = BrokerCounters()
            await both.enter_async_context(open_consumer(rabbitmq.url, recorder, counters=counters))
            await until(lambda counters=counters: counters.consuming)  # type: ignore[misc]
        x.broker.announce(wanted)
        await until(lambda: len(first.seen) + len(second.seen) == len(wanted))

    assert Counter(first.seen + second.seen) == Counter(wanted)
    assert first.batches
    assert second.batches
