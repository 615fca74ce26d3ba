"""The roles of a process: which parts each opens, in which order, and how it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from broker.consumer import open_consumer
from broker.direct import DirectBroker
from broker.publisher import open_publisher
from broker.stations import CREWS, Crew
from broker.sweeper import Sweeper, open_sweeper
from broker.wakeups import LocalWakeups, open_wakeups
from gateway.domain.model import Channel
from gateway.service.deliver import deliver
from gateway.service.exchange import Exchange
from gateway.service.expire import expire
from ops.commands import Desk
from ops.control import answering, owning
from ops.parts import Parts, now, open_admin, open_exchange, open_http, open_parts
from ops.settings import DIRECT, Settings, seconds

Role = Callable[[Settings], Coroutine[Any, Any, None]]


async def run(settings: Settings) -> None:
    """Run everything in this process; hand-over is direct unless the settings name a broker."""
    async with AsyncExitStack() as stack:
        stack.enter_context(owning(settings.data))
        if settings.broker_url == DIRECT:
            parts, x = await stack.enter_async_context(_directly(settings))
        else:
            parts, x = await stack.enter_async_context(_on_the_broker(settings))
            await stack.enter_async_context(_consuming(parts, x))
        sweeper = await stack.enter_async_context(_sweeping(parts, x))
        desk = Desk(now, x.directory, x.clients, x.deliveries, x.broker)
        await stack.enter_async_context(answering(settings.data, desk))
        await stack.enter_async_context(open_admin(parts, x, sweeper=sweeper))
        await stack.enter_async_context(open_http(parts, x))
        await _told_to_stop()


async def serve(settings: Settings) -> None:
    """Run one HTTP process of a site."""
    async with AsyncExitStack() as stack:
        parts, x = await stack.enter_async_context(_on_the_broker(settings))
        await stack.enter_async_context(open_admin(parts, x, sweeper=None))
        await stack.enter_async_context(open_http(parts, x))
        await _told_to_stop()


async def work(settings: Settings) -> None:
    """Run one worker of a site: hand-over, sweeping, expiry."""
    async with AsyncExitStack() as stack:
        parts, x = await stack.enter_async_context(_on_the_broker(settings, parses=False))
        await stack.enter_async_context(_consuming(parts, x))
        sweeper = await stack.enter_async_context(_sweeping(parts, x))
        await stack.enter_async_context(open_admin(parts, x, sweeper=sweeper))
        await _told_to_stop()


@asynccontextmanager
async def _directly(settings: Settings) -> AsyncIterator[tuple[Parts, Exchange]]:
    async with open_parts(settings) as parts:
        broker = DirectBroker(
            counters=parts.counters, capacity=settings.broker.buffer, crews=_crews(settings)
        )
        async with (
            open_exchange(parts, broker=broker, wakeups=LocalWakeups()) as x,
            broker.work(partial(deliver, x)),
        ):
            yield parts, x


@asynccontextmanager
async def _on_the_broker(settings: Settings, *, parses: bool = True) -> AsyncIterator[tuple[Parts, Exchange]]:
    url, within = settings.broker_url, seconds(settings.broker.timeout_seconds)
    async with (
        open_parts(settings) as parts,
        open_publisher(
            url, counters=parts.counters, capacity=settings.broker.buffer, publish_within=within
        ) as publisher,
        open_wakeups(url, publisher, counters=parts.counters) as wakeups,
        open_exchange(parts, broker=publisher, wakeups=wakeups, parses=parses) as x,
    ):
        yield parts, x


def _consuming(parts: Parts, x: Exchange) -> AbstractAsyncContextManager[None]:
    return open_consumer(
        parts.settings.broker_url,
        partial(deliver, x),
        counters=parts.counters,
        crews=_crews(parts.settings),
    )


def _crews(settings: Settings) -> dict[Channel, Crew]:
    webhook = settings.broker.webhook_workers
    return {
        **CREWS,
        Channel.WEBHOOK: Crew(at_once=webhook, batch=1, prefetch=webhook + webhook // 2),
    }


@asynccontextmanager
async def _sweeping(parts: Parts, x: Exchange) -> AsyncIterator[Sweeper]:
    sweeper = Sweeper(
        x.deliveries,
        x.broker,
        clock=x.clock,
        grace=x.rules.grace,
        short_below=parts.settings.broker.short_queue,
    )
    every = seconds(parts.settings.broker.sweep_seconds)
    async with open_sweeper(sweeper, partial(expire, x), counters=parts.counters, sweep_every=every):
        yield sweeper


async def _told_to_stop() -> None:
    """Return on SIGTERM or SIGINT; what was opened then closes in reverse order."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
