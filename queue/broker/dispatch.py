"""Doing one piece of work after another, several at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

W = TypeVar("W")


async def dispatch(
    take: Callable[[], Awaitable[W | None]], work_on: Callable[[W], Awaitable[None]], *, at_once: int
) -> None:
    """Take pieces and work on at most `at_once` of them at the same time, until there are no more.

    A piece is taken only when somebody is free for it, so that batches grow while all are busy.

    Raises:
        BaseExceptionGroup: One piece of work raised; the others are cancelled.
    """
    free = asyncio.Semaphore(at_once)

    async def work_and_be_free(piece: W) -> None:
        try:
            await work_on(piece)
        finally:
            free.release()

    async with asyncio.TaskGroup() as tasks:
        while True:
            await free.acquire()
            piece = await take()
            if piece is None:
                return
            tasks.create_task(work_and_be_free(piece))
