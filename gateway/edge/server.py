"""Serving an application over TCP, from the first accepted connection to the last answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import http_parser, web
from yarl import URL

from gateway.edge.connection import Guard, GuardedConnection
from gateway.edge.limits import Limits
from gateway.edge.surface import SURFACE

BACKLOG = 1024
_LOOK_AGAIN_SECONDS = 0.02
_TURNS_TO_READ = 5
"""Turns of the loop, counting one to get going, until a connection that waits in the kernel is accepted,
made, watched and read. Time would prove nothing: on a busy machine one turn can outlast any pause."""


@asynccontextmanager
async def serve(
    app: web.Application,
    *,
    host: str,
    port: int,
    limits: Limits,
    tls: ssl.SSLContext | None = None,
    patience: timedelta = timedelta(seconds=30),
) -> AsyncIterator[URL]:
    """Serve the application while the context is open; the value is the URL it is bound to.

    At the end it stops listening, ends long polls and idle connections, and lets running requests
    finish, for `patience` at most. Those count as running that had reached the kernel by then.

    Raises:
        RuntimeError: aiohttp has no C parser here; its Python one has a history of request smuggling.
        OSError: The address cannot be bound.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise RuntimeError("aiohttp was installed without its C extensions")
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        server = runner.server
        assert server is not None
        loop = asyncio.get_running_loop()
        guard = Guard(limits)
        handshake = limits.header_timeout.total_seconds() if tls else None
        listener = await loop.create_server(
            lambda: GuardedConnection(server, guard=guard, loop=loop),
            host,
            port,
            ssl=tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=handshake,
        )
        bound = listener.sockets[0].getsockname()[1]
        try:
            yield URL.build(scheme="https" if tls else "http", host=host, port=bound)
        finally:
            if (surface := app.get(SURFACE)) is not None:
                surface.polls.end()
            await _stop_listening(listener)
            await _drain(server, patience)
    finally:
        await runner.cleanup()


async def _stop_listening(listener: asyncio.Server) -> None:
    """Stop listening once the connections that wait in the kernel are accepted: closing resets them."""
    try:
        await _read_what_has_arrived()
    finally:
        listener.close()


async def _read_what_has_arrived() -> None:
    """Give the loop its turns to read: a connection closed with bytes unread is reset, not answered."""
    for _ in range(_TURNS_TO_READ):
        await asyncio.sleep(0)


async def _drain(server: web.Server, patience: timedelta) -> None:
    """Close idle connections until none is left or patience ends.

    aiohttp's own shutdown stops reading at once: an upload under way would never finish.
    """
    await _read_what_has_arrived()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    while (connected := [each for each in server.connections if each.connected]) and loop.time() < deadline:
        for connection in connected:
            if isinstance(connection, GuardedConnection) and connection.is_idle:
                connection.force_close()
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
