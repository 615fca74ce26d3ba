"""Keeping a connection: our own supervisor, because a restored one may lack its consumers."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import DeliveryError

from broker import topology
from broker.counters import BrokerCounters

log = logging.getLogger(__name__)

T = TypeVar("T")
Session = Callable[[AbstractConnection, asyncio.Event], Awaitable[None]]
"""What is done on one connection until it ends; the event says that the connection is lost."""

ANSWER_WITHIN = timedelta(seconds=10)
HEARTBEAT_SECONDS = 9
"""A silent broker is given up after three missed heartbeats, within 30 s."""
LONGEST_PAUSE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.2
STEADY_AFTER_SECONDS = 10.0


class BrokerAway(Exception):
    """The broker did not answer, refused, or the connection died."""


class NoAnswer(BrokerAway):
    """The connection stands, but the broker did not answer in time."""


class NoQueue(BrokerAway):
    """The queue a message was meant for does not exist."""


async def answered(call: Awaitable[T], *, within: timedelta = ANSWER_WITHIN) -> T:
    """Return what a call to the broker returns.

    The one place where the library's errors are translated. The call runs in a task of its own: when a
    connection dies the library cancels whoever waits on it, which must not look like our own stop.

    Raises:
        DeliveryError: A publish came back or was refused.
        BrokerAway: Anything else went wrong, or there was no answer in time.
    """
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=within.total_seconds())
    finally:
        abandon(task)
    if not done:
        raise NoAnswer(f"no answer within {within}")
    return outcome(task)


def abandon(call: asyncio.Future[Any]) -> None:
    """Cancel a call nobody waits for any more; whatever it still raises is of no interest."""
    call.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    call.cancel()


def outcome(call: asyncio.Future[T]) -> T:
    """Return the result of a call to the broker that has ended; raises as `answered`."""
    if call.cancelled():
        raise BrokerAway("connection lost")
    error = call.exception()
    if error is None or isinstance(error, DeliveryError):
        return call.result()
    raise BrokerAway(repr(error)) from error


def is_blocked(connection: AbstractConnection) -> bool:
    """Return whether the broker has sent `connection.blocked`; the answer needs no network."""
    waiting = wait_while_blocked(connection)
    try:
        waiting.send(None)  # one step; a time-out of no time at all costs a fifth of a publish
    except StopIteration:
        return False
    waiting.close()
    return True


async def wait_while_blocked(connection: AbstractConnection) -> None:
    """Return when the broker lets this connection publish, or when it is closed.

    Unbounded on purpose: an alarm lasts as long as it lasts. Whoever waits is cancelled with the session
    when the connection is lost.
    """
    if connection.transport is not None:
        await connection.transport.ready()


async def keep_connected(url: str, session: Session, *, name: str, counters: BrokerCounters) -> NoReturn:
    """Run the session on a fresh connection, topology declared, again and again until cancelled.

    Full jitter between the tries, so that many processes do not come back together.
    """
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started = loop.time()
        try:
            await _one_session(url, session, name=name)
        except Exception as lost:  # noqa: BLE001
            # A supervisor's border: whatever ended a session, the next one starts clean.
            counters.sessions_lost += 1
            log.warning("lost: %s", _cause(lost), extra={"event": "broker.lost", "connection": name})
        failures = 1 if loop.time() - started > STEADY_AFTER_SECONDS else failures + 1
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures, 10))
        await asyncio.sleep(random.uniform(0, longest))  # noqa: S311


async def _one_session(url: str, session: Session, *, name: str) -> None:
    lost = asyncio.Event()
    connecting = aio_pika.connect(
        url, heartbeat=HEARTBEAT_SECONDS, client_properties={"connection_name": name}
    )
    connection = await answered(connecting)
    try:
        connection.close_callbacks.add(lambda *_: lost.set())
        await answered(topology.declare(connection))
        log.info("connected", extra={"event": "broker.connected", "connection": name})
        await session(connection, lost)
    finally:
        await _close(connection)


async def _close(connection: AbstractConnection) -> None:
    try:
        await answered(connection.close(), within=timedelta(seconds=3))
    except BrokerAway as away:
        log.debug("connection did not close cleanly: %s", away)


async def raise_when(lost: asyncio.Event) -> NoReturn:
    """Raise as soon as the connection is lost.

    Raises:
        BrokerAway: It is.
    """
    await lost.wait()
    raise BrokerAway("connection lost")


def _cause(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, BrokerAway) else repr(error)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, Any], *, name: str) -> AsyncIterator[asyncio.Task[Any]]:
    """Run a task while the block runs; afterwards it is cancelled and awaited.

    A task that dies takes its block along: a process that has lost its consumer or its sweeper must end and
    be started again, instead of looking alive.

    Raises:
        Exception: What the task raised.
    """
    owner = asyncio.current_task()
    assert owner is not None, "outside a task"
    has_died = False

    def end_the_block(ended: asyncio.Task[Any]) -> None:
        nonlocal has_died
        if ended.cancelled() or (error := ended.exception()) is None:
            return
        about = {"event": "broker.task_died", "task": name}
        log.critical("a background task has died", exc_info=error, extra=about)
        has_died = owner.cancel()

    task = asyncio.create_task(work, name=name)
    task.add_done_callback(end_the_block)
    try:
        yield task
    finally:
        task.remove_done_callback(end_the_block)
        if has_died:
            owner.uncancel()
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()
