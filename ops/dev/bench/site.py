"""An exchange of site size for the bench: one `lienthong serve`, one `lienthong worker`, default settings.

Only what would stop a bench is set otherwise: rates per agency, the life of tokens, the floor of free space.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlencode

import msgspec

from ops.dev.bench.lean_http import UnexpectedAnswer, connect
from ops.dev.bench.load import Member
from ops.dev.city import city, write_csv
from ops.dev.ports import free_ports
from ops.dev.site import ROOT

_COMMAND_SECONDS = 300
_START_SECONDS = 60
_STOP_SECONDS = 30
_LOG_SHOWN = 4000
_PLENTY = "1000000000"
_SETTINGS = {
    "LOG__LEVEL": "WARNING",
    "LIMITS__REQUESTS_PER_SECOND": _PLENTY,
    "LIMITS__REQUESTS_BURST": _PLENTY,
    "LIMITS__BYTES_PER_SECOND": _PLENTY,
    "LIMITS__BYTES_BURST": _PLENTY,
    "LIMITS__TOKEN_SECONDS": "86400",
    "LIMITS__FREE_SPACE_BYTES": "1048576",
}


class BenchFailed(Exception):
    """A process of the bench did not do its part; the text says which and what it printed."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A `lienthong` process, its log (warnings only), and the file its launcher counts fsyncs in."""

    role: str
    process: Process
    log: Path
    fsyncs: Path

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self.process.pid


@dataclass(frozen=True, slots=True)
class Site:
    """A running exchange. `secrets` holds client id and secret of each agency, in the directory's order."""

    port: int
    serve: Watched
    worker: Watched
    secrets: Mapping[str, tuple[str, str]]
    environment: Mapping[str, str] = field(repr=False)

    async def import_agencies(self, directory: Path) -> None:
        """Insert or change the agencies of a file.

        Raises:
            BenchFailed: It failed.
        """
        await command("-m", "ops.cli", "agencies", "import", str(directory), environment=self.environment)

    async def member(self, code: str) -> Member:
        """Return an agency with a fresh access token."""
        client_id, client_secret = self.secrets[code]
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        connection = await connect(self.port)
        try:
            connection.send(
                "POST",
                "/v1/token",
                body=urlencode(form).encode(),
                content_type="application/x-www-form-urlencoded",
            )
            answer = msgspec.json.decode(await connection.answer(expected=200))
        finally:
            connection.close()
        return Member(code, answer["access_token"])


@asynccontextmanager
async def open_site(
    folder: Path,
    *,
    broker_url: str,
    database_url: str,
    trust: Path,
    agencies: int,
    profile: Path | None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Site]:
    """Run an exchange with a city's directory, all of its agencies with credentials; `settings` are set
    besides.

    Raises:
        BenchFailed: A command failed or a process did not come up.
    """
    port, *admin_ports = free_ports(3)
    environment = clean_environment(
        DATA_DIR=str(folder / "data"),
        DATABASE_URL=database_url,
        BROKER_URL=broker_url,
        TRUST__DIR=str(trust),
        HTTP__PORT=str(port),
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        **_SETTINGS,
        **settings,
    )
    directory = folder / "city.csv"
    write_csv(city(agencies), directory)
    await command("-m", "ops.cli", "init", "--json", environment=environment)
    await command("-m", "ops.cli", "agencies", "import", str(directory), environment=environment)
    created = await command("-m", "ops.cli", "clients", "create", "--all", "--json", environment=environment)
    secrets = {
        client["agency"]: (client["client_id"], client["client_secret"])
        for client in msgspec.json.decode(created)["clients"]
    }
    watched: list[Watched] = []
    try:
        for role, admin_port in zip(("serve", "worker"), admin_ports, strict=True):
            admin = {**environment, "LIENTHONG_ADMIN__PORT": str(admin_port)}
            watched.append(await _launch(role, folder, environment=admin, profile=profile))
            await _ready(watched[-1], admin_port)
        serve, worker = watched
        yield Site(port, serve, worker, secrets, environment)
    finally:
        for each in reversed(watched):
            await end(each.process)
            _show_log(each)


async def command(*words: str, environment: Mapping[str, str] | None = None) -> bytes:
    """Run a Python module to its end and return what it printed.

    Raises:
        BenchFailed: It failed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        *words,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=environment or clean_environment(),
    )
    try:
        async with asyncio.timeout(_COMMAND_SECONDS):
            printed, complaints = await process.communicate()
    except BaseException:
        await end(process)
        raise
    if process.returncode:
        raise BenchFailed(f"{' '.join(words)}: {complaints.decode(errors='replace')}")
    return printed


async def _launch(
    role: str, folder: Path, *, environment: Mapping[str, str], profile: Path | None
) -> Watched:
    log, fsyncs = folder / f"{role}.log", folder / f"{role}.fsyncs"
    samples = str(profile / f"{role}.samples") if profile else "-"
    words = ["-m", "ops.dev.bench.launcher", str(fsyncs), samples, role]
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", *words, stdin=DEVNULL, stdout=DEVNULL, stderr=sink, env=environment
        )
    return Watched(role, process, log, fsyncs)


def _show_log(watched: Watched) -> None:
    """Show the end of what a process complained about: nothing in a good run."""
    complaints = watched.log.read_text("utf-8", errors="replace")[-_LOG_SHOWN:]
    if complaints:
        print(f"lienthong {watched.role} wrote: {complaints}", file=sys.stderr)


async def _ready(watched: Watched, admin_port: int) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not await _is_ready(admin_port):
                if watched.process.returncode is not None:
                    raise BenchFailed(f"lienthong {watched.role} ended while starting")
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise BenchFailed(f"lienthong {watched.role} was not ready after {_START_SECONDS} s") from None


async def _is_ready(admin_port: int) -> bool:
    try:
        connection = await connect(admin_port)
    except OSError:
        return False
    try:
        connection.send("GET", "/readyz")
        await connection.answer(expected=200)
    except (UnexpectedAnswer, OSError, EOFError):
        return False
    finally:
        connection.close()
    return True


async def end(process: Process) -> None:
    """Let a process end by itself, and see to it that it does."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def clean_environment(**settings: str) -> dict[str, str]:
    """Return an environment in which our code is found, with these settings and nobody's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    ours = {f"LIENTHONG_{name}": value for name, value in settings.items()}
    return {**kept, **ours, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'queue'}"}
