"""A PostgreSQL server of our own on a free loopback port, for tests, the demo, the bench and the crash run.

Needs the server's files (`apt-get install postgresql`) but no running service. It refuses to run as root:
started by root, it runs as the package's own user `postgres`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from ops.dev.ports import free_ports

INSTALLED = Path("/usr/lib/postgresql")
START_SECONDS = 60
STOP_SECONDS = 20


class PostgresqlMissing(Exception):
    """PostgreSQL is not installed, or its server did not come up; the text says what to do."""


class PrivatePostgresql:
    """One private server. `url` stays the same across `kill9`, `stop` and `start`."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", **settings}
        (self._port,) = free_ports(1)
        # The server trusts loopback connections of this one name, which nobody else knows.
        self._user = f"u{secrets.token_hex(12)}"
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return how to reach the server's first database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return how to reach one of the server's databases."""
        return f"postgresql://{self._user}@127.0.0.1:{self._port}/{database}"

    @property
    def pid(self) -> int:
        """Return the process id of the postmaster."""
        assert self._server is not None, "started"
        return self._server.pid

    async def start(self) -> None:
        """Start the server on its disk, which the first start makes, and return when it takes connections.

        Raises:
            PostgresqlMissing: It is not installed or did not come up in time.
        """
        await asyncio.to_thread(self._spawn)
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await asyncio.to_thread(self._answers):  # noqa: ASYNC110 - another program comes up
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise PostgresqlMissing(f"No answer after {START_SECONDS} s; see {self._log}") from None

    async def kill9(self) -> None:
        """Kill the postmaster and all its children as a power cut would; the disk stays."""
        await asyncio.to_thread(self._kill9)

    async def stop(self) -> None:
        """Stop the server cleanly, cutting its connections; the disk stays."""
        await asyncio.to_thread(self._stop)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _spawn(self) -> None:
        if not self._data.exists():
            self._make_disk()
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [
                    *(str(_program("postgres")), "-D", str(self._data), "-p", str(self._port)),
                    *("--listen_addresses=127.0.0.1", "--unix_socket_directories=", *settings),
                ],
                cwd=self._folder,
                env=_environment(),
                user=_user(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _make_disk(self) -> None:
        user = _user()
        if user is not None:
            shutil.chown(self._folder, user)
        options = ("--no-sync", "--data-checksums", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        made = subprocess.run(
            [str(_program("initdb")), "-D", str(self._data), "-U", self._user, *options],
            cwd=self._folder,
            env=_environment(),
            user=user,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise PostgresqlMissing(f"initdb failed: {made.stderr.strip()}")

    def _answers(self) -> bool:
        if self._server is None or self._server.poll() is not None:
            raise PostgresqlMissing(f"The server ended while starting; see {self._log}")
        probe = [str(_program("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(self._port), "-t", "1"]
        return subprocess.run(probe, env=_environment(), check=False).returncode == 0

    def _kill9(self) -> None:
        if self._server is None or self._server.poll() is not None:
            return
        os.kill(self._server.pid, signal.SIGSTOP)  # so that it starts no more children
        children = _children(self._server.pid)
        for pid in (self._server.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._server.wait()
        _wait_for_end(children)

    def _stop(self) -> None:
        if self._server is None or self._server.poll() is not None:
            return
        self._server.send_signal(signal.SIGINT)  # "fast": rolls back, writes a checkpoint
        try:
            self._server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill9()


@asynccontextmanager
async def private_postgresql(
    folder: Path | None = None, *, settings: Mapping[str, str] | None = None
) -> AsyncIterator[PrivatePostgresql]:
    """Run a private server while the block runs.

    Args:
        folder: Where its disk is; kept afterwards. Root must choose one that the user `postgres` can reach.
            Without one it has a temporary folder.
        settings: Server settings besides the safe ones of PostgreSQL.

    Raises:
        PostgresqlMissing: It is not installed or did not come up.
    """
    temporary = folder is None
    folder = folder or Path(tempfile.mkdtemp(prefix="lienthong-postgresql-"))
    server = PrivatePostgresql(folder, settings=settings or {})
    try:
        await server.start()
        yield server
    finally:
        await (server.kill9() if temporary else server.stop())
        if temporary:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _program(name: str) -> Path:
    """Return a program of the newest installed version."""
    versions = [each for each in INSTALLED.glob("[0-9]*") if (each / "bin" / name).exists()]
    if not versions:
        raise PostgresqlMissing("PostgreSQL is not installed: apt-get install postgresql")
    return max(versions, key=lambda each: int(each.name)) / "bin" / name


def _user() -> str | None:
    """Return the user to run the server as, None for the present one."""
    return "postgres" if os.geteuid() == 0 else None


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"}


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_for_end(pids: list[int]) -> None:
    """Wait for processes that are not our own children: a new server refuses the disk while one lives."""
    for pid in pids:
        with suppress(ProcessLookupError):
            process = os.pidfd_open(pid)
            try:
                select.select([process], [], [], STOP_SECONDS)
            finally:
                os.close(process)
