"""Handovers waiting in memory to be published: bounded, urgent first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from broker.topology import work_queues
from gateway.domain.model import Channel, Handover, Lane


class Buffer:
    """Holds at most `capacity` handovers and gives them out in batches of one lane and channel."""

    def __init__(self, capacity: int) -> None:
        self._room = capacity
        self._waiting: dict[tuple[Lane, Channel], deque[Handover]] = {
            queue: deque() for queue in work_queues()
        }
        self._filled = asyncio.Event()

    def put(self, handovers: Sequence[Handover]) -> int:
        """Keep what there is room for; return how many there was no room for."""
        kept = handovers[: self._room]
        for each in kept:
            self._waiting[each.lane, each.channel].append(each)
        self._room -= len(kept)
        if kept:
            self._filled.set()
        return len(handovers) - len(kept)

    async def take(self, most: int) -> list[Handover]:
        """Return up to `most` handovers of one lane and channel, urgent lane first; wait for the first."""
        while True:
            waiting = next(filter(None, self._waiting.values()), None)
            if waiting is not None:
                batch = [waiting.popleft() for _ in range(min(most, len(waiting)))]
                self._room += len(batch)
                return batch
            self._filled.clear()
            await self._filled.wait()

    def depths(self) -> dict[tuple[Lane, Channel], int]:
        """Return how many handovers wait for each work queue."""
        return {queue: len(waiting) for queue, waiting in self._waiting.items()}

    @property
    def is_empty(self) -> bool:
        """Return whether nothing waits."""
        return not any(self._waiting.values())
