"""The system under test: real processes on a real record and a real broker, under a supervisor."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from time import monotonic

import aiohttp
import msgspec

from ops.dev.crash.line import Credentials
from ops.dev.crash.orders import PUSHED_TO, RECIPIENTS, SENDERS
from ops.dev.crash.receiver import Receiver
from ops.dev.crash.supervisor import READY_SECONDS, DidNotStart, Supervised, supervised
from ops.dev.ports import free_ports
from ops.dev.private_postgresql import PrivatePostgresql, private_postgresql
from ops.dev.private_rabbitmq import PrivateRabbitMq, private_rabbitmq

ROOT = Path(__file__).resolve().parents[3]
COMMAND_SECONDS = 120
DEATHS_BORNE = 5
"""A process may find its database away and end; one that ends more often than this does not come up."""

GRACE_SECONDS = 2
NEVER_SECONDS = 3600
"""A grace so long that the sweeper hides nothing in a run."""

# Short waits so that a run heals quickly, and no limit that a run would meet.
SETTINGS = """\
data_dir = {data_dir}
database_url = {database_url}
broker_url = {broker_url}
public_url = {public_url}
[limits]
connections_per_address = 2000
requests_per_second = 1000000
requests_burst = 1000000
bytes_per_second = 1000000000000
bytes_burst = 1000000000000
token_seconds = 86400
free_space_bytes = 1048576
[exchange]
grace_seconds = {grace_seconds}
handover_lease_seconds = 5
inbox_lease_seconds = 3
retry_schedule_seconds = [0.3, 0.5, 0.5, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
breaker_failures = 20
breaker_seconds = 1
[broker]
timeout_seconds = 5
sweep_seconds = 0.5
[webhook]
timeout_seconds = 2
allowed_networks = ["127.0.0.0/8"]
[parsing]
workers = 1
[trust]
dir = {trust_dir}
"""


class Size(StrEnum):
    """Embedded: one process, SQLite, direct hand-over. Site: several, PostgreSQL, RabbitMQ."""

    EMBEDDED = "embedded"
    SITE = "site"


ROLES = {Size.EMBEDDED: ("run",), Size.SITE: ("serve", "serve", "worker", "worker")}


@dataclass(slots=True)
class System:
    """A running exchange and what it runs on. `credentials` are by agency."""

    size: Size
    folder: Path
    config: Path
    rabbitmq: PrivateRabbitMq | None
    postgresql: PrivatePostgresql | None
    urls: tuple[str, ...] = ()
    admin_urls: tuple[str, ...] = ()
    programs: list[Supervised] = field(default_factory=list)
    credentials: dict[str, Credentials] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Return the data folder, which all processes share."""
        return self.folder / "data"

    @property
    def trust(self) -> Path:
        """Return the folder of the authorities whose signatures count."""
        return self.folder / "trust"

    def of_role(self, role: str) -> list[Supervised]:
        """Return the processes of a role."""
        return [program for program in self.programs if program.name.startswith(role)]

    async def until_ready(self, *, within: float = READY_SECONDS) -> None:
        """Return when every process says that it is ready.

        Raises:
            DidNotStart: One does not in time.
        """
        deadline = monotonic() + within
        borne = {program.name: program.deaths + DEATHS_BORNE for program in self.programs}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            for program, url in zip(self.programs, self.admin_urls, strict=True):
                while not await _is_ready(session, url):
                    if monotonic() > deadline or program.deaths > borne[program.name]:
                        raise DidNotStart(f"{program.name} does not become ready; see {program.log}")
                    await asyncio.sleep(0.1)


@asynccontextmanager
async def open_system(
    size: Size,
    folder: Path,
    *,
    receiver: Receiver,
    planted: str | None,
    grace_seconds: float,
    died: Callable[[str, int], None],
) -> AsyncIterator[System]:
    """Run an exchange with its directory and clients until the block ends.

    Raises:
        DidNotStart: A command failed or a process did not come up.
        RabbitMqMissing, PostgresqlMissing: A server is not installed or did not come up.
    """
    async with AsyncExitStack() as opened:
        rabbitmq = postgresql = None
        if size is Size.SITE:
            rabbitmq, postgresql = await asyncio.gather(
                opened.enter_async_context(private_rabbitmq(_made(folder / "rabbitmq"))),
                opened.enter_async_context(private_postgresql(_made(folder / "postgresql"))),
            )
        system = System(size, folder, folder / "config.toml", rabbitmq, postgresql)
        ports = free_ports(2 * len(ROLES[size]))
        http_ports, admin_ports = ports[::2], ports[1::2]
        system.admin_urls = tuple(f"http://127.0.0.1:{port}" for port in admin_ports)
        system.urls = tuple(
            f"http://127.0.0.1:{port}"
            for role, port in zip(ROLES[size], http_ports, strict=True)
            if role != "worker"
        )
        _write_settings(system, grace_seconds=grace_seconds)
        await _set_up(system, receiver)
        for n, role in enumerate(ROLES[size]):
            environment = _environment(HTTP__PORT=http_ports[n], ADMIN__PORT=admin_ports[n])
            program = Supervised(
                f"{role}-{n}",
                [*_python(planted), "--config", str(system.config), role],
                environment=environment,
                log=folder / f"{role}-{n}.log",
                died=died,
            )
            system.programs.append(await opened.enter_async_context(supervised(program)))
        await system.until_ready()
        yield system


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _write_settings(system: System, *, grace_seconds: float) -> None:
    text = SETTINGS.format(
        data_dir=json.dumps(str(system.data)),
        database_url=json.dumps(system.postgresql.url if system.postgresql else ""),
        broker_url=json.dumps(system.rabbitmq.url if system.rabbitmq else "direct:"),
        public_url=json.dumps(system.urls[0]),
        trust_dir=json.dumps(str(system.trust)),
        grace_seconds=grace_seconds,
    )
    system.config.touch(mode=0o600)
    system.config.write_text(text)


async def _set_up(system: System, receiver: Receiver) -> None:
    """Make the record, the directory and everybody's credentials."""
    directory = system.folder / "agencies.csv"
    _write_directory(directory, receiver)
    await _lienthong(system, "init", "--json")
    await _lienthong(system, "agencies", "import", str(directory))
    made = msgspec.json.decode(await _lienthong(system, "clients", "create", "--all", "--json"))
    for client in made["clients"]:
        credentials = Credentials(client["agency"], client["client_id"], client["client_secret"])
        system.credentials[credentials.agency] = credentials


def _write_directory(path: Path, receiver: Receiver) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["code", "name", "level", "channel", "webhook_url", "webhook_secret"])
        for code in (*SENDERS, *RECIPIENTS):
            address, secret = receiver.register(code) if code in PUSHED_TO else ("", "")
            channel = "webhook" if code in PUSHED_TO else "inbox"
            rows.writerow([code, f"Cơ quan {code}", 2, channel, address, secret])


async def _lienthong(system: System, *words: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *_python(None),
        "--config",
        str(system.config),
        *words,
        env=_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            printed, complaints = await process.communicate()
    except TimeoutError:
        process.kill()
        raise DidNotStart(f"lienthong {' '.join(words)} took too long") from None
    if process.returncode:
        raise DidNotStart(f"lienthong {' '.join(words)}: {(complaints + printed).decode(errors='replace')}")
    return printed


def _python(planted: str | None) -> Sequence[str]:
    module = ["ops.cli"] if planted is None else ["ops.dev.crash.planted", planted]
    return [sys.executable, "-P", "-m", *module]


def _environment(**settings: int) -> dict[str, str]:
    """Return an environment in which our code is found and nobody's own settings get in."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIENTHONG_")}
    kept["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'queue'}"
    return kept | {f"LIENTHONG_{key}": str(value) for key, value in settings.items()}


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False
