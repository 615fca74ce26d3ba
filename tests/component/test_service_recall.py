"""Taking a document back: at once where it was not opened, elsewhere it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.errors import IllegalTransition, NotFound
from gateway.domain.model import AgencyCode, DocumentId
from gateway.domain.states import BusinessStatus, ChangeKind, DeliveryState, Life
from gateway.service.acknowledge import acknowledge
from gateway.service.lease import lease
from gateway.service.recall import recall
from tests.support.exchange import OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT, SENDER, open_world
from tests.support.paperwork import Clerk, statement

DELIVERED, RECALLED = DeliveryState.DELIVERED, DeliveryState.RECALLED
REASON = "sai số văn bản"


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


async def test_recalled_circular_shows_who_had_opened_it(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent(to=[RECIPIENT, OTHER_RECIPIENT, PUSHED_RECIPIENT])
    taken, opened, unopened = accepted.deliveries
    await clerk.open(opened)
    await acknowledge(x, taken.id, by=RECIPIENT, state=DELIVERED)
    opened_at = clerk.world.clock()
    clerk.world.clock += timedelta(hours=1)
    recalled = await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    (back,) = recalled.taken_back
    assert (back.id, recalled.too_late) == (unopened.id, ())
    assert [(each.delivery, each.opened_at) for each in recalled.asked] == [
        (taken.id, opened_at),
        (opened.id, opened_at),
    ]
    assert await clerk.states(accepted.document) == [DELIVERED, DeliveryState.QUEUED, RECALLED]
    assert back.receipt is not None
    receipt = await x.records.receipt(back.receipt)
    assert receipt is not None
    stated = statement(receipt)
    assert (stated["reason"], stated["opened_at"]) == (REASON, None)


async def test_what_was_refused_is_too_late_to_recall(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent()
    delivery = accepted.deliveries[0]
    await acknowledge(x, delivery.id, by=RECIPIENT, state=DeliveryState.REFUSED, reason="nhầm nơi")
    recalled = await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    assert (recalled.taken_back, recalled.asked) == ((), ())
    assert [each.id for each in recalled.too_late] == [delivery.id]


async def test_recall_again_tells_who_still_has_to_answer(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent()
    await clerk.open(accepted.deliveries[0])
    first = await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    assert await recall(x, accepted.document.id, by=SENDER, reason=REASON) == first
    assert clerk.world.rows("statuses") == 1


async def test_status_that_crosses_the_recall_does_not_save_anybody_from_it(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    await clerk.open(accepted.deliveries[0])
    await asyncio.gather(
        recall(clerk.world.exchange, accepted.document.id, by=SENDER, reason=REASON),
        clerk.say(BusinessStatus.ARRIVED, accepted.document),
    )
    now = await clerk.life(accepted.deliveries[0])
    assert now == Life(BusinessStatus.ARRIVED, asked=ChangeKind.RECALL)


async def test_recalled_delivery_is_handed_over_to_nobody(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent(to=[PUSHED_RECIPIENT])
    await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    await clerk.world.work()
    assert clerk.world.webhook.taken == []
    with pytest.raises(IllegalTransition):
        await acknowledge(x, accepted.deliveries[0].id, by=PUSHED_RECIPIENT, state=DELIVERED)


async def test_sender_may_take_back_what_a_clerk_holds_open(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent()
    await lease(x, accepted.deliveries[0].id, by=RECIPIENT)
    recalled = await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    assert recalled.too_late == ()


async def test_recall_sent_again_tells_the_same_and_takes_nothing_back_twice(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent(to=[RECIPIENT, OTHER_RECIPIENT])
    first = await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    assert [each.state for each in first.taken_back] == [RECALLED, RECALLED]
    assert await recall(x, accepted.document.id, by=SENDER, reason=REASON) == first
    assert clerk.world.meter.counts["ended recalled"] == 2


async def test_recall_is_granted_though_no_receipt_can_be_signed_now(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent()
    asked = await clerk.without_receipts(recall(x, accepted.document.id, by=SENDER, reason=REASON))
    assert (asked.taken_back, [each.opened_at for each in asked.asked], asked.too_late) == ((), [None], ())
    await clerk.finish_recalls()
    again = await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    assert [(each.state, each.receipt is None) for each in again.taken_back] == [(RECALLED, False)]
    assert (again.asked, again.too_late) == ((), ())


async def test_what_its_recipient_has_given_back_is_told_as_taken_back(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent()
    await acknowledge(x, accepted.deliveries[0].id, by=RECIPIENT, state=DELIVERED)
    await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    await clerk.say(BusinessStatus.CHANGE_ACCEPTED, accepted.document)
    again = await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    assert [(each.state, each.life.ended_by) for each in again.taken_back] == [(DELIVERED, ChangeKind.RECALL)]


async def test_recall_and_acceptance_at_once_end_the_delivery_once(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent()
    delivery = accepted.deliveries[0].id
    await asyncio.gather(
        recall(x, accepted.document.id, by=SENDER, reason=REASON),
        acknowledge(x, delivery, by=RECIPIENT, state=DELIVERED),
        return_exceptions=True,
    )
    history = await clerk.history(accepted.document, delivery)
    assert len({"delivered", "recalled"} & set(history)) == 1
    assert clerk.world.rows("receipts") == 2


@pytest.mark.parametrize("by", [RECIPIENT, OTHER_RECIPIENT])
async def test_nobody_but_the_sender_can_recall(clerk: Clerk, by: AgencyCode) -> None:
    accepted = await clerk.sent()
    with pytest.raises(NotFound):
        await recall(clerk.world.exchange, accepted.document.id, by=by, reason=REASON)
    with pytest.raises(NotFound):
        await recall(clerk.world.exchange, DocumentId("none"), by=SENDER, reason=REASON)
    assert await clerk.states(accepted.document) == [DeliveryState.QUEUED]
