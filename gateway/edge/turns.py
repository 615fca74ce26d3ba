"""How much of a scarce thing one client may hold at a time: the rest is left to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from weakref import WeakValueDictionary

from gateway.domain.errors import Throttled


@dataclass(slots=True)
class Turns:
    """So many turns at once for each account; who asks for more waits until one of its own is over."""

    at_once: int
    patience: timedelta
    """How long to wait for a turn at most."""
    _of: WeakValueDictionary[str, asyncio.Semaphore] = field(default_factory=WeakValueDictionary)

    @asynccontextmanager
    async def of(self, account: str) -> AsyncIterator[None]:
        """Hold one of the account's turns while the context is open.

        Raises:
            Throttled: None of them came to an end in time.
        """
        # Forgotten when the last one who holds or awaits a turn has gone.
        turns = self._of.setdefault(account, asyncio.Semaphore(self.at_once))
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                await turns.acquire()
        except TimeoutError as late:
            raise Throttled("Too many of your requests of this kind are under way.") from late
        try:
            yield
        finally:
            turns.release()
