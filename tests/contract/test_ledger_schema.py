"""The tables: made by the migrations, described by `schema`, and the two agree."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, event, text

from adapters.db.engine import Database, open_database
from adapters.db.ledger import Ledger, open_ledger
from adapters.db.migrate import revisions, upgrade
from adapters.db.schema import metadata
from gateway.domain.envelope import Dialect, DocumentKind, Envelope
from gateway.domain.ledger import AnswerKey
from gateway.domain.model import AgencyCode, DeliveryId
from gateway.domain.states import SENT

ROOT = Path(__file__).parents[2]
ACCEPTED_AT = datetime(2025, 12, 31, 18, 2, 3, 4000, tzinfo=UTC)
ENDED_AT = ACCEPTED_AT + timedelta(hours=1)


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


async def test_tables_of_the_first_release_are_brought_up_to_date_with_their_rows(database_url: str) -> None:
    async with open_database(database_url) as database:
        await make_first_tables(database)
        await write_as_the_first_release(database, "before")
    await upgrade(database_url)
    async with open_ledger(database_url) as ledger:
        async with ledger.database.read() as connection:
            assert await connection.run_sync(differences) == []
        # The release before may still be running while another process has upgraded already.
        await write_as_the_first_release(ledger.database, "after")
        for name in ("before", "after"):
            await check_rows_of_the_first_release(ledger, name)


async def test_nothing_that_was_there_before_the_upgrade_counts_as_unopened(database_url: str) -> None:
    async with open_database(database_url) as database:
        await make_first_tables(database)
        await write_as_the_first_release(database, "open")
        await write_as_the_first_release(database, "taken", state="DELIVERED", ended_at=ENDED_AT)
        await write_as_the_first_release(database, "given up", state="EXPIRED", ended_at=ENDED_AT)
    await upgrade(database_url)
    async with open_ledger(database_url) as ledger:
        opened = {}
        for name in ("open", "taken", "given up"):
            item = await ledger.records.delivery(DeliveryId(name))
            opened[name] = item and item.delivery.opened_at
    assert opened == {"open": ACCEPTED_AT, "taken": ENDED_AT, "given up": ACCEPTED_AT}


async def test_number_of_a_document_from_before_the_upgrade_is_still_its_senders(database_url: str) -> None:
    async with open_database(database_url) as database:
        await make_first_tables(database)
        await write_as_the_first_release(database, "before")
    await upgrade(database_url)
    repeated = Envelope("VB-2", "s", ("H26.01",), number="12", notation="QĐ-UBND")
    async with open_ledger(database_url) as ledger:
        key = AnswerKey(AgencyCode("before"), "r", "k")
        # It was New Year's Eve in UTC, and the year after in Việt Nam.
        for year, known in ((2025, None), (2026, "before")):
            facts = await ledger.submissions.facts(key, envelope=repeated, codes=[], on=date(year, 11, 22))
            assert facts.duplicate_of == known


async def make_first_tables(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "adapters/db/migrations"))

    def upgrade_to_first(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    async with database.write() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.execute(text("DROP TABLE alembic_version"))
        await connection.run_sync(upgrade_to_first)


async def write_as_the_first_release(
    database: Database, name: str, *, state: str = "OFFERED", ended_at: datetime | None = None
) -> None:
    envelope = '{"document_id":"VB-1","subject":"s","to":["H26.01"],"number":"12","notation":"QĐ-UBND"}'
    at = f"'{ACCEPTED_AT:%Y-%m-%d %H:%M:%S.%f}'"
    ended = "NULL" if ended_at is None else f"'{ended_at:%Y-%m-%d %H:%M:%S.%f}'"
    async with database.write() as connection:
        for statement in (
            "INSERT INTO agencies (code, name, level, channel, policy, revision, changed_at) "
            f"VALUES ('{name}', 'Sở', 2, 'inbox', 'label', 1, {at})",
            "INSERT INTO documents (id, sender, document_id, envelope, label, accepted_at, skipped) "
            f"VALUES ('{name}', '{name}', 'VB-1', '{envelope}', 'signed', {at}, '[]')",
            "INSERT INTO deliveries "
            "(id, document, recipient, lane, channel, state, attempts, settled, tries, expires_at, ended_at) "
            f"VALUES ('{name}', '{name}', 'H26.01', 'normal', 'inbox', '{state}', 1, 1, 1, {at}, {ended})",
        ):
            await connection.exec_driver_sql(statement)


async def check_rows_of_the_first_release(ledger: Ledger, name: str) -> None:
    agency = await ledger.directory.agency(AgencyCode(name))
    item = await ledger.records.delivery(DeliveryId(name))
    assert agency is not None
    assert item is not None
    assert agency.dialect is Dialect.JAVA
    assert (item.document.envelope.kind, item.document.send_by) == (DocumentKind.NEW, None)
    assert (item.delivery.life, item.delivery.acknowledge_by) == (SENT, None)
    facts = await ledger.submissions.facts(
        AnswerKey(AgencyCode(name), "r", "k"),
        envelope=Envelope("VB-1", "s", ("H26.01",)),
        codes=[],
        on=date(2026, 11, 22),
    )
    assert facts.duplicate_of == name


async def test_upgrade_is_one_transaction_however_many_migrations_it_has(database_url: str) -> None:
    async with open_database(database_url) as database, database.write() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.execute(text("DROP TABLE alembic_version"))
    commits = []

    def count(connection: Connection) -> None:
        commits.append(connection)

    event.listen(Engine, "commit", count)
    try:
        await upgrade(database_url)
    finally:
        event.remove(Engine, "commit", count)
    assert len(commits) == 1


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
