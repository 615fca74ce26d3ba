"""Making and changing the tables (Alembic, configured here: there is no alembic.ini)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from adapters.db.engine import Database, open_database

_TIMEOUT = timedelta(hours=1)
_LOCK_TIMEOUT = timedelta(minutes=5)
_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x4C54_5F53_4348_454D
"""Any number that nobody else in the database uses: "LT_SCHEM"."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """Which revision the tables have, None when there are none, and which this program wants."""

    current: str | None
    expected: str

    @property
    def agree(self) -> bool:
        """Return whether the program can work with these tables."""
        return self.current == self.expected


async def upgrade(url: str) -> None:
    """Bring the tables of a database up to date, all or nothing; harmless when they are.

    Of two that start at once, the second waits and then finds nothing to do.

    Raises:
        StoreUnavailable, ValueError: As `open_database`.
    """
    opened = open_database(url, pool_size=1, statement_timeout=_TIMEOUT, lock_timeout=_LOCK_TIMEOUT)
    async with opened as database, database.write() as connection:
        if database.is_postgresql:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        await connection.run_sync(_upgrade)


async def revisions(database: Database) -> Revisions:
    """Return the revision of the tables and the one this program wants."""
    async with database.read() as connection:
        current = await connection.run_sync(_current)
    expected = ScriptDirectory.from_config(_config()).get_current_head()
    assert expected is not None, "there is at least one migration"
    return Revisions(current, expected)


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
