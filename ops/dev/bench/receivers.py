"""Webhooks of agencies on loopback: a port for each agency answers at once, one more takes connections and
never answers.

`python -m ops.dev.bench.receivers AGENCIES` prints the ports, the silent one last, and serves until it is
ended.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ops.dev.bench.site import BenchFailed, clean_environment, end

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_LENGTH = b"content-length:"
_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Receivers:
    """Where webhooks of both kinds are: systems of different agencies share no connection."""

    quick_urls: Sequence[str]
    silent_url: str


class _Quick(asyncio.Protocol):
    """Takes one POST after the other and answers each when its body is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer once all has come."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if separator and len(body) >= _length(head):
            self._transport.write(_ANSWER)
            self._received = b""


def _length(head: bytes) -> int:
    lines = (line for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH))
    return int(next(lines, _LENGTH + b"0")[len(_LENGTH) :])


@asynccontextmanager
async def receivers(agencies: int) -> AsyncIterator[Receivers]:
    """Run the receivers of so many agencies, a process of their own, while the block runs.

    Raises:
        BenchFailed: They did not come up.
    """
    process = await create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__, str(agencies)), stdout=PIPE, env=clean_environment()
    )
    assert process.stdout is not None
    try:
        async with timeout(_START_SECONDS):
            ports = (await process.stdout.readline()).split()
        if len(ports) != agencies + 1:
            raise BenchFailed("the receivers did not come up")
        *quick, silent = (f"http://127.0.0.1:{int(port)}/" for port in ports)
        yield Receivers(quick, silent)
    finally:
        await end(process)


async def _serve(agencies: int) -> None:
    loop = asyncio.get_running_loop()
    kinds = [_Quick] * agencies + [asyncio.Protocol]
    servers = [await loop.create_server(kind, "127.0.0.1", 0) for kind in kinds]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
