"""All ledger ports over one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.db.clients import SqlClients
from adapters.db.directory import SqlDirectory
from adapters.db.dossiers import SqlDossiers
from adapters.db.engine import Database, open_database
from adapters.db.inbox import SqlInbox
from adapters.db.joined import JoinedDeliveries
from adapters.db.lives import SqlLives
from adapters.db.records import SqlRecords
from adapters.db.reports import SqlReports
from adapters.db.submissions import SqlSubmissions
from adapters.db.systems import SqlSystems
from gateway.domain.directory_ports import Clients, Directory, Systems
from gateway.domain.dossiers import Dossiers
from gateway.domain.ledger_ports import Deliveries, Inbox, Lives, Records, Submissions
from gateway.domain.reports import Reports


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger ports, and the database they share, for readiness checks and figures."""

    directory: Directory
    clients: Clients
    submissions: Submissions
    deliveries: Deliveries
    inbox: Inbox
    records: Records
    lives: Lives
    systems: Systems
    dossiers: Dossiers
    reports: Reports
    database: Database


@asynccontextmanager
async def open_ledger(url: str, *, pool_size: int = 10) -> AsyncIterator[Ledger]:
    """Open the ledger of a database URL until the context ends; its tables must be up to date.

    Raises:
        StoreUnavailable, ValueError: As `open_database`.
    """
    async with open_database(url, pool_size=pool_size) as database:
        yield Ledger(
            directory=SqlDirectory(database),
            clients=SqlClients(database),
            submissions=SqlSubmissions(database),
            deliveries=JoinedDeliveries(database),
            inbox=SqlInbox(database),
            records=SqlRecords(database),
            lives=SqlLives(database),
            systems=SqlSystems(database),
            dossiers=SqlDossiers(database),
            reports=SqlReports(database),
            database=database,
        )
