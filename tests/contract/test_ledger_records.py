"""The port `Records`, over every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.domain.ledger import Backlog
from gateway.domain.model import (
    Attempt,
    AttemptOutcome,
    DeliveryId,
    DocumentId,
    Event,
    EventKind,
    ReceiptId,
    Sha256,
)
from gateway.domain.states import DeliveryState
from tests.support.exchange_samples import NOW, SENDER, stored_file
from tests.support.ledgers import PULLS, PULLS_TOO, PUSHED, Books, event, handover, settlement

LATER = NOW + timedelta(hours=1)


async def test_what_nobody_kept_is_none(books: Books) -> None:
    records = books.ledger.records
    assert await records.document(DocumentId("x")) is None
    assert await records.delivery(DeliveryId("x")) is None
    assert await records.receipt(ReceiptId("x")) is None
    assert await records.deliveries(DocumentId("x")) == []
    assert await records.timeline(DocumentId("x")) == []


async def test_deliveries_come_in_the_order_of_their_recipients(books: Books) -> None:
    made = await books.accept(PUSHED, PULLS, PULLS_TOO)
    found = await books.ledger.records.deliveries(made[0].document)
    assert found == sorted(made, key=lambda each: each.recipient)


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


async def test_bodies_that_no_document_has_are_unused(books: Books) -> None:
    await books.accept(PULLS)
    unused, garbage = books.ledger.records.bodies_unused, Sha256("0" * 64)
    assert await unused([stored_file().sha256, garbage]) == {garbage}
    assert await unused([]) == set()
