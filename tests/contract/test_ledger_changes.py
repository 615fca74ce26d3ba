"""The ports `Lives` and `Submissions`: orders and the changes they ask for, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.domain.envelope import DocumentKind
from gateway.domain.model import AgencyCode, Change, ChangeId, Delivery, DeliveryId, DocumentId, EventKind
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState, Life
from tests.support.exchange_samples import NOW, change
from tests.support.ledgers import PULLS, PULLS_TOO, PUSHED, Books

LATER = NOW + timedelta(hours=1)


async def changes(books: Books, document: DocumentId) -> list[Change]:
    return await books.ledger.lives.changes(document)


async def unfinished(books: Books) -> list[DeliveryId]:
    return [each.delivery for each in await books.ledger.lives.unopened_recalls(limit=9)]


# --- orders --------------------------------------------------------------------------------------


async def test_order_opens_a_change_at_each_recipient_and_moves_their_lives(books: Books) -> None:
    deliveries = await books.accept(PUSHED, PULLS)
    asked = await books.order(*deliveries, kind=ChangeKind.REPLACE)
    by_recipient = sorted(asked, key=lambda each: each.recipient)
    assert await changes(books, deliveries[0].document) == by_recipient
    for one in by_recipient:
        assert await books.ledger.lives.changes(one.document, recipient=one.recipient) == [one]
    for each in deliveries:
        assert (await books.state(each)).life == Life(asked=ChangeKind.REPLACE)
        assert await books.kinds(each) == [EventKind.CHANGE_ASKED]


async def test_order_leaves_out_a_target_that_can_not_be_asked_by_then(books: Books) -> None:
    refused, expired, still = await books.accept(PULLS, PULLS_TOO, PUSHED)
    orders = [books.ordered(each, ChangeKind.UPDATE) for each in (refused, expired, still)]
    await books.say(refused, BusinessStatus.REFUSED)
    await books.ledger.deliveries.end([books.ending(expired, DeliveryState.EXPIRED)])
    await books.commit(PULLS, PULLS_TOO, orders=orders)
    assert await changes(books, still.document) == [orders[2].change]
    assert (await books.state(refused)).life == Life(progress=BusinessStatus.REFUSED)
    assert (await books.state(expired)).life == Life()
    assert await books.kinds(refused) == []


async def test_order_is_heard_by_a_target_that_moved_on_and_can_still_be_asked(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    order = books.ordered(delivery)
    await books.say(delivery, BusinessStatus.ARRIVED)
    await books.commit(PULLS, orders=[order])
    assert await changes(books, delivery.document) == [order.change]
    assert (await books.state(delivery)).life == Life(BusinessStatus.ARRIVED, asked=ChangeKind.RECALL)


@pytest.mark.parametrize("waiting", [ChangeKind.UPDATE, ChangeKind.REPLACE])
@pytest.mark.parametrize("by_order", [True, False])
async def test_recall_withdraws_the_change_that_waits(
    books: Books, waiting: ChangeKind, by_order: bool
) -> None:
    asked, other = await books.accept(PULLS, PULLS_TOO)
    (first, elsewhere) = await books.order(asked, other, kind=waiting)
    if by_order:
        (recall,) = await books.order(asked, asked_at=LATER)
    else:
        recall = change(asked, id=ChangeId(next(books.ids)), asked_at=LATER)
        await books.say(await books.state(asked), BusinessStatus.RECALL_ASKED, asks=recall)
    withdrawn = replace(first, state=ChangeState.WITHDRAWN, answered_at=LATER)
    assert await changes(books, asked.document) == [withdrawn, elsewhere, recall]
    assert (await books.state(asked)).life == Life(asked=ChangeKind.RECALL)
    assert (await books.state(other)).life == Life(asked=waiting)


async def test_order_that_names_a_delivery_twice_asks_once(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    orders = [books.ordered(delivery) for _ in range(2)]
    await books.commit(PULLS, orders=orders)
    assert await changes(books, delivery.document) == [orders[0].change]


async def test_order_that_lost_its_key_asks_for_nothing(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    await books.commit(PULLS, key="k")
    await books.commit(PULLS, key="k", orders=[books.ordered(delivery)])
    assert await changes(books, delivery.document) == []
    assert (await books.state(delivery)).life == Life()


async def test_of_many_orders_at_once_one_waits_at_each_recipient_and_all_are_kept(books: Books) -> None:
    deliveries = await books.accept(PULLS, PULLS_TOO)
    sets = [[books.ordered(each, kind) for each in deliveries] for kind in ChangeKind for _ in range(2)]
    kept = await asyncio.gather(*(books.commit(PULLS, orders=each) for each in sets))
    assert all([await books.ledger.records.document(answer.document) for answer, _ in kept])
    asked = await changes(books, deliveries[0].document)
    waiting = [(each.recipient, each.kind) for each in asked if each.state is ChangeState.ASKED]
    assert waiting == [(PULLS, ChangeKind.RECALL), (PULLS_TOO, ChangeKind.RECALL)]


async def test_change_proves_what_had_been_opened_when_it_was_kept(books: Books) -> None:
    """What the asker saw before may be out of date: the row itself is asked, under its lock."""
    opened, unopened = await books.accept(PULLS, PULLS_TOO)
    orders = [books.ordered(each) for each in (opened, unopened)]
    assert await books.open(opened, at=LATER)
    await books.commit(PULLS, orders=orders)
    assert [each.opened_at for each in await changes(books, opened.document)] == [LATER, None]


# --- answers that are owed -----------------------------------------------------------------------


async def test_unanswered_changes_are_those_due_before_longest_due_first(books: Books) -> None:
    first, second, third, answered = [(await books.accept(PULLS))[0] for _ in range(4)]
    (elsewhere,) = await books.accept(PULLS_TOO)
    due = {first: 3, second: 1, third: 9, answered: 1, elsewhere: 2}
    for each, hours in due.items():
        await books.order(each, answer_by=NOW + timedelta(hours=hours))
    await books.say(await books.state(answered), BusinessStatus.CHANGE_REFUSED, answers=ChangeState.REFUSED)

    async def unanswered(*agencies: AgencyCode, before: datetime) -> list[DeliveryId]:
        found = await books.ledger.lives.unanswered(agencies or None, before=before)
        return [each.delivery for each in found]

    soon = NOW + timedelta(hours=4)
    assert await unanswered(before=soon) == [second.id, elsewhere.id, first.id]
    assert await unanswered(PULLS, before=soon) == [second.id, first.id]
    assert await unanswered(PULLS_TOO, PUSHED, before=soon) == [elsewhere.id]
    assert await unanswered(PULLS, before=NOW + timedelta(hours=1)) == []


# --- recalls that a crash has left unfinished ----------------------------------------------------


async def test_recall_of_an_unopened_delivery_is_unfinished_until_it_has_ended(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    (asked,) = await books.order(delivery)
    assert await books.ledger.lives.unopened_recalls(limit=9) == [asked]
    ending = books.ending(delivery, DeliveryState.RECALLED, at=LATER, only_unopened=True)
    await books.ledger.deliveries.end([ending])
    assert await unfinished(books) == []
    closed = replace(asked, state=ChangeState.UNOPENED, answered_at=LATER)
    assert await changes(books, delivery.document) == [closed]
    assert (await books.state(delivery)).life == Life(ended_by=ChangeKind.RECALL)


async def test_recall_of_an_expired_delivery_is_unfinished_until_it_is_closed(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    (asked,) = await books.order(delivery)
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.EXPIRED)])
    assert await unfinished(books) == [delivery.id]
    await books.ledger.lives.close_unopened([asked.id], at=LATER)
    assert await unfinished(books) == []
    closed = replace(asked, state=ChangeState.UNOPENED, answered_at=LATER)
    assert await changes(books, delivery.document) == [closed]
    assert (await books.state(delivery)).life == Life(ended_by=ChangeKind.RECALL)


async def test_accepted_recall_is_unfinished_while_its_delivery_is_open(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    await books.open(delivery)
    await books.order(delivery)
    assert await unfinished(books) == []
    agreed = BusinessStatus.CHANGE_ACCEPTED
    delivery = await books.say(await books.state(delivery), agreed, answers=ChangeState.ACCEPTED)
    assert await unfinished(books) == [delivery.id]
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.RECALLED)])
    assert await unfinished(books) == []


async def test_nothing_else_is_an_unfinished_recall(books: Books) -> None:
    opened, delivered, updated, replaced, limited, limited_too = [
        (await books.accept(PULLS))[0] for _ in range(6)
    ]
    await books.open(opened)
    await books.ledger.deliveries.end([books.ending(delivered, DeliveryState.DELIVERED)])
    await books.order(opened)
    await books.order(delivered)
    await books.order(updated, kind=ChangeKind.UPDATE)
    await books.order(replaced, kind=ChangeKind.REPLACE)
    agreed = BusinessStatus.CHANGE_ACCEPTED
    await books.say(await books.state(replaced), agreed, answers=ChangeState.ACCEPTED)
    assert await unfinished(books) == []
    await books.order(limited)
    await books.order(limited_too)
    found = await books.ledger.lives.unopened_recalls(limit=1)
    assert [each.delivery for each in found] == [limited.id]


async def test_change_that_was_answered_is_not_closed_as_unopened(books: Books) -> None:
    answered, asked = await books.accept(PULLS, PULLS_TOO)
    orders = await books.order(answered, asked)
    declined = BusinessStatus.CHANGE_REFUSED
    await books.say(await books.state(answered), declined, answers=ChangeState.REFUSED)
    await books.ledger.lives.close_unopened([each.id for each in orders], at=LATER)
    states = [each.state for each in await changes(books, asked.document)]
    assert states == [ChangeState.REFUSED, ChangeState.UNOPENED]
    assert (await books.state(answered)).life == Life()


async def test_answer_and_closing_at_once_leave_one_end(books: Books) -> None:
    for _ in range(5):
        (delivery,) = await books.accept(PULLS)
        (asked,) = await books.order(delivery)
        said = books.said(
            await books.state(delivery), BusinessStatus.CHANGE_REFUSED, answers=ChangeState.REFUSED
        )
        kept, _ = await asyncio.gather(
            books.ledger.lives.say([said]), books.ledger.lives.close_unopened([asked.id], at=LATER)
        )
        (change,) = await changes(books, delivery.document)
        refused, closed = (ChangeState.REFUSED, None), (ChangeState.UNOPENED, ChangeKind.RECALL)
        life = (await books.state(delivery)).life
        assert (change.state, life.ended_by) == (refused if kept else closed)


# --- orders that are withdrawn -------------------------------------------------------------------


async def order_about(books: Books, target: Delivery, kind: ChangeKind) -> tuple[Change, Delivery]:
    """Keep an order about a delivery; return the change it asks for and its own delivery."""
    order = DocumentId(next(books.ids))
    asked = books.ordered(target, kind, order=order)
    _, (delivery,) = await books.commit(
        target.recipient, document=order, orders=[asked], kind=DocumentKind(kind.value)
    )
    return asked.change, delivery


@pytest.mark.parametrize("state", [DeliveryState.EXPIRED, DeliveryState.RECALLED])
@pytest.mark.parametrize("kind", ChangeKind)
async def test_end_of_an_order_that_nobody_took_withdraws_what_it_asked_for(
    books: Books, state: DeliveryState, kind: ChangeKind
) -> None:
    target, other = await books.accept(PULLS, PULLS_TOO)
    asked, delivery = await order_about(books, target, kind)
    elsewhere, _ = await order_about(books, other, kind)
    await books.ledger.deliveries.end([books.ending(delivery, state, at=LATER, withdraws=True)])
    withdrawn = replace(asked, state=ChangeState.WITHDRAWN, answered_at=LATER)
    assert await changes(books, target.document) == [withdrawn, elsewhere]
    assert (await books.state(target)).life == Life()
    assert (await books.state(other)).life == Life(asked=kind)


async def test_change_that_was_answered_is_not_withdrawn_with_its_order(books: Books) -> None:
    (target,) = await books.accept(PULLS)
    _, delivery = await order_about(books, target, ChangeKind.REPLACE)
    agreed = BusinessStatus.CHANGE_ACCEPTED
    await books.say(await books.state(target), agreed, answers=ChangeState.ACCEPTED)
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.EXPIRED, withdraws=True)])
    assert [each.state for each in await changes(books, target.document)] == [ChangeState.ACCEPTED]
    assert (await books.state(target)).life == Life(ended_by=ChangeKind.REPLACE)


async def test_order_that_cannot_be_ended_withdraws_nothing(books: Books) -> None:
    (target,) = await books.accept(PULLS)
    asked, delivery = await order_about(books, target, ChangeKind.UPDATE)
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.DELIVERED)])
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.EXPIRED, withdraws=True)])
    assert await changes(books, target.document) == [asked]


async def test_order_that_is_given_back_withdraws_what_it_asked_for_although_it_was_taken(
    books: Books,
) -> None:
    (target,) = await books.accept(PULLS)
    _, delivery = await order_about(books, target, ChangeKind.UPDATE)
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.DELIVERED)])
    await books.order(delivery)
    agreed = BusinessStatus.CHANGE_ACCEPTED
    await books.say(await books.state(delivery), agreed, answers=ChangeState.ACCEPTED)
    assert [each.state for each in await changes(books, target.document)] == [ChangeState.WITHDRAWN]
    assert (await books.state(target)).life == Life()


async def test_answer_to_an_order_and_its_end_at_once_leave_one_end(books: Books) -> None:
    for _ in range(5):
        (target,) = await books.accept(PULLS)
        _, delivery = await order_about(books, target, ChangeKind.UPDATE)
        said = books.said(
            await books.state(target), BusinessStatus.CHANGE_REFUSED, answers=ChangeState.REFUSED
        )
        ending = books.ending(delivery, DeliveryState.EXPIRED, withdraws=True)
        kept, _ = await asyncio.gather(books.ledger.lives.say([said]), books.ledger.deliveries.end([ending]))
        (change_now,) = await changes(books, target.document)
        assert change_now.state is (ChangeState.REFUSED if kept else ChangeState.WITHDRAWN)
        assert (await books.state(target)).life == Life()
