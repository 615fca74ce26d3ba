"""The recipient's answer: leases, acceptance and refusal, each with one signed receipt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.errors import (
    IllegalTransition,
    LeaseLost,
    MalformedRequest,
    NotFound,
    SigningUnavailable,
)
from gateway.domain.model import AgencyCode, Delivery, DeliveryId, Receipt
from gateway.domain.states import DeliveryState
from gateway.service.acknowledge import acknowledge
from gateway.service.lease import Lease, lease
from tests.support.exchange import OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT, RULES, SENDER, open_world
from tests.support.paperwork import Clerk, statement

DELIVERED, REFUSED = DeliveryState.DELIVERED, DeliveryState.REFUSED
INSTANT = timedelta(microseconds=1)


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


@pytest.fixture
async def delivery(clerk: Clerk) -> Delivery:
    accepted = await clerk.sent()
    await clerk.world.work()
    return accepted.deliveries[0]


async def accept(
    clerk: Clerk, delivery: Delivery, *, by: AgencyCode = RECIPIENT, token: str | None = None
) -> Receipt:
    return await acknowledge(clerk.world.exchange, delivery.id, by=by, state=DELIVERED, lease=token)


async def refuse(clerk: Clerk, delivery: Delivery, reason: str | None = "không thuộc thẩm quyền") -> Receipt:
    return await acknowledge(clerk.world.exchange, delivery.id, by=RECIPIENT, state=REFUSED, reason=reason)


async def take(clerk: Clerk, delivery: Delivery, *, token: str | None = None) -> Lease:
    return await lease(clerk.world.exchange, delivery.id, by=RECIPIENT, token=token)


# --- accepting and refusing --------------------------------------------------------------------------


async def test_acceptance_ends_the_delivery_with_a_signed_receipt_and_an_event(
    clerk: Clerk, delivery: Delivery
) -> None:
    clerk.world.clock += timedelta(hours=1)
    receipt = await accept(clerk, delivery)
    now = await clerk.delivery(delivery)
    assert (now.state, now.receipt, now.ended_at) == (DELIVERED, receipt.id, clerk.world.clock())
    assert now.due_at is None
    assert await clerk.world.exchange.records.receipt(receipt.id) == receipt
    assert (statement(receipt)["kind"], statement(receipt)["delivery"]) == ("delivered", delivery.id)
    assert statement(receipt)["at"] == "2026-11-21T02:02:03.000Z"
    assert await clerk.history(clerk.accepted[0].document) == ["accepted", "delivered", "status"]
    assert clerk.world.meter.counts["ended delivered"] == 1


async def test_refusal_carries_its_reason_to_the_receipt_and_the_sender(
    clerk: Clerk, delivery: Delivery
) -> None:
    receipt = await refuse(clerk, delivery)
    now = await clerk.delivery(delivery)
    assert (now.state, now.reason) == (REFUSED, "không thuộc thẩm quyền")
    assert statement(receipt)["reason"] == "không thuộc thẩm quyền"


@pytest.mark.parametrize("reason", [None, "", " \n"])
async def test_refusal_without_a_reason_changes_nothing(
    clerk: Clerk, delivery: Delivery, reason: str | None
) -> None:
    with pytest.raises(MalformedRequest):
        await refuse(clerk, delivery, reason)
    assert (await clerk.delivery(delivery)).state is DeliveryState.OFFERED


async def test_agency_that_pulls_may_accept_before_anything_was_handed_over(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    await accept(clerk, accepted.deliveries[0])
    await clerk.world.work()
    assert await clerk.states(accepted.document) == [DELIVERED]


async def test_agency_with_a_webhook_may_accept_too(clerk: Clerk) -> None:
    accepted = await clerk.sent(to=[PUSHED_RECIPIENT])
    await accept(clerk, accepted.deliveries[0], by=PUSHED_RECIPIENT)
    assert await clerk.states(accepted.document) == [DELIVERED]


# --- the same answer again, and another one ------------------------------------------------------------


async def test_same_answer_again_gets_the_same_receipt(clerk: Clerk, delivery: Delivery) -> None:
    first = await accept(clerk, delivery)
    clerk.world.clock += timedelta(days=1)
    assert await accept(clerk, delivery) == first
    assert clerk.world.meter.counts["ended delivered"] == 1


async def test_many_answers_at_once_make_one_receipt(clerk: Clerk, delivery: Delivery) -> None:
    receipts = await asyncio.gather(*(accept(clerk, delivery) for _ in range(8)))
    assert len({receipt.id for receipt in receipts}) == 1
    assert clerk.world.rows("receipts") == 2  # the acceptance of the document, and this one
    assert await clerk.history(clerk.accepted[0].document) == ["accepted", "delivered", "status"]


async def test_other_answer_afterwards_is_refused(clerk: Clerk, delivery: Delivery) -> None:
    await accept(clerk, delivery)
    with pytest.raises(IllegalTransition):
        await refuse(clerk, delivery)
    assert (await clerk.delivery(delivery)).state is DELIVERED


async def test_acceptance_and_refusal_at_once_end_it_one_way(clerk: Clerk, delivery: Delivery) -> None:
    outcomes = await asyncio.gather(accept(clerk, delivery), refuse(clerk, delivery), return_exceptions=True)
    (loser,) = [each for each in outcomes if isinstance(each, BaseException)]
    assert isinstance(loser, IllegalTransition)
    assert clerk.world.rows("receipts") == 2


@pytest.mark.parametrize("by", [SENDER, OTHER_RECIPIENT])
async def test_delivery_of_somebody_else_does_not_exist(
    clerk: Clerk, delivery: Delivery, by: AgencyCode
) -> None:
    with pytest.raises(NotFound):
        await accept(clerk, delivery, by=by)
    with pytest.raises(NotFound):
        await lease(clerk.world.exchange, delivery.id, by=by)
    with pytest.raises(NotFound):
        await acknowledge(clerk.world.exchange, DeliveryId("none"), by=by, state=DELIVERED)


async def test_without_the_receipt_key_nothing_ends(clerk: Clerk, delivery: Delivery) -> None:
    clerk.world.signer.failure = SigningUnavailable()
    with pytest.raises(SigningUnavailable):
        await accept(clerk, delivery)
    assert (await clerk.delivery(delivery)).state is DeliveryState.OFFERED
    clerk.world.signer.failure = None
    assert (await accept(clerk, delivery)).kind.value == "delivered"


# --- leases ------------------------------------------------------------------------------------------


async def test_lease_hides_the_delivery_until_it_runs_out(clerk: Clerk, delivery: Delivery) -> None:
    inbox = clerk.world.exchange.inbox
    taken = await take(clerk, delivery)
    assert taken.until == clerk.world.clock() + RULES.inbox_lease
    assert await inbox.waiting([RECIPIENT], after=None, limit=10, now=taken.until - INSTANT) == []
    (item,) = await inbox.waiting([RECIPIENT], after=None, limit=10, now=taken.until)
    assert item.delivery.id == delivery.id
    assert await clerk.history(clerk.accepted[0].document, delivery.id) == ["claimed"]


async def test_lease_of_a_colleague_stands_until_it_runs_out(clerk: Clerk, delivery: Delivery) -> None:
    taken = await take(clerk, delivery)
    with pytest.raises(LeaseLost):
        await take(clerk, delivery)
    with pytest.raises(LeaseLost):
        await accept(clerk, delivery, token="another")
    clerk.world.clock.now = taken.until
    assert (await take(clerk, delivery)).token != taken.token


async def test_answer_without_a_lease_does_not_go_past_a_colleague(clerk: Clerk, delivery: Delivery) -> None:
    taken = await take(clerk, delivery)
    with pytest.raises(LeaseLost):
        await accept(clerk, delivery)
    with pytest.raises(LeaseLost):
        await refuse(clerk, delivery)
    assert clerk.world.rows("receipts") == 1
    clerk.world.clock.now = taken.until
    assert (await accept(clerk, delivery)).kind.value == "delivered"


async def test_holder_renews_its_lease_and_answers_with_it(clerk: Clerk, delivery: Delivery) -> None:
    taken = await take(clerk, delivery)
    clerk.world.clock += timedelta(minutes=4)
    renewed = await take(clerk, delivery, token=taken.token)
    assert (renewed.token, renewed.until) == (taken.token, taken.until + timedelta(minutes=4))
    assert (await accept(clerk, delivery, token=taken.token)).kind.value == "delivered"


async def test_of_many_that_lease_at_once_one_gets_it(clerk: Clerk, delivery: Delivery) -> None:
    outcomes = await asyncio.gather(*(take(clerk, delivery) for _ in range(6)), return_exceptions=True)
    assert [isinstance(each, Lease) for each in outcomes].count(True) == 1


async def test_what_has_ended_cannot_be_leased(clerk: Clerk, delivery: Delivery) -> None:
    await accept(clerk, delivery)
    with pytest.raises(IllegalTransition):
        await take(clerk, delivery)
