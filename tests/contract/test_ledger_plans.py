"""How the databases find what is asked for often: by an index, whatever else is in the tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event as hook
from sqlalchemy import insert, text

from adapters.db import schema
from adapters.db.engine import Database
from adapters.db.ledger import Ledger
from adapters.db.rows import delivery_row, document_row
from gateway.domain.envelope import About, DocumentKind
from gateway.domain.ledger import AnswerKey
from gateway.domain.model import AgencyCode, Delivery, DocumentId
from gateway.domain.states import BusinessStatus, DeliveryState
from tests.support.exchange_samples import NOW, SENDER, envelope, status
from tests.support.ledgers import Books

ONE, SOME = [AgencyCode("X001")], [AgencyCode(f"X{n:03}") for n in range(100)]
DAY = date(2026, 11, 21)

GROWING = ("documents", "deliveries", "statuses")

Ask = Callable[[Ledger], Awaitable[object]]


@pytest.fixture
async def filled(books: Books) -> Ledger:
    """A ledger of 6,000 documents between 120 agencies: few of their 12,000 deliveries are open."""
    documents, deliveries = [], []
    for n in range(6000):
        draft = books.draft(document_id=f"VB-{n}", number=str(n))
        document = replace(draft, sender=AgencyCode(f"X{n % 120:03}"))
        documents.append(document)
        for k in (7, 8):
            made = books.delivery(document, AgencyCode(f"X{(n + k) % 120:03}"))
            ended = replace(made, state=DeliveryState.DELIVERED, due_at=None, ended_at=NOW)
            deliveries.append(made if n % 50 == 0 else ended)
    async with books.ledger.database.write() as connection:
        await connection.execute(insert(schema.documents), [document_row(each) for each in documents])
        await connection.execute(insert(schema.deliveries), [delivery_row(each) for each in deliveries])
        await connection.execute(insert(schema.statuses), [_status_row(each) for each in deliveries])
        await connection.execute(text("ANALYZE"))
    return books.ledger


def _status_row(delivery: Delivery) -> dict[str, Any]:
    said = status(delivery, BusinessStatus.ARRIVED, addressee=delivery.recipient)
    names = ("id", "document", "delivery", "author", "addressee", "status", "at", "said_at", "description")
    taken_at = NOW if delivery.state is DeliveryState.DELIVERED else None
    return {name: getattr(said, name) for name in names} | {"taken_at": taken_at}


async def plans(database: Database, asking: Awaitable[object]) -> str:
    """Return how the database finds what is asked for."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        asked.append((statement, parameters))

    engines = {database.reader.sync_engine, database.writer.sync_engine}
    for engine in engines:
        hook.listen(engine, "before_cursor_execute", note)
    await asking
    for engine in engines:
        hook.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN" if database.is_postgresql else "EXPLAIN QUERY PLAN"
    async with database.read() as connection:
        rows = [
            await connection.exec_driver_sql(f"{explain} {statement}", parameters)
            for statement, parameters in asked
        ]
        return "\n".join(str(row[-1]) for each in rows for row in each)


READS: dict[str, tuple[Ask, set[str]]] = {
    "a submission": (
        lambda ledger: ledger.submissions.facts(
            AnswerKey(ONE[0], "r", "k"), envelope=envelope(document_id="VB-1"), codes=[SENDER], on=DAY
        ),
        {"documents_sender", "documents_number"},
    ),
    "an order": (
        lambda ledger: ledger.submissions.facts(
            AnswerKey(ONE[0], "r", "k"),
            envelope=envelope(kind=DocumentKind.RECALL, about=(About("VB-1"),)),
            codes=[SENDER],
            on=DAY,
        ),
        {"documents_sender", "documents_sent", "deliveries_document"},
    ),
    "the inbox of one": (
        lambda ledger: ledger.inbox.waiting(ONE, after=None, limit=10, now=NOW),
        {"deliveries_open"},
    ),
    "the inbox of some": (
        lambda ledger: ledger.inbox.waiting(SOME, after=None, limit=10, now=NOW),
        {"deliveries_open"},
    ),
    "the inbox lines of one": (
        lambda ledger: ledger.inbox.lines(ONE, limit=10, now=NOW),
        {"deliveries_open"},
    ),
    "the inbox lines of some": (
        lambda ledger: ledger.inbox.lines(SOME, limit=10, now=NOW),
        {"deliveries_open"},
    ),
    "status lines for one": (
        lambda ledger: ledger.lives.lines(ONE, limit=10),
        {"statuses_waiting"},
    ),
    "status lines for some": (
        lambda ledger: ledger.lives.lines(SOME, limit=10),
        {"statuses_waiting"},
    ),
    "statuses for one": (
        lambda ledger: ledger.lives.addressed(ONE, after=None, limit=10, only_waiting=True),
        {"statuses_waiting"},
    ),
    "statuses for some": (
        lambda ledger: ledger.lives.addressed(SOME, after=None, limit=10, only_waiting=True),
        {"statuses_waiting"},
    ),
    "all statuses for some": (
        lambda ledger: ledger.lives.addressed(SOME, after=None, limit=10, only_waiting=False),
        {"statuses_addressee"},
    ),
    "the history of a document": (
        lambda ledger: ledger.lives.statuses(DocumentId("x")),
        {"statuses_document"},
    ),
    "what one has sent": (
        lambda ledger: ledger.records.sent(ONE, document=None, limit=10),
        {"documents_sent", "deliveries_document"},
    ),
    "what some have sent": (
        lambda ledger: ledger.records.sent(SOME, document=None, limit=10),
        {"documents_sent", "deliveries_document"},
    ),
    "a document by its name": (
        lambda ledger: ledger.records.named(ONE[0], "VB-1"),
        {"documents_sender"},
    ),
}


async def test_what_is_asked_for_often_is_found_by_an_index(filled: Ledger) -> None:
    for what, (ask, indexes) in READS.items():
        plan = await plans(filled.database, ask(filled))
        assert {index for index in indexes if index not in plan} == set(), f"{what}:\n{plan}"
        assert scanned(plan) == [], f"{what}:\n{plan}"


def scanned(plan: str) -> list[str]:
    """Return the lines of a plan that read the whole of a table that grows."""
    return [
        line
        for line in plan.splitlines()
        for table in GROWING
        if f"Seq Scan on {table}" in line or f"SCAN {table}" in line
    ]
