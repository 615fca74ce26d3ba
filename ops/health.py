"""The admin port: /livez (the loop turns), /readyz (every part by name), /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

Check = Callable[[], Awaitable[str | None]]
"""Looks at one part; returns None when it is well, else what is wrong in plain words."""


@dataclass(frozen=True, slots=True)
class Checks:
    """The parts without which nothing can be accepted, and those whose state is only shown."""

    needed: Mapping[str, Check]
    shown: Mapping[str, Check]


CHECK_SECONDS = 3
WELL = "ok"


@asynccontextmanager
async def admin_port(
    host: str,
    port: int,
    *,
    checks: Checks,
    registry: CollectorRegistry,
    refresh: Callable[[], Awaitable[None]],
) -> AsyncIterator[str]:
    """Serve health and metrics while the context is open; the value is the URL.

    `refresh` is awaited before each scrape to bring the gauges up to date.
    """

    async def ready(request: web.Request) -> web.Response:
        return await _ready(request, checks)

    async def metrics(_: web.Request) -> web.Response:
        return await _metrics(registry, refresh)

    app = web.Application()
    app.add_routes([web.get("/livez", _live), web.get("/readyz", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    try:
        yield f"http://{host}:{site.port}"
    finally:
        await runner.cleanup()


async def _live(_: web.Request) -> web.Response:
    return web.Response(text="alive\n")


async def _ready(request: web.Request, checks: Checks) -> web.Response:
    needed, shown = await asyncio.gather(_look_at(checks.needed), _look_at(checks.shown))
    ready = all(state == WELL for state in needed.values())
    status = 200 if ready else 503
    if "verbose" not in request.query:
        return web.Response(status=status, text="ready\n" if ready else "not ready\n")
    return web.Response(
        status=status,
        body=msgspec.json.encode({"ready": ready, "parts": needed | shown}),
        content_type="application/json",
    )


async def _look_at(checks: Mapping[str, Check]) -> dict[str, str]:
    found = await asyncio.gather(*(_look(check) for check in checks.values()))
    return {name: fault or WELL for name, fault in zip(checks, found, strict=True)}


async def _look(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return f"no answer in {CHECK_SECONDS} s"


async def _metrics(registry: CollectorRegistry, refresh: Callable[[], Awaitable[None]]) -> web.Response:
    await refresh()
    # Rendering thousands of series takes tens of milliseconds: not on the loop.
    text = await asyncio.to_thread(generate_latest, registry)
    return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
