"""Waking long polls: in this process, and through `lienthong.events` in all others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from broker import topology
from broker.codec import Undecodable, decode_agencies
from broker.connection import answered, keep_connected, raise_when, running
from broker.counters import BrokerCounters
from broker.publisher import OFFERED, Publisher
from gateway.domain.model import AgencyCode


class LocalWakeups:
    """The port `Wakeups` within one process."""

    def __init__(self) -> None:
        self._waiting: dict[AgencyCode, set[asyncio.Future[None]]] = {}

    def wake(self, agencies: Collection[AgencyCode]) -> None:
        """Wake the long polls of these agencies; costs nothing where none waits."""
        for agency in agencies:
            for waiter in self._waiting.get(agency, ()):
                if not waiter.done():
                    waiter.set_result(None)

    async def wait(self, agency: AgencyCode, *, timeout: timedelta) -> None:
        """Return when the agency is woken, or after the timeout."""
        waiter = asyncio.get_running_loop().create_future()
        waiters = self._waiting.setdefault(agency, set())
        waiters.add(waiter)
        try:
            await asyncio.wait({waiter}, timeout=timeout.total_seconds())
        finally:
            waiters.discard(waiter)
            if not waiters:
                self._waiting.pop(agency, None)


class RabbitWakeups:
    """The port `Wakeups` across processes: wakes here at once, everywhere else through the broker."""

    def __init__(self, publisher: Publisher, *, counters: BrokerCounters) -> None:
        self._local = LocalWakeups()
        self._publisher = publisher
        self._counters = counters
        self.is_listening = False

    def wake(self, agencies: Collection[AgencyCode]) -> None:
        """Wake the long polls of these agencies, in every process."""
        self._local.wake(agencies)
        self._publisher.tell(agencies)

    async def wait(self, agency: AgencyCode, *, timeout: timedelta) -> None:
        """Return when the agency is woken, or after the timeout."""
        await self._local.wait(agency, timeout=timeout)

    async def session(self, connection: AbstractConnection, lost: asyncio.Event) -> None:
        """Listen over one connection until it is lost.

        Raises:
            BrokerAway: It is.
        """
        queue = await answered(topology.declare_listener(connection, binding=f"{OFFERED}.#"))
        queue.channel.close_callbacks.add(lambda *_: lost.set())
        await answered(queue.consume(self._on_event, no_ack=True))
        self.is_listening = True
        try:
            await raise_when(lost)
        finally:
            self.is_listening = False

    async def _on_event(self, event: AbstractIncomingMessage) -> None:
        if event.app_id == self._publisher.id:
            return  # woken here already
        try:
            self._local.wake(decode_agencies(event.body))
        except Undecodable:
            self._counters.undecodable += 1


@asynccontextmanager
async def open_wakeups(
    url: str, publisher: Publisher, *, counters: BrokerCounters
) -> AsyncIterator[RabbitWakeups]:
    """Return wake-ups that reach every process while the block runs, connected or not."""
    wakeups = RabbitWakeups(publisher, counters=counters)
    connecting = keep_connected(url, wakeups.session, name="wakeups", counters=counters)
    async with running(connecting, name="broker wakeups"):
        yield wakeups
