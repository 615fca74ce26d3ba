"""Opening, taking, and giving back: what a recipient's system does before anybody reads the document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.errors import IllegalTransition, LeaseLost, NotAllowed, NotFound
from gateway.domain.model import AgencyCode, Delivery, DeliveryId
from gateway.domain.states import BusinessStatus, ChangeKind, DeliveryState, Life
from gateway.service.acknowledge import acknowledge
from gateway.service.give_back import give_back
from gateway.service.lease import lease
from gateway.service.open_delivery import open_delivery
from gateway.service.recall import recall
from gateway.service.take import take
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, RULES, SENDER, open_world
from tests.support.paperwork import REASON, Clerk

B, S = BusinessStatus, DeliveryState
HOUR = timedelta(hours=1)


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


@pytest.fixture
async def delivery(clerk: Clerk) -> Delivery:
    accepted = await clerk.sent()
    await clerk.world.work()
    return accepted.deliveries[0]


async def fail(clerk: Clerk, delivery: Delivery, *, by: AgencyCode = RECIPIENT) -> DeliveryState:
    return await give_back(clerk.world.exchange, delivery.id, by=by, reason="hệ thống lỗi")


# --- opening ------------------------------------------------------------------------------------------


async def test_first_opening_is_recorded_and_later_ones_are_not(clerk: Clerk, delivery: Delivery) -> None:
    opened_at = clerk.world.clock()
    await clerk.open(delivery)
    clerk.world.clock += HOUR
    await clerk.open(delivery)
    assert (await clerk.delivery(delivery)).opened_at == opened_at
    assert await clerk.history(clerk.accepted[0].document, delivery.id) == ["opened"]


async def test_nobody_else_opens_a_delivery(clerk: Clerk, delivery: Delivery) -> None:
    for stranger in (SENDER, OTHER_RECIPIENT):
        with pytest.raises(NotFound):
            await open_delivery(clerk.world.exchange, delivery.id, by=stranger)
    with pytest.raises(NotFound):
        await open_delivery(clerk.world.exchange, DeliveryId("none"), by=RECIPIENT)
    assert (await clerk.delivery(delivery)).opened_at is None


async def test_what_was_taken_back_cannot_be_opened(clerk: Clerk, delivery: Delivery) -> None:
    await recall(clerk.world.exchange, delivery.document, by=SENDER, reason=REASON)
    with pytest.raises(NotAllowed):
        await clerk.open(delivery)
    assert (await clerk.delivery(delivery)).opened_at is None


async def test_what_was_given_back_cannot_be_opened_again(clerk: Clerk, delivery: Delivery) -> None:
    document = clerk.accepted[0].document
    await take(clerk.world.exchange, delivery.id, by=RECIPIENT)
    await clerk.say(B.RECALL_ASKED, document, by=SENDER)
    await clerk.open(delivery)
    await clerk.say(B.CHANGE_ACCEPTED, document)
    with pytest.raises(NotAllowed):
        await clerk.open(delivery)


async def test_what_has_expired_cannot_be_opened(clerk: Clerk, delivery: Delivery) -> None:
    await clerk.expire()
    with pytest.raises(NotAllowed):
        await clerk.open(delivery)


# --- acknowledging ------------------------------------------------------------------------------------


async def test_acceptance_tells_the_sender_that_the_document_has_arrived(
    clerk: Clerk, delivery: Delivery
) -> None:
    document = clerk.accepted[0].document
    for _ in range(2):
        await acknowledge(clerk.world.exchange, delivery.id, by=RECIPIENT, state=S.DELIVERED)
    assert await clerk.said(document) == ["01"]
    (line,) = await clerk.world.exchange.lives.statuses(document.id)
    assert (line.author, line.addressee) == (RECIPIENT, SENDER)


async def test_acceptance_adds_nothing_to_what_the_recipient_has_said(
    clerk: Clerk, delivery: Delivery
) -> None:
    document = clerk.accepted[0].document
    await clerk.say(B.RECEIVED, document)
    await acknowledge(clerk.world.exchange, delivery.id, by=RECIPIENT, state=S.DELIVERED)
    assert await clerk.said(document) == ["03"]


async def test_refusal_is_also_said_of_the_document(clerk: Clerk, delivery: Delivery) -> None:
    document = clerk.accepted[0].document
    for _ in range(2):
        await acknowledge(clerk.world.exchange, delivery.id, by=RECIPIENT, state=S.REFUSED, reason=REASON)
    (line,) = await clerk.world.exchange.lives.statuses(document.id)
    assert (line.status, line.description) == (B.REFUSED, REASON)
    assert await clerk.life(delivery) == Life(B.REFUSED)


async def test_what_was_received_cannot_be_refused_any_more(clerk: Clerk, delivery: Delivery) -> None:
    await clerk.say(B.RECEIVED, clerk.accepted[0].document)
    with pytest.raises(IllegalTransition):
        await acknowledge(clerk.world.exchange, delivery.id, by=RECIPIENT, state=S.REFUSED, reason=REASON)
    assert (await clerk.delivery(delivery)).state is S.OFFERED


async def test_document_refused_by_a_status_may_be_refused_as_a_delivery_too(
    clerk: Clerk, delivery: Delivery
) -> None:
    document = clerk.accepted[0].document
    await clerk.say(B.REFUSED, document, words=REASON)
    await acknowledge(clerk.world.exchange, delivery.id, by=RECIPIENT, state=S.REFUSED, reason="như đã báo")
    assert ((await clerk.delivery(delivery)).state, await clerk.said(document)) == (S.REFUSED, ["02"])


@pytest.mark.parametrize("state", [S.DELIVERED, S.REFUSED])
async def test_who_acknowledges_has_opened(clerk: Clerk, delivery: Delivery, state: DeliveryState) -> None:
    await acknowledge(clerk.world.exchange, delivery.id, by=RECIPIENT, state=state, reason=REASON)
    assert (await clerk.delivery(delivery)).opened_at == clerk.world.clock()


async def test_taking_says_nothing_of_the_document_and_gets_one_receipt(
    clerk: Clerk, delivery: Delivery
) -> None:
    x = clerk.world.exchange
    receipts = {(await take(x, delivery.id, by=RECIPIENT)).id for _ in range(2)}
    assert len(receipts) == 1
    assert ((await clerk.delivery(delivery)).state, clerk.world.rows("statuses")) == (S.DELIVERED, 0)


async def test_taking_does_not_go_past_a_colleague_who_holds_it(clerk: Clerk, delivery: Delivery) -> None:
    held = await lease(clerk.world.exchange, delivery.id, by=RECIPIENT)
    with pytest.raises(LeaseLost):
        await take(clerk.world.exchange, delivery.id, by=RECIPIENT)
    clerk.world.clock.now = held.until
    await take(clerk.world.exchange, delivery.id, by=RECIPIENT)


async def test_nobody_else_takes_or_returns_a_delivery(clerk: Clerk, delivery: Delivery) -> None:
    for stranger in (SENDER, OTHER_RECIPIENT):
        with pytest.raises(NotFound):
            await take(clerk.world.exchange, delivery.id, by=stranger)
        with pytest.raises(NotFound):
            await fail(clerk, delivery, by=stranger)
    assert (await clerk.delivery(delivery)).state is S.OFFERED


# --- giving back --------------------------------------------------------------------------------------


async def test_returned_delivery_is_offered_again_by_the_schedule(clerk: Clerk, delivery: Delivery) -> None:
    assert await fail(clerk, delivery) is S.QUEUED
    now = await clerk.delivery(delivery)
    assert (now.due_at, now.reason) == (clerk.world.clock() + RULES.retry_schedule[0], "hệ thống lỗi")
    assert await clerk.history(clerk.accepted[0].document, delivery.id) == ["returned"]


async def test_delivery_returned_too_often_is_parked_and_stays_so(clerk: Clerk, delivery: Delivery) -> None:
    states = []
    for _ in range(RULES.returns_before_parked):
        states.append(await fail(clerk, delivery))
        await clerk.sweep()
    assert states == [*[S.QUEUED] * (RULES.returns_before_parked - 1), S.PARKED]
    assert await fail(clerk, delivery) is S.PARKED
    assert (await clerk.delivery(delivery)).state is S.PARKED


async def test_returned_delivery_can_still_be_taken(clerk: Clerk, delivery: Delivery) -> None:
    await fail(clerk, delivery)
    await take(clerk.world.exchange, delivery.id, by=RECIPIENT)
    assert (await clerk.delivery(delivery)).state is S.DELIVERED


async def test_what_was_taken_cannot_be_returned(clerk: Clerk, delivery: Delivery) -> None:
    await take(clerk.world.exchange, delivery.id, by=RECIPIENT)
    with pytest.raises(IllegalTransition):
        await fail(clerk, delivery)


async def test_consent_that_has_not_ended_the_delivery_yet_stops_every_answer(
    clerk: Clerk, delivery: Delivery
) -> None:
    x, document = clerk.world.exchange, clerk.accepted[0].document
    await clerk.open(delivery)
    await clerk.say(B.RECALL_ASKED, document, by=SENDER)
    await clerk.without_receipts(clerk.say(B.CHANGE_ACCEPTED, document))
    now = await clerk.delivery(delivery)
    assert (now.state, now.life.ended_by) == (S.OFFERED, ChangeKind.RECALL)
    for answer in (
        take(x, delivery.id, by=RECIPIENT),
        fail(clerk, delivery),
        lease(x, delivery.id, by=RECIPIENT),
        acknowledge(x, delivery.id, by=RECIPIENT, state=S.DELIVERED),
    ):
        with pytest.raises(IllegalTransition):
            await answer
    await clerk.finish_recalls()
    assert (await clerk.delivery(delivery)).state is S.RECALLED
