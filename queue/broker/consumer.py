"""Taking work from RabbitMQ: deliver first, acknowledge after, whatever came of it.

The row is the record. A batch whose handler failed is acknowledged all the same and comes back through the
sweeper when it is due; a batch whose acknowledgement was lost comes again and finds its `attempts` moved.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import NoReturn

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import AbstractChannel as RawChannel
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ConnectionInternalError

from broker import topology
from broker.codec import Undecodable, decode_batch
from broker.connection import (
    ANSWER_WITHIN,
    BrokerAway,
    NoAnswer,
    answered,
    keep_connected,
    raise_when,
    running,
)
from broker.counters import BrokerCounters
from broker.dispatch import dispatch
from broker.stations import CREWS, Arrival, Crew, Handler, Station
from gateway.domain.errors import ExchangeError
from gateway.domain.model import Channel, Handover, Lane

log = logging.getLogger(__name__)

Stations = Mapping[tuple[Lane, Channel], Station]

HANDLE_WITHIN = timedelta(minutes=5)
"""Above what a connector needs for one agency in a row (the settings check it), far below the broker's own
limit of 30 minutes."""
PAUSE = timedelta(seconds=1)
"""How long a crew member rests when the store is away, so that it does not empty the queue in vain."""
LOOK_EVERY = timedelta(seconds=10)
REFUSALS_OF_A_BROKEN_QUEUE = 2


def stations_for(
    lanes: Collection[Lane], channels: Collection[Channel], *, crews: Mapping[Channel, Crew]
) -> dict[tuple[Lane, Channel], Station]:
    """Return a station for each work queue of these lanes and channels; urgent has a crew of its own."""
    return {
        (lane, channel): Station(crews[channel])
        for lane, channel in topology.work_queues()
        if lane in lanes and channel in channels
    }


@asynccontextmanager
async def crews_at_work(
    stations: Stations, handle: Handler, *, counters: BrokerCounters, stop_within: timedelta
) -> AsyncIterator[None]:
    """Let crews work on what arrives at the stations; on leaving, they finish what they have taken."""
    async with running(_work(stations, handle, counters), name="broker crews") as crews:
        try:
            yield
        finally:
            for station in stations.values():
                station.close()
            await asyncio.wait({crews}, timeout=stop_within.total_seconds())


async def _work(stations: Stations, handle: Handler, counters: BrokerCounters) -> None:
    async with asyncio.TaskGroup() as crews:
        for station in stations.values():
            work_on = partial(_work_on, station=station, handle=handle, counters=counters)
            crews.create_task(dispatch(station.take, work_on, at_once=station.crew.at_once))


async def _work_on(
    arrivals: Sequence[Arrival], *, station: Station, handle: Handler, counters: BrokerCounters
) -> None:
    batch = [handover for arrival in arrivals for handover in arrival.batch]
    await _handle(batch, handle=handle, counters=counters)
    await station.finish(arrivals)


async def _handle(batch: Sequence[Handover], *, handle: Handler, counters: BrokerCounters) -> None:
    """Call the handler; the border where errors end and become an acknowledgement."""
    counters.consumed += len(batch)
    try:
        async with asyncio.timeout(HANDLE_WITHIN.total_seconds()):
            await handle(batch)
    except ExchangeError as error:
        counters.handler_failed += len(batch)
        log.warning("not delivered: %r", error, extra={"event": "broker.handler_failed", "code": error.code})
        if error.retry:
            await asyncio.sleep(PAUSE.total_seconds())
    except Exception:
        counters.handler_failed += len(batch)
        log.exception("handler failed", extra={"event": "broker.handler_failed", "code": "bug"})


class Consumer:
    """Feeds stations from their work queues, one connection after another."""

    def __init__(self, stations: Stations, *, counters: BrokerCounters) -> None:
        self._stations = stations
        self._counters = counters
        self._subscriptions: list[_Subscription] = []
        self._refusals: Counter[tuple[Lane, Channel]] = Counter()

    async def session(self, connection: AbstractConnection, lost: asyncio.Event) -> None:
        """Consume over one connection until it is lost, a subscription ends, or nothing comes any more.

        Raises:
            BaseExceptionGroup: It ended.
        """
        try:
            for queue in self._stations:
                await self._make_anew_if_broken(connection, queue)
                await self._subscribe(connection, queue, on_end=lost.set)
            self._counters.consuming = True
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(raise_when(lost))
                tasks.create_task(self._watch())
        finally:
            self._counters.consuming = False
            self._subscriptions.clear()
            for station in self._stations.values():
                station.forget()

    async def _subscribe(
        self, connection: AbstractConnection, queue: tuple[Lane, Channel], *, on_end: Callable[[], None]
    ) -> None:
        subscription = _Subscription(topology.queue_name(*queue), self._stations[queue], self._counters)
        try:
            await answered(subscription.start(connection, on_end))
        except BrokerAway as away:
            if isinstance(away, NoAnswer) or isinstance(away.__cause__, ConnectionInternalError):
                self._refusals[queue] += 1
            raise
        del self._refusals[queue]
        self._subscriptions.append(subscription)

    async def _make_anew_if_broken(self, connection: AbstractConnection, queue: tuple[Lane, Channel]) -> None:
        """Make a queue anew that would not be consumed from twice in a row.

        A node killed in the moment a queue was made (3.10.8) knows of it for ever, and nothing is behind it:
        it can be declared but not used. Nothing is lost with it, the rows remember.
        """
        if self._refusals[queue] < REFUSALS_OF_A_BROKEN_QUEUE:
            return
        log.error(
            "queue is broken, making it anew",
            extra={"event": "broker.queue_broken", "queue": topology.queue_name(*queue)},
        )
        await answered(topology.make_anew(connection, *queue), within=2 * ANSWER_WITHIN)
        self._counters.queues_made_anew += 1

    async def stop(self) -> None:
        """Let the broker send no more; acknowledgements still go through."""
        for subscription in tuple(self._subscriptions):
            try:
                await answered(subscription.cancel(), within=timedelta(seconds=2))
            except BrokerAway:
                return  # the connection is gone, and the subscriptions with it

    async def _watch(self) -> NoReturn:
        """Raise when messages wait but do not come, as after a broker's restart or a lost consumer."""
        while True:
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            for subscription in self._subscriptions:
                await answered(subscription.check())


