"""The port `Inbox`, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from gateway.domain.ledger import InboxLine, ParkedFilter
from gateway.domain.model import AgencyCode, Delivery, DeliveryId, EventKind
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState
from tests.support.exchange_samples import NOW, SENDER
from tests.support.ledgers import LEASE, PULLS, PULLS_TOO, PUSHED, PUSHED_TOO, Books, event, handover

UNTIL = NOW + LEASE


async def lease(
    books: Books, delivery: Delivery, token: str, *, by: AgencyCode = PULLS, now: datetime = NOW
) -> bool:
    return await books.ledger.inbox.lease(
        delivery.id,
        by,
        token=token,
        until=now + LEASE,
        now=now,
        event=event(delivery, EventKind.CLAIMED, at=now),
    )


async def waiting(
    books: Books, *, after: DeliveryId | None = None, limit: int = 99, now: datetime = NOW
) -> list[DeliveryId]:
    items = await books.ledger.inbox.waiting([PULLS], after=after, limit=limit, now=now)
    return [item.delivery.id for item in items]


async def test_everything_open_waits_in_the_inbox_oldest_first(books: Books) -> None:
    queued, offered, ended = [(await books.accept(PULLS))[0] for _ in range(3)]
    await books.accept(PULLS_TOO)
    await books.ledger.deliveries.offer([handover(offered)], now=NOW)
    await books.ledger.deliveries.end([books.ending(ended, DeliveryState.REFUSED)])
    assert await waiting(books) == [queued.id, offered.id]


async def test_parked_delivery_still_waits_in_the_inbox(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    await books.park(delivery)
    items = await books.ledger.inbox.waiting([PUSHED], after=None, limit=9, now=NOW)
    assert [item.delivery.state for item in items] == [DeliveryState.PARKED]


async def test_inbox_item_holds_the_delivery_and_its_document(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    (item,) = await books.ledger.inbox.waiting([PULLS], after=None, limit=9, now=NOW)
    document = await books.ledger.records.document(delivery.document)
    assert (item.delivery, item.document, item.leased_until) == (delivery, document, None)


async def test_inbox_continues_behind_a_delivery(books: Books) -> None:
    ids = [(await books.accept(PULLS))[0].id for _ in range(5)]
    first = await waiting(books, limit=2)
    assert first + await waiting(books, after=first[-1]) == ids


async def test_leased_delivery_is_out_of_the_inbox_until_the_lease_ends(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    assert await lease(books, delivery, "mine")
    assert await waiting(books) == []
    assert await waiting(books, now=UNTIL) == [delivery.id]
    item = await books.ledger.records.delivery(delivery.id)
    assert item is not None
    assert item.leased_until == UNTIL


async def test_of_many_who_lease_at_once_one_wins(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    leases = await asyncio.gather(*(lease(books, delivery, f"client {n}") for n in range(8)))
    assert sum(leases) == 1
    assert len(await books.ledger.records.timeline(delivery.document)) == 2


async def test_lease_is_renewed_by_its_holder_and_taken_over_when_it_has_run_out(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    halfway = NOW + LEASE / 2
    assert await lease(books, delivery, "mine")
    assert await lease(books, delivery, "mine", now=halfway)
    assert not await lease(books, delivery, "another's", now=UNTIL)
    assert await lease(books, delivery, "another's", now=halfway + LEASE)


async def test_only_the_recipient_leases_and_only_what_is_open(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    assert not await lease(books, delivery, "t", by=PULLS_TOO)
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.DELIVERED)])
    assert not await lease(books, delivery, "t")
    timeline = await books.ledger.records.timeline(delivery.document)
    assert [line.kind for line in timeline if hasattr(line, "kind")] == [
        EventKind.ACCEPTED,
        EventKind.DELIVERED,
    ]


async def test_inbox_of_several_agencies_is_one_list_in_pages(books: Books) -> None:
    ids = [(await books.accept(code))[0].id for code in (PULLS, PULLS_TOO, PULLS, PUSHED, PULLS_TOO)]
    await books.accept(PUSHED_TOO)
    (leased,) = await books.accept(PULLS)
    await lease(books, leased, "mine")
    three = [PULLS_TOO, PULLS, PUSHED]
    inbox = books.ledger.inbox
    first = await inbox.waiting(three, after=None, limit=2, now=NOW)
    rest = await inbox.waiting(three, after=first[-1].delivery.id, limit=9, now=NOW)
    assert [item.delivery.id for item in first + rest] == ids
    assert {item.document.id for item in first} == {item.delivery.document for item in first}
    assert await inbox.waiting([], after=None, limit=9, now=NOW) == []


async def test_count_is_of_what_anybody_could_take_now(books: Books) -> None:
    leased, ended, parked, _ = [(await books.accept(PULLS))[0] for _ in range(4)]
    await books.accept(PULLS_TOO)
    await lease(books, leased, "mine")
    await books.ledger.deliveries.end([books.ending(ended, DeliveryState.DELIVERED)])
    assert await give_back(books, parked, park_after=1) is DeliveryState.PARKED
    count = books.ledger.inbox.count
    assert await count([PULLS], now=NOW) == 1
    assert await count([PULLS], now=UNTIL) == 2
    assert await count([PULLS, PULLS_TOO, PUSHED], now=NOW) == 2
    assert await count([], now=NOW) == 0


@pytest.mark.parametrize("agencies", [[PULLS], [PULLS, PULLS_TOO, PUSHED]])
async def test_lines_are_what_is_counted_oldest_first(books: Books, agencies: list[AgencyCode]) -> None:
    leased, ended, parked, opened, fresh = [(await books.accept(PULLS))[0] for _ in range(5)]
    await books.accept(PUSHED_TOO)
    await lease(books, leased, "mine")
    await books.ledger.deliveries.end([books.ending(ended, DeliveryState.DELIVERED)])
    assert await give_back(books, parked, park_after=1) is DeliveryState.PARKED
    await books.ledger.deliveries.offer([handover(opened)], now=NOW)
    await books.open(opened, at=UNTIL)
    inbox = books.ledger.inbox
    assert await inbox.lines(agencies, limit=9, now=NOW) == [
        InboxLine(opened.id, SENDER, PULLS, NOW, NOW, UNTIL),
        InboxLine(fresh.id, SENDER, PULLS, NOW, None, None),
    ]
    assert [line.delivery for line in await inbox.lines(agencies, limit=2, now=UNTIL)] == [
        leased.id,
        opened.id,
    ]
    assert len(await inbox.lines(agencies, limit=9, now=NOW)) == await inbox.count(agencies, now=NOW)


# --- opening -------------------------------------------------------------------------------------


async def test_first_reading_is_recorded_with_its_event_and_later_ones_write_nothing(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    assert await books.open(delivery, at=NOW)
    before = books.ledger.database.statements
    assert await books.open(delivery, at=UNTIL)
    assert books.ledger.database.statements == before + 1
    assert await books.state(delivery) == replace(delivery, opened_at=NOW)
    assert await books.kinds(delivery) == [EventKind.OPENED]


async def test_delivery_opened_by_many_at_once_is_opened_once(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    assert all(await asyncio.gather(*(books.open(delivery) for _ in range(8))))
    assert await books.kinds(delivery) == [EventKind.OPENED]


@pytest.mark.parametrize(
    ("state", "may_read"),
    [
        (DeliveryState.DELIVERED, True),
        (DeliveryState.REFUSED, True),
        (DeliveryState.EXPIRED, False),
        (DeliveryState.RECALLED, False),
    ],
)
@pytest.mark.parametrize("had_read", [True, False])
async def test_what_was_taken_back_or_has_expired_is_not_opened(
    books: Books, *, state: DeliveryState, may_read: bool, had_read: bool
) -> None:
    (delivery,) = await books.accept(PULLS)
    if had_read:
        await books.open(delivery)
    await books.ledger.deliveries.end([books.ending(delivery, state)])
    before = await books.state(delivery)
    assert await books.open(delivery) is may_read
    assert await books.state(delivery) == before
    assert not await books.open(replace(delivery, id=DeliveryId("nowhere")))


@pytest.mark.parametrize("kind", ChangeKind)
@pytest.mark.parametrize("had_read", [True, False])
async def test_accepted_recall_ends_reading_and_other_changes_do_not(
    books: Books, *, kind: ChangeKind, had_read: bool
) -> None:
    (delivery,) = await books.accept(PULLS)
    if had_read:
        await books.open(delivery)
    await books.order(delivery, kind=kind)
    assert await books.open(delivery), "nothing is decided yet"
    agreed = BusinessStatus.CHANGE_ACCEPTED
    await books.say(await books.state(delivery), agreed, answers=ChangeState.ACCEPTED)
    assert await books.open(delivery) is (kind is not ChangeKind.RECALL)


async def test_unread_delivery_whose_recall_was_accepted_cannot_be_opened(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    await books.order(delivery)
    agreed = BusinessStatus.CHANGE_ACCEPTED
    await books.say(await books.state(delivery), agreed, answers=ChangeState.ACCEPTED)
    assert not await books.open(delivery)
    assert (await books.state(delivery)).opened_at is None


async def test_reading_and_taking_back_at_once_never_both_succeed(books: Books) -> None:
    for _ in range(8):
        (delivery,) = await books.accept(PULLS)
        recall = books.ending(delivery, DeliveryState.RECALLED, only_unopened=True)
        read, ended = await asyncio.gather(books.open(delivery), books.ledger.deliveries.end([recall]))
        now = await books.state(delivery)
        assert read is not bool(ended)
        assert (now.opened_at is not None, now.state is DeliveryState.RECALLED) == (read, bool(ended))


# --- giving back ---------------------------------------------------------------------------------


async def give_back(books: Books, delivery: Delivery, *, park_after: int = 3) -> DeliveryState | None:
    return await books.ledger.inbox.give_back(
        delivery.id,
        due_at=UNTIL,
        park_after=park_after,
        reason="kho đầy",
        event=event(delivery, EventKind.RETURNED),
    )


async def test_delivery_given_back_is_offered_again_and_parked_once_it_was_tried_so_often(
    books: Books,
) -> None:
    (delivery,) = await books.accept(PULLS)
    for tries in (1, 2):
        await books.ledger.deliveries.offer([handover(await books.state(delivery))], now=NOW)
        assert await give_back(books, delivery) is DeliveryState.QUEUED
        now = await books.state(delivery)
        assert (now.tries, now.due_at, now.reason) == (tries, UNTIL, "kho đầy")
    await books.ledger.deliveries.offer([handover(await books.state(delivery))], now=NOW)
    assert await give_back(books, delivery) is DeliveryState.PARKED
    (parked,) = await books.ledger.deliveries.parked(ParkedFilter(parked_after=NOW), limit=9)
    assert (parked.id, parked.due_at, parked.tries) == (delivery.id, None, 3)
    assert await books.kinds(delivery) == [EventKind.RETURNED] * 3


async def test_delivery_taken_out_of_the_queue_and_given_back_counts_as_tried(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    given_back = [await give_back(books, delivery) for _ in range(3)]
    assert given_back == [DeliveryState.QUEUED, DeliveryState.QUEUED, DeliveryState.PARKED]


async def test_parked_delivery_given_back_stays_parked(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    assert await give_back(books, delivery, park_after=1) is DeliveryState.PARKED
    before = await books.state(delivery)
    assert await give_back(books, delivery, park_after=9) is DeliveryState.PARKED
    assert await books.state(delivery) == before
    assert await books.kinds(delivery) == [EventKind.RETURNED]


async def test_delivery_that_has_ended_cannot_be_given_back(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.DELIVERED)])
    assert await give_back(books, delivery) is None
    assert await give_back(books, replace(delivery, id=DeliveryId("nowhere"))) is None
    assert await books.kinds(delivery) == [EventKind.DELIVERED]


async def test_delivery_given_back_is_held_by_nobody(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    await lease(books, delivery, "mine")
    await give_back(books, delivery)
    assert await waiting(books) == [delivery.id]
