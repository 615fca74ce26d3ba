"""Embedded size: one process owns the data folder; commands go to it over a unix socket, or take its lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector, web

from gateway.domain.errors import ExchangeError, NotFound
from ops.commands import COMMANDS
from ops.desk import Desk, Json

SOCKET = "control.sock"
LOCK = "lock"
COMMAND_SECONDS = 600
"""A directory of a hundred thousand agencies takes a while."""


class FolderTaken(Exception):
    """Another process owns the data folder."""


class RemoteRefusal(Exception):
    """The running server refused a command; the attributes are those of its ExchangeError."""

    def __init__(self, *, code: str, detail: str, reasons: list[str], status: int) -> None:
        self.code, self.detail, self.reasons, self.status = code, detail, reasons, status
        super().__init__(detail)


@contextmanager
def owning(folder: Path) -> Iterator[None]:
    """Own a data folder while the context is open.

    Raises:
        FolderTaken: Another process does.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise FolderTaken(f"another lienthong process works on {folder}") from error
    try:
        yield
    finally:
        os.close(descriptor)


@asynccontextmanager
async def answering(folder: Path, desk: Desk) -> AsyncIterator[None]:
    """Answer commands on the folder's socket while the context is open."""

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["command"].replace(".", " ")
        arguments: Json = msgspec.json.decode(await request.read(), type=dict)
        try:
            if name not in COMMANDS:
                raise NotFound(f"There is no command {name}.")
            outcome = await COMMANDS[name](desk, arguments)
        except ExchangeError as error:
            refusal = {
                "code": error.code,
                "detail": error.detail,
                "reasons": list(error.reasons),
                "status": error.status,
            }
            return web.Response(status=409, body=msgspec.json.encode(refusal))
        return web.Response(body=msgspec.json.encode(outcome))

    app = web.Application()
    app.router.add_post("/{command}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    path = folder / SOCKET
    path.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path)).start()
    finally:
        os.umask(before)
    try:
        yield
    finally:
        await runner.cleanup()
        path.unlink(missing_ok=True)


async def ask_running_server(folder: Path, name: str, arguments: Json) -> Json:
    """Have the server that owns the folder run a command, and return its outcome.

    Raises:
        RemoteRefusal: It refused.
        FolderTaken: The folder is owned, but nobody answers on its socket.
    """
    timeout = ClientTimeout(total=COMMAND_SECONDS, connect=5)
    url = f"http://control/{name.replace(' ', '.')}"
    try:
        async with (
            ClientSession(connector=UnixConnector(str(folder / SOCKET)), timeout=timeout) as session,
            session.post(url, data=msgspec.json.encode(arguments)) as answer,
        ):
            outcome: Json = msgspec.json.decode(await answer.read(), type=dict)
            if answer.status != 200:
                raise RemoteRefusal(**outcome)
            return outcome
    except (ClientError, TimeoutError, msgspec.DecodeError) as error:
        raise FolderTaken(f"the process that works on {folder} does not answer: {error}") from error
