"""The port `Deliveries`: how deliveries end, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.domain.model import DeliveryId, EventKind
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState, Life
from tests.support.exchange_samples import NOW
from tests.support.ledgers import LEASE, PULLS, PULLS_TOO, PUSHED, PUSHED_TOO, Books, event, handover

LATER = NOW + timedelta(hours=1)


async def test_ended_delivery_has_its_state_receipt_and_event(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    ending = books.ending(delivery, DeliveryState.REFUSED, at=LATER)
    assert await books.ledger.deliveries.end([ending]) == {delivery.id}
    assert await books.state(delivery) == replace(
        delivery,
        state=DeliveryState.REFUSED,
        due_at=None,
        ended_at=LATER,
        reason="so they said",
        receipt=ending.receipt.id,
        opened_at=LATER,
    )
    assert await books.ledger.records.receipt(ending.receipt.id) == ending.receipt
    assert (await books.ledger.records.timeline(delivery.document))[-1] == ending.event


async def test_delivery_ends_once_and_has_one_receipt(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    endings = [books.ending(delivery, DeliveryState.DELIVERED) for _ in range(8)]
    ended = await asyncio.gather(*(books.ledger.deliveries.end([ending]) for ending in endings))
    kept = [await books.ledger.records.receipt(ending.receipt.id) for ending in endings]
    assert sum(map(len, ended)) == 1
    assert len([receipt for receipt in kept if receipt]) == 1
    assert len(await books.ledger.records.timeline(delivery.document)) == 2


async def test_second_ending_of_one_delivery_in_a_batch_is_passed_over(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    first, second = (
        books.ending(delivery, state) for state in (DeliveryState.REFUSED, DeliveryState.EXPIRED)
    )
    assert await books.ledger.deliveries.end([first, second]) == {delivery.id}
    assert (await books.state(delivery)).receipt == first.receipt.id
    assert await books.ledger.records.receipt(second.receipt.id) is None


async def test_each_of_a_batch_ends_for_itself(books: Books) -> None:
    ended, open_, parked = await books.accept(PULLS, PULLS_TOO, PUSHED)
    await books.ledger.deliveries.end([books.ending(ended, DeliveryState.DELIVERED)])
    await books.park(parked)
    unknown = replace(open_, id=DeliveryId("no such delivery"))
    batch = [books.ending(each, DeliveryState.RECALLED) for each in (unknown, ended, parked, open_)]
    assert await books.ledger.deliveries.end(batch) == {open_.id, parked.id}
    assert (await books.state(ended)).state is DeliveryState.DELIVERED


async def test_batches_that_cross_each_other_end_without_a_deadlock(books: Books) -> None:
    deliveries = [(await books.accept(PULLS))[0] for _ in range(40)]
    batches = [[books.ending(each, DeliveryState.EXPIRED) for each in deliveries] for _ in range(6)]
    ended = await asyncio.gather(
        *(
            books.ledger.deliveries.end(batch[::direction])
            for batch, direction in zip(batches, [1, -1] * 3, strict=True)
        )
    )
    assert sum(map(len, ended)) == 40


async def test_offer_and_ending_at_once_leave_one_clear_end(books: Books) -> None:
    deliveries = [(await books.accept(PULLS))[0] for _ in range(20)]
    endings = [books.ending(each, DeliveryState.DELIVERED) for each in deliveries]
    await asyncio.gather(
        books.ledger.deliveries.offer([handover(each) for each in deliveries], now=NOW),
        *(books.ledger.deliveries.end([ending]) for ending in endings),
    )
    states = [await books.state(each) for each in deliveries]
    assert {(each.state, each.due_at) for each in states} == {(DeliveryState.DELIVERED, None)}


@pytest.mark.parametrize(
    ("token", "at", "ends"),
    [
        ("mine", NOW, True),
        ("somebody else's", NOW, False),
        ("somebody else's", NOW + LEASE, True),
        (None, NOW, True),
    ],
    ids=["by its holder", "by another", "when it has run out", "by the exchange itself"],
)
async def test_leased_delivery_can_be_ended(
    books: Books, token: str | None, at: datetime, ends: bool
) -> None:
    (delivery,) = await books.accept(PULLS)
    claimed = event(delivery, EventKind.CLAIMED)
    await books.ledger.inbox.lease(
        delivery.id, PULLS, token="mine", until=NOW + LEASE, now=NOW, event=claimed
    )
    ending = replace(books.ending(delivery, DeliveryState.DELIVERED, lease=token), at=at)
    assert bool(await books.ledger.deliveries.end([ending])) is ends


async def test_delivery_that_nobody_leased_is_ended_with_any_token(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    ending = books.ending(delivery, DeliveryState.DELIVERED, lease="mine")
    assert await books.ledger.deliveries.end([ending]) == {delivery.id}


# --- what a recall stops -------------------------------------------------------------------------


async def test_ending_for_the_unopened_passes_over_what_was_opened_or_is_not_asked_back(
    books: Books,
) -> None:
    opened, unopened, declined, updated = await books.accept(PULLS, PULLS_TOO, PUSHED, PUSHED_TOO)
    await books.order(opened, unopened, declined)
    await books.order(updated, kind=ChangeKind.UPDATE)
    await books.open(opened)
    refused = BusinessStatus.CHANGE_REFUSED
    await books.say(await books.state(declined), refused, answers=ChangeState.REFUSED)
    endings = [
        books.ending(each, DeliveryState.RECALLED, only_unopened=True)
        for each in (opened, unopened, declined, updated)
    ]
    assert await books.ledger.deliveries.end(endings) == {unopened.id}
    for each in (opened, declined, updated):
        assert (await books.state(each)).state is DeliveryState.QUEUED
    assert await books.ledger.records.receipt(endings[0].receipt.id) is None


async def test_ending_for_the_unopened_closes_the_recall_and_the_life_with_the_state(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    (asked,) = await books.order(delivery)
    ending = books.ending(delivery, DeliveryState.RECALLED, at=LATER, only_unopened=True)
    await books.ledger.deliveries.end([ending])
    closed = replace(asked, state=ChangeState.UNOPENED, answered_at=LATER)
    assert await books.ledger.lives.changes(delivery.document) == [closed]
    assert (await books.state(delivery)).life == Life(ended_by=ChangeKind.RECALL)


async def test_recall_of_the_unopened_and_a_refusal_at_once_leave_one_truth(books: Books) -> None:
    for _ in range(5):
        (delivery,) = await books.accept(PULLS)
        await books.order(delivery)
        refused = BusinessStatus.CHANGE_REFUSED
        said = books.said(await books.state(delivery), refused, answers=ChangeState.REFUSED)
        ending = books.ending(delivery, DeliveryState.RECALLED, only_unopened=True)
        kept, _ = await asyncio.gather(books.ledger.lives.say([said]), books.ledger.deliveries.end([ending]))
        (change,) = await books.ledger.lives.changes(delivery.document)
        now = await books.state(delivery)
        if kept:
            assert (change.state, now.state, now.life) == (
                ChangeState.REFUSED,
                DeliveryState.QUEUED,
                Life(),
            )
        else:
            ended = (ChangeState.UNOPENED, DeliveryState.RECALLED, Life(ended_by=ChangeKind.RECALL))
            assert (change.state, now.state, now.life) == ended


# --- what is said with the end -------------------------------------------------------------------


async def test_ending_keeps_what_it_says_in_the_same_transaction(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    said = books.said(delivery, BusinessStatus.REFUSED, event=event(delivery, EventKind.STATUS))
    ending = books.ending(delivery, DeliveryState.REFUSED, said=[said])
    assert await books.ledger.deliveries.end([ending]) == {delivery.id}
    assert (await books.state(delivery)).life == Life(BusinessStatus.REFUSED)
    assert await books.ledger.lives.statuses(delivery.document) == [said.status]
    assert (await books.kinds(delivery))[-1] is EventKind.STATUS


async def test_ending_answers_the_change_of_another_delivery_too(books: Books) -> None:
    target, order = [(await books.accept(PULLS))[0] for _ in range(2)]
    await books.order(target, kind=ChangeKind.UPDATE)
    declines = books.said(
        await books.state(target), BusinessStatus.CHANGE_REFUSED, answers=ChangeState.REFUSED
    )
    said = [declines, books.said(order, BusinessStatus.REFUSED)]
    await books.ledger.deliveries.end([books.ending(order, DeliveryState.REFUSED, said=said)])
    assert [(await books.state(each)).life for each in (target, order)] == [
        Life(),
        Life(BusinessStatus.REFUSED),
    ]
    (change,) = await books.ledger.lives.changes(target.document)
    assert change.state is ChangeState.REFUSED


async def test_ending_is_passed_over_when_one_of_the_lives_it_speaks_of_has_moved(books: Books) -> None:
    (moved,) = await books.accept(PULLS)
    deliveries = [(await books.accept(PULLS))[0] for _ in range(2)]
    await books.say(moved, BusinessStatus.RECEIVED)
    stale = books.said(moved, BusinessStatus.REFUSED)
    endings = [
        books.ending(each, DeliveryState.REFUSED, said=[*also, books.said(each, BusinessStatus.REFUSED)])
        for each, also in zip(deliveries, ([stale], []), strict=True)
    ]
    assert await books.ledger.deliveries.end(endings) == {deliveries[1].id}
    assert (await books.state(deliveries[0])) == deliveries[0]
    assert await books.ledger.lives.statuses(deliveries[0].document) == []
    assert await books.ledger.records.receipt(endings[0].receipt.id) is None


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.REFUSED])
async def test_who_acknowledges_has_opened(books: Books, state: DeliveryState) -> None:
    unread, read = await books.accept(PULLS, PULLS_TOO)
    await books.open(read, at=NOW)
    await books.ledger.deliveries.end([books.ending(each, state, at=LATER) for each in (unread, read)])
    assert [(await books.state(each)).opened_at for each in (unread, read)] == [LATER, NOW]


@pytest.mark.parametrize("state", [DeliveryState.EXPIRED, DeliveryState.RECALLED])
async def test_delivery_that_nobody_acknowledged_stays_unopened(books: Books, state: DeliveryState) -> None:
    (delivery,) = await books.accept(PULLS)
    await books.ledger.deliveries.end([books.ending(delivery, state)])
    assert (await books.state(delivery)).opened_at is None


@pytest.mark.parametrize("state", [state for state in DeliveryState if state.is_final])
@pytest.mark.parametrize("kind", ChangeKind)
async def test_delivery_whose_recall_was_accepted_can_not_be_acknowledged(
    books: Books, state: DeliveryState, kind: ChangeKind
) -> None:
    (delivery,) = await books.accept(PULLS)
    await books.order(delivery, kind=kind)
    agreed = BusinessStatus.CHANGE_ACCEPTED
    await books.say(await books.state(delivery), agreed, answers=ChangeState.ACCEPTED)
    acknowledges = state in (DeliveryState.DELIVERED, DeliveryState.REFUSED)
    ended = await books.ledger.deliveries.end([books.ending(delivery, state)])
    assert bool(ended) is not (acknowledges and kind is ChangeKind.RECALL)


# --- expiry --------------------------------------------------------------------------------------


async def test_open_deliveries_expire_oldest_first_with_all_a_receipt_needs(books: Books) -> None:
    (younger,) = await books.accept(PULLS, at=LATER)
    older, parked, ended = await books.accept(PULLS, PUSHED, PULLS_TOO)
    await books.ledger.deliveries.end([books.ending(ended, DeliveryState.DELIVERED)])
    parked = await books.park(parked)
    claims = await books.ledger.deliveries.expired(now=younger.expires_at, limit=9)
    assert [claim.delivery for claim in claims] == [older, parked, younger]
    assert claims[0].document == await books.ledger.records.document(older.document)
    assert claims[0].recipient.code == PULLS


async def test_expired_keeps_to_its_moment_and_limit(books: Books) -> None:
    first, _ = await books.accept(PULLS, PULLS_TOO)
    just_before = first.expires_at - timedelta(microseconds=1)
    assert await books.ledger.deliveries.expired(now=just_before, limit=9) == []
    assert len(await books.ledger.deliveries.expired(now=first.expires_at, limit=1)) == 1
