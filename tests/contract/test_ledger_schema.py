"""The tables: made by the migrations, described by `schema`, and the two agree."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from adapters.db.engine import open_database
from adapters.db.ledger import Ledger
from adapters.db.migrate import revisions
from adapters.db.schema import metadata

ROOT = Path(__file__).parents[2]


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_migrations_make_the_tables_the_schema_describes(ledger: Ledger) -> None:
    async with ledger.database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_comparison_sees_a_missing_index(ledger: Ledger) -> None:
    async with ledger.database.write() as connection:
        await connection.execute(text("DROP INDEX deliveries_due"))
        assert len(await connection.run_sync(differences)) == 1


async def test_up_to_date_tables_are_known_as_such(ledger: Ledger) -> None:
    assert (await revisions(ledger.database)).agree


async def test_older_tables_are_known_as_such(ledger: Ledger) -> None:
    async with ledger.database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert not (await revisions(ledger.database)).agree


async def test_database_without_tables_has_no_revision(database_url: str) -> None:
    async with open_database(database_url) as database:
        async with database.write() as connection:
            await connection.execute(text("DROP TABLE alembic_version"))
        assert (await revisions(database)).current is None


async def test_processes_that_start_at_once_upgrade_once(database_url: str) -> None:
    async with open_database(database_url) as database, database.write() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.execute(text("DROP TABLE alembic_version"))
    assert await asyncio.gather(*(_upgrade_in_a_process(database_url) for _ in range(3))) == [0, 0, 0]
    async with open_database(database_url) as database:
        assert (await revisions(database)).agree


async def _upgrade_in_a_process(url: str) -> int:
    program = f"import asyncio; from adapters.db.migrate import upgrade; asyncio.run(upgrade({url!r}))"
    started = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=ROOT)
    return await started.wait()
