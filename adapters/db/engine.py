"""Opening a database and running its transactions.

SQLite: one connection writes, under a lock, and is the only one that checkpoints the write-ahead log;
SQLite before 3.51.3 can corrupt the file when two connections do. A few others read. PostgreSQL: one pool.
Reading runs in autocommit mode, each statement for itself: rows that belong together never change apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import URL, Connection, Select, Table, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from adapters.db.failures import committing, translated
from adapters.db.rows import AnyRow
from gateway.domain.errors import StoreUnavailable

_SQLITE_READERS = 4
_SQLITE_BUSY = timedelta(seconds=10)
_SYNCHRONOUS_FULL = 2
_BEGIN = "BEGIN IMMEDIATE"
_CONNECT_TIMEOUT = timedelta(seconds=5)
_ANSWER_MARGIN = timedelta(seconds=5)
"""How much longer than the server's own `statement_timeout` we wait for any answer."""


@dataclass(slots=True)
class Database:
    """An open database. `statements` counts the round trips to it, without BEGIN and COMMIT."""

    writer: AsyncEngine
    reader: AsyncEngine
    turn: AbstractAsyncContextManager[Any]
    statements: int = field(default=0, init=False)

    @property
    def is_postgresql(self) -> bool:
        """Return whether this is PostgreSQL; otherwise it is SQLite."""
        return self.writer.dialect.name == "postgresql"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection for SELECT statements.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        with translated():
            async with self.reader.connect() as connection:
                yield connection

    async def rows(
        self, statement: Select[Any], given: Mapping[str, Any] = MappingProxyType({})
    ) -> Sequence[AnyRow]:
        """Return the rows of one SELECT statement. It costs the loop two thirds of what `read` does.

        Raises:
            StoreUnavailable: The database does not answer.
        """

        def read() -> Sequence[AnyRow]:
            with self.reader.sync_engine.connect() as connection:
                return connection.execute(statement, given).all()

        with translated():
            # Connecting, executing and giving back each enter a greenlet otherwise.
            return await greenlet_spawn(read)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection inside a transaction, committed at the end, undone when the block raises.

        Raises:
            StoreUnavailable: The database does not answer; nothing was changed.
            OutcomeUnknown: The end of the COMMIT was not seen.
        """
        with translated():
            async with self.turn, self.writer.connect() as connection:
                yield connection
                await _to_its_end(_commit(connection))

    async def lock(self, connection: AsyncConnection, table: Table) -> None:
        """Let no other transaction write the table until this one ends; reading goes on."""
        if self.is_postgresql:
            await connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))

    def insert_or_ignore(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Return an INSERT that leaves out a row whose key is taken."""
        if self.is_postgresql:
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()


@asynccontextmanager
async def open_database(
    url: str,
    *,
    pool_size: int = 10,
    statement_timeout: timedelta = timedelta(seconds=20),
    lock_timeout: timedelta = timedelta(seconds=5),
) -> AsyncIterator[Database]:
    """Open the database of a URL until the context ends.

    Args:
        url: `sqlite:///absolute/path` (its folder exists) or `postgresql://user@host:port/name`.
        pool_size: How many connections to PostgreSQL at most.
        statement_timeout: How long one statement may take in PostgreSQL.
        lock_timeout: How long it may wait for a lock in PostgreSQL.

    Raises:
        StoreUnavailable: It cannot be reached, or SQLite would not fsync every commit.
        ValueError: The URL is of another kind.
    """
    if url.startswith("sqlite:///"):
        database = _sqlite(Path("/" + url.removeprefix("sqlite://").lstrip("/")))
    elif url.startswith("postgresql://"):
        database = _postgresql(
            make_url(url), pool_size=pool_size, statement_timeout=statement_timeout, lock_timeout=lock_timeout
        )
    else:
        raise ValueError("the database URL must begin with sqlite:/// or postgresql://")
    try:
        for connection in (database.write(), database.read()):
            async with connection:
                pass  # so that what cannot work fails now
        yield database
    finally:
        # Readers first: the last connection to close checkpoints, and that must be the writer.
        await database.reader.dispose()
        await database.writer.dispose()


def _counting(database: Database, *engines: AsyncEngine) -> Database:
    def count(_: object, __: object, statement: str, *___: object) -> None:
        database.statements += statement != _BEGIN

    for engine in engines:
        event.listen(engine.sync_engine, "before_cursor_execute", count)
    return database


async def _commit(connection: AsyncConnection) -> None:
    with committing():
        await connection.commit()


async def _to_its_end(step: Coroutine[Any, Any, None]) -> None:
    """Run a step that must not be cut; a cancellation takes effect after it."""
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    failure = task.exception()
    if cancelled is not None:
        raise cancelled from failure
    if failure is not None:
        raise failure


# --- SQLite --------------------------------------------------------------------------------------


def _sqlite(path: Path) -> Database:
    with translated():
        path.touch(mode=0o600)  # it holds the secrets of webhooks
    url = URL.create("sqlite+aiosqlite", database=str(path))
    common: dict[str, Any] = {"max_overflow": 0, "hide_parameters": True, "isolation_level": "AUTOCOMMIT"}
    writer = create_async_engine(url, pool_size=1, **common)
    reader = create_async_engine(url, pool_size=_SQLITE_READERS, skip_autocommit_rollback=True, **common)
    event.listen(writer.sync_engine, "connect", _prepare_sqlite)
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    event.listen(reader.sync_engine, "connect", _prepare_sqlite)
    event.listen(reader.sync_engine, "connect", _forbid_writing)
    return _counting(Database(writer, reader, asyncio.Lock()), writer, reader)


def _prepare_sqlite(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(_SQLITE_BUSY.total_seconds() * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous")
    (synchronous,) = cursor.fetchone() or (None,)
    cursor.execute("PRAGMA journal_mode")
    (journal,) = cursor.fetchone() or (None,)
    cursor.close()
    if synchronous != _SYNCHRONOUS_FULL or journal != "wal":
        # A commit that is not fsynced is lost with the next power cut, after we have promised it.
        raise StoreUnavailable("SQLite does not run with synchronous=FULL in WAL mode here.")


def _forbid_writing(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.execute("PRAGMA wal_autocheckpoint = 0")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # At once for writing: a transaction that began by reading could find that it may not go on.
    connection.exec_driver_sql(_BEGIN)


# --- PostgreSQL ----------------------------------------------------------------------------------


def _postgresql(
    url: URL, *, pool_size: int, statement_timeout: timedelta, lock_timeout: timedelta
) -> Database:
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=statement_timeout.total_seconds(),
        hide_parameters=True,
        connect_args={
            "timeout": _CONNECT_TIMEOUT.total_seconds(),
            "command_timeout": (statement_timeout + _ANSWER_MARGIN).total_seconds(),
            "server_settings": {
                "application_name": "lienthong",
                "statement_timeout": _milliseconds(statement_timeout),
                "lock_timeout": _milliseconds(lock_timeout),
                "jit": "off",  # compiling takes longer than any statement of ours
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    reader = engine.execution_options(isolation_level="AUTOCOMMIT")  # the same pool
    return _counting(Database(engine, reader, nullcontext()), engine)


def _refuse_closed(connection: Any, *_: object) -> None:
    # After a restart of the server the pool is full of closed connections; seeing that costs no round trip.
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _milliseconds(duration: timedelta) -> str:
    return str(int(duration.total_seconds() * 1000))
