"""Long polls: an answer as soon as there is something for an agency, or an empty one at the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from aiohttp import web

from gateway.domain.model import AgencyCode
from gateway.edge.surface import surface_of
from gateway.http.requests import whole_number

LOOK_AGAIN = timedelta(seconds=10)
"""A wake-up may be lost; a waiting request then looks by itself after this."""

Item = TypeVar("Item")


def wait_seconds(request: web.Request) -> int:
    """Return how long the caller wants to wait, within the limit.

    Raises:
        MalformedRequest: `wait` is not a whole number.
    """
    longest = surface_of(request).limits.inbox_wait_max
    return whole_number(request, "wait", default=0, most=int(longest.total_seconds()))


async def look_until(
    look: Callable[[], Awaitable[list[Item]]], request: web.Request, *, agency: AgencyCode, seconds: int
) -> list[Item]:
    """Return what is there, as soon as anything is, or nothing after so many seconds."""
    if not seconds:
        return await look()
    surface = surface_of(request)
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        left = _left(request, deadline)
        # Armed before looking: what arrives while we look wakes us too.
        woken = asyncio.ensure_future(surface.exchange.wakeups.wait(agency, timeout=min(left, LOOK_AGAIN)))
        try:
            items = await look()
            if items or not left:
                return items
            await surface.polls.wait(woken)
        finally:
            woken.cancel()


def _left(request: web.Request, deadline: float) -> timedelta:
    """Return how long the request should still wait: not at all when its client has gone or we stop."""
    if request.transport is None or surface_of(request).polls.ended:
        return timedelta(0)
    return timedelta(seconds=max(0.0, deadline - asyncio.get_running_loop().time()))
