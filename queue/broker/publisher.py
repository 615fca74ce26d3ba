"""The one module that publishes: persistent, mandatory, confirmed, a fresh message id per publish."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from os.path import commonprefix
from typing import Any
from uuid import uuid4

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError, PublishError
from aiormq import Channel as RawChannel
from pamqp.commands import Basic

from broker import topology
from broker.buffer import Buffer
from broker.codec import BATCH, encode_agencies, encode_batch
from broker.connection import (
    ANSWER_WITHIN,
    BrokerAway,
    NoQueue,
    abandon,
    answered,
    is_blocked,
    keep_connected,
    outcome,
    raise_when,
    running,
    wait_while_blocked,
)
from broker.counters import BrokerCounters
from broker.dispatch import dispatch
from gateway.domain.model import AgencyCode, Channel, Handover, Lane
from gateway.domain.routing import routing_key

log = logging.getLogger(__name__)

CAPACITY = 100_000
"""Most deliveries that wait in memory while the broker is away, slow or blocked."""
WINDOW = 64
"""Most publishes waiting for their confirm on the channel."""
ASK_WITHIN = timedelta(seconds=3)
"""How long the broker may take to say how much waits; it goes silent when it blocks meanwhile."""
TRIES = 5
"""Publishes of one batch before it is left to the sweeper."""
LONGEST_LIFE = timedelta(days=49)
"""What the broker counts the life of a message in has 32 bits, in milliseconds."""
OFFERED = "offered"
"""First word of the events that wake long polls."""


def fresh_message_id() -> str:
    """Return an id no other publish has.

    The library finds the publish a returned message belongs to by this id alone: two in flight with the
    same id make it report the lost one as confirmed.
    """
    return uuid4().hex


@dataclass(eq=False, slots=True)
class _Parcel:
    """A batch on its way to the broker."""

    batch: Sequence[Handover]
    tries: int = 0


class Publisher:
    """The port `Broker` on RabbitMQ, and the voice of `RabbitWakeups`."""

    def __init__(
        self,
        *,
        counters: BrokerCounters,
        capacity: int = CAPACITY,
        publish_within: timedelta = ANSWER_WITHIN,
        message_id: Callable[[], str] = fresh_message_id,
    ) -> None:
        self.id = uuid4().hex
        """Stamped on every event, so that its own process can pass over it."""
        self._counters = counters
        self._publish_within = publish_within
        self._message_id = message_id
        self._buffer = Buffer(capacity)
        self._again: deque[_Parcel] = deque()
        self._under_way: dict[_Parcel, None] = {}  # in the order of publishing
        self._all_published = asyncio.Event()
        self._all_published.set()
        self._connection: AbstractConnection | None = None
        self._agency_queues: RawChannel | None = None
        self._lost = asyncio.Event()
        self._woken: set[AgencyCode] = set()
        self._somebody_woken = asyncio.Event()

    def announce(self, handovers: Sequence[Handover]) -> None:
        """Publish soon; what finds no room in memory is dropped and counted."""
        self._counters.dropped += self._buffer.put(handovers)
        if not self._buffer.is_empty:
            self._all_published.clear()

    async def waiting(self) -> dict[tuple[Lane, Channel], int]:
        """Return how many messages wait in each work queue or here for it; empty while away or blocked.

        One that is being confirmed may count twice, so that the sweeper rather does too little.
        """
        connection = self._connection
        if connection is None or self._is_blocked(connection):
            return {}
        try:
            depths = await answered(topology.depths(connection), within=ASK_WITHIN)
        except BrokerAway as away:
            if isinstance(away.__cause__, ChannelNotFoundEntity):
                self._lost.set()  # the next session declares the queue again
            self._is_blocked(connection)
            return {}
        for queue, handovers in self._buffer.depths().items():
            depths[queue] += -(-handovers // BATCH)
        for parcel in (*self._again, *self._under_way):
            depths[parcel.batch[0].lane, parcel.batch[0].channel] += 1
        return depths

    def tell(self, agencies: Collection[AgencyCode]) -> None:
        """Publish soon that the inboxes of these agencies changed; lost without harm."""
        if self._connection is not None:
            self._woken.update(agencies)
            self._somebody_woken.set()

    async def post(self, body: bytes, *, to: AgencyCode, life: timedelta) -> None:
        """Publish to an agency's own queue; return when the broker has it on its disk.

        Args:
            body: JSON.
            to: The agency.
            life: How long the message is worth reading; then the broker forgets it.

        Raises:
            NoQueue: The agency has no queue.
            BrokerAway: The broker is away, blocks, refuses, or did not confirm in time.
        """
        connection, channel = self._standing_connection(), self._agency_queues
        if channel is None or self._is_blocked(connection):
            raise BrokerAway("the broker takes nothing at present")
        message = self._message(body, expiration=min(max(life, timedelta(0)), LONGEST_LIFE))
        queue = topology.agency_queue(to)
        # An exchange of the library would let each publish of a batch wait until the one before is written.
        publishing = asyncio.ensure_future(
            channel.basic_publish(
                body, routing_key=queue, properties=message.properties, mandatory=True, wait=False
            )
        )
        try:
            await self._confirmed(publishing, connection)
        except PublishError as returned:
            raise NoQueue(f"there is no queue {queue}") from returned
        except DeliveryError as refused:
            raise BrokerAway(f"{queue} takes nothing: {refused!r}") from refused
        except BrokerAway:
            self._lost.set()  # a late confirm must not meet another publish
            raise

    @property
    def is_connected(self) -> bool:
        """Return whether the broker can be reached at present."""
        return self._connection is not None

    async def without_queue(self, agencies: Collection[AgencyCode]) -> list[AgencyCode]:
        """Return those of the agencies whose own queue does not exist.

        Raises:
            BrokerAway: The broker does not answer.
        """
        return await answered(topology.without_queue(self._standing_connection(), agencies))

    async def make_queue(self, agency: AgencyCode) -> None:
        """Make an agency's own queue.

        Raises:
            BrokerAway: The broker does not answer.
        """
        await answered(topology.declare_agency_queue(self._standing_connection(), agency))

    async def flushed(self) -> None:
        """Return when everything announced was confirmed or given up."""
        await self._all_published.wait()

    async def session(self, connection: AbstractConnection, lost: asyncio.Event) -> None:
        """Publish over one connection until it is lost or a publish fails.

        Raises:
            BaseExceptionGroup: It ended; what was under way is published again on the next one.
        """
        channel = await answered(_opened(connection, confirms=True))
        deliveries = await channel.get_exchange(topology.DELIVERIES, ensure=False)
        for_agencies = await answered(_opened(connection, confirms=True))
        for_agencies.close_callbacks.add(lambda *_: lost.set())
        for_agencies_raw = await answered(for_agencies.get_underlay_channel())
        assert isinstance(for_agencies_raw, RawChannel), "the library has no other"
        channel = await answered(_opened(connection, confirms=False))
        events = await channel.get_exchange(topology.EVENTS, ensure=False)
        publish = partial(self._publish, exchange=deliveries, connection=connection)
        self._connection, self._lost = connection, lost
        self._agency_queues = for_agencies_raw
        self._counters.connected = True
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(raise_when(lost))
                tasks.create_task(self._tell(exchange=events, connection=connection))
                await dispatch(self._next, publish, at_once=WINDOW)
        finally:
            self._connection = self._agency_queues = None
            self._counters.connected = self._counters.blocked = False
            self._take_back()

    async def _next(self) -> _Parcel:
        parcel = self._again.popleft() if self._again else _Parcel(await self._buffer.take(BATCH))
        self._under_way[parcel] = None
        return parcel

    async def _publish(
        self, parcel: _Parcel, *, exchange: AbstractExchange, connection: AbstractConnection
    ) -> None:
        await self._until_unblocked(connection)
        parcel.tries += 1
        message = self._message(encode_batch(parcel.batch))
        publishing = asyncio.ensure_future(
            exchange.publish(message, routing_key(parcel.batch), mandatory=True)
        )
        try:
            await self._confirmed(publishing, connection)
        except PublishError:
            self._counters.returned += 1
            raise
        del self._under_way[parcel]
        self._counters.published += len(parcel.batch)
        self._note_if_all_published()

    def _message(self, body: bytes, *, expiration: timedelta | None = None) -> Message:
        return Message(
            body,
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=self._message_id(),
            expiration=expiration,
        )

    def _standing_connection(self) -> AbstractConnection:
        if self._connection is None:
            raise BrokerAway("the broker is away")
        return self._connection

    async def _confirmed(self, publishing: asyncio.Future[Any], connection: AbstractConnection) -> None:
        """Return when the broker has confirmed a publish, in time.

        Time while the broker blocks does not count: what was sent lies in the socket and is confirmed
        afterwards; publishing it again elsewhere would only double it.
        """
        try:
            while not (await asyncio.wait({publishing}, timeout=self._publish_within.total_seconds()))[0]:
                if not self._is_blocked(connection):
                    raise BrokerAway(f"no confirm within {self._publish_within}")
                await self._until_unblocked(connection)
            confirmation = outcome(publishing)
        finally:
            abandon(publishing)
        if not isinstance(confirmation, Basic.Ack):
            raise BrokerAway(f"not confirmed but {confirmation!r}")

    async def _tell(self, *, exchange: AbstractExchange, connection: AbstractConnection) -> None:
        while True:
            await self._somebody_woken.wait()
            self._somebody_woken.clear()
            await self._until_unblocked(connection)
            agencies, self._woken = self._woken, set()
            message = Message(encode_agencies(agencies), app_id=self.id, message_id=self._message_id())
            await answered(exchange.publish(message, _event_key(agencies), mandatory=False))

    def _is_blocked(self, connection: AbstractConnection) -> bool:
        self._counters.blocked = is_blocked(connection)
        return self._counters.blocked

    async def _until_unblocked(self, connection: AbstractConnection) -> None:
        if self._is_blocked(connection):
            await wait_while_blocked(connection)
            self._counters.blocked = False

    def _take_back(self) -> None:
        """Keep what was under way for the next session, in its order; give up what was tried enough."""
        given_up = [parcel for parcel in self._under_way if parcel.tries >= TRIES]
        self._again.extendleft(parcel for parcel in reversed(self._under_way) if parcel.tries < TRIES)
        self._under_way.clear()
        for parcel in given_up:
            self._counters.failed += len(parcel.batch)
            log.warning("batch left to the sweeper", extra={"event": "broker.batch_failed"})
        self._note_if_all_published()

    def _note_if_all_published(self) -> None:
        if self._buffer.is_empty and not self._again and not self._under_way:
            self._all_published.set()


async def _opened(connection: AbstractConnection, *, confirms: bool) -> AbstractChannel:
    return await connection.channel(publisher_confirms=confirms, on_return_raises=confirms)


def _event_key(agencies: Collection[AgencyCode]) -> str:
    """Return `offered.<the words all these agencies share>`."""
    words = commonprefix([code.split(".") for code in agencies])  # noqa: RUF071 - lists of words
    return ".".join([OFFERED, *words])


@asynccontextmanager
async def open_publisher(
    url: str,
    *,
    counters: BrokerCounters,
    capacity: int = CAPACITY,
    publish_within: timedelta = ANSWER_WITHIN,
    flush_within: timedelta = timedelta(seconds=5),
    message_id: Callable[[], str] = fresh_message_id,
) -> AsyncIterator[Publisher]:
    """Return a publisher at once, connected or not; on leaving, what it holds is published if it can be.

    Args:
        url: `amqp://` or `amqps://`.
        counters: Where it counts.
        capacity: Most deliveries held in memory; more are dropped and left to the sweeper.
        publish_within: How long a confirm may take before the connection is given up.
        flush_within: How long leaving waits for what is not yet confirmed.
        message_id: Makes the id of each broker message; two of the same lose messages.
    """
    publisher = Publisher(
        counters=counters, capacity=capacity, publish_within=publish_within, message_id=message_id
    )
    connecting = keep_connected(url, publisher.session, name="publisher", counters=counters)
    async with running(connecting, name="broker publisher"):
        try:
            yield publisher
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(flush_within.total_seconds()):
                    await publisher.flushed()
