"""Exchanges and queues (design §4): what RabbitMQ 3.10 has and 4.x kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from aio_pika import ExchangeType
from aio_pika.abc import AbstractConnection, AbstractQueue
from aio_pika.exceptions import ChannelPreconditionFailed

from gateway.domain.model import Channel, Lane

log = logging.getLogger(__name__)

DELIVERIES = "lienthong.deliveries"
EVENTS = "lienthong.events"

DELIVERY_LIMIT = 20
"""Returns to the queue after which the broker drops a message: only a crash loop gets there, and
the rows remember. 3.10 has no limit of its own, so a poisonous message would circle for ever."""


def work_queues() -> Iterator[tuple[Lane, Channel]]:
    """Yield every work queue, urgent lane first."""
    return ((lane, channel) for lane in Lane for channel in Channel)


def queue_name(lane: Lane, channel: Channel) -> str:
    """Return the name of the work queue of a lane and channel."""
    return f"work.{lane}.{channel}"


async def declare(connection: AbstractConnection) -> None:
    """Make sure that all exchanges, work queues and bindings exist."""
    async with connection.channel() as channel:
        for name in (DELIVERIES, EVENTS):
            await channel.declare_exchange(name, ExchangeType.TOPIC, durable=True)
    for lane, channel_kind in work_queues():
        await _declare_work_queue(connection, lane, channel_kind)


async def _declare_work_queue(connection: AbstractConnection, lane: Lane, channel_kind: Channel) -> None:
    name = queue_name(lane, channel_kind)
    try:
        async with connection.channel() as channel:
            await channel.declare_queue(
                name,
                durable=True,
                arguments={"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT},
            )
    except ChannelPreconditionFailed:
        # Better an older queue that works than none; an operator deletes it when it is empty.
        log.warning(
            "queue exists with other arguments", extra={"event": "broker.queue_differs", "queue": name}
        )
    async with connection.channel() as channel:
        queue = await channel.get_queue(name, ensure=False)
        # `#` also stands for no word at all, so a batch without common words arrives too.
        await queue.bind(DELIVERIES, f"{lane}.{channel_kind}.#")


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
