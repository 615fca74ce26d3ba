"""Over which implementations the contract suites run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.db.ledger import Ledger, open_ledger
from ops.dev.private_postgresql import PrivatePostgresql, private_postgresql
from tests.support.ledgers import Books, fresh_postgresql, fresh_sqlite, make_template


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that has a database over SQLite, and with `--servers` over PostgreSQL too."""
    if "database" in metafunc.fixturenames:
        databases = ["sqlite", "postgresql"] if metafunc.config.getoption("--servers") else ["sqlite"]
        metafunc.parametrize("database", databases)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgresql() -> AsyncIterator[PrivatePostgresql]:
    """One private server per run, with a migrated database to copy."""
    async with private_postgresql() as server:
        await make_template(server)
        yield server


@pytest.fixture
def server(database: str, request: pytest.FixtureRequest) -> PrivatePostgresql | None:
    """The server of the test's database; SQLite has none."""
    if database == "sqlite":
        return None
    started: PrivatePostgresql = request.getfixturevalue("postgresql")
    return started


@pytest.fixture
async def database_url(server: PrivatePostgresql | None, tmp_path: Path) -> str:
    """The URL of an empty ledger of the test's own."""
    return await (fresh_sqlite(tmp_path) if server is None else fresh_postgresql(server))


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    async with open_ledger(database_url) as opened:
        yield opened


@pytest.fixture
async def books(ledger: Ledger) -> Books:
    """A ledger that knows some agencies, with short ways to fill it."""
    return await Books.of(ledger)
