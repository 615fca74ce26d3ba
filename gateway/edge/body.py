"""Request bodies, read within their budgets of bytes and time, never whole unless they are small."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web

from gateway.domain.errors import MalformedRequest, TooLarge, TooSlow
from gateway.edge.surface import surface_of


class Body:
    """The body of one request.

    A sender is too slow when it pauses longer than the idle timeout, or when it falls behind the lowest
    rate: every `body_min_rate_bytes` that arrive buy a second, on top of one idle timeout.
    """

    def __init__(self, request: web.Request, *, max_bytes: int, account: str | None = None) -> None:
        surface = surface_of(request)
        self._request = request
        self._max_bytes = max_bytes
        self._account = account
        self._spend = surface.bytes.spend
        self._idle = surface.limits.body_idle_timeout.total_seconds()
        self._rate = surface.limits.body_min_rate_bytes
        self._received = 0
        self._started: float | None = None
        if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
            raise MalformedRequest("Send the body as it is, without Content-Encoding.")
        if (request.content_length or 0) > max_bytes:
            raise self._too_large()

    async def read(self) -> bytes:
        """Return the next bytes, empty at the end.

        Raises:
            TooLarge, TooSlow: The body breaks a budget.
            MalformedRequest: It breaks off, or its chunks are not well formed.
        """
        now = asyncio.get_running_loop().time()
        if self._started is None:
            self._started = now
            await self._invite()
        bought = self._idle + self._received / self._rate
        patience = min(self._idle, self._started + bought - now)
        try:
            async with asyncio.timeout(patience):
                chunk = await self._request.content.readany()
        except TimeoutError:
            raise TooSlow from None
        except web.RequestPayloadError as exc:
            raise MalformedRequest("The body is not well formed or broke off.") from exc
        self._received += len(chunk)
        if self._account is not None:
            self._spend(self._account, len(chunk))
        if self._received > self._max_bytes:
            raise self._too_large()
        return chunk

    async def whole(self) -> bytes:
        """Return all of a small body."""
        chunks = []
        while chunk := await self.read():
            chunks.append(chunk)
        return b"".join(chunks)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The request is larger than {self._max_bytes} bytes.")

    async def _invite(self) -> None:
        """Say 100 Continue, if the client waits for it: only now is it known that the body is wanted."""
        if hdrs.EXPECT in self._request.headers:
            await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._request.writer.output_size = 0


async def expect_later(_: web.Request) -> None:
    """Leave `Expect: 100-continue` to the body, which invites its sender when it is first read.

    So a wrong token or an announced 2 GB are refused before anything was uploaded.
    """
