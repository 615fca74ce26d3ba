"""A whole exchange on this machine for the demo: folder, settings, private servers, running programs."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from ops.dev.ports import free_ports
from ops.dev.private_postgresql import PostgresqlMissing, private_postgresql
from ops.dev.private_rabbitmq import RabbitMqMissing, private_rabbitmq

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60
STOP_SECONDS = 30
POLL_SECONDS = 0.1

Say = Callable[[str], None]
"""Shows one step to whoever watches."""


class CannotRun(Exception):
    """The demo's exchange cannot be brought up here; the text says why."""


@dataclass(frozen=True, slots=True)
class Size:
    """Which hand-over (direct, rabbitmq) and which record (sqlite, postgresql) the exchange runs on."""

    broker: str
    database: str

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the programs it takes: SQLite has one writer, and direct hand-over stays in its process."""
        is_site = self.broker == "rabbitmq" and self.database == "postgresql"
        return ("serve", "worker") if is_site else ("run",)


@dataclass(frozen=True, slots=True)
class Site:
    """Where everything of a demo exchange is."""

    folder: Path
    config: Path
    url: str
    admin_url: str

    @property
    def trust_dir(self) -> Path:
        """Return the folder with everything a stranger needs to verify receipts and signatures."""
        return self.folder / "trust"

    @property
    def own_trust_dir(self) -> Path:
        """Return the folder of authorities whose signatures the exchange itself believes."""
        return self.folder / "data" / "trust"

    @property
    def last_words(self) -> str:
        """Return the end of what its programs have logged."""
        return "\n".join(_tail(log) for log in sorted(self.folder.glob("*.log")))

    async def command(self, *words: str) -> dict[str, Any]:
        """Run `lienthong … --json` on this exchange and return what it says.

        Raises:
            CannotRun: The command failed.
        """
        running = await asyncio.create_subprocess_exec(
            *_lienthong(self.config, *words, "--json"),
            env=_environ(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await running.communicate()
        except BaseException:
            running.kill()
            await running.wait()
            raise
        if running.returncode:
            raise CannotRun(f"lienthong {' '.join(words)} failed:\n{err.decode(errors='replace')}")
        answer: dict[str, Any] = json.loads(out)
        return answer


@asynccontextmanager
async def open_site(size: Size, *, keep: Path | None, say: Say) -> AsyncIterator[Site]:
    """Make the folder, settings and record of an exchange, its private servers running, itself not yet.

    Args:
        size: What it runs on.
        keep: A new or empty folder that stays; without one a temporary folder is used and removed.
        say: Told each step.

    Raises:
        CannotRun: A server is missing, or the folder is in use.
    """
    async with AsyncExitStack() as opened:
        folder = _folder(keep, opened)
        try:
            broker_url, database_url = await _servers(size, keep, opened, say)
        except (RabbitMqMissing, PostgresqlMissing) as error:
            raise CannotRun(str(error)) from error
        port, admin_port = free_ports(2)
        site = Site(
            folder, folder / "config.toml", f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin_port}"
        )
        settings = {"data_dir": str(folder / "data"), "broker_url": broker_url, "database_url": database_url}
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        lines += [f'public_url = "{site.url}"', "[http]", f"port = {port}", "[admin]", f"port = {admin_port}"]
        site.config.touch(mode=0o600)
        site.config.write_text("\n".join(lines) + "\n", "utf-8")
        yield site


@asynccontextmanager
async def running(site: Site, size: Size) -> AsyncIterator[None]:
    """Run the programs of the exchange while the block runs.

    Raises:
        CannotRun: One ended while starting, or was not ready in time.
    """
    async with AsyncExitStack() as opened:
        first, *others = size.roles
        await opened.enter_async_context(_program(site, first, admin_url=site.admin_url))
        for role in others:
            (port,) = free_ports(1)
            await opened.enter_async_context(_program(site, role, admin_url=f"http://127.0.0.1:{port}"))
        yield


def _folder(keep: Path | None, opened: AsyncExitStack) -> Path:
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="lienthong-demo-"))
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder
    keep.mkdir(parents=True, exist_ok=True)
    if any(keep.iterdir()):
        raise CannotRun(f"{keep} is not empty: name a new folder")
    # A PostgreSQL started by root runs as its own user and must come through to its disk.
    keep.chmod(0o711)
    return keep.absolute()


def _disk(keep: Path | None, server: str) -> Path | None:
    """Return where a server that stays has its disk; None lets it have a temporary one."""
    if keep is None:
        return None
    disk = keep.absolute() / server
    disk.mkdir()
    return disk


async def _servers(size: Size, keep: Path | None, opened: AsyncExitStack, say: Say) -> tuple[str, str]:
    """Start the private servers of this size; return the URLs of hand-over and record."""
    broker_url, database_url = "direct:", ""
    if size.broker == "rabbitmq":
        say("starting a private RabbitMQ")
        broker_url = (await opened.enter_async_context(private_rabbitmq(_disk(keep, "rabbitmq")))).url
    if size.database == "postgresql":
        say("starting a private PostgreSQL")
        database_url = (await opened.enter_async_context(private_postgresql(_disk(keep, "postgresql")))).url
    return broker_url, database_url


@asynccontextmanager
async def _program(site: Site, role: str, *, admin_url: str) -> AsyncIterator[None]:
    """Run `lienthong ROLE` until the block ends; its log is ROLE.log in the site's folder."""
    log = site.folder / f"{role}.log"
    with log.open("wb") as sink:
        program = await asyncio.create_subprocess_exec(
            *_lienthong(site.config, role),
            env=_environ({"LIENTHONG_ADMIN__PORT": admin_url.rsplit(":", 1)[1]}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            # Ctrl-C is for the demo; it stops its programs in order.
            start_new_session=True,
        )
    try:
        await _until_ready(program, admin_url, log)
        yield
    finally:
        await _stop(program)


async def _until_ready(program: asyncio.subprocess.Process, admin_url: str, log: Path) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
            while not await _is_ready(session, admin_url):
                if program.returncode is not None:
                    raise CannotRun(f"the exchange ended while starting:\n{_tail(log)}")
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise CannotRun(f"the exchange was not ready in {READY_SECONDS} s:\n{_tail(log)}") from error


async def _is_ready(session: aiohttp.ClientSession, admin_url: str) -> bool:
    try:
        async with session.get(f"{admin_url}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _stop(program: asyncio.subprocess.Process) -> None:
    if program.returncode is not None:
        return
    program.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await program.wait()
    except TimeoutError:
        program.kill()
        await program.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-15:])


def _lienthong(config: Path, *words: str) -> Sequence[str]:
    return [sys.executable, "-P", "-m", "ops.cli", "--config", str(config), *words]


def _environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which our code is found and nobody's own settings get in."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIENTHONG_")}
    return {**kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'queue'}", **(more or {})}
