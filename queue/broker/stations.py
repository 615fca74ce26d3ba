"""Where batches arrive and handlers take them, whether they came through a broker or not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.model import Channel, Handover

Handler = Callable[[Sequence[Handover]], Awaitable[object]]
"""Delivers a batch; what it returns is not looked at, what it raises is counted."""


@dataclass(frozen=True, slots=True)
class Crew:
    """How many handlers work on one queue and how much each takes at a time.

    `batch` is the number of deliveries after which no further message joins a batch; `prefetch` how many
    broker messages may lie here unfinished.
    """

    at_once: int
    batch: int
    prefetch: int


CREWS: Mapping[Channel, Crew] = {
    # An inbox is our own database: few and large batches.
    Channel.INBOX: Crew(at_once=2, batch=500, prefetch=250),
    # A webhook may take its full timeout: many small ones, so that none waits behind a slow agency.
    Channel.WEBHOOK: Crew(at_once=64, batch=1, prefetch=96),
    # An agency's own queue is on the broker: as quick as our own publishing.
    Channel.AMQP: Crew(at_once=2, batch=200, prefetch=100),
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One batch that arrived, and how to tell the broker that it is done with."""

    batch: Sequence[Handover]
    done: Callable[[], Awaitable[None]]


class Station:
    """The arrivals of one work queue, and the crew that works on them."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.arrived_total = 0
        self._at_work = 0
        self._arrivals: deque[Arrival] = deque()
        self._something = asyncio.Event()
        self._is_closed = False

    def arrive(self, arrival: Arrival) -> None:
        """Put a batch into the line."""
        self._arrivals.append(arrival)
        self.arrived_total += 1
        self._something.set()

    @property
    def waiting(self) -> int:
        """Return how many arrivals nobody has taken yet."""
        return len(self._arrivals)

    @property
    def unfinished(self) -> int:
        """Return how many arrivals are waiting or being worked on."""
        return len(self._arrivals) + self._at_work

    def forget(self) -> None:
        """Drop what nobody has taken yet: its connection is gone and the broker delivers it again."""
        self._arrivals.clear()

    def close(self) -> None:
        """Let nothing more be taken; what was taken is finished."""
        self._is_closed = True
        self._something.set()

    async def take(self) -> list[Arrival] | None:
        """Return all that has arrived, up to the crew's batch; wait for the first. None when closed."""
        while not self._is_closed:
            if self._arrivals:
                return self._take_arrived()
            self._something.clear()
            await self._something.wait()
        return None

    def _take_arrived(self) -> list[Arrival]:
        taken = [self._arrivals.popleft()]
        size = len(taken[0].batch)
        while self._arrivals and size + len(self._arrivals[0].batch) <= self.crew.batch:
            taken.append(self._arrivals.popleft())
            size += len(taken[-1].batch)
        self._at_work += len(taken)
        return taken

    async def finish(self, taken: Sequence[Arrival]) -> None:
        """Tell the broker that these are done with."""
        self._at_work -= len(taken)
        for arrival in taken:
            await arrival.done()
