"""The line to the exchange: access token, deadlines, and sending again what may pass by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import aiohttp

Json = dict[str, Any]
Body = Callable[[AsyncExitStack], Any]
"""Makes the body of one try; what it opens is closed with the stack."""
Answer = TypeVar("Answer")

_RETRIED_STATUSES = frozenset({429, 502, 503, 504})
_SLOWEST_BYTES_PER_SECOND = 16 * 1024
_WORTH_ASKING_BYTES = 64 * 1024
_TOKEN_RESERVE_SECONDS = 30
"""How long before its end a token is no longer used."""


class Refused(Exception):
    """The exchange has judged the request and said no (RFC 9457); `reasons` names every one."""

    def __init__(self, *, status: int, code: str, detail: str, reasons: Sequence[str] = ()) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.reasons = tuple(reasons)
        super().__init__(f"{code}: {detail}")


class Unreachable(Exception):
    """The exchange gave no answer, however often it was asked; the text says what happened."""


class TryAgain(Exception):
    """One try failed in a way that may pass by itself."""

    def __init__(self, detail: str, *, retry_after: str | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the exchange is and who asks."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try and how long to wait: `first` doubles up to `longest`.

    A Retry-After is honoured up to `longest_asked`. `silence` is how long the exchange may say nothing.
    """

    tries: int = 8
    first: timedelta = timedelta(seconds=0.5)
    longest: timedelta = timedelta(seconds=15)
    longest_asked: timedelta = timedelta(seconds=60)
    silence: timedelta = timedelta(seconds=60)

    def wait(self, *, failed: int, retry_after: str | None) -> timedelta:
        """Return how long to wait after so many failed tries."""
        if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
            return min(timedelta(seconds=int(retry_after[:6])), self.longest_asked)
        return min(self.first * (1 << (failed - 1)), self.longest)


@dataclass(frozen=True, slots=True)
class Request:
    """One request below `/v1`, made anew for each try. `size_bytes` is what goes over the line with it."""

    method: str
    path: str
    body: Body | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: timedelta = timedelta(0)
    size_bytes: int = 0


class Line:
    """Made by `open_line`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        *,
        patience: Patience,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._base = credentials.url.rstrip("/") + "/v1/"
        self._patience = patience
        self._sleep = sleep
        self._token = ""
        self._token_until = 0.0

    async def ask(
        self, request: Request, read: Callable[[aiohttp.ClientResponse], Awaitable[Answer]]
    ) -> Answer:
        """Return what `read` makes of the 2xx answer; both are tried again when they fail in passing.

        Raises:
            Refused: The exchange said no.
            Unreachable: It gave no answer in as many tries as patience allows, or a broken one.
        """
        failed = 0
        while True:
            try:
                return await self._try(request, read)
            except TryAgain as again:
                failed += 1
                if failed >= self._patience.tries:
                    raise Unreachable(str(again)) from again
                wait = self._patience.wait(failed=failed, retry_after=again.retry_after)
            await self._sleep(wait.total_seconds())

    async def _try(
        self, request: Request, read: Callable[[aiohttp.ClientResponse], Awaitable[Answer]]
    ) -> Answer:
        try:
            return await self._send(request, read)
        except aiohttp.InvalidURL as error:
            raise Unreachable(f"{self._base}: this is no URL") from error
        except aiohttp.ClientError as error:
            raise TryAgain(f"{self._base}: {error}") from error
        except TimeoutError as error:
            raise TryAgain(f"{self._base}: no answer in time") from error

    async def _send(
        self, request: Request, read: Callable[[aiohttp.ClientResponse], Awaitable[Answer]]
    ) -> Answer:
        is_token_old = time.monotonic() < self._token_until
        if not is_token_old:
            await self._log_in()
        async with AsyncExitStack() as opened:
            body = request.body(opened) if request.body else None
            response = await opened.enter_async_context(
                self._session.request(
                    request.method,
                    self._base + request.path,
                    params=request.query,
                    data=body,
                    headers={**request.headers, "Authorization": f"Bearer {self._token}"},
                    timeout=self._deadlines(request),
                    allow_redirects=False,
                    # A refusal then comes before a large body is on its way, not into the middle of it.
                    expect100=body is not None and request.size_bytes > _WORTH_ASKING_BYTES,
                )
            )
            if response.status == 401 and is_token_old:
                self._token_until = 0.0
                raise TryAgain("the access token is no longer good", retry_after="0")
            await _check(response)
            return await read(response)

    async def _log_in(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        deadlines = self._deadlines(Request("POST", "token"))
        async with self._session.post(
            self._base + "token", data=form, timeout=deadlines, allow_redirects=False
        ) as response:
            await _check(response)
            answer = await read_json(response)
        self._token = str(answer.get("access_token", ""))
        life = float(answer.get("expires_in", 0))
        self._token_until = time.monotonic() + life - _TOKEN_RESERVE_SECONDS

    def _deadlines(self, request: Request) -> aiohttp.ClientTimeout:
        silence = (self._patience.silence + request.wait).total_seconds()
        return aiohttp.ClientTimeout(
            total=2 * silence + request.size_bytes / _SLOWEST_BYTES_PER_SECOND,
            sock_connect=min(silence, 15),
            sock_read=silence,
        )


@asynccontextmanager
async def open_line(
    credentials: Credentials,
    *,
    patience: Patience | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Line]:
    """Open a line for an agency's program, and close it at the end."""
    async with aiohttp.ClientSession(headers={"User-Agent": "lienthong-client"}) as session:
        yield Line(session, credentials, patience=patience or Patience(), sleep=sleep)


async def read_json(response: aiohttp.ClientResponse) -> Json:
    """Return the JSON object of an answer.

    Raises:
        Unreachable: It is none, so whoever answered is not an exchange.
    """
    try:
        answer = await response.json()
    except ValueError as error:
        raise Unreachable(f"{response.url}: the answer is no JSON") from error
    if not isinstance(answer, dict):
        raise Unreachable(f"{response.url}: the answer is no JSON object")
    return answer


async def _check(response: aiohttp.ClientResponse) -> None:
    """Pass when the answer is a 2xx."""
    if 200 <= response.status < 300:
        return
    problem = await _problem(response)
    detail = str(problem.get("detail") or f"the exchange answered {response.status}")
    if problem.get("retry") is True or response.status in _RETRIED_STATUSES:
        raise TryAgain(detail, retry_after=response.headers.get("Retry-After"))
    if not 400 <= response.status < 500:
        raise Unreachable(detail)
    reasons = problem.get("reasons")
    raise Refused(
        status=response.status,
        code=str(problem.get("code") or response.status),
        detail=detail,
        reasons=[str(reason) for reason in reasons] if isinstance(reasons, list) else (),
    )


async def _problem(response: aiohttp.ClientResponse) -> Json:
    """Return the problem details of an answer; a proxy in between may have sent something else."""
    try:
        problem = await response.json(content_type=None)
    except (ValueError, aiohttp.ClientPayloadError):
        return {}
    return problem if isinstance(problem, dict) else {}
