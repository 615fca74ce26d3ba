"""One connection of a client, guarded where aiohttp waits for ever."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

import msgspec
from aiohttp import hdrs, web

from gateway.domain.errors import ExchangeError, MalformedRequest
from gateway.edge.limits import Limits
from gateway.edge.problems import PROBLEM_TYPE, problem_fields

# The client of the national axis carries the parameters of all its earlier calls along, each twice: one that
# has once sent to a thousand recipients has heads of many kilobytes from then on.
MAX_HEADERS = 128
MAX_FIELD_BYTES = 32 * 1024
MAX_LINE_BYTES = 8190
MAX_HEAD_BYTES = 128 * 1024
"""A whole head. What half a head may hold, times the connections there may be, is memory anybody can take."""
LINGERING_SECONDS = 5
"""How long the rest of a refused upload is read and thrown away, so that its sender sees the answer."""
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclass(slots=True)
class Guard:
    """Counts the open connections, in all and per address."""

    limits: Limits
    open: int = 0
    _per_address: Counter[str] = field(default_factory=Counter)

    def admit(self, address: str) -> bool:
        """Count a new connection and return True, or return False when there are enough of them.

        The site's own proxies carry many clients on one address; they are only counted in all.
        """
        if self.open >= self.limits.max_connections:
            return False
        crowded = self._per_address[address] >= self.limits.max_connections_per_address
        if crowded and not self.limits.is_trusted_proxy(address):
            return False
        self.open += 1
        self._per_address[address] += 1
        return True

    def release(self, address: str) -> None:
        """Take a connection that has ended out of the count."""
        self.open -= 1
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]


class GuardedConnection(web.RequestHandler):
    """aiohttp's connection, with deadlines for request heads and for readers, and a place in the count.

    aiohttp itself waits for ever on half a head and on a client that does not read its answer, and knows no
    limit for a head as a whole. The idle timeout between requests is aiohttp's own.
    """

    __slots__ = ("_address", "_admitted", "_guard", "_head_bytes", "_head_deadline", "_reader_deadline")

    def __init__(self, server: web.Server, *, guard: Guard, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=guard.limits.idle_timeout.total_seconds(),
            # Requests are counted and refusals logged by our own middleware.
            access_log=cast(logging.Logger, None),
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_HEADERS,
            lingering_time=LINGERING_SECONDS,
            auto_decompress=False,
        )
        self._guard = guard
        self._address = ""
        self._admitted = False
        self._head_bytes = 0
        self._head_deadline: asyncio.TimerHandle | None = None
        self._reader_deadline: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Return whether no request is being worked on."""
        return self._waiter is not None and not self._waiter.done()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the connection and start the deadline of its first request head, or turn it away."""
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else "local"
        self._admitted = self._guard.admit(self._address)
        if not self._admitted:
            self.force_close()
            cast(asyncio.Transport, transport).write(_BUSY)
            transport.close()
            return
        super().connection_made(transport)
        _give_up_dead_peers(transport, self._guard.limits)
        self._start_head_deadline()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; the head's deadline runs from its first byte until it is complete."""
        super().data_received(data)
        if not self.is_idle:
            self._stop(self._head_deadline)
            self._head_deadline = None
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._abort()
        elif self._head_deadline is None:
            self._start_head_deadline()

    def pause_writing(self) -> None:
        """Start the deadline of a client that does not read its answer."""
        super().pause_writing()
        seconds = self._guard.limits.body_idle_timeout.total_seconds()
        self._reader_deadline = self._loop.call_later(seconds, self._abort)

    def resume_writing(self) -> None:
        """Stop the deadline: the client has read on."""
        self._stop(self._reader_deadline)
        super().resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place in the count back."""
        self._stop(self._head_deadline)
        self._stop(self._reader_deadline)
        if self._admitted:
            self._guard.release(self._address)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002  (aiohttp's signature)
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Return the answer to a request that could not be parsed. aiohttp's own would repeat its bytes."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun")
        error = MalformedRequest() if status < 500 else ExchangeError()
        response = web.Response(
            status=error.status,
            body=msgspec.json.encode(problem_fields(error, trace_id="", public_url="")),
            content_type=PROBLEM_TYPE,
            headers={hdrs.SERVER: "lienthong", hdrs.CACHE_CONTROL: "no-store"},
        )
        response.force_close()
        return response

    def _start_head_deadline(self) -> None:
        seconds = self._guard.limits.header_timeout.total_seconds()
        self._head_deadline = self._loop.call_later(seconds, self._abort)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    @staticmethod
    def _stop(deadline: asyncio.TimerHandle | None) -> None:
        if deadline is not None:
            deadline.cancel()


def _give_up_dead_peers(transport: asyncio.BaseTransport, limits: Limits) -> None:
    """Let the kernel end a connection whose peer has vanished with bytes still unacknowledged."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        milliseconds = int(limits.idle_timeout.total_seconds() * 1000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
