"""Request bodies, read within their budgets of bytes and time, never whole unless they are small."""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import Any

from aiohttp import hdrs, web

from gateway.domain.errors import MalformedRequest, TooLarge, TooSlow
from gateway.edge.surface import surface_of

# Lines and tabs are text. The rest no sender means: PostgreSQL takes no NUL, no encoder half a letter,
# and a terminal obeys the others.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


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


async def expect_later(request: web.Request) -> None:
    """Take note of `Expect: 100-continue`; the body invites its sender when it is first read.

    So a wrong token or an announced 2 GB are refused before anything was uploaded.
    """
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        raise web.HTTPExpectationFailed


def strict_json(raw: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        MalformedRequest: It is not JSON in UTF-8, repeats a key, nests deeper than the interpreter's
            recursion limit, or holds a number that JSON cannot carry (NaN) or a text that is none
            (control characters other than tab and line ends, half a surrogate pair).
    """
    try:
        value: Any = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_such_number,
            parse_float=_finite,
        )
        _demand_text(value)
    except (ValueError, RecursionError) as exc:
        reason = str(exc) if type(exc) is ValueError else "the text is not JSON in UTF-8"
        raise MalformedRequest("The JSON is not well formed.", reasons=(reason,)) from exc
    return value


def _demand_text(value: Any) -> None:
    """Pass when every text in a JSON value, keys included, is one."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if _NO_TEXT.search(each):
                raise ValueError("a text holds control characters or half a surrogate pair")
        elif isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            waiting += each


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is given twice")
    return fields


def _no_such_number(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number
