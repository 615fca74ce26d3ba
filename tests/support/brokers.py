"""Brokers to test with, and twins of what stands on both sides of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import aio_pika
import pytest
import pytest_asyncio

from broker import topology
from broker.consumer import open_consumer
from broker.counters import BrokerCounters
from broker.direct import DirectBroker
from broker.publisher import open_publisher
from broker.stations import Handler
from gateway.domain.ledger_ports import Deliveries
from gateway.domain.model import AgencyCode, Channel, DeliveryId, Handover, Lane
from gateway.domain.ports import Broker
from ops.dev.private_rabbitmq import PrivateRabbitMq, private_rabbitmq


def handovers(
    count: int, *, lane: Lane = Lane.NORMAL, channel: Channel = Channel.INBOX, start: int = 0
) -> list[Handover]:
    """Return handovers of deliveries numbered from `start`, to the agencies of one city."""
    return [
        Handover(
            DeliveryId(f"{lane}-{channel}-{number}"), 0, lane, channel, AgencyCode(f"H26.{number % 633}")
        )
        for number in range(start, start + count)
    ]


async def until(condition: Callable[[], bool], *, within: float = 20) -> None:
    """Return when something outside has happened; only for what gives no sign of its own."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@dataclass
class Recorder:
    """A handler that remembers its batches and, where told to, fails or waits."""

    batches: list[list[Handover]] = field(default_factory=list)
    fail_at: set[DeliveryId] = field(default_factory=set)
    hold: Callable[[Handover], bool] = lambda _: False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, batch: Sequence[Handover]) -> None:
        """Deliver a batch."""
        self.batches.append(list(batch))
        self._changed.set()
        if any(map(self.hold, batch)):
            await self.released.wait()
        if any(each.delivery in self.fail_at for each in batch):
            raise RuntimeError("planted failure")

    @property
    def seen(self) -> list[Handover]:
        """Return everything handled so far, in order."""
        return [each for batch in self.batches for each in batch]

    async def has_seen(self, wanted: Collection[Handover], *, within: float = 30) -> None:
        """Return when all of these were handled."""
        missing = set(wanted) - set(self.seen)
        known = len(self.batches)
        async with asyncio.timeout(within):
            while missing:
                self._changed.clear()
                await self._changed.wait()
                missing.difference_update(each for batch in self.batches[known:] for each in batch)
                known = len(self.batches)


class Ledger:
    """A twin of the ledger's outbox: QUEUED rows with a fence and a due time."""

    def __init__(self, *, grace: timedelta) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        self.grace = grace
        self.offered: set[DeliveryId] = set()
        self._queued: dict[DeliveryId, tuple[Handover, datetime]] = {}

    def clock(self) -> datetime:
        return self.now

    def commit(self, handed_over: Sequence[Handover]) -> None:
        """Queue rows, due one grace from now."""
        self._queued |= {each.delivery: (each, self.now + self.grace) for each in handed_over}

    @property
    def queued(self) -> int:
        """Return how many rows nobody was offered yet."""
        return len(self._queued)

    async def overdue(
        self, queues: Collection[tuple[Lane, Channel]], *, now: datetime, grace: timedelta, limit: int
    ) -> list[Handover]:
        """Return and postpone overdue rows, as the port says."""
        found = [
            handover
            for handover, due_at in self._queued.values()
            if due_at <= now and (handover.lane, handover.channel) in queues
        ][:limit]
        self._queued |= {each.delivery: (each, now + grace) for each in found}
        return found

    async def deliver(self, batch: Sequence[Handover]) -> None:
        """Offer what nobody else has offered, by compare-and-set."""
        for each in batch:
            if self._queued.pop(each.delivery, None):
                self.offered.add(each.delivery)

    def as_port(self) -> Deliveries:
        """Return this twin as the port it plays, of which a sweeper needs one method."""
        return cast(Deliveries, self)


class Working(Protocol):
    """Lets a handler deliver while the block runs."""

    def __call__(self, handle: Handler) -> AbstractAsyncContextManager[None]: ...


@dataclass
class HandOver:
    """One implementation of the port `Broker` and the consumer that belongs to it."""

    broker: Broker
    counters: BrokerCounters
    working: Working


@asynccontextmanager
async def hand_over_at(url: str) -> AsyncIterator[HandOver]:
    """Return the hand-over at a broker URL: `direct:`, or a RabbitMQ whose topology starts fresh."""
    counters = BrokerCounters()
    if url == "direct:":
        direct = DirectBroker(counters=counters)
        yield HandOver(direct, counters, direct.work)
        return
    await delete_topology(url)
    async with open_publisher(url, counters=counters) as publisher:
        await until(lambda: counters.connected)
        yield HandOver(publisher, counters, partial(open_consumer, url, counters=counters))


async def killed_while_queues_are_made(folder: Path) -> PrivateRabbitMq:
    """Return a node that was killed in the moment its first queues were made.

    3.10.8 then often has queues in its list with nothing behind them.
    """
    node = PrivateRabbitMq(folder)
    await node.start()
    connection = await aio_pika.connect(node.url)
    await topology.declare(connection)
    await node.kill9()
    with suppress(Exception):  # whatever the library makes of a dead connection
        await connection.close()
    await node.start()
    return node


async def delete_topology(url: str) -> None:
    """Delete all our queues and exchanges with what is in them."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        for lane, kind in topology.work_queues():
            await channel.queue_delete(topology.queue_name(lane, kind))
        await channel.queue_delete(topology.ACKS_QUEUE)
        for exchange in (topology.DELIVERIES, topology.EVENTS, topology.ACKS):
            await channel.exchange_delete(exchange)


def broker_kinds(config: pytest.Config) -> list[str]:
    """Return the implementations this run covers."""
    return ["direct", "rabbitmq"] if config.getoption("--servers", default=False) else ["direct"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rabbitmq() -> AsyncIterator[PrivateRabbitMq]:
    """Return a private node that lives as long as the tests of one module folder need it."""
    async with private_rabbitmq() as node:
        yield node


@pytest.fixture
def broker_url(broker_kind: str, request: pytest.FixtureRequest) -> str:
    """Return the broker URL of the kind a test is parametrised with."""
    if broker_kind == "direct":
        return "direct:"
    node: PrivateRabbitMq = request.getfixturevalue("rabbitmq")
    return node.url
