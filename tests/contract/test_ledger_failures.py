"""What the ledger says when its database fails, over every database."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from adapters.db import schema
from adapters.db.engine import Database, open_database
from adapters.db.failures import committing, translated
from adapters.db.ledger import Ledger, open_ledger
from gateway.domain.errors import OutcomeUnknown, StoreUnavailable
from gateway.domain.model import AgencyCode
from tests.support.exchange_samples import NOW, agency
from tests.support.ledgers import PULLS, Books, fresh_sqlite

INSERT = text("INSERT INTO answers VALUES ('a', 'r', :key, 'f', 'd', '')")


async def keys(database: Database) -> list[str]:
    async with database.read() as connection:
        return list(await connection.scalars(text("SELECT key FROM answers ORDER BY key")))


async def test_block_that_raises_is_undone(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError):
        await _insert_and_divide_by_zero(ledger.database)
    assert await keys(ledger.database) == []


async def _insert_and_divide_by_zero(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(INSERT, {"key": "k"})
        raise ZeroDivisionError


async def test_our_own_mistake_is_not_called_unavailable(books: Books) -> None:
    with pytest.raises(IntegrityError):
        await books.accept(PULLS, PULLS)


async def test_secrets_stay_out_of_error_texts(ledger: Ledger) -> None:
    with pytest.raises(IntegrityError) as caught:
        await ledger.directory.upsert([agency("A", email="secret@a.example")] * 2, now=NOW)
    assert "secret@a.example" not in str(caught.value)


async def test_cancelled_transaction_is_undone_and_the_ledger_goes_on(ledger: Ledger) -> None:
    inserted = asyncio.Event()

    async def stall() -> None:
        async with ledger.database.write() as connection:
            await connection.execute(INSERT, {"key": "cancelled"})
            inserted.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stall())
    await inserted.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with ledger.database.write() as connection:
        await connection.execute(INSERT, {"key": "next"})
    assert await keys(ledger.database) == ["next"]


@pytest.mark.parametrize("turns", range(1, 14, 3))
async def test_cancellation_around_a_commit_leaves_a_working_ledger(ledger: Ledger, turns: int) -> None:
    done = asyncio.Event()

    async def insert() -> None:
        async with ledger.database.write() as connection:
            await connection.execute(INSERT, {"key": "k"})
            done.set()

    task = asyncio.create_task(insert())
    await done.wait()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert await keys(ledger.database) == ["k"]


@pytest.mark.parametrize("turns", range(12))
async def test_cancellation_while_rows_are_read_leaves_a_working_ledger(ledger: Ledger, turns: int) -> None:
    """Clients leave while they poll, at whatever step: each time the connection must be given back."""
    answers = select(schema.answers.c.key)
    readers = [asyncio.create_task(ledger.database.rows(answers)) for _ in range(15)]
    for _ in range(turns):
        await asyncio.sleep(0)
    for each in readers:
        each.cancel()
    await asyncio.wait(readers)
    async with asyncio.timeout(10):
        assert await asyncio.gather(*(ledger.database.rows(answers) for _ in range(15))) == [[]] * 15


async def test_unreachable_server_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        async with open_database("postgresql://nobody@127.0.0.1:1/nothing"):
            pass


async def test_missing_folder_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        async with open_database(f"sqlite://{tmp_path}/missing/lienthong.db"):
            pass


async def test_url_of_another_kind_is_wrong() -> None:
    with pytest.raises(ValueError, match="sqlite:///"):
        async with open_database("mysql://localhost/x"):
            pass


# --- SQLite alone ---------------------------------------------------------------------------------


async def pragma(database: Database, name: str) -> list[object]:
    """Return a setting of the writing connection and of a reading one."""
    async with database.writer.connect() as writer, database.reader.connect() as reader:
        return [await each.scalar(text(f"PRAGMA {name}")) for each in (writer, reader)]


async def test_every_sqlite_connection_fsyncs_every_commit_and_one_alone_checkpoints(tmp_path: Path) -> None:
    async with open_database(await fresh_sqlite(tmp_path)) as database:
        full = 2
        assert await pragma(database, "synchronous") == [full, full]
        assert await pragma(database, "journal_mode") == ["wal", "wal"]
        assert await pragma(database, "query_only") == [0, 1]
        writer, reader = await pragma(database, "wal_autocheckpoint")
        assert (writer != 0, reader) == (True, 0)


async def test_full_disk_under_sqlite_is_unavailable_and_nothing_is_kept(tmp_path: Path) -> None:
    async with open_ledger(await fresh_sqlite(tmp_path)) as ledger:
        books = await Books.of(ledger)
        async with ledger.database.writer.connect() as connection:
            await connection.execute(text("PRAGMA max_page_count = 1"))  # no page more than there are
        with pytest.raises(StoreUnavailable):
            await books.accept(*(AgencyCode(f"X{n:03}") for n in range(632)), key="k")
        assert await keys(ledger.database) == []


async def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "lienthong.db").write_text("not a database, but as long as the head of one would be" * 9)
    with pytest.raises(StoreUnavailable):
        await fresh_sqlite(tmp_path)


async def test_file_with_the_secrets_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with open_database(await fresh_sqlite(tmp_path)):
        assert modes(tmp_path) == {0o600}


def modes(folder: Path) -> set[int]:
    return {each.stat().st_mode & 0o777 for each in folder.iterdir()}


# --- what each kind of failure means -------------------------------------------------------------


class ServerError(Exception):
    """What asyncpg raises, as far as the translation looks at it."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


