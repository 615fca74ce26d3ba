"""The port `Records`, over every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adapters.db.records import BODIES
from adapters.db.schema import metadata
from gateway.domain.envelope import Dialect, DocumentKind
from gateway.domain.ledger import Backlog, SentLine
from gateway.domain.model import (
    AgencyCode,
    Attempt,
    AttemptOutcome,
    Delivery,
    DeliveryId,
    DocumentId,
    Event,
    EventKind,
    KeptPacket,
    ReceiptId,
    Sha256,
)
from gateway.domain.states import DeliveryState
from tests.support.exchange_samples import NOW, SENDER, stored_file
from tests.support.ledgers import (
    PULLS,
    PULLS_TOO,
    PUSHED,
    PUSHED_TOO,
    Books,
    event,
    handover,
    settlement,
)

LATER = NOW + timedelta(hours=1)


async def test_what_nobody_kept_is_none(books: Books) -> None:
    records = books.ledger.records
    assert await records.document(DocumentId("x")) is None
    assert await records.delivery(DeliveryId("x")) is None
    assert await records.receipt(ReceiptId("x")) is None
    assert await records.deliveries(DocumentId("x")) == []
    assert await records.copy(DocumentId("x"), recipient=PULLS) is None
    assert await records.timeline(DocumentId("x")) == []


async def test_deliveries_come_in_the_order_of_their_recipients(books: Books) -> None:
    made = await books.accept(PUSHED, PULLS, PULLS_TOO)
    found = await books.ledger.records.deliveries(made[0].document)
    assert found == sorted(made, key=lambda each: each.recipient)


async def test_copy_is_the_delivery_to_that_agency_alone(books: Books) -> None:
    made = await books.accept(PULLS, PULLS_TOO)
    await books.accept(PULLS)
    found = [await books.ledger.records.copy(made[0].document, recipient=each.recipient) for each in made]
    assert found == made
    assert await books.ledger.records.copy(made[0].document, recipient=PUSHED) is None


async def test_timeline_tells_everything_of_one_document_in_order(books: Books) -> None:
    pushed, pulled = await books.accept(PUSHED, PULLS)
    await books.accept(PULLS)
    (claim,) = await books.claim(pushed)
    failed = settlement(claim.delivery, DeliveryState.PARKED, at=LATER)
    parked = event(pushed, EventKind.PARKED, at=LATER)
    await books.ledger.deliveries.settle([failed], events=[parked])
    await books.ledger.deliveries.offer([handover(pulled)], now=NOW)
    assert await books.ledger.records.timeline(pushed.document) == [
        Event(pushed.document, None, SENDER, EventKind.ACCEPTED, NOW),
        Attempt(pulled.id, 1, NOW, AttemptOutcome.OFFERED),
        failed.attempt,
        parked,
    ]


async def test_backlog_counts_what_each_agency_has_open_and_ended(books: Books) -> None:
    records, deliveries = books.ledger.records, books.ledger.deliveries
    _, offered, taken, refused, *_ = [
        (await books.accept(PULLS, at=NOW + n * timedelta(minutes=1)))[0] for n in range(5)
    ]
    (parked,) = await books.accept(PUSHED, at=LATER)
    await books.park(parked, at=LATER)
    (recalled,) = await books.accept(PULLS_TOO)
    await deliveries.offer([handover(offered)], now=NOW)
    await deliveries.end(
        [
            books.ending(taken, DeliveryState.DELIVERED),
            books.ending(refused, DeliveryState.REFUSED),
            books.ending(recalled, DeliveryState.RECALLED),
        ]
    )
    empty = Backlog(PULLS_TOO, 0, 0, 0, 0, 0, None)
    assert await records.backlog(now=LATER) == [
        replace(empty, agency=PULLS, queued=2, offered=1, delivered=1, refused=1, oldest_open_at=NOW),
        empty,
        replace(empty, agency=PUSHED, parked=1, oldest_open_at=LATER),
    ]


async def test_bodies_that_nothing_names_are_unused(books: Books) -> None:
    packet = KeptPacket(Sha256("ab" * 32), Dialect.JAVA, b"")
    await books.commit(PULLS, packet=packet)
    unused, garbage = books.ledger.records.bodies_unused, Sha256("0" * 64)
    assert await unused([stored_file().sha256, packet.sha256, garbage]) == {garbage}
    assert await unused([]) == set()


def test_every_column_that_names_a_body_keeps_it() -> None:
    not_bodies = {"tokens", "vxp_calls"}
    columns = {t.c.sha256 for t in metadata.sorted_tables if "sha256" in t.c and t.name not in not_bodies}
    assert columns == set(BODIES)


# --- what a sender asks for ----------------------------------------------------------------------


async def test_document_is_named_by_its_senders_id_and_by_ours_newest_first(books: Books) -> None:
    first, _ = await books.commit(PULLS, document_id="a")
    recall, _ = await books.commit(PULLS, document_id="a", kind=DocumentKind.RECALL)
    await books.commit(PULLS, document_id="b")
    named = books.ledger.records.named
    assert [each.id for each in await named(SENDER, "a")] == [recall.document, first.document]
    assert [each.id for each in await named(SENDER, first.document)] == [first.document]
    assert await named(PULLS, "a") == []
    assert await named(PULLS, first.document) == []


async def test_at_most_ten_documents_of_one_name_are_given_and_the_newest(books: Books) -> None:
    ids = [(await books.commit(PULLS, document_id="a"))[0].document for _ in range(12)]
    assert [each.id for each in await books.ledger.records.named(SENDER, "a")] == ids[:1:-1]


async def sent(
    books: Books, *agencies: AgencyCode, document: DocumentId | None = None, limit: int = 99
) -> list[DeliveryId]:
    lines = await books.ledger.records.sent(agencies, document=document, limit=limit)
    return [line.delivery for line in lines]


async def test_sent_deliveries_come_newest_document_first_then_by_recipient(books: Books) -> None:
    oldest = await books.accept(PUSHED, PULLS)
    newest = await books.accept(PULLS_TOO)
    expected = [newest[0].id, oldest[1].id, oldest[0].id]
    assert await sent(books, SENDER) == expected
    assert await sent(books, PULLS) == []
    assert await sent(books, PULLS, SENDER, PUSHED) == expected
    assert await sent(books, SENDER, document=oldest[0].document) == expected[1:]
    assert await sent(books, PULLS, document=oldest[0].document) == []


@pytest.mark.parametrize("agencies", [(SENDER,), (PULLS, SENDER)])
async def test_list_of_what_was_sent_is_no_longer_than_asked_for(
    books: Books, agencies: tuple[AgencyCode, ...]
) -> None:
    for to in ((PULLS,), (PULLS, PULLS_TOO, PUSHED), (PUSHED,), (PUSHED_TOO, PULLS)):
        await books.accept(*to)
    everything = await sent(books, *agencies)
    assert len(everything) == 7
    for limit in range(1, 8):
        assert await sent(books, *agencies, limit=limit) == everything[:limit]


async def test_line_of_what_was_sent_says_where_the_delivery_stands(books: Books) -> None:
    (delivery,) = await books.accept(PULLS, subject="Về việc họp", number="7", notation="GM-VP")
    await books.open(delivery, at=LATER)
    ending = books.ending(delivery, DeliveryState.REFUSED, at=LATER)
    await books.ledger.deliveries.end([ending])
    (line,) = await books.ledger.records.sent([SENDER], document=None, limit=9)
    assert line == SentLine(
        delivery=delivery.id,
        document=delivery.document,
        sender=SENDER,
        recipient=PULLS,
        subject="Về việc họp",
        number="7",
        notation="GM-VP",
        accepted_at=NOW,
        state=DeliveryState.REFUSED,
        opened_at=LATER,
        ended_at=LATER,
        reason=ending.reason,
    )


# --- what is late --------------------------------------------------------------------------------


async def test_late_list_has_what_is_open_too_long_and_what_ended_late_longest_due_first(
    books: Books,
) -> None:
    def due(hours: int) -> datetime:
        return NOW + timedelta(hours=hours)

    async def delivered(by: datetime, *, at: datetime, to: AgencyCode = PULLS) -> Delivery:
        (delivery,) = await books.accept(to, acknowledge_by=by)
        await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.DELIVERED, at=at)])
        return delivery

    ended_late = await delivered(due(2), at=due(5))
    await delivered(due(2), at=due(2))  # in time
    await delivered(due(1), at=due(3))  # late, but before `since`
    (open_late,) = await books.accept(PULLS, acknowledge_by=due(1))
    await books.accept(PULLS, acknowledge_by=due(9))  # not due yet
    await books.accept(PULLS)  # no deadline
    elsewhere = await delivered(due(3), at=due(4), to=PULLS_TOO)

    async def late(*agencies: AgencyCode, limit: int = 99) -> list[DeliveryId]:
        found = await books.ledger.records.unacknowledged(
            agencies or None, before=due(8), since=due(4), limit=limit
        )
        return [item.delivery.id for item in found]

    assert await late() == [open_late.id, ended_late.id, elsewhere.id]
    assert await late(PULLS) == [open_late.id, ended_late.id]
    assert await late(PULLS_TOO, PUSHED) == [elsewhere.id]
    assert await late(limit=1) == [open_late.id]


async def test_documents_sent_late_are_listed_newest_first(books: Books) -> None:
    async def accepted(at: datetime, send_by: datetime | None) -> DocumentId:
        return (await books.commit(PULLS, at=at, send_by=send_by))[0].document

    await accepted(NOW, NOW - timedelta(hours=1))  # before `since`
    first = await accepted(LATER, NOW)
    await accepted(LATER, LATER)  # in time
    await accepted(LATER, None)
    second = await accepted(LATER, NOW)

    async def late(*agencies: AgencyCode, limit: int = 99) -> list[DocumentId]:
        found = await books.ledger.records.sent_late(agencies or None, since=LATER, limit=limit)
        return [document.id for document in found]

    assert await late() == [second, first]
    assert await late(SENDER, limit=1) == [second]
    assert await late(PULLS) == []
