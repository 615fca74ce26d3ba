"""All ledger ports over one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.db.clients import SqlClients
from adapters.db.deliveries import SqlDeliveries
from adapters.db.directory import SqlDirectory
from adapters.db.engine import Database, open_database
from adapters.db.inbox import SqlInbox
from adapters.db.records import SqlRecords
from adapters.db.submissions import SqlSubmissions
from gateway.domain.ports import Clients, Deliveries, Directory, Inbox, Records, Submissions


@dataclass(frozen=True, slots=True)
class Ledger:
    """The six ledger ports, and the database they share, for readiness checks and figures."""

    directory: Directory
    clients: Clients
    submissions: Submissions
    deliveries: Deliveries
    inbox: Inbox
    records: Records
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
            deliveries=SqlDeliveries(database),
            inbox=SqlInbox(database),
            records=SqlRecords(database),
            database=database,
        )
