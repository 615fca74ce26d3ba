"""The ledger while its PostgreSQL server is slow, dies and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.db.engine import Database, open_database
from adapters.db.ledger import Ledger, open_ledger
from adapters.db.migrate import upgrade
from gateway.domain.errors import OutcomeUnknown, StoreUnavailable
from ops.dev.private_postgresql import PrivatePostgresql, private_postgresql
from tests.support.ledgers import PULLS, Books

SHORT = timedelta(milliseconds=200)


@pytest.fixture
async def server() -> AsyncIterator[PrivatePostgresql]:
    async with private_postgresql() as started:
        await upgrade(started.url)
        yield started


@pytest.fixture
async def ledger(server: PrivatePostgresql) -> AsyncIterator[Ledger]:
    async with open_ledger(server.url) as opened:
        yield opened


async def test_killed_server_is_unavailable_and_all_that_was_committed_is_there_after(
    server: PrivatePostgresql, ledger: Ledger
) -> None:
    books = await Books.of(ledger)
    answer, deliveries = await books.commit(PULLS, key="k")
    await asyncio.gather(*(ledger.records.document(answer.document) for _ in range(5)))  # fills the pool
    await server.kill9()
    with pytest.raises(StoreUnavailable):
        await ledger.records.deliveries(answer.document)
    await server.start()
    # At once and every time: no closed connection of the pool is handed out.
    found = await asyncio.gather(*(ledger.records.deliveries(answer.document) for _ in range(5)))
    assert found == [deliveries] * 5


async def test_server_killed_in_a_transaction_has_changed_nothing(
    server: PrivatePostgresql, ledger: Ledger
) -> None:
    async def kill_in_between() -> None:
        async with ledger.database.write() as connection:
            await connection.execute(text("INSERT INTO answers VALUES ('a', 'r', 'k', 'f', 'd', '')"))
            await server.kill9()
            await connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable):
        await kill_in_between()
    await server.start()
    assert await count_answers(ledger.database) == 0


async def test_server_killed_during_the_commit_leaves_the_outcome_unknown(
    server: PrivatePostgresql, ledger: Ledger
) -> None:
    async with ledger.database.write() as connection:
        for statement in COMMIT_TAKES_LONG:
            await connection.execute(text(statement))
    committing = asyncio.create_task(insert_answer(ledger.database))
    await commit_has_begun(server)
    await server.kill9()
    with pytest.raises(OutcomeUnknown):
        await committing
    await server.start()
    assert await count_answers(ledger.database) == 0


async def test_statement_and_lock_that_take_too_long_are_unavailable(server: PrivatePostgresql) -> None:
    async with open_database(server.url, statement_timeout=SHORT, lock_timeout=SHORT / 2) as database:
        with pytest.raises(StoreUnavailable):
            await run(database, "SELECT pg_sleep(60)")
        async with database.write() as connection:
            await connection.execute(text("LOCK TABLE answers"))
            with pytest.raises(StoreUnavailable):
                await insert_answer(database)
        assert await count_answers(database) == 0


async def test_no_free_connection_in_time_is_unavailable(server: PrivatePostgresql) -> None:
    async with open_database(server.url, pool_size=1, statement_timeout=SHORT) as database:
        async with database.read():
            with pytest.raises(StoreUnavailable):
                await count_answers(database)
        assert await count_answers(database) == 0


COMMIT_TAKES_LONG = [
    "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON answers"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()",
]


async def insert_answer(database: Database) -> None:
    await run(database, "INSERT INTO answers VALUES ('a', 'r', 'k', 'f', 'd', '')")


async def run(database: Database, statement: str) -> None:
    async with database.write() as connection:
        await connection.execute(text(statement))


async def count_answers(database: Database) -> int:
    async with database.read() as connection:
        return await connection.scalar(text("SELECT count(*) FROM answers")) or 0


async def commit_has_begun(server: PrivatePostgresql) -> None:
    """Return when a backend is inside COMMIT: it sleeps there, seen from another connection."""
    sleeping = text(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COMMIT%' AND wait_event = 'PgSleep'"
    )
    async with asyncio.timeout(10), open_database(server.url) as database, database.read() as connection:
        while not await connection.scalar(sleeping):  # noqa: ASYNC110 - another program gets there
            await asyncio.sleep(0.02)
