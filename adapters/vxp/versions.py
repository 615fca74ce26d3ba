"""Versions of the record: what was read from it is right until they change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from gateway.domain.ports import Clock

ASKED_EVERY = timedelta(seconds=1)
"""How much later than the record this process may see a change that another one has made."""


class Version:
    """A version that is asked for once a second at most, however many calls want to know it."""

    def __init__(self, ask: Callable[[], Awaitable[str]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._known = ""
        self._asked_at: datetime | None = None
        self._has_changed = False
        self._asking = asyncio.Lock()

    async def current(self) -> str:
        """Return the version as it was a moment ago.

        Raises:
            StoreUnavailable: The record does not answer.
        """
        if self._is_fresh():
            return self._known
        # One asks for all: centres that poll by the full minute come at once.
        async with self._asking:
            if not self._is_fresh():
                asked_at, self._has_changed = self._clock(), False
                self._known = await self._ask()
                self._asked_at = None if self._has_changed else asked_at
            return self._known

    def ask_again(self) -> None:
        """Ask for it next time: this process has changed something."""
        # The answer to a question under way may be from before the change.
        self._has_changed = True
        self._asked_at = None

    def _is_fresh(self) -> bool:
        return self._asked_at is not None and timedelta(0) <= self._clock() - self._asked_at < ASKED_EVERY
