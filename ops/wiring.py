"""The roles of a process: which parts each opens, in which order, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from adapters.bodies import FolderBodies
from adapters.secrets import SecretBox
from broker.acks import open_acknowledgements
from broker.agency_queues import AgencyQueues, NoAgencyQueues
from broker.consumer import open_consumer
from broker.direct import DirectBroker
from broker.publisher import Publisher, open_publisher
from broker.stations import CREWS, Crew
from broker.sweeper import Chore, Sweeper, open_sweeper
from broker.wakeups import LocalWakeups, open_wakeups
from gateway.domain.model import Channel
from gateway.service.acknowledge import acknowledge
from gateway.service.deliver import deliver
from gateway.service.exchange import Exchange
from gateway.service.expire import expire
from gateway.service.finish_recalls import finish_recalls
from ops.control import answering, owning
from ops.desk import Desk
from ops.parts import Parts, check_initialised, now, open_admin, open_exchange, open_http, open_parts
from ops.settings import DIRECT, Settings, seconds

log = logging.getLogger(__name__)

EXPIRE_EVERY = FINISH_EVERY = LOOK_AFTER_EVERY = timedelta(seconds=30)
TIDY_EVERY = timedelta(hours=1)
GARBAGE_AFTER = timedelta(days=1)
"""How old a body without a document must be to be garbage: far older than any request may become."""

Role = Callable[[Settings], Coroutine[Any, Any, None]]


async def run(settings: Settings) -> None:
    """Run everything in this process; hand-over is direct unless the settings name a broker."""
    told = _told_to_stop()
    check_initialised(settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(owning(settings.data))
        if settings.broker_url == DIRECT:
            parts, x = await stack.enter_async_context(_directly(settings))
        else:
            parts, x = await stack.enter_async_context(_on_the_broker(settings))
            await stack.enter_async_context(_consuming(parts, x))
        sweeper = await stack.enter_async_context(_sweeping(parts, x))
        desk = _desk(settings, x)
        await stack.enter_async_context(answering(settings.data, desk))
        await stack.enter_async_context(open_admin(parts, x, sweeper=sweeper))
        await stack.enter_async_context(open_http(parts, x))
        await told.wait()


def _desk(settings: Settings, x: Exchange) -> Desk:
    return Desk(
        clock=now,
        directory=x.directory,
        clients=x.clients,
        deliveries=x.deliveries,
        broker=x.broker,
        systems=x.systems,
        dossiers=x.dossiers,
        reports=x.reports,
        box=SecretBox(settings.vxp_key_path),
    )


async def serve(settings: Settings) -> None:
    """Run one HTTP process of a site."""
    told = _told_to_stop()
    async with AsyncExitStack() as stack:
        parts, x = await stack.enter_async_context(_on_the_broker(settings))
        await stack.enter_async_context(open_admin(parts, x, sweeper=None))
        await stack.enter_async_context(open_http(parts, x))
        await told.wait()


async def work(settings: Settings) -> None:
    """Run one worker of a site: hand-over, sweeping, expiry and other chores."""
    told = _told_to_stop()
    async with AsyncExitStack() as stack:
        parts, x = await stack.enter_async_context(_on_the_broker(settings, parses=False))
        await stack.enter_async_context(_consuming(parts, x))
        sweeper = await stack.enter_async_context(_sweeping(parts, x))
        await stack.enter_async_context(open_admin(parts, x, sweeper=sweeper))
        await told.wait()


@asynccontextmanager
async def _directly(settings: Settings) -> AsyncIterator[tuple[Parts, Exchange]]:
    async with open_parts(settings) as parts:
        broker = DirectBroker(
            counters=parts.counters, capacity=settings.broker.buffer, crews=_crews(settings)
        )
        async with (
            open_exchange(parts, broker=broker, wakeups=LocalWakeups(), agency_queues=NoAgencyQueues()) as x,
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
        open_exchange(
            parts,
            broker=publisher,
            wakeups=wakeups,
            agency_queues=_agency_queues(parts, publisher),
            parses=parses,
        ) as x,
    ):
        yield parts, x


def _agency_queues(parts: Parts, publisher: Publisher) -> AgencyQueues:
    ledger = parts.ledger
    return AgencyQueues(
        publisher,
        directory=ledger.directory,
        inbox=ledger.inbox,
        public_url=parts.settings.public_url,
        clock=now,
    )


@asynccontextmanager
async def _consuming(parts: Parts, x: Exchange) -> AsyncIterator[None]:
    url, counters = parts.settings.broker_url, parts.counters
    async with (
        open_acknowledgements(url, partial(acknowledge, x), counters=counters),
        open_consumer(url, partial(deliver, x), counters=counters, crews=_crews(parts.settings)),
    ):
        yield


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
    every, rounds = seconds(parts.settings.broker.sweep_seconds), chores(x, parts.bodies)
    queues = x.connectors[Channel.AMQP]
    if isinstance(queues, AgencyQueues):
        rounds["agency queues"] = (queues.look_after, LOOK_AFTER_EVERY)
    async with open_sweeper(sweeper, counters=parts.counters, sweep_every=every, chores=rounds):
        yield sweeper


def chores(x: Exchange, bodies: FolderBodies) -> dict[str, Chore]:
    """Return what every process that sweeps does besides; several doing it at once is harmless."""

    async def sweep_bodies() -> None:
        await bodies.sweep_left_overs(now=x.clock())
        removed = await bodies.sweep(x.records.bodies_unused, older_than=x.clock() - GARBAGE_AFTER)
        if removed:
            log.info("removed bodies of no document", extra={"event": "bodies.swept", "count": removed})

    async def forget_expired() -> None:
        await x.clients.forget_expired(now=x.clock())
        await x.systems.forget_expired(now=x.clock())

    return {
        "expiry": (partial(expire, x), EXPIRE_EVERY),
        "recalls": (partial(finish_recalls, x), FINISH_EVERY),
        "bodies": (sweep_bodies, TIDY_EVERY),
        "tokens": (forget_expired, TIDY_EVERY),
    }


def _told_to_stop() -> asyncio.Event:
    """Return what SIGTERM and SIGINT set; what was opened then closes in reverse order.

    Asked for before anything opens: who is told to stop while starting starts, and stops.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    return told


ROLES: dict[str, Role] = {"run": run, "serve": serve, "worker": work}
"""What `lienthong` can be started as."""
