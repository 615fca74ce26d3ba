"""`--servers`: run the contract suites over real servers too. Without it nothing outside is needed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--servers",
        action="store_true",
        help="also run over PostgreSQL and RabbitMQ; a missing server is an error, never a skip",
    )


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Give each test the log as it was: a command that sets it up writes to what pytest closes behind it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
