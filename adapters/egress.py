"""The one way out of the network: HTTP requests to addresses that strangers chose.

The check is made on the addresses actually connected to, after DNS, for every connection anew: neither
an odd spelling of an address nor a name that changes its answer leads inside. No proxies, no redirects,
no cookies, a deadline on every step. The body of an answer is not waited for unless it is asked for, and then
only as far as its reader has room: its size and speed cannot hurt. A connection whose answer was complete
serves the next request to the same host and port.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType
from yarl import URL

Network = IPv4Network | IPv6Network
LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""Returns the addresses of a host name; raises OSError when it has none."""

_IDLE = timedelta(seconds=4)
"""How long a connection is kept for the next request: below the 5 seconds after which many servers close
theirs, and below what any firewall forgets one in."""

# A look-up that hangs holds a thread of its own pool and never one of the event loop's.
_LOOK_UP_THREADS = 16

# IANA special-purpose registries. Spelled out because `ipaddress.is_global` has changed its mind
# between Python releases, and because translated addresses (NAT64, 6to4) lead to any IPv4 address.
_SPECIAL_IPV4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_UNICAST_IPV6 = ip_network("2000::/3")
_SPECIAL_IPV6 = tuple(ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


class ForbiddenDestination(Exception):
    """The URL, or an address its host has, is one we do not go to. Trying again will not help."""


class NoAnswer(Exception):
    """Nobody answered in time and in HTTP. The text is plain and names no address."""


class AnswerTooLong(Exception):
    """The body of an answer is longer than its reader has room for."""


@dataclass(frozen=True, slots=True)
class EgressRules:
    """Where requests may go and how long they may take.

    `allowed` are networks that may be reached although they are not public; http only goes there, unless
    `plain` lets it go to public addresses too: for what is signed itself and no secret.
    """

    allowed: tuple[Network, ...] = ()
    plain: bool = False
    total: timedelta = timedelta(seconds=20)
    connect: timedelta = timedelta(seconds=5)

    def is_allowed(self, address: str) -> bool:
        """Return whether the site has allowed this address although it may not be public."""
        parsed = ip_address(address)
        return any(parsed in network for network in self.allowed)


@dataclass(frozen=True, slots=True)
class EgressAnswer:
    """The head of an answer; header names in any case. `content` is its body, where that was asked for."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""


def is_public(address: str) -> bool:
    """Return whether an IP address is an ordinary host of the internet."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _SPECIAL_IPV4)
    return parsed in _UNICAST_IPV6 and not any(parsed in network for network in _SPECIAL_IPV6)


class Egress:
    """Sends requests out. Made by `open_egress`."""

    def __init__(self, rules: EgressRules, sessions: Mapping[str, aiohttp.ClientSession]) -> None:
        self._rules = rules
        self._sessions = sessions

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> EgressAnswer:
        """Return the status and headers of the answer to a POST; redirects are answers like others.

        Raises:
            ForbiddenDestination: The rules do not let us go there.
            NoAnswer: No HTTP answer came within the deadlines.
        """
        target = _parsed(url)
        with self._in_plain_words():
            # Here and not in the session: what is sent again has no time of its own.
            async with asyncio.timeout(self._rules.total.total_seconds()):
                return await self._post(target, content, headers)

    async def fetch(
        self, url: str, *, content: bytes = b"", headers: Mapping[str, str], max_bytes: int
    ) -> EgressAnswer:
        """Return the answer to a GET, or to a POST of `content` if there is any, with its body.

        Raises:
            ForbiddenDestination: The rules do not let us go there.
            NoAnswer: No complete HTTP answer came within the deadlines.
            AnswerTooLong: It has more than `max_bytes`.
        """
        target = _parsed(url)
        with self._in_plain_words():
            async with (
                asyncio.timeout(self._rules.total.total_seconds()),
                self._sessions[target.scheme].request(
                    "POST" if content else "GET",
                    target,
                    data=content or None,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                return EgressAnswer(response.status, response.headers, await _body(response, max_bytes))

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        """Translate the library's errors, and those of the network."""
        try:
            yield
        except aiohttp.InvalidURL as error:
            raise ForbiddenDestination("the URL is not well formed") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(self._plain(error)) from error

    async def _post(self, target: URL, content: bytes, headers: Mapping[str, str]) -> EgressAnswer:
        sending = partial(
            self._sessions[target.scheme].post, target, data=content, headers=headers, allow_redirects=False
        )
        used = _Used()
        try:
            return await _answer(sending(trace_request_ctx=used))
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # The other side may close an idle connection in the moment we use it; it has not answered then.
            if not used.before:
                raise
        return await _answer(sending())

    def _plain(self, error: Exception) -> str:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return f"no connection within {self._rules.connect.total_seconds():g} seconds"
        if isinstance(error, TimeoutError):
            return f"no answer within {self._rules.total.total_seconds():g} seconds"
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return "the host name has no address"
        if isinstance(error, aiohttp.ClientSSLError):
            return "the TLS connection failed: certificate or protocol not accepted"
        if isinstance(error, aiohttp.ClientConnectorError):
            # Not the error's own text: that names the address.
            return f"no connection: {os.strerror(error.os_error.errno or errno.EHOSTUNREACH)}"
        if isinstance(error, aiohttp.ClientResponseError):
            return "the answer was not HTTP"
        return "the connection broke before an answer came"


@dataclass(slots=True)
class _Used:
    """Whether the connection of a request had served another one `before`."""

    before: bool = False


async def _note_reuse(_: object, context: SimpleNamespace, __: object) -> None:
    if context.trace_request_ctx is not None:
        context.trace_request_ctx.before = True


async def _answer(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> EgressAnswer:
    # Leaving gives the connection back when the answer is complete, and closes it otherwise.
    async with request as response:
        return EgressAnswer(response.status, response.headers)


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    # What it says of its own length is not believed; what has arrived is counted.
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            response.close()
            raise AnswerTooLong
    return bytes(body)


@asynccontextmanager
async def open_egress(rules: EgressRules, *, look_up: LookUp | None = None) -> AsyncIterator[Egress]:
    """Open the way out, and close it at the end.

    Args:
        rules: Where it may lead.
        look_up: Resolves host names; the system's resolver if None.
    """
    threads = ThreadPoolExecutor(_LOOK_UP_THREADS, thread_name_prefix="look-up")
    names = look_up or partial(_system_look_up, threads)

    def permits_public(address: str) -> bool:
        return is_public(address) or rules.is_allowed(address)

    try:
        async with (
            _session(rules, _Gate(permits_public, names)) as https,
            _session(rules, _Gate(permits_public if rules.plain else rules.is_allowed, names)) as http,
        ):
            yield Egress(rules, {"https": https, "http": http})
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


class _Gate(AbstractResolver):
    """Lets only permitted addresses through, whether they come from DNS or stand in the URL."""

    def __init__(self, permits: Callable[[str], bool], look_up: LookUp) -> None:
        self._permits = permits
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name; one that is not permitted spoils them all."""
        addresses = [address for address in await self._look_up(host) if family in (0, _family(address))]
        if not addresses:
            raise OSError("no address")
        for address in addresses:
            self.check(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=_family(address),
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    def open_socket(self, target: AddrInfoType) -> socket.socket:
        """Return a socket for one address: the last look before a connection, literal addresses too."""
        family, kind, protocol, _, address = target
        self.check(str(address[0]))
        return socket.socket(family, kind, protocol)

    def check(self, address: str) -> None:
        """Pass when connections may go to this address.

        Raises:
            ForbiddenDestination: They may not.
        """
        if not self._permits(address):
            raise ForbiddenDestination("the host has an address that is not public and not allowed here")

    async def close(self) -> None:
        """Release nothing: the look-ups belong to `open_egress`."""


def _session(rules: EgressRules, gate: _Gate) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        resolver=gate,
        socket_factory=gate.open_socket,
        use_dns_cache=False,
        keepalive_timeout=_IDLE.total_seconds(),
        # Our callers bound how much is under way; a limit here would let dead hosts hold up the others.
        limit=0,
    )
    reuse = aiohttp.TraceConfig()
    reuse.on_connection_reuseconn.append(_note_reuse)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, connect=rules.connect.total_seconds()),
        trace_configs=[reuse],
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "lienthong", "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )


def _parsed(url: str) -> URL:
    try:
        target = URL(url)
        port = target.port
    except ValueError as error:
        raise ForbiddenDestination("the URL is not well formed") from error
    if target.scheme not in ("https", "http") or not target.host or not port:
        raise ForbiddenDestination("the URL must begin with https:// and name a host")
    if target.user is not None or target.password is not None:
        raise ForbiddenDestination("the URL must not hold a user name or password")
    return target


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET if isinstance(ip_address(address), IPv4Address) else socket.AF_INET6


async def _system_look_up(threads: ThreadPoolExecutor, host: str) -> Sequence[str]:
    found = await asyncio.get_running_loop().run_in_executor(
        threads, partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    )
    return [str(address[0]) for *_, address in found]