def wrapped(cause: Exception, *, lost: bool = False) -> DBAPIError:
    return DBAPIError("COMMIT", None, cause, connection_invalidated=lost)


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError()
    error.sqlite_errorcode = code
    return error


PASSING = {
    "refused connection": ConnectionRefusedError(),
    "timeout": TimeoutError(),
    "connection lost": wrapped(Exception(), lost=True),
    "server shutting down": wrapped(ServerError("57P01")),
    "disk full": wrapped(ServerError("53100")),
    "deadlock": wrapped(ServerError("40P01")),
    "no lock in time": wrapped(ServerError("55P03")),
    "SQLite disk full": wrapped(sqlite_error(sqlite3.SQLITE_FULL)),
    "SQLite busy": wrapped(sqlite_error(sqlite3.SQLITE_BUSY)),
    "SQLite I/O": wrapped(sqlite_error(sqlite3.SQLITE_IOERR_FSYNC)),
}
UNKNOWN = {
    "timeout": TimeoutError(),
    "connection reset": ConnectionResetError(),
    "connection lost": wrapped(ServerError("08003"), lost=True),
    "server shutting down": wrapped(ServerError("57P01")),
    "SQLite fsync failed": wrapped(sqlite_error(sqlite3.SQLITE_IOERR_FSYNC)),
}
UNDONE = {
    "serialization failure": wrapped(ServerError("40001")),
    "deferred constraint": wrapped(ServerError("23503")),
    "SQLite disk full": wrapped(sqlite_error(sqlite3.SQLITE_FULL)),
    "SQLite busy": wrapped(sqlite_error(sqlite3.SQLITE_BUSY)),
}


@pytest.mark.parametrize("error", PASSING.values(), ids=PASSING)
def test_failure_before_the_commit_is_unavailable(error: Exception) -> None:
    with pytest.raises(StoreUnavailable) as caught, translated():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", UNKNOWN.values(), ids=UNKNOWN)
def test_failure_during_the_commit_leaves_the_outcome_unknown(error: Exception) -> None:
    with pytest.raises(OutcomeUnknown) as caught, translated(), committing():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", UNDONE.values(), ids=UNDONE)
def test_commit_the_database_says_is_undone_is_not_unknown(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, committing():
        raise error
    assert caught.value is error
