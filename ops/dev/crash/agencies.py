"""All agencies of a crash run at work: senders with several connections, recipients that ask or are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from ops.dev.crash.clients import Recipient, Sender
from ops.dev.crash.journal import Journal
from ops.dev.crash.line import Line
from ops.dev.crash.orders import PUSHED_TO, SENDERS, Order
from ops.dev.crash.receiver import Receiver
from ops.dev.crash.system import System

CONNECTIONS = 3
"""Documents each sending agency posts at the same time."""


class Agencies:
    """The agencies at work. Made by `at_work`."""

    def __init__(self, lines: Mapping[str, Line], journal: Journal, tasks: asyncio.TaskGroup) -> None:
        self._lines = lines
        self._journal = journal
        self._tasks = tasks
        self._working: set[asyncio.Task[None]] = set()
        self._desks = {agency: asyncio.Queue[Order]() for agency in SENDERS}
        self.ordered = 0

    def order(self, orders: Iterable[Order]) -> None:
        """Give the senders documents to send."""
        for order in orders:
            self._desks[order.sender].put_nowait(order)
            self.ordered += 1

    async def until_all_sent(self) -> None:
        """Return when every document was sent to its end, and sent again where it is sent again."""
        for desk in self._desks.values():
            await desk.join()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a piece of work be done until it ends or everybody goes home."""
        task = self._tasks.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    def go_home(self) -> None:
        """Drop everything."""
        for task in self._working:
            task.cancel()

    async def send(self, agency: str) -> None:
        """Send what an agency is given, one document after the other."""
        sender, desk = Sender(self._lines[agency], self._journal), self._desks[agency]
        while True:
            order = await desk.get()
            await sender.send(order)
            desk.task_done()


@asynccontextmanager
async def at_work(
    lines: Mapping[str, Line], journal: Journal, receiver: Receiver, *, only_offered: bool
) -> AsyncIterator[Agencies]:
    """Let the agencies work while the block runs; then they drop everything."""
    async with asyncio.TaskGroup() as tasks:
        agencies = Agencies(lines, journal, tasks)
        receiver.start = agencies.start
        for agency in SENDERS:
            for _ in range(CONNECTIONS):
                agencies.start(agencies.send(agency))
        for agency in lines.keys() - set(SENDERS):
            recipient = Recipient(lines[agency], journal, only_offered=only_offered)
            if agency in PUSHED_TO:
                receiver.takers[agency] = recipient.take
            else:
                agencies.start(recipient.poll())
        yield agencies
        receiver.start = None
        agencies.go_home()


@asynccontextmanager
async def open_lines(system: System, dice: random.Random) -> AsyncIterator[dict[str, Line]]:
    """Return every agency's line to the exchange, each over connections of its own."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield {
            agency: Line(session, system.urls, credentials, dice=dice)
            for agency, credentials in system.credentials.items()
        }
