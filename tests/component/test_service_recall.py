"""Taking a document back from everybody who has not taken it yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.domain.errors import IllegalTransition, NotFound
from gateway.domain.model import AgencyCode, DocumentId
from gateway.domain.states import DeliveryState
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


async def test_open_deliveries_are_taken_back_and_answered_ones_are_too_late(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent(to=[RECIPIENT, OTHER_RECIPIENT, PUSHED_RECIPIENT])
    first, *others = accepted.deliveries
    await acknowledge(x, first.id, by=RECIPIENT, state=DELIVERED)
    recalled = await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    assert (set(recalled.receipts), recalled.too_late) == ({each.id for each in others}, (first.id,))
    assert await clerk.states(accepted.document) == [DELIVERED, RECALLED, RECALLED]
    assert {statement(receipt)["reason"] for receipt in recalled.receipts.values()} == {REASON}


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


async def test_second_recall_finds_nothing_left_to_take_back(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent()
    await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    again = await recall(x, accepted.document.id, by=SENDER, reason=REASON)
    assert (again.receipts, again.too_late) == ({}, (accepted.deliveries[0].id,))
    assert clerk.world.meter.counts["ended recalled"] == 1


async def test_recall_and_acceptance_at_once_end_the_delivery_once(clerk: Clerk) -> None:
    x = clerk.world.exchange
    accepted = await clerk.sent()
    delivery = accepted.deliveries[0].id
    await asyncio.gather(
        recall(x, accepted.document.id, by=SENDER, reason=REASON),
        acknowledge(x, delivery, by=RECIPIENT, state=DELIVERED),
        return_exceptions=True,
    )
    assert len(await clerk.history(accepted.document, delivery)) == 1
    assert clerk.world.rows("receipts") == 2


@pytest.mark.parametrize("by", [RECIPIENT, OTHER_RECIPIENT])
async def test_nobody_but_the_sender_can_recall(clerk: Clerk, by: AgencyCode) -> None:
    accepted = await clerk.sent()
    with pytest.raises(NotFound):
        await recall(clerk.world.exchange, accepted.document.id, by=by, reason=REASON)
    with pytest.raises(NotFound):
        await recall(clerk.world.exchange, DocumentId("none"), by=SENDER, reason=REASON)
    assert await clerk.states(accepted.document) == [DeliveryState.QUEUED]