class _Subscription:
    """One consumer of one work queue, on a channel of its own because prefetch is per consumer."""

    def __init__(self, queue: str, station: Station, counters: BrokerCounters) -> None:
        self._queue = queue
        self._station = station
        self._counters = counters
        # Held here: the library keeps no strong reference to its own channels.
        self._channel: AbstractChannel | None = None
        self._raw: RawChannel | None = None
        self._tag = ""
        self._silent_at: int | None = None

    async def start(self, connection: AbstractConnection, on_end: Callable[[], None]) -> None:
        """Subscribe with a fresh consumer tag (3.10 loses messages over used ones)."""
        self._channel = channel = connection.channel(publisher_confirms=False)
        await channel.initialize()
        await channel.set_qos(prefetch_count=self._station.crew.prefetch)
        channel.close_callbacks.add(lambda *_: on_end())
        self._raw = raw = await channel.get_underlay_channel()
        raw.on_consumer_cancel_callbacks.add(lambda _: on_end())
        self._tag = str((await raw.basic_consume(self._queue, self._on_message)).consumer_tag)

    async def cancel(self) -> None:
        """Unsubscribe; what has arrived can still be acknowledged."""
        if self._raw is not None:
            await self._raw.basic_cancel(self._tag)

    async def check(self) -> None:
        """Pass when the subscription looks alive.

        Raises:
            BrokerAway: Twice in a row messages waited there while nothing came here.
        """
        if self._raw is None:
            return
        waiting = (await self._raw.queue_declare(self._queue, passive=True)).message_count
        silent = bool(waiting) and self._station.unfinished == 0
        if silent and self._silent_at == self._station.arrived_total:
            raise BrokerAway(f"{waiting} messages wait in {self._queue} but none comes")
        self._silent_at = self._station.arrived_total if silent else None

    async def _on_message(self, message: DeliveredMessage) -> None:
        acknowledge = partial(acknowledge_to_broker, message)
        try:
            batch = decode_batch(message.body)
        except Undecodable as unreadable:
            # It can never become good, so it is not put back.
            self._counters.undecodable += 1
            log.warning(
                "undecodable: %s", unreadable, extra={"event": "broker.undecodable", "queue": self._queue}
            )
            await acknowledge()
            return
        self._station.arrive(Arrival(batch, acknowledge))


async def acknowledge_to_broker(message: DeliveredMessage) -> None:
    """Tell the broker that a message is done with."""
    try:
        await answered(message.channel.basic_ack(message.delivery_tag or 0, wait=False))
    except BrokerAway as away:
        # The tag died with its channel; it comes again and finds its fence moved or its answer given.
        log.debug("not acknowledged: %s", away, extra={"event": "broker.ack_lost"})


@asynccontextmanager
async def open_consumer(
    url: str,
    handle: Handler,
    *,
    counters: BrokerCounters,
    lanes: Collection[Lane] = tuple(Lane),
    channels: Collection[Channel] = tuple(Channel),
    crews: Mapping[Channel, Crew] = CREWS,
    stop_within: timedelta = timedelta(seconds=20),
) -> AsyncIterator[None]:
    """Let `handle` deliver what arrives while the block runs, connected or not.

    Args:
        url: `amqp://` or `amqps://`.
        handle: Delivers a batch. Whatever it raises, the batch is acknowledged.
        counters: Where it counts.
        lanes: Which lanes to work on.
        channels: Which channels to work on.
        crews: How many handlers at once and how large their batches, per channel.
        stop_within: How long leaving waits for running handlers.
    """
    stations = stations_for(lanes, channels, crews=crews)
    consumer = Consumer(stations, counters=counters)
    connecting = keep_connected(url, consumer.session, name="consumer", counters=counters)
    async with (
        running(connecting, name="broker consumer"),
        crews_at_work(stations, handle, counters=counters, stop_within=stop_within),
    ):
        try:
            yield
        finally:
            await consumer.stop()
