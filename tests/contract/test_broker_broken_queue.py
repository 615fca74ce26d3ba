"""A work queue the broker has lost the inside of, as a kill at the wrong moment leaves it on 3.10.8."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Self, cast

import pytest
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import ConnectionInternalError

from broker.connection import BrokerAway
from broker.consumer import Consumer, stations_for
from broker.counters import BrokerCounters
from broker.stations import CREWS
from gateway.domain.model import Channel, Lane
from tests.support.brokers import until

BROKEN = "work.normal.inbox"


@dataclass
class Node:
    """A node whose `broken` queues can be declared, but not consumed from before they are deleted."""

    broken: set[str] = field(default_factory=lambda: {BROKEN})
    deleted: list[str] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    bound: list[str] = field(default_factory=list)

    def channel(self, **_: object) -> ChannelTwin:
        """Return a channel of a connection to it."""
        return ChannelTwin(self)

    def as_connection(self) -> AbstractConnection:
        """Return this twin as what a session works on, of which it needs the channels alone."""
        return cast(AbstractConnection, self)


class ChannelTwin:
    """A channel of the library and the raw one under it, in one."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.close_callbacks: set[Callable[..., object]] = set()
        self.on_consumer_cancel_callbacks: set[Callable[..., object]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def initialize(self) -> None: ...

    async def set_qos(self, **_: object) -> None: ...

    async def get_underlay_channel(self) -> Self:
        return self

    async def basic_consume(self, queue: str, _: object) -> Any:
        if queue in self._node.broken:
            raise ConnectionInternalError(541, "INTERNAL_ERROR")
        return SimpleNamespace(consumer_tag=f"consumer of {queue}")

    async def queue_delete(self, queue: str) -> None:
        self._node.deleted.append(queue)
        self._node.broken.discard(queue)

    async def declare_queue(self, queue: str, **_: object) -> None:
        self._node.declared.append(queue)

    async def get_queue(self, queue: str, **_: object) -> Any:
        async def bind(_: str, key: str) -> None:
            self._node.bound.append(f"{queue} {key}")

        return SimpleNamespace(bind=bind)


def consumer_of(counters: BrokerCounters) -> Consumer:
    return Consumer(stations_for([Lane.NORMAL], [Channel.INBOX], crews=CREWS), counters=counters)


async def ended(session: Coroutine[Any, Any, None]) -> BaseException | None:
    """Return what a session ended with."""
    return (await asyncio.gather(session, return_exceptions=True))[0]


async def test_a_queue_that_breaks_two_consumers_in_a_row_is_made_anew_and_consumed_from() -> None:
    node, counters, lost = Node(), BrokerCounters(), asyncio.Event()
    consumer = consumer_of(counters)
    for _ in range(2):
        with pytest.raises(BrokerAway):
            await consumer.session(node.as_connection(), lost)
    assert node.deleted == []

    async with asyncio.TaskGroup() as tasks:
        third = tasks.create_task(ended(consumer.session(node.as_connection(), lost)))
        await until(lambda: counters.consuming, within=5)
        lost.set()

    assert isinstance(third.result(), BaseExceptionGroup)
    assert (node.deleted, node.declared) == ([BROKEN], [BROKEN])
    assert node.bound == [f"{BROKEN} normal.inbox.#"]
    assert counters.queues_made_anew == 1


async def test_a_queue_that_was_consumed_from_in_between_is_left_alone() -> None:
    node, counters = Node(), BrokerCounters()
    consumer = consumer_of(counters)
    for is_broken in (True, False, True, True):
        node.broken = {BROKEN} if is_broken else set()
        lost = asyncio.Event()
        lost.set()
        with pytest.raises((BrokerAway, BaseExceptionGroup)):
            await consumer.session(node.as_connection(), lost)

    assert node.deleted == []
    assert counters.queues_made_anew == 0
