"""Finding what a crash, a full buffer or a wiped broker left behind, and what is due again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import NoReturn

from broker.codec import BATCH
from broker.connection import running
from broker.counters import BrokerCounters
from gateway.domain.errors import ExchangeError
from gateway.domain.ledger_ports import Deliveries
from gateway.domain.ports import Broker, Clock

log = logging.getLogger(__name__)

SHORT_BELOW = 5_000
"""Deliveries a work queue may hold for the sweeper to add to it; a message counts as a full batch."""
STEP = 500
"""Deliveries announced between two looks at the queues."""


class Sweeper:
    """Announces overdue deliveries again, but not what still waits in a queue."""

    def __init__(
        self,
        deliveries: Deliveries,
        broker: Broker,
        *,
        clock: Clock,
        grace: timedelta,
        short_below: int = SHORT_BELOW,
    ) -> None:
        self._deliveries = deliveries
        self._broker = broker
        self._clock = clock
        self._grace = grace
        self._short_below = short_below
        self._swept_clean_at = clock()

    @property
    def lag(self) -> timedelta:
        """Return how long ago nothing was overdue any more; no overdue delivery waits longer than that."""
        return self._clock() - self._swept_clean_at

    async def sweep_once(self) -> int:
        """Announce what is overdue while its queue is short; return how many deliveries.

        Raises:
            DependencyUnavailable, OutcomeUnknown: The ledger did not answer.
        """
        announced = 0
        while True:
            depths = await self._broker.waiting()
            short = [queue for queue, depth in depths.items() if depth * BATCH < self._short_below]
            if not short:
                return announced
            now = self._clock()
            overdue = await self._deliveries.overdue(short, now=now, grace=self._grace, limit=STEP)
            self._broker.announce(overdue)
            announced += len(overdue)
            if len(overdue) < STEP:
                if len(short) == len(depths):
                    self._swept_clean_at = now
                return announced


Chore = tuple[Callable[[], Awaitable[object]], timedelta]
"""What is done again and again beside the sweeping, and the pause between two rounds of it."""


@asynccontextmanager
async def open_sweeper(
    sweeper: Sweeper,
    *,
    counters: BrokerCounters,
    sweep_every: timedelta = timedelta(seconds=1),
    chores: Mapping[str, Chore] = MappingProxyType({}),
) -> AsyncIterator[None]:
    """Sweep, and do the site's chores, again and again while the block runs.

    Each has a round of its own, at once and then after every pause: a slow or failing one stops no other.
    """
    rounds: dict[str, Chore] = {"sweeper": (sweeper.sweep_once, sweep_every), **chores}
    async with AsyncExitStack() as stack:
        for name, (job, interval) in rounds.items():
            await stack.enter_async_context(running(_repeat(name, job, interval, counters), name=name))
        yield


async def _repeat(
    name: str, job: Callable[[], Awaitable[object]], interval: timedelta, counters: BrokerCounters
) -> NoReturn:
    while True:
        try:
            await job()
        except ExchangeError as error:
            counters.sweeps_failed += 1
            about = {"event": "sweeper.failed", "chore": name, "code": error.code}
            log.warning("round not finished: %r", error, extra=about)
        except Exception:
            # A supervisor's border: a dead sweeper would strand every retry without a sound.
            counters.sweeps_failed += 1
            about = {"event": "sweeper.failed", "chore": name, "code": "bug"}
            log.exception("round failed", extra=about)
        await asyncio.sleep(interval.total_seconds())
