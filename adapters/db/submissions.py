"""Accepting documents: one transaction for everything a 2xx promises."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, func, insert, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db import schema
from adapters.db.dialects import among_named
from adapters.db.directory import resolve
from adapters.db.dossiers import keep_dossier
from adapters.db.engine import Database
from adapters.db.moves import ask
from adapters.db.rows import (
    DELIVERY_COLUMNS,
    INSERT_EVENTS,
    delivery_of,
    delivery_row,
    document_row,
    event_row,
    file_rows,
    receipt_row,
)
from adapters.db.schema import answers, documents
from gateway.domain.envelope import DocumentKind, Envelope
from gateway.domain.ledger import AnswerKey, Ordered, SubmissionFacts, Target
from gateway.domain.model import (
    AgencyCode,
    Answer,
    Delivery,
    Document,
    DocumentId,
    Event,
    KeptPacket,
    Receipt,
)

# Built once: building a statement costs more than running it.
_ANSWER = select(answers.c.fingerprint, answers.c.document, answers.c.content).where(
    answers.c.agency == bindparam("agency"),
    answers.c.route == bindparam("route"),
    answers.c.key == bindparam("key"),
)
_OF_SENDER = documents.c.sender == bindparam("sender")
_HAS_THIS_ID = documents.c.document_id == bindparam("document_id")
# Nothing equals NULL: a document without number or symbol repeats none.
_HAS_THIS_NUMBER = (
    (documents.c.number == bindparam("number"))
    & (documents.c.notation == bindparam("notation"))
    & (documents.c.year == bindparam("year"))
)
_IS_NEW = documents.c.kind == DocumentKind.NEW.value
_REPEATED = select(
    func.min(
        union_all(
            select(documents.c.id).where(_OF_SENDER, _HAS_THIS_ID, _IS_NEW),
            select(documents.c.id).where(_OF_SENDER, _HAS_THIS_NUMBER, _IS_NEW),
        )
        .subquery()
        .c.id
    )
)
# By its sender's id an order is nobody's target: it may have been given the id of the document it is about.
_IS_NO_MERE_ORDER = documents.c.kind.in_([DocumentKind.NEW.value, DocumentKind.REPLACE.value])
_NAME, _OUR_ID = documents.c.document_id, documents.c.id
_MEANT = union_all(
    select(_OUR_ID, _NAME.label("name")).where(_OF_SENDER, among_named(_NAME, "wanted"), _IS_NO_MERE_ORDER),
    select(_OUR_ID, _OUR_ID.label("name")).where(_OF_SENDER, among_named(_OUR_ID, "wanted")),
)
_DELIVERIES_OF = (
    select(*DELIVERY_COLUMNS)
    .where(among_named(schema.deliveries.c.document, "ids"))
    .order_by(schema.deliveries.c.document, schema.deliveries.c.recipient)
)
_INSERT_DOCUMENT, _INSERT_FILES = insert(documents), insert(schema.files)
_INSERT_DELIVERIES, _INSERT_RECEIPT = insert(schema.deliveries), insert(schema.receipts)
_INSERT_PACKET = insert(schema.packets)


class SqlSubmissions:
    """Meets the port `Submissions`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert_answer = database.insert_or_ignore(answers)

    async def facts(
        self, key: AnswerKey, *, envelope: Envelope, codes: Collection[str], on: date
    ) -> SubmissionFacts:
        """Return what the ledger knows when a submission has arrived, as the port says."""
        async with self._database.read() as connection:
            answer = await _answer(connection, key)
            if answer is not None:
                return SubmissionFacts(answer, None, {})
            return SubmissionFacts(
                None,
                await _repeated(connection, key.agency, envelope, on=on),
                await resolve(connection, codes, on=on),
                await _targets(connection, key.agency, envelope),
            )

    async def commit(
        self,
        key: AnswerKey,
        answer: Answer,
        *,
        document: Document,
        deliveries: Sequence[Delivery],
        receipt: Receipt,
        event: Event,
        packet: KeptPacket | None = None,
        orders: Sequence[Ordered] = (),
    ) -> Answer:
        """Keep a document and all that belongs to it, or return the answer that won the key."""
        async with self._database.write() as connection:
            # First, so that of two equal submissions the second waits here and then keeps nothing.
            if not await self._win(connection, key, answer):
                earlier = await _answer(connection, key)
                assert earlier is not None, "answers are never removed"
                return earlier
            await connection.execute(_INSERT_DOCUMENT, document_row(document))
            if document.files:
                await connection.execute(_INSERT_FILES, file_rows(document))
            await connection.execute(_INSERT_DELIVERIES, [delivery_row(each) for each in deliveries])
            await connection.execute(_INSERT_RECEIPT, receipt_row(receipt))
            await connection.execute(INSERT_EVENTS, event_row(event))
            if packet is not None:
                await connection.execute(_INSERT_PACKET, _packet_row(packet, of=document))
            if orders:
                await ask(connection, orders)
            await keep_dossier(self._database, connection, document=document, deliveries=deliveries)
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


async def _repeated(
    connection: AsyncConnection, sender: AgencyCode, envelope: Envelope, *, on: date
) -> DocumentId | None:
    """Return the first document of the sender that a new one repeats; an order repeats nothing."""
    if envelope.kind is not DocumentKind.NEW:
        return None
    wanted = {
        "sender": sender,
        "document_id": envelope.document_id,
        "number": envelope.number,
        "notation": envelope.notation,
        "year": (envelope.issued_on or on).year,
    }
    earlier = await connection.scalar(_REPEATED, wanted)
    return None if earlier is None else DocumentId(earlier)


async def _targets(connection: AsyncConnection, sender: AgencyCode, envelope: Envelope) -> dict[str, Target]:
    """Return the documents an envelope is about, by the id it names them by, with all their deliveries."""
    wanted = sorted({about.document_id for about in envelope.about})
    if not wanted:
        return {}
    rows = list(await connection.execute(_MEANT, {"sender": sender, "wanted": wanted}))
    if not rows:
        return {}
    # The newest of a name, unless it is the id of one.
    newest = {row.name: row.id for row in sorted(rows, key=lambda row: (row.name == row.id, row.id))}
    found = await connection.execute(_DELIVERIES_OF, {"ids": sorted(set(newest.values()))})
    grouped = groupby(map(delivery_of, found), key=lambda each: each.document)
    targets = {document: Target(document, tuple(group)) for document, group in grouped}
    return {name: targets[id_] for name, id_ in newest.items()}


def _packet_row(packet: KeptPacket, *, of: Document) -> dict[str, Any]:
    return {
        "document": of.id,
        "sha256": packet.sha256,
        "dialect": packet.dialect.value,
        "header": packet.header,
    }
