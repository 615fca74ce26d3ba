"""Accepting documents: one transaction for everything a 2xx promises."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db import schema
from adapters.db.directory import resolve
from adapters.db.engine import Database
from adapters.db.rows import INSERT_EVENTS, delivery_row, document_row, event_row, file_rows, receipt_row
from adapters.db.schema import answers, documents
from gateway.domain.ledger import AnswerKey, SubmissionFacts
from gateway.domain.model import Answer, Delivery, Document, DocumentId, Event, Receipt

# Built once: building a statement costs more than running it.
_ANSWER = select(answers.c.fingerprint, answers.c.document, answers.c.content).where(
    answers.c.agency == bindparam("agency"),
    answers.c.route == bindparam("route"),
    answers.c.key == bindparam("key"),
)
_FIRST_DOCUMENT = (
    select(documents.c.id)
    .where(documents.c.sender == bindparam("sender"), documents.c.document_id == bindparam("document_id"))
    .order_by(documents.c.id)
    .limit(1)
)
_INSERT_DOCUMENT, _INSERT_FILES = insert(documents), insert(schema.files)
_INSERT_DELIVERIES, _INSERT_RECEIPT = insert(schema.deliveries), insert(schema.receipts)


class SqlSubmissions:
    """Meets the port `Submissions`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert_answer = database.insert_or_ignore(answers)

    async def facts(
        self, key: AnswerKey, *, document_id: str, codes: Collection[str], on: date
    ) -> SubmissionFacts:
        """Return what the ledger knows when a submission has arrived, as the port says."""
        async with self._database.read() as connection:
            answer = await _answer(connection, key)
            if answer is not None:
                return SubmissionFacts(answer, None, {})
            earlier = await connection.scalar(
                _FIRST_DOCUMENT, {"sender": key.agency, "document_id": document_id}
            )
            duplicate_of = None if earlier is None else DocumentId(earlier)
            return SubmissionFacts(None, duplicate_of, await resolve(connection, codes, on=on))

    async def commit(
        self,
        key: AnswerKey,
        answer: Answer,
        *,
        document: Document,
        deliveries: Sequence[Delivery],
        receipt: Receipt,
        event: Event,
    ) -> Answer:
        """Keep a document and all that belongs to it, or return the answer that won the key."""
        async with self._database.write() as connection:
            # First, so that of two equal submissions the second waits here and then keeps nothing.
            if not await self._win(connection, key, answer):
                earlier = await _answer(connection, key)
                assert earlier is not None, "answers are never removed"
                return earlier
            await connection.execute(_INSERT_DOCUMENT, document_row(document))
            await connection.execute(_INSERT_FILES, file_rows(document))
            await connection.execute(_INSERT_DELIVERIES, [delivery_row(each) for each in deliveries])
            await connection.execute(_INSERT_RECEIPT, receipt_row(receipt))
            await connection.execute(INSERT_EVENTS, event_row(event))
        return answer

    async def _win(self, connection: AsyncConnection, key: AnswerKey, answer: Answer) -> bool:
        """Store the answer under its key; return whether the key was free."""
        row = {
            "agency": key.agency,
            "route": key.route,
            "key": key.key,
            "fingerprint": answer.fingerprint,
            "document": answer.document,
            "content": answer.content,
        }
        stored = await connection.execute(self._insert_answer, row)
        return stored.rowcount == 1


async def _answer(connection: AsyncConnection, key: AnswerKey) -> Answer | None:
    row = (
        await connection.execute(_ANSWER, {"agency": key.agency, "route": key.route, "key": key.key})
    ).one_or_none()
    return None if row is None else Answer(row.fingerprint, row.document, row.content)
