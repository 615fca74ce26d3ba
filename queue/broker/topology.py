"""Exchanges and queues (design §4): what RabbitMQ 3.10 has and 4.x kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractConnection, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed

from gateway.domain.model import AgencyCode, Channel, Lane

log = logging.getLogger(__name__)

DELIVERIES = "lienthong.deliveries"
EVENTS = "lienthong.events"
ACKS = "lienthong.acks"
"""Where agencies with broker credentials answer; the routing key is the agency's code."""
ACKS_QUEUE = "acks"

DELIVERY_LIMIT = 20
"""Returns to the queue after which the broker drops a message: only a crash loop gets there, and
the rows remember. 3.10 has no limit of its own, so a poisonous message would circle for ever."""
NO_DELIVERY_LIMIT = 1_000_000_000
"""For queues whose messages nobody makes again by himself. 4.x would drop them after 20 returns unless told
otherwise, and 3.10 does not know its -1."""


def work_queues() -> Iterator[tuple[Lane, Channel]]:
    """Yield every work queue, urgent lane first."""
    return ((lane, channel) for lane in Lane for channel in Channel)


def queue_name(lane: Lane, channel: Channel) -> str:
    """Return the name of the work queue of a lane and channel."""
    return f"work.{lane}.{channel}"


def agency_queue(agency: AgencyCode) -> str:
    """Return the name of an agency's own queue, which is the name of its broker user too."""
    return f"agency.{agency}"


def quorum(*, delivery_limit: int) -> dict[str, Any]:
    """Return the arguments of a queue of ours."""
    return {"x-queue-type": "quorum", "x-delivery-limit": delivery_limit}


async def declare(connection: AbstractConnection) -> None:
    """Make sure that all exchanges, queues and bindings of the exchange itself exist."""
    async with connection.channel() as channel:
        for name in (DELIVERIES, EVENTS, ACKS):
            await channel.declare_exchange(name, ExchangeType.TOPIC, durable=True)
    for lane, channel_kind in work_queues():
        await _declare_work_queue(connection, lane, channel_kind)
    await _declare_queue(connection, ACKS_QUEUE, delivery_limit=NO_DELIVERY_LIMIT)
    await _bind(connection, ACKS_QUEUE, exchange=ACKS, key="#")


async def declare_agency_queue(connection: AbstractConnection, agency: AgencyCode) -> None:
    """Make sure that an agency's own queue exists; messages reach it by its name."""
    await _declare_queue(connection, agency_queue(agency), delivery_limit=NO_DELIVERY_LIMIT)


async def without_queue(connection: AbstractConnection, agencies: Iterable[AgencyCode]) -> list[AgencyCode]:
    """Return those of the agencies whose own queue does not exist."""
    missing, waiting = [], list(agencies)
    while waiting:
        try:
            async with connection.channel(publisher_confirms=False) as channel:
                while waiting:
                    await channel.declare_queue(agency_queue(waiting[-1]), passive=True)
                    waiting.pop()
        except ChannelNotFoundEntity:
            missing.append(waiting.pop())  # the broker has closed the channel with its answer
    return missing


async def _declare_work_queue(connection: AbstractConnection, lane: Lane, channel_kind: Channel) -> None:
    name = queue_name(lane, channel_kind)
    await _declare_queue(connection, name, delivery_limit=DELIVERY_LIMIT)
    # `#` also stands for no word at all, so a batch without common words arrives too.
    await _bind(connection, name, exchange=DELIVERIES, key=f"{lane}.{channel_kind}.#")


async def _declare_queue(connection: AbstractConnection, name: str, *, delivery_limit: int) -> None:
    try:
        async with connection.channel() as channel:
            await channel.declare_queue(name, durable=True, arguments=quorum(delivery_limit=delivery_limit))
    except ChannelPreconditionFailed:
        # Better an older queue that works than none; an operator deletes it when it is empty.
        log.warning(
            "queue exists with other arguments", extra={"event": "broker.queue_differs", "queue": name}
        )


async def _bind(connection: AbstractConnection, queue: str, *, exchange: str, key: str) -> None:
    async with connection.channel() as channel:
        await (await channel.get_queue(queue, ensure=False)).bind(exchange, key)


async def make_anew(connection: AbstractConnection, lane: Lane, channel_kind: Channel) -> None:
    """Delete a work queue with whatever it holds and make it again; the sweeper refills it."""
    async with connection.channel() as channel:
        await channel.queue_delete(queue_name(lane, channel_kind))
    await _declare_work_queue(connection, lane, channel_kind)


async def declare_listener(connection: AbstractConnection, *, binding: str) -> AbstractQueue:
    """Return a fresh queue of this connection alone that gets the events of a binding key."""
    channel = await connection.channel()
    queue = await channel.declare_queue(exclusive=True, auto_delete=True)
    await queue.bind(EVENTS, binding)
    return queue


async def depths(connection: AbstractConnection) -> dict[tuple[Lane, Channel], int]:
    """Return how many messages wait in each work queue.

    Raises:
        ChannelNotFoundEntity: A queue does not exist.
    """
    counts = {}
    async with connection.channel(publisher_confirms=False) as channel:
        for lane, channel_kind in work_queues():
            queue = await channel.declare_queue(queue_name(lane, channel_kind), passive=True)
            counts[lane, channel_kind] = queue.declaration_result.message_count or 0
    return counts
