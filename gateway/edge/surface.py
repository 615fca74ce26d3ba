"""What the handlers of one server process share; found again from any request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from gateway.domain.errors import SubmissionInProgress
from gateway.domain.model import AgencyCode
from gateway.edge.limits import Buckets, Limits
from gateway.edge.tokens import Tokens
from gateway.edge.turns import Turns
from gateway.service.exchange import Exchange

FAILED_LOGINS_PER_SECOND = 0.1
FAILED_LOGINS_BURST = 10
FAILED_LOGINS_OF_ADDRESS_BURST = 100
WRONG_TOKENS_PER_SECOND = 1
WRONG_TOKENS_BURST = 100


@dataclass(slots=True)
class LongPolls:
    """Requests that wait for something to happen. When the server stops, they all end at once."""

    ended: bool = False
    _waiting: set[asyncio.Timeout] = field(default_factory=set)

    async def wait(self, event: Awaitable[None]) -> None:
        """Return when the event has happened, or the server stops."""
        if self.ended:
            return
        try:
            async with asyncio.timeout(None) as patience:
                self._waiting.add(patience)
                try:
                    await event
                finally:
                    self._waiting.discard(patience)
        except TimeoutError:
            return

    def end(self) -> None:
        """End every wait, now and from now on."""
        self.ended = True
        for patience in self._waiting:
            patience.reschedule(0)


@dataclass(slots=True)
class RunningSubmissions:
    """The idempotency keys this process is working on at present."""

    _keys: set[tuple[AgencyCode, str]] = field(default_factory=set)

    @contextmanager
    def only(self, agency: AgencyCode, key: str | None) -> Iterator[None]:
        """Hold the agency's key while the context is open; without a key nothing is held.

        Raises:
            SubmissionInProgress: Another request holds it.
        """
        if key is None:
            yield
            return
        if (agency, key) in self._keys:
            raise SubmissionInProgress
        self._keys.add((agency, key))
        try:
            yield
        finally:
            self._keys.discard((agency, key))


@dataclass(frozen=True, slots=True)
class Surface:
    """The exchange as the handlers see it, with the state that guards it."""

    exchange: Exchange
    limits: Limits
    public_url: str
    tokens: Tokens
    requests: Buckets
    bytes: Buckets
    failed_logins: Buckets
    failed_logins_of_address: Buckets
    wrong_tokens: Buckets
    judgements: Turns
    polls: LongPolls = field(default_factory=LongPolls)
    running: RunningSubmissions = field(default_factory=RunningSubmissions)


SURFACE = web.AppKey("surface", Surface)


def make_surface(x: Exchange, limits: Limits, *, public_url: str) -> Surface:
    """Return a fresh surface over an exchange. `public_url` has no slash at its end."""
    return Surface(
        exchange=x,
        limits=limits,
        public_url=public_url,
        tokens=Tokens(x.clients, x.directory, x.clock, limits.token_life),
        requests=Buckets(x.clock, limits.requests_per_second, limits.requests_burst),
        bytes=Buckets(x.clock, limits.bytes_per_second, limits.bytes_burst),
        failed_logins=Buckets(x.clock, FAILED_LOGINS_PER_SECOND, FAILED_LOGINS_BURST),
        failed_logins_of_address=Buckets(
            x.clock, FAILED_LOGINS_PER_SECOND * 10, FAILED_LOGINS_OF_ADDRESS_BURST
        ),
        wrong_tokens=Buckets(x.clock, WRONG_TOKENS_PER_SECOND, WRONG_TOKENS_BURST),
        judgements=Turns(limits.judgements_at_once, limits.judgement_wait_max),
    )


def surface_of(request: web.Request) -> Surface:
    """Return the surface a request came in by."""
    return request.config_dict[SURFACE]


def address_of(request: web.Request) -> str:
    """Return the address of the client, as a trusted proxy says it or else as the socket does."""
    remote = request.remote or "unknown"
    forwarded = request.headers.getall("X-Forwarded-For", [])
    if not forwarded or not surface_of(request).limits.is_trusted_proxy(remote):
        return remote
    # The proxy appends, to a line or as a new one: what stands before came from outside and proves nothing.
    return forwarded[-1].rsplit(",", 1)[-1].strip()[:64] or remote
