"""The port `Lives`: statuses, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from gateway.domain.envelope import Staff
from gateway.domain.ledger import Said
from gateway.domain.model import AgencyCode, Delivery, DeliveryId, DocumentId, EventKind, StatusId
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, Life
from tests.support.exchange_samples import NOW, SENDER, change, status
from tests.support.ledgers import PULLS, PULLS_TOO, PUSHED, Books, event

LATER = NOW + timedelta(hours=1)
ARRIVED, REFUSED, RECEIVED = BusinessStatus.ARRIVED, BusinessStatus.REFUSED, BusinessStatus.RECEIVED


async def words(books: Books, delivery: Delivery) -> list[BusinessStatus]:
    return [each.status for each in await books.ledger.lives.statuses(delivery.document)]


async def addressed(
    books: Books,
    *agencies: AgencyCode,
    after: StatusId | None = None,
    limit: int = 99,
    only_waiting: bool = True,
) -> list[StatusId]:
    found = await books.ledger.lives.addressed(agencies, after=after, limit=limit, only_waiting=only_waiting)
    return [each.id for each in found]


# --- saying --------------------------------------------------------------------------------------


async def test_status_is_given_back_as_it_was_said_and_moves_the_life(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    said = status(
        delivery,
        RECEIVED,
        said_at=NOW - timedelta(minutes=5),
        description="đã vào sổ",
        staff=Staff("Văn phòng", "Người trực", None, "0900000000"),
        packet=b"<edXML/>",
    )
    told = event(delivery, EventKind.STATUS)
    life = Life(progress=RECEIVED)
    assert await books.ledger.lives.say([Said(said, delivery.life, life, event=told)]) == {delivery.id}
    assert await books.ledger.lives.status(said.id) == said
    assert await books.ledger.lives.statuses(delivery.document) == [said]
    assert await books.state(delivery) == replace(delivery, life=life)
    assert (await books.ledger.records.timeline(delivery.document))[-1] == told


async def test_status_that_nobody_said_is_none(books: Books) -> None:
    assert await books.ledger.lives.status(StatusId("x")) is None
    assert await books.ledger.lives.statuses(DocumentId("x")) == []
    assert await books.ledger.lives.say([]) == set()


async def test_history_is_told_in_order_and_by_document(books: Books) -> None:
    first, other = await books.accept(PULLS, PULLS_TOO)
    (apart,) = await books.accept(PULLS)
    for code in (ARRIVED, RECEIVED, BusinessStatus.ASSIGNED, BusinessStatus.FINISHED):
        first = await books.say(first, code)
    await books.say(other, REFUSED)
    await books.say(apart, ARRIVED)
    assert await words(books, first) == ["01", "03", "04", "06", "02"]


async def test_history_goes_by_the_time_it_was_kept_not_by_ids(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    late = status(delivery, ARRIVED, id=StatusId("b"), at=NOW)
    early = status(delivery, RECEIVED, id=StatusId("a"), at=LATER)
    arrived = Life(progress=ARRIVED)
    await books.ledger.lives.say([Said(late, delivery.life, arrived)])
    await books.ledger.lives.say([Said(early, arrived, Life(progress=RECEIVED))])
    assert await words(books, delivery) == [ARRIVED, RECEIVED]


async def test_status_about_a_life_that_has_moved_on_is_not_kept(books: Books) -> None:
    (seen,) = await books.accept(PULLS)
    await books.say(seen, REFUSED)
    late = books.said(seen, RECEIVED, event=event(seen, EventKind.STATUS))
    assert await books.ledger.lives.say([late]) == set()
    assert await words(books, seen) == [REFUSED]
    assert (await books.state(seen)).life.progress is REFUSED
    assert await books.kinds(seen) == []


async def test_each_part_of_a_life_counts_when_it_is_compared(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    said = books.said(delivery, ARRIVED)
    for before in (
        Life(progress=RECEIVED),
        Life(asked=ChangeKind.RECALL),
        Life(ended_by=ChangeKind.REPLACE),
    ):
        assert await books.ledger.lives.say([replace(said, before=before)]) == set()
    assert await books.ledger.lives.say([said]) == {delivery.id}


async def test_of_two_statuses_at_once_one_wins(books: Books) -> None:
    for _ in range(5):
        (delivery,) = await books.accept(PULLS)
        said = [books.said(delivery, code) for code in (RECEIVED, REFUSED)]
        kept = await asyncio.gather(*(books.ledger.lives.say([each]) for each in said))
        assert sum(map(len, kept)) == 1
        (word,) = await words(books, delivery)
        assert (await books.state(delivery)).life.progress is word


async def test_each_of_a_batch_is_kept_for_itself(books: Books) -> None:
    moved, stale, unknown = await books.accept(PULLS, PULLS_TOO, PUSHED)
    await books.say(stale, REFUSED)
    said = [books.said(each, ARRIVED) for each in (unknown, stale, moved)]
    nowhere = replace(said[0], status=replace(said[0].status, delivery=DeliveryId("nowhere")))
    assert await books.ledger.lives.say([nowhere, *said[1:]]) == {moved.id}


async def test_only_the_first_of_two_about_one_delivery_in_a_batch_is_kept(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    said = [books.said(delivery, code) for code in (RECEIVED, REFUSED)]
    assert await books.ledger.lives.say(said) == {delivery.id}
    assert await words(books, delivery) == [RECEIVED]


async def test_batches_that_name_the_same_deliveries_in_another_order_both_end(books: Books) -> None:
    many = await books.accept(*(AgencyCode(f"X{n:03}") for n in range(60)))
    forwards = [books.said(each, ARRIVED) for each in many]
    backwards = [books.said(each, REFUSED) for each in reversed(many)]
    kept = await asyncio.gather(books.ledger.lives.say(forwards), books.ledger.lives.say(backwards))
    assert sum(map(len, kept)) == 60


# --- the addressee -------------------------------------------------------------------------------


async def test_statuses_wait_for_their_addressee_oldest_first_until_they_are_taken(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    for code in (ARRIVED, RECEIVED, BusinessStatus.IN_PROGRESS):
        delivery = await books.say(delivery, code)
    first, second, third = [each.id for each in await books.ledger.lives.statuses(delivery.document)]
    await books.ledger.lives.take(second, at=LATER)
    assert await addressed(books, SENDER) == [first, third]
    assert await addressed(books, SENDER, only_waiting=False) == [first, second, third]
    assert await books.ledger.lives.count([SENDER]) == 2
    for agencies in ([SENDER], [SENDER, PUSHED]):
        lines = await books.ledger.lives.lines(agencies, limit=9)
        assert [(line.status, line.author, line.addressee, line.at) for line in lines] == [
            (each, PULLS, SENDER, NOW) for each in (first, third)
        ]
        assert await books.ledger.lives.lines(agencies, limit=1) == lines[:1]
    assert await addressed(books, PULLS) == []


async def test_addressed_statuses_are_given_in_pages(books: Books) -> None:
    deliveries = [(await books.accept(PULLS))[0] for _ in range(5)]
    for each in deliveries:
        await books.say(each, ARRIVED)
    everything = await addressed(books, SENDER)
    for agencies in ([SENDER], [SENDER, PUSHED]):
        page = await addressed(books, *agencies, limit=2)
        assert page + await addressed(books, *agencies, after=page[-1]) == everything


async def test_statuses_to_several_agencies_come_in_one_order(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    sent = [
        books.said(replace(delivery, life=life), code)
        for life, code in ((Life(), ARRIVED), (Life(progress=ARRIVED), RECEIVED))
    ]
    to_others = [
        replace(each, status=replace(each.status, addressee=code))
        for each, code in zip(sent, (PULLS_TOO, SENDER), strict=True)
    ]
    for each in to_others:
        await books.ledger.lives.say([each])
    both = await addressed(books, SENDER, PULLS_TOO, PUSHED)
    assert both == [each.status.id for each in to_others]
    assert await books.ledger.lives.count([SENDER, PULLS_TOO]) == 2
    assert await books.ledger.lives.count([]) == 0


async def test_taking_a_status_again_changes_nothing(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    await books.say(delivery, ARRIVED)
    (said,) = await books.ledger.lives.statuses(delivery.document)
    await books.ledger.lives.take(said.id, at=NOW)
    await books.ledger.lives.take(said.id, at=LATER)
    assert await books.ledger.lives.status(said.id) == replace(said, taken_at=NOW)


# --- what a status does to changes ---------------------------------------------------------------


async def test_status_13_asks_for_a_change_and_15_answers_it(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    asked = change(delivery)
    delivery = await books.say(delivery, BusinessStatus.RECALL_ASKED, asks=asked)
    assert delivery.life == Life(asked=ChangeKind.RECALL)
    assert await books.ledger.lives.changes(delivery.document) == [asked]
    agreed = BusinessStatus.CHANGE_ACCEPTED
    delivery = await books.say(delivery, agreed, answers=ChangeState.ACCEPTED)
    assert delivery.life == Life(ended_by=ChangeKind.RECALL)
    assert await books.ledger.lives.changes(delivery.document) == [
        replace(asked, state=ChangeState.ACCEPTED, answered_at=NOW)
    ]


async def test_answer_reaches_the_open_change_of_its_delivery_alone(books: Books) -> None:
    first, other = await books.accept(PULLS, PULLS_TOO)
    declined = BusinessStatus.CHANGE_REFUSED
    await books.order(first, other, kind=ChangeKind.UPDATE)
    await books.say(await books.state(first), declined, answers=ChangeState.REFUSED)
    await books.order(await books.state(first), kind=ChangeKind.RECALL, asked_at=LATER)
    agreed = BusinessStatus.CHANGE_ACCEPTED
    await books.say(await books.state(first), agreed, answers=ChangeState.ACCEPTED)
    states = [(each.recipient, each.state) for each in await books.ledger.lives.changes(first.document)]
    assert states == [
        (PULLS, ChangeState.REFUSED),
        (PULLS_TOO, ChangeState.ASKED),
        (PULLS, ChangeState.ACCEPTED),
    ]


async def test_of_two_who_ask_at_once_one_is_heard(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    asked = [
        books.said(
            delivery,
            BusinessStatus.RECALL_ASKED,
            asks=books.ordered(delivery).change,
        )
        for _ in range(6)
    ]
    kept = await asyncio.gather(*(books.ledger.lives.say([each]) for each in asked))
    assert sum(map(len, kept)) == 1
    assert len(await books.ledger.lives.changes(delivery.document)) == 1
