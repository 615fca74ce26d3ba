"""Faults planted on purpose: if a crash run does not catch them, its zero means nothing.

`python -m ops.dev.crash.planted NAME WORD…` is `lienthong WORD…` with one mistake in it that people have
really made. The product itself has no hook for any of this: the running classes are patched here.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, Insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.engine import Database
from adapters.db.schema import receipts
from adapters.db.submissions import SqlSubmissions
from broker.publisher import Publisher
from gateway.domain.model import Answer

WINDOW_SECONDS = 0.05
"""How wide the gap is that a kill must hit: a little wider than by nature, so that a small run hits it."""

ACK_BEFORE_COMMIT = "ack-before-commit"
RECEIPT_OUTSIDE_TRANSACTION = "receipt-outside-transaction"
SHARED_MESSAGE_ID = "shared-message-id"


def acknowledge_before_commit() -> None:
    """Answer 202 first and commit afterwards."""
    commit = SqlSubmissions.commit
    under_way: set[asyncio.Task[Answer]] = set()

    async def commit_late(self: SqlSubmissions, *given: Any, **kept: Any) -> Answer:
        await asyncio.sleep(WINDOW_SECONDS)
        return await commit(self, *given, **kept)

    async def acknowledge(self: SqlSubmissions, key: Any, answer: Answer, **kept: Any) -> Answer:
        task = asyncio.create_task(commit_late(self, key, answer, **kept))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        return answer

    SqlSubmissions.commit = acknowledge  # type: ignore[method-assign]


class _WithoutReceipts:
    """A connection that puts receipts off."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.put_off: list[tuple[Executable, tuple[Any, ...]]] = []

    async def execute(self, statement: Executable, *rows: Any) -> Any:
        if isinstance(statement, Insert) and statement.table is receipts:
            self.put_off.append((statement, rows))
            return None
        return await self._connection.execute(statement, *rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def write_receipts_in_a_second_transaction() -> None:
    """Commit documents and ends of deliveries first, and their receipts in a transaction of their own."""
    write = Database.write

    @asynccontextmanager
    async def write_twice(self: Database) -> AsyncIterator[Any]:
        async with write(self) as connection:
            first = _WithoutReceipts(connection)
            yield first
        if not first.put_off:
            return
        await asyncio.sleep(WINDOW_SECONDS)
        async with write(self) as connection:
            for statement, rows in first.put_off:
                await connection.execute(statement, *rows)

    Database.write = write_twice  # type: ignore[method-assign]


def share_one_message_id() -> None:
    """Give all broker messages of the process the same id, by which the library tells returned ones apart."""
    begin = Publisher.__init__

    def begin_with_one_id(self: Publisher, **given: Any) -> None:
        begin(self, **{**given, "message_id": lambda: "lienthong"})

    Publisher.__init__ = begin_with_one_id  # type: ignore[method-assign]


PLANTED: Mapping[str, Callable[[], None]] = {
    ACK_BEFORE_COMMIT: acknowledge_before_commit,
    RECEIPT_OUTSIDE_TRANSACTION: write_receipts_in_a_second_transaction,
    SHARED_MESSAGE_ID: share_one_message_id,
}

BITTEN_BY: Mapping[str, frozenset[str]] = {
    ACK_BEFORE_COMMIT: frozenset({"run", "serve"}),
    RECEIPT_OUTSIDE_TRANSACTION: frozenset({"run", "serve"}),
    SHARED_MESSAGE_ID: frozenset({"queues-unbound"}),
}
"""The kinds of faults that can bring each mistake to light; the others would only take time."""


def main() -> None:
    """Plant a mistake and run the command line of `lienthong`."""
    name, *words = sys.argv[1:]
    PLANTED[name]()
    sys.argv = ["lienthong", *words]
    # Only now: what is patched must not have been taken by name before.
    from ops.cli import main as lienthong

    lienthong()


if __name__ == "__main__":
    main()
