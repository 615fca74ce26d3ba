"""A whole exchange for component tests: SQLite and bodies in a folder, a clock by hand, small twins."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.bodies import open_bodies
from adapters.db.engine import Database
from adapters.db.ledger import open_ledger
from adapters.db.migrate import upgrade
from adapters.edxml.packets import EdxmlPackets
from broker.wakeups import LocalWakeups
from gateway.domain.model import (
    Agency,
    AgencyCode,
    Alias,
    AliasScheme,
    Channel,
    Client,
    ClientId,
    Role,
    SignaturePolicy,
    Webhook,
)
from gateway.domain.routing import batches
from gateway.domain.working_days import WorkingCalendar
from gateway.service.breaker import Breaker
from gateway.service.deliver import deliver
from gateway.service.exchange import Exchange, Rules
from gateway.service.receipt_batch import ReceiptBatch
from tests.support.packets import HereReader
from tests.support.twins import (
    CountingMeter,
    HandClock,
    PatientBroker,
    PlainSigner,
    ReadingVerifier,
    ScriptedConnector,
)

SENDER = AgencyCode("H26.00")
STRICT_SENDER = AgencyCode("H26.90")
"""Its policy demands a valid signature."""
RECIPIENT = AgencyCode("H26.01")
OTHER_RECIPIENT = AgencyCode("H26.02")
PUSHED_RECIPIENT = AgencyCode("H26.50")
"""It takes its deliveries by webhook."""
CLOSED = AgencyCode("H26.99")
ADMINISTRATOR = ClientId("administrator")
RELAY = "000.00.00.H26"
"""What the test exchange calls itself in the packets it forwards."""

RULES = Rules(
    life=timedelta(days=30),
    grace=timedelta(seconds=30),
    handover_lease=timedelta(seconds=60),
    inbox_lease=timedelta(minutes=5),
    retry_schedule=(timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=5)),
    breaker_failures=3,
    breaker_wait=timedelta(minutes=1),
    calendar=WorkingCalendar(),
    urgent_within=timedelta(minutes=30),
    change_answer_days=1,
    returns_before_parked=3,
)

AGENCIES = (
    Agency(SENDER, "Ủy ban nhân dân thành phố", 1),
    Agency(
        RECIPIENT,
        "Sở Nội vụ",
        2,
        parent=SENDER,
        aliases=(Alias(AliasScheme.QCVN102, "000.00.01.H26"),),
        email="vanthu@example.vn",
    ),
    Agency(OTHER_RECIPIENT, "Sở Tài chính", 2, parent=SENDER),
    Agency(
        PUSHED_RECIPIENT,
        "Sở Y tế",
        2,
        parent=SENDER,
        channel=Channel.WEBHOOK,
        webhook=Webhook("https://soyte.example.vn/in", "whsec_never_shown"),
    ),
    Agency(STRICT_SENDER, "Sở Tư pháp", 2, parent=SENDER, policy=SignaturePolicy.REQUIRE),
    Agency(CLOSED, "Sở đã giải thể", 2, parent=SENDER, closed_on=date(2025, 3, 1)),
)


def secret_of(client: str) -> str:
    """Return the secret that the client of this id has in every test exchange."""
    return f"secret-of-{client}"


@dataclass
class World:
    """An exchange, the twins around it, and the folder it lives in."""

    exchange: Exchange
    clock: HandClock
    broker: PatientBroker
    verifier: ReadingVerifier
    signer: PlainSigner
    webhook: ScriptedConnector
    meter: CountingMeter
    folder: Path
    database: Database

    async def work(self) -> None:
        """Hand over what was announced, as the workers would."""
        for batch in batches(self.broker.take(), size=50):
            await deliver(self.exchange, batch)

    def rows(self, table: str) -> int:
        """Return how many rows a table of the record has."""
        with sqlite3.connect(self.folder / "ledger.db") as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        connection.close()
        return int(count)

    def bodies(self) -> list[Path]:
        """Return every file of the body store, kept or half received."""
        return [path for path in (self.folder / "bodies").rglob("*") if path.is_file()]

    def kept_nothing(self) -> bool:
        """Return whether neither the record nor the body store holds anything of a document."""
        tables = ("documents", "files", "deliveries", "receipts", "events", "answers")
        return not self.bodies() and not any(self.rows(table) for table in tables)


@asynccontextmanager
async def open_world(folder: Path, *, free_floor_bytes: int = 0) -> AsyncIterator[World]:
    """Open an exchange with the agencies above, each with one client named like it."""
    clock = HandClock()
    database = folder / "ledger.db"
    await _copy_of_filled_ledger(database, clock)
    async with open_ledger(f"sqlite:///{database}") as ledger:
        broker, verifier, signer = PatientBroker(), ReadingVerifier(), PlainSigner()
        webhook, meter = ScriptedConnector(), CountingMeter()
        bodies = await open_bodies(folder / "bodies", free_floor_bytes=free_floor_bytes, now=clock())
        exchange = Exchange(
            clock=clock,
            random=lambda: 0.5,
            rules=RULES,
            directory=ledger.directory,
            clients=ledger.clients,
            submissions=ledger.submissions,
            deliveries=ledger.deliveries,
            inbox=ledger.inbox,
            records=ledger.records,
            dossiers=ledger.dossiers,
            reports=ledger.reports,
            lives=ledger.lives,
            systems=ledger.systems,
            packets=EdxmlPackets(bodies, HereReader(), relay=RELAY),
            bodies=bodies,
            verifier=verifier,
            receipts=ReceiptBatch(signer),
            connectors={Channel.WEBHOOK: webhook},
            broker=broker,
            wakeups=LocalWakeups(),
            breaker=Breaker(RULES.breaker_failures, RULES.breaker_wait),
            meter=meter,
        )
        yield World(exchange, clock, broker, verifier, signer, webhook, meter, folder, ledger.database)


_filled_ledgers = TemporaryDirectory(prefix="lienthong-tests-")


async def _copy_of_filled_ledger(target: Path, clock: HandClock) -> None:
    """Put a ledger with tables, agencies and clients there; making it anew for every test takes longer."""
    filled = Path(_filled_ledgers.name) / "ledger.db"
    if not filled.exists():
        url = f"sqlite:///{filled}"
        await upgrade(url)
        async with open_ledger(url) as ledger:
            await ledger.directory.upsert(AGENCIES, now=clock())
            for client in _clients(clock):
                await ledger.clients.add(client)
    shutil.copy(filled, target)


def _clients(clock: HandClock) -> list[Client]:
    known: list[tuple[str, AgencyCode | None]] = [(agency.code, agency.code) for agency in AGENCIES]
    known.append((ADMINISTRATOR, None))
    return [
        Client(
            id=ClientId(name),
            role=Role.AGENCY if agency else Role.ADMINISTRATOR,
            agency=agency,
            secret_sha256=hashlib.sha256(secret_of(name).encode()).hexdigest(),
            public_key=None,
            created_at=clock(),
        )
        for name, agency in known
    ]
