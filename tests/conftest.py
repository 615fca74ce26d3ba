"""`--servers`: run the contract suites over real servers too. Without it nothing outside is needed."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--servers",
        action="store_true",
        help="also run over PostgreSQL and RabbitMQ; a missing server is an error, never a skip",
    )
