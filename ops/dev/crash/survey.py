"""The final read of a crash run: over `/v1` as a client sees it, then ledger, broker and disk, read only."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import closing
from time import monotonic, time
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]

from ops.dev.crash.journal import (
    Delivered,
    Filed,
    FinalRead,
    Journal,
    LeftOver,
    RecordedDocument,
    RecordedReceipt,
    read_journal,
)
from ops.dev.crash.line import Line
from ops.dev.crash.record import Record, Submission
from ops.dev.crash.system import System
from ops.receipt_check import check_receipt
from signing.trust import TrustStore, load_trust

AT_ONCE = 12
QUEUES_EMPTY_WITHIN_SECONDS = 10
DRAFTS_ARE_OLD_SECONDS = 2 * 3600
"""How old abandoned drafts are made, so that the next start removes them as it would in an hour."""

T = TypeVar("T")


class Survey:
    """Reads everything once the work is done, and writes it into the journal."""

    def __init__(self, system: System, journal: Journal, lines: Mapping[str, Line]) -> None:
        self._system = system
        self._journal = journal
        self._lines = lines
        self._trust = _receipt_trust(system)

    async def read(self) -> None:
        """Write what the senders, the ledger, the broker and the disk show in the end."""
        await self._let_drafts_be_removed()
        record = Record(read_journal(self._journal.path))
        await _each(record.accepted, self._document)
        await _each(sorted(self._lines), self._inbox)
        await self._ledger()
        await self._queues()
        for draft in _drafts(self._system):
            self._left(f"the abandoned draft {draft} is still there")
        for program in self._system.programs:
            for words in program.living_orphans():
                self._left(f"a worker has outlived its process: {words}")
        self._journal.write(FinalRead())

    # --- over /v1 --------------------------------------------------------------------------------

    async def _document(self, submission: Submission) -> None:
        line = self._lines[submission.attempt.sender]
        reply = await line.persist("GET", f"documents/{submission.document}")
        deliveries = reply.json()["deliveries"] if reply.is_yes else []
        receipts = [submission.answers_yes[0].receipt]
        for delivery in deliveries:
            self._journal.write(
                Delivered(
                    document=submission.document,
                    recipient=delivery["to"],
                    delivery=delivery["id"],
                    state=delivery["state"],
                    receipt=delivery["receipt"] or "",
                )
            )
            receipts += [delivery["receipt"]] if delivery["receipt"] else []
        for receipt in receipts:
            await self._receipt(line, receipt)

    async def _receipt(self, line: Line, receipt: str) -> None:
        reply = await line.persist("GET", f"receipts/{receipt}")
        if not reply.is_yes:
            return  # the checker misses it
        finding = check_receipt(reply.content, trust=self._trust)
        statement: dict[str, Any] = reply.json()["statement"]
        self._journal.write(
            Filed(
                receipt=receipt,
                kind=statement["kind"],
                document=statement["document"],
                delivery=statement.get("delivery", ""),
                to=tuple(statement["to"]),
                sha256=tuple(file["sha256"] for file in statement["files"]),
                fault="" if finding.statement is not None else finding.detail,
            )
        )

    async def _inbox(self, agency: str) -> None:
        reply = await self._lines[agency].persist("GET", "inbox")
        for item in reply.json()["items"] if reply.is_yes else []:
            delivery = item["delivery"]
            self._left(f"delivery {delivery} still waits in the inbox of {agency}", delivery=delivery)

    # --- behind it -------------------------------------------------------------------------------

    async def _ledger(self) -> None:
        for row in await _rows(self._system, "SELECT id, sender, document_id FROM documents"):
            self._journal.write(RecordedDocument(document=row[0], sender=row[1], document_id=row[2]))
        for row in await _rows(self._system, "SELECT id, kind, document, delivery FROM receipts"):
            self._journal.write(
                RecordedReceipt(receipt=row[0], kind=row[1], document=row[2], delivery=row[3] or "")
            )
        kept = self._system.data / "bodies" / "sha256"
        for (sha256,) in await _rows(self._system, "SELECT DISTINCT sha256 FROM files"):
            if not (kept / sha256[:2] / sha256).is_file():
                self._left(f"the ledger names body {sha256}, which does not exist")

    async def _queues(self) -> None:
        """Write what is left in the work queues; acknowledgements may be on their way for a moment."""
        node = self._system.rabbitmq
        if node is None:
            return
        deadline = monotonic() + QUEUES_EMPTY_WITHIN_SECONDS
        while True:
            listed = await node.ctl("list_queues", "name", "messages", "--no-table-headers")
            counts = dict(line.split("\t") for line in listed.splitlines() if line.startswith("work."))
            full = {queue: count for queue, count in counts.items() if count != "0"}
            if not full or monotonic() > deadline:
                break
        for queue, count in full.items():
            self._left(f"{count} messages are still in {queue}")

    async def _let_drafts_be_removed(self) -> None:
        """Restart a process cleanly, for which abandoned drafts look as they will in an hour or two."""
        old = time() - DRAFTS_ARE_OLD_SECONDS
        for draft in _drafts(self._system):
            os.utime(self._system.data / "bodies" / "tmp" / draft, (old, old))
        await self._system.programs[0].restart()
        await self._system.until_ready()

    def _left(self, what: str, *, delivery: str = "") -> None:
        self._journal.write(LeftOver(what=what, delivery=delivery))


def _drafts(system: System) -> list[str]:
    return [entry.name for entry in (system.data / "bodies" / "tmp").iterdir()]


def _receipt_trust(system: System) -> TrustStore:
    """Return a trust store of nothing but the certificate that `lienthong init` gives to the agencies."""
    folder = system.folder / "receipt-trust"
    folder.mkdir()
    shutil.copy(system.data / "receipt-key.crt", folder)
    return load_trust(folder)


async def _rows(system: System, query: str) -> Sequence[Sequence[Any]]:
    if system.postgresql is None:
        path = f"file:{system.data / 'lienthong.db'}?mode=ro"
        with closing(sqlite3.connect(path, uri=True)) as connection:
            return connection.execute(query).fetchall()
    connection = await asyncpg.connect(system.postgresql.url, timeout=10)
    try:
        rows: list[Sequence[Any]] = await connection.fetch(query, timeout=60)
        return rows
    finally:
        await connection.close(timeout=10)


async def _each(items: Iterable[T], look_at: Callable[[T], Awaitable[None]]) -> None:
    """Look at every item, several at the same time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def look(item: T) -> None:
        async with places:
            await look_at(item)

    async with asyncio.TaskGroup() as looking:
        for item in items:
            looking.create_task(look(item))
