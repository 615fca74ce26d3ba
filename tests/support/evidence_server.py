"""A host of an authority on loopback that answers, lies or drags its feet, as a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.domain.errors import MalformedDocument, VerificationUnavailable
from signing.report import Wanted

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class EasyNamers:
    """Takes every answer for the one that is wanted, of the edition that `edition` tells; one that holds
    `nonsense` says nothing. While `is_busy` there is nobody to ask."""

    edition: Callable[[bytes], str] = lambda _: "2026-11-21"
    is_busy: bool = False

    async def name_evidence(self, path: Path, *, wanted: Wanted | None = None) -> dict[str, str]:
        """Return the key of what is wanted, and the edition."""
        assert wanted is not None
        if self.is_busy:
            raise VerificationUnavailable
        content = path.read_bytes()  # noqa: ASYNC240 - a small file of a test
        if b"nonsense" in content:
            raise MalformedDocument("The evidence cannot be read.", reasons=("it is nonsense",))
        return {wanted.key: self.edition(content)}


@dataclass(frozen=True)
class Request:
    """What it was asked."""

    method: str
    path: str
    content: bytes


@dataclass
class EvidenceServer:
    """Behaves as `behaviour` says, once `gate` is open; `at_once` is how many it ever served together."""

    behaviour: Behaviour
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    _serving: int = 0

    @property
    def host(self) -> str:
        """Return the name it is listed under."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/list.crl") -> str:
        """Return an address on it."""
        return f"http://{self.host}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request and behave."""
        self._serving += 1
        self.at_once = max(self.at_once, self._serving)
        try:
            self.requests.append(await _read_request(reader))
            self.asked.set()
            await self.gate.wait()
            await _until_gone(reader, self.behaviour(writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._serving -= 1
            writer.close()


@asynccontextmanager
async def evidence_server(behaviour: Behaviour) -> AsyncIterator[EvidenceServer]:
    """Serve on a free port; the gate is open."""
    server = EvidenceServer(behaviour)
    server.gate.set()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def says(
    content: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None
) -> Behaviour:
    """A whole answer; `length` is what it says of its own length."""

    async def say(writer: asyncio.StreamWriter) -> None:
        size = len(content) if length is None else length
        head = f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n{headers}\r\n"
        writer.write(head.encode() + content)
        await writer.drain()

    return say


def says_raw(*pieces: bytes) -> Behaviour:
    """These very bytes, then the end of the connection."""

    async def say(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
        await writer.drain()

    return say


async def never_ends(writer: asyncio.StreamWriter) -> None:
    """A body without an end, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n\x30")
    while True:
        writer.write(bytes(65_536))
        await writer.drain()


async def says_nothing(writer: asyncio.StreamWriter) -> None:
    """Nothing at all, for as long as the other side waits."""
    await asyncio.Event().wait()


def stops_after(content: bytes) -> Behaviour:
    """The head and some bytes of a longer body, and then nothing more."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + content)
        await writer.drain()
        await asyncio.Event().wait()

    return say


async def _until_gone(reader: asyncio.StreamReader, behaviour: Awaitable[None]) -> None:
    """Behave until the other side hangs up."""
    tasks = {asyncio.ensure_future(behaviour), asyncio.ensure_future(reader.read())}
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*done, *others, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    method, path, _ = head.split("\r\n", 1)[0].split(" ")
    lengths = [
        line.split(":")[1] for line in head.split("\r\n") if line.lower().startswith("content-length:")
    ]
    content = await reader.readexactly(int(lengths[0])) if lengths else b""
    return Request(method, path, content)
