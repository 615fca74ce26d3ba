"""What PostgreSQL counts about itself: statements and syncs of its write-ahead log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg  # type: ignore[import-untyped]

_STATEMENTS = """
SELECT coalesce(sum(calls) FILTER (WHERE query !~* '^(begin|commit|rollback)'), 0)::bigint AS statements,
       coalesce(sum(calls) FILTER (WHERE query ~* '^(begin|commit|rollback)'), 0)::bigint AS transaction_ends
FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_%'
"""
_TOP_STATEMENTS = """
SELECT calls, round(total_exec_time::numeric, 1) AS milliseconds, query
FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_%' ORDER BY total_exec_time DESC LIMIT 20
"""
_WAL_SYNCS = "SELECT wal_sync::bigint FROM pg_stat_wal"
_WAL_SYNCS_SINCE_18 = "SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal'"
_VERSION_18 = 180000
_TIMEOUT_SECONDS = 30
_OFFERED = "SELECT count(*) FROM deliveries WHERE document = $1 AND state <> 'QUEUED'"
_OFFERS = """
SELECT deliveries.channel, documents.accepted_at, deliveries.offered_at
FROM deliveries JOIN documents ON documents.id = deliveries.document
WHERE documents.id = ANY ($1) AND deliveries.offered_at IS NOT NULL AND deliveries.recipient <> ALL ($2)
"""


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """Counts so far: statements without, and with only, BEGIN, COMMIT and ROLLBACK; syncs of the log."""

    statements: int
    transaction_statements: int
    wal_syncs: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A delivery that was handed over, and when its document had been accepted."""

    channel: str
    accepted_at: datetime
    offered_at: datetime

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return (self.offered_at - self.accepted_at).total_seconds()


class LedgerWatch:
    """Looks at the server from outside the product, over a connection of its own."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def counts(self) -> LedgerCounts:
        """Return the counts so far."""
        statements, transaction_statements = await self._connection.fetchrow(_STATEMENTS)
        version = self._connection.get_server_version()
        syncs = _WAL_SYNCS_SINCE_18 if version.major * 10_000 >= _VERSION_18 else _WAL_SYNCS
        wal_syncs = await self._connection.fetchval(syncs)
        return LedgerCounts(statements, transaction_statements, wal_syncs)

    async def offered(self, document: str) -> int:
        """Return how many deliveries of a document have left QUEUED."""
        count: int = await self._connection.fetchval(_OFFERED, document)
        return count

    async def offers(self, documents: Collection[str], *, without: Collection[str]) -> list[Offer]:
        """Return the deliveries of documents that were handed over, without those to some agencies."""
        rows = await self._connection.fetch(_OFFERS, list(documents), list(without))
        return [Offer(*row) for row in rows]

    async def top_statements(self) -> list[str]:
        """Return the statements that took the most time, one a line: calls, milliseconds in all, text."""
        rows = await self._connection.fetch(_TOP_STATEMENTS)
        return [
            f"{row['calls']:>8} {row['milliseconds']:>10} ms  {' '.join(row['query'].split())[:300]}"
            for row in rows
        ]


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[LedgerWatch]:
    """Watch the server of a database that preloads pg_stat_statements.

    Raises:
        asyncpg.PostgresError: It does not.
    """
    connection = await asyncpg.connect(url, timeout=_TIMEOUT_SECONDS, command_timeout=_TIMEOUT_SECONDS)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        yield LedgerWatch(connection)
    finally:
        await connection.close(timeout=_TIMEOUT_SECONDS)
