"""The record of a test exchange as it is in the database, past every port."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """Everything the record says that an act could change."""

    deliveries: dict[str, Row]
    changes: dict[str, Row]
    statuses: dict[str, Row]
    events: list[Row]
    counts: dict[str, int]


def look(folder: Path) -> Seen:
    """Return what the record of an exchange says."""
    with sqlite3.connect(folder / "ledger.db") as connection:
        connection.row_factory = sqlite3.Row
        seen = Seen(
            deliveries=_rows(connection, "deliveries"),
            changes=_rows(connection, "changes"),
            statuses=_rows(connection, "statuses"),
            events=[dict(row) for row in connection.execute("SELECT * FROM events ORDER BY seq")],
            counts={
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("documents", "receipts", "answers", "attempts")
            },
        )
    connection.close()
    return seen


def _rows(connection: sqlite3.Connection, table: str) -> dict[str, Row]:
    # Ids sort by time, and the clock moves between two acts.
    return {row["id"]: dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")}
