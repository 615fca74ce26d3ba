"""What a bench stands on: papers, private servers, a running exchange, and the machine's own yardsticks."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.codec import BATCH
from ops.dev.bench.figures import Yardsticks
from ops.dev.bench.ledger_watch import LedgerWatch, watching
from ops.dev.bench.site import Site, command, open_site
from ops.dev.bench.stock import documents, trust_folder
from ops.dev.bench.yardsticks import (
    broker_ids_per_second,
    rsa2048_signs_per_second,
    verifications_per_second,
)
from ops.dev.private_postgresql import private_postgresql
from ops.dev.private_rabbitmq import private_rabbitmq

_PRELOAD = {"shared_preload_libraries": "pg_stat_statements"}
_SETTLE_SECONDS = 2
"""How long the servers are left alone after their start, before the yardsticks."""

Say = Callable[[str], None]
"""Shows one step to whoever watches."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much to do: `documents` and `seconds` bound the measured part, whichever ends first.

    `profile` is a folder for samples of where the processes spend their time, None for none.
    """

    documents: int
    connections: int
    seconds: float | None
    agencies: int
    attachment_bytes: int
    profile: Path | None

    @property
    def warm_up(self) -> int:
        """Return how many documents are passed before anything is measured."""
        return max(self.connections, self.documents // 8)


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything a measurement needs."""

    site: Site
    watch: LedgerWatch
    stock: Path
    postgresql_pid: int
    rabbitmq_pid: int
    yardsticks: Yardsticks


@asynccontextmanager
async def open_ground(size: Size, say: Say) -> AsyncIterator[Ground]:
    """Bring everything up, measure the yardsticks, and lend it until the block ends.

    Raises:
        BenchFailed: A process of the bench did not do its part.
        RabbitMqMissing, PostgresqlMissing: A server is not installed or did not come up.
    """
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="lienthong-bench-")))
        stock, broker_folder = folder / "stock", folder / "rabbitmq"
        for each in (stock, broker_folder):
            each.mkdir()
        count = size.warm_up + size.documents
        say(f"signing {count} papers of 20 KB")
        await command("-m", "ops.dev.bench.stock", str(stock), str(count), str(size.attachment_bytes))
        say("starting private RabbitMQ and PostgreSQL")
        rabbitmq = await opened.enter_async_context(private_rabbitmq(broker_folder))
        postgresql = await opened.enter_async_context(private_postgresql(settings=_PRELOAD))
        await asyncio.sleep(_SETTLE_SECONDS)
        say("measuring the yardsticks")
        yardsticks = await _yardsticks(rabbitmq.url, stock)
        say(f"starting the exchange with {size.agencies} agencies")
        site = await opened.enter_async_context(
            open_site(
                folder,
                broker_url=rabbitmq.url,
                database_url=postgresql.url,
                trust=trust_folder(stock),
                agencies=size.agencies,
                profile=size.profile,
            )
        )
        watch = await opened.enter_async_context(watching(postgresql.url))
        rabbitmq_pid = int((broker_folder / "pid").read_text())
        yield Ground(site, watch, stock, postgresql.pid, rabbitmq_pid, yardsticks)


async def _yardsticks(broker_url: str, stock: Path) -> Yardsticks:
    return Yardsticks(
        rsa2048_signs_per_second=rsa2048_signs_per_second(),
        verify_per_second=await verifications_per_second(documents(stock), trust_folder(stock)),
        broker_ids_per_second=await broker_ids_per_second(broker_url),
        broker_batched_ids_per_second=await broker_ids_per_second(broker_url, batch=BATCH),
    )
