"""Counting for the reports, the same over every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from gateway.domain.envelope import DocumentKind
from gateway.domain.model import AgencyCode, DeliveryId, PolicyLabel
from gateway.domain.reports import Month, Tally
from gateway.domain.states import DeliveryState
from gateway.domain.working_days import VIETNAM
from tests.support.dossier_samples import keep, part
from tests.support.exchange_samples import SENDER
from tests.support.ledgers import PULLS, PULLS_TOO, PUSHED, Books

NOVEMBER = Month(2026, 11)
SENT_AT = datetime(2026, 11, 10, 9, 0, tzinfo=VIETNAM)
DUE_AT = datetime(2026, 11, 10, 17, 0, tzinfo=VIETNAM)
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=VIETNAM)


async def send(
    books: Books,
    to: AgencyCode = PULLS,
    *,
    at: datetime = SENT_AT,
    label: PolicyLabel = PolicyLabel.SIGNED,
    due_at: datetime | None = DUE_AT,
    kind: DocumentKind = DocumentKind.NEW,
) -> DeliveryId:
    kept = keep(books, None, sender=SENDER, to=[to], at=at, label=label, acknowledge_by=due_at, kind=kind)
    (delivery,) = await kept
    return delivery


async def end(books: Books, id_: DeliveryId, state: DeliveryState, *, at: datetime) -> None:
    item = await books.ledger.records.delivery(id_)
    assert item is not None
    assert await books.ledger.deliveries.end([books.ending(item.delivery, state, at=at)])


async def tally(
    books: Books, of: AgencyCode = PULLS, *, month: Month = NOVEMBER, now: datetime = NOW
) -> Tally:
    return (await books.ledger.reports.tallies(month, now=now)).get(of, Tally())


async def test_empty_month_has_no_tallies(books: Books) -> None:
    assert await books.ledger.reports.tallies(NOVEMBER, now=NOW) == {}


async def test_sender_and_recipient_are_counted_once_a_document(books: Books) -> None:
    await keep(books, None, sender=SENDER, to=[PULLS, PULLS_TOO], at=SENT_AT)
    assert await tally(books, SENDER) == Tally(sent=1)


async def test_accepted_in_time_is_on_time_and_its_time_is_measured(books: Books) -> None:
    delivery = await send(books)
    await end(books, delivery, DeliveryState.DELIVERED, at=SENT_AT + timedelta(minutes=90))
    found = await tally(books)
    assert replace(found, accept_seconds=0) == Tally(received=1, on_time=1)
    assert found.mean_accept_seconds == pytest.approx(5400, abs=0.01)


async def test_last_moment_is_on_time_and_the_next_is_late(books: Books) -> None:
    await end(books, await send(books), DeliveryState.DELIVERED, at=DUE_AT)
    late = await send(books)
    await end(books, late, DeliveryState.DELIVERED, at=DUE_AT + timedelta(milliseconds=1))
    found = await tally(books)
    assert (found.received, found.on_time, found.late, found.late_rate) == (2, 1, 1, 0.5)


async def test_refusal_is_an_answer_in_time_or_late(books: Books) -> None:
    await end(books, await send(books), DeliveryState.REFUSED, at=SENT_AT)
    await end(books, await send(books), DeliveryState.REFUSED, at=DUE_AT + timedelta(days=1))
    assert await tally(books) == Tally(refused=2, on_time=1, late=1)


async def test_open_delivery_is_late_from_its_moment_on(books: Books) -> None:
    await send(books)
    assert await tally(books, now=DUE_AT) == Tally()
    assert await tally(books, now=DUE_AT + timedelta(seconds=1)) == Tally(late=1)


async def test_expired_is_late_and_recalled_counts_nowhere(books: Books) -> None:
    await end(books, await send(books), DeliveryState.EXPIRED, at=NOW)
    await end(books, await send(books), DeliveryState.RECALLED, at=NOW)
    assert await tally(books) == Tally(late=1)


async def test_delivery_without_a_due_moment_is_neither_on_time_nor_late(books: Books) -> None:
    await end(books, await send(books, due_at=None), DeliveryState.REFUSED, at=NOW)
    await send(books, due_at=None)
    assert await tally(books) == Tally(refused=1)


async def test_unsigned_share_is_that_of_documents_sent_and_received(books: Books) -> None:
    for label in (PolicyLabel.FOR_INFORMATION, PolicyLabel.SIGNED, PolicyLabel.SIGNED, PolicyLabel.SIGNED):
        await end(books, await send(books, label=label), DeliveryState.DELIVERED, at=SENT_AT)
    await send(books, label=PolicyLabel.FOR_INFORMATION, due_at=None)  # not received yet
    sender, recipient = await tally(books, SENDER), await tally(books)
    assert (sender.sent, sender.sent_unsigned) == (5, 2)
    assert (recipient.received, recipient.received_unsigned_share) == (4, 0.25)


@pytest.mark.parametrize(
    ("at", "month"),
    [
        (datetime(2026, 10, 31, 23, 59, 59, 999_000, VIETNAM), Month(2026, 10)),
        (datetime(2026, 11, 1, 0, 0, 0, 0, VIETNAM), NOVEMBER),
        (datetime(2026, 11, 30, 23, 59, 59, 999_000, VIETNAM), NOVEMBER),
        (datetime(2026, 12, 1, 0, 0, 0, 0, VIETNAM), Month(2026, 12)),
        (datetime(2026, 12, 31, 23, 59, 59, 999_000, VIETNAM), Month(2026, 12)),
        (datetime(2027, 1, 1, 0, 0, 0, 0, VIETNAM), Month(2027, 1)),
    ],
)
async def test_month_begins_at_midnight_in_vietnam(books: Books, at: datetime, month: Month) -> None:
    delivery = await send(books, at=at)
    await end(books, delivery, DeliveryState.DELIVERED, at=at + timedelta(days=40))
    for each in (Month(2026, 10), NOVEMBER, Month(2026, 12), Month(2027, 1)):
        is_that = each == month
        assert (await tally(books, SENDER, month=each)).sent == is_that
        assert (await tally(books, month=each)).received == is_that


async def test_document_judged_over_midnight_counts_in_the_month_it_was_accepted(books: Books) -> None:
    # Its id is made after its files were judged: here in the next month.
    accepted = datetime(2026, 10, 31, 23, 59, 50, tzinfo=VIETNAM)
    await keep(books, None, sender=SENDER, to=[PULLS], at=accepted, judging=timedelta(minutes=4))
    assert (await tally(books, SENDER, month=Month(2026, 10))).sent == 1
    assert (await tally(books, SENDER)).sent == 0


async def test_stages_of_dossiers_count_in_the_month_they_were_due(books: Books) -> None:
    due = date(2026, 11, 12)
    await keep(books, part((PULLS, due), code="HS-1"), sender=SENDER, to=[PULLS], at=SENT_AT)
    await keep(books, part((PULLS, due), code="HS-2"), sender=SENDER, to=[PULLS], at=SENT_AT)
    await keep(books, part(code="HS-2"), sender=PULLS, to=[PUSHED], at=SENT_AT + timedelta(days=1))
    await keep(books, part((PULLS_TOO, due), code="HS-3"), sender=SENDER, to=[PULLS], at=SENT_AT)
    found = await tally(books)
    assert (found.stages_due, found.stages_late, found.dossiers_late_rate) == (2, 1, 0.5)
    assert await tally(books, month=Month(2026, 12)) == Tally()
    assert (await tally(books, PULLS_TOO)).stages_due == 0, "its stage had not begun"


async def test_order_to_recall_is_sent_and_received_and_never_unsigned(books: Books) -> None:
    for_information = PolicyLabel.FOR_INFORMATION
    await end(books, await send(books, label=for_information), DeliveryState.DELIVERED, at=SENT_AT)
    order = await send(books, label=for_information, kind=DocumentKind.RECALL)
    await end(books, order, DeliveryState.DELIVERED, at=SENT_AT)
    sender, recipient = await tally(books, SENDER), await tally(books)
    assert (sender.sent, sender.sent_unsigned) == (2, 1)
    assert (recipient.received, recipient.received_unsigned) == (2, 1)


async def test_only_the_agencies_asked_for_are_counted(books: Books) -> None:
    due = date(2026, 11, 12)
    of = part((PULLS, due), (PULLS_TOO, due))
    await keep(books, of, sender=SENDER, to=[PULLS, PULLS_TOO], at=SENT_AT)
    everybody = await books.ledger.reports.tallies(NOVEMBER, now=NOW)
    asked = [SENDER, PULLS]
    found = await books.ledger.reports.tallies(NOVEMBER, now=NOW, agencies=asked)
    assert found == {code: everybody[code] for code in asked}
    assert found[PULLS].stages_due == everybody[PULLS_TOO].stages_due == 1
    assert await books.ledger.reports.tallies(NOVEMBER, now=NOW, agencies=[]) == {}
