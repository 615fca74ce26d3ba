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
from tests.support.exchange_samples import NOW
from tests.support.ledgers import GRACE, LANE_CHANNELS, PULLS, Books, handover

INSERT = "INSERT INTO answers VALUES ('a', 'r', 'k', 'f', 'd', '')"
SHORT = timedelta(seconds=1)


@pytest.fixture
async def server() -> AsyncIterator[PrivatePostgresql]:
    async with private_postgresql() as started:
        await upgrade(started.url)
        yield started


@pytest.fixture
async def ledger(server: PrivatePostgresql) -> AsyncIterator[Ledger]:
    async with open_ledger(server.url) as opened:
        yield opened


async def test_killed_server_is_unavailable(server: PrivatePostgresql, ledger: Ledger) -> None:
    await server.kill9()
    with pytest.raises(StoreUnavailable):
        await ledger.directory.version()


async def test_after_a_restart_all_that_was_committed_is_read_at_once_over_every_connection(
    server: PrivatePostgresql, ledger: Ledger
) -> None:
    books = await Books.of(ledger)
    _, deliveries = await books.commit(PULLS, key="k")
    read = ledger.records.deliveries
    await asyncio.gather(*(read(deliveries[0].document) for _ in range(5)))  # fills the pool
    await server.kill9()
    await server.start()
    found = await asyncio.gather(*(read(deliveries[0].document) for _ in range(5)))
    assert found == [deliveries] * 5


async def test_server_killed_in_a_transaction_has_changed_nothing(
    server: PrivatePostgresql, ledger: Ledger
) -> None:
    async def kill_in_between() -> None:
        async with ledger.database.write() as connection:
            await connection.execute(text(INSERT))
            await server.kill9()
            await connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable):
        await kill_in_between()
    await server.start()
    assert await count_answers(ledger.database) == 0


async def test_server_killed_during_the_commit_leaves_the_outcome_unknown(
    server: PrivatePostgresql, ledger: Ledger
) -> None:
    await slow_commits_down(ledger.database, seconds=60)
    committing = asyncio.create_task(run(ledger.database, INSERT))
    await commit_has_begun(server)
    await server.kill9()
    with pytest.raises(OutcomeUnknown):
        await committing
    await server.start()
    assert await count_answers(ledger.database) == 0


async def test_cancellation_does_not_cut_a_commit(server: PrivatePostgresql, ledger: Ledger) -> None:
    await slow_commits_down(ledger.database, seconds=1)
    committing = asyncio.create_task(run(ledger.database, INSERT))
    await commit_has_begun(server)
    committing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await committing
    assert await count_answers(ledger.database) == 1


async def test_sweeper_passes_over_what_another_is_working_on(ledger: Ledger) -> None:
    books = await Books.of(ledger)
    (held,), (free,) = await books.accept(PULLS), await books.accept(PULLS)
    async with ledger.database.write() as connection:
        await connection.execute(text(f"SELECT id FROM deliveries WHERE id = '{held.id}' FOR UPDATE"))
        found = await ledger.deliveries.overdue(LANE_CHANNELS, now=NOW + GRACE, grace=GRACE, limit=9)
    assert found == [handover(free)]


async def test_statement_and_lock_that_take_too_long_are_unavailable(server: PrivatePostgresql) -> None:
    async with open_database(server.url, statement_timeout=SHORT, lock_timeout=SHORT / 4) as database:
        with pytest.raises(StoreUnavailable):
            await run(database, "SELECT pg_sleep(60)")
        async with database.write() as connection:
            await connection.execute(text("LOCK TABLE answers"))
            with pytest.raises(StoreUnavailable):
                await run(database, INSERT)
        assert await count_answers(database) == 0


async def test_no_free_connection_in_time_is_unavailable(server: PrivatePostgresql) -> None:
    async with open_database(server.url, pool_size=1, statement_timeout=SHORT) as database:
        async with database.read():
            with pytest.raises(StoreUnavailable):
                await count_answers(database)
        assert await count_answers(database) == 0


async def slow_commits_down(database: Database, *, seconds: int) -> None:
    """Make every COMMIT that stores an answer sleep in the server."""
    await run(
        database,
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON answers "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()",
    )


async def run(database: Database, *statements: str) -> None:
    async with database.write() as connection:
        for statement in statements:
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
