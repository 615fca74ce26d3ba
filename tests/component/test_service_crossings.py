"""What happens between two transactions of a verb, or between its reading and its writing: the record stays
one story."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.envelope import DocumentKind
from gateway.domain.errors import IllegalTransition, LeaseLost, NotAllowed, StoreUnavailable
from gateway.domain.model import Delivery, Document, ReceiptKind
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState, Life
from gateway.service.acknowledge import acknowledge
from gateway.service.expire import expire
from gateway.service.lease import lease
from gateway.service.recall import recall
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, SENDER, open_world
from tests.support.meanwhile import Meanwhile
from tests.support.paperwork import REASON, Clerk

B, D, C = BusinessStatus, DeliveryState, ChangeState
Act = Callable[[], Awaitable[object]]


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


def before_the_end(clerk: Clerk, act: Act) -> None:
    """Let somebody act right before the next deliveries are ended."""
    x = clerk.world.exchange
    clerk.world.exchange = replace(x, deliveries=Meanwhile(x.deliveries, act, before="end"))


def before_the_commit(clerk: Clerk, act: Act) -> None:
    """Let somebody act right before the next submission is committed."""
    x = clerk.world.exchange
    clerk.world.exchange = replace(x, submissions=Meanwhile(x.submissions, act, before="commit"))


async def answer(clerk: Clerk, delivery: Delivery, state: DeliveryState) -> ReceiptKind:
    x = clerk.world.exchange
    receipt = await acknowledge(x, delivery.id, by=delivery.recipient, state=state, reason="nhầm nơi")
    return receipt.kind


async def ask_back(clerk: Clerk, document: Document, *, how: str) -> None:
    """Ask a document back in one of the three ways there are."""
    match how:
        case "/v1":
            await recall(clerk.world.exchange, document.id, by=SENDER, reason=REASON)
        case "13":
            await clerk.say(B.RECALL_ASKED, document, by=SENDER, words=REASON)
        case _:
            await clerk.order(DocumentKind.RECALL, document.envelope.document_id, contents=())


async def do(clerk: Clerk, what: str, delivery: Delivery, document: Document) -> None:
    """Do what crosses a recall."""
    match what:
        case "opens":
            await clerk.open(delivery)
        case "accepts":
            await answer(clerk, delivery, D.DELIVERED)
        case "expires":
            clerk.world.clock.now = delivery.expires_at
            await expire(clerk.world.exchange)
        case status:
            await clerk.say(BusinessStatus(status), document, words="về việc thu hồi")


# --- between the asking and the taking back -----------------------------------------------------------


@pytest.mark.parametrize("how", ["/v1", "13", "order"])
@pytest.mark.parametrize(
    ("what", "state", "change", "life"),
    [
        ("16", D.QUEUED, C.REFUSED, Life()),
        ("15", D.RECALLED, C.ACCEPTED, Life(ended_by=ChangeKind.RECALL)),
        ("13", D.RECALLED, C.ACCEPTED, Life(ended_by=ChangeKind.RECALL)),
        ("01", D.RECALLED, C.UNOPENED, Life(B.ARRIVED, ended_by=ChangeKind.RECALL)),
        ("02", D.RECALLED, C.UNOPENED, Life(B.REFUSED, ended_by=ChangeKind.RECALL)),
        ("opens", D.QUEUED, C.ASKED, Life(asked=ChangeKind.RECALL)),
        ("accepts", D.DELIVERED, C.ASKED, Life(B.ARRIVED, asked=ChangeKind.RECALL)),
        ("expires", D.EXPIRED, C.UNOPENED, Life(ended_by=ChangeKind.RECALL)),
    ],
)
async def test_what_comes_between_a_recall_and_the_taking_back_is_told_as_it_was(
    clerk: Clerk, how: str, what: str, state: DeliveryState, change: ChangeState, life: Life
) -> None:
    accepted = await clerk.sent()
    document, (delivery,) = accepted.document, accepted.deliveries
    clerk.world.clock += timedelta(hours=1)
    before_the_end(clerk, lambda: do(clerk, what, delivery, document))
    await ask_back(clerk, document, how=how)
    await clerk.finish_recalls()
    now = await clerk.delivery(delivery)
    assert (now.state, now.life) == (state, life)
    assert [each.state for each in await clerk.changes(document)] == [change]
    receipt = now.receipt and await clerk.world.exchange.records.receipt(now.receipt)
    assert (receipt and receipt.kind) == (None if state is D.QUEUED else ReceiptKind(state.lower()))


async def test_order_that_is_taken_back_before_it_could_take_anything_back_takes_nothing(
    clerk: Clerk,
) -> None:
    target = await clerk.sent()

    async def regret() -> None:
        order = clerk.accepted[-1].document
        await recall(clerk.world.exchange, order.id, by=SENDER, reason="nhầm")

    before_the_end(clerk, regret)
    await clerk.order(DocumentKind.RECALL, target.document.envelope.document_id, contents=())
    await clerk.finish_recalls()
    assert await clerk.states(target.document) == [D.QUEUED]
    assert await clerk.life(target.deliveries[0]) == Life()
    assert [each.state for each in await clerk.changes(target.document)] == [C.WITHDRAWN]


@pytest.mark.parametrize("what", ["opens", "accepts", "16", "03"])
async def test_nothing_comes_between_a_consent_and_the_end_it_gives(clerk: Clerk, what: str) -> None:
    accepted = await clerk.sent()
    document, (delivery,) = accepted.document, accepted.deliveries
    await clerk.open(delivery)
    await ask_back(clerk, document, how="13")
    refusals = []

    async def too_late() -> None:
        with pytest.raises((IllegalTransition, NotAllowed)) as caught:
            await do(clerk, what, delivery, document)
        refusals.append(caught.value)

    before_the_end(clerk, too_late)
    await clerk.say(B.CHANGE_ACCEPTED, document)
    assert len(refusals) == 1
    now = await clerk.delivery(delivery)
    assert (now.state, now.life) == (D.RECALLED, Life(ended_by=ChangeKind.RECALL))


# --- between the reading and the writing of an answer -------------------------------------------------


async def test_refusal_that_a_03_has_come_before_changes_nothing(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    (delivery,) = accepted.deliveries
    before_the_end(clerk, lambda: clerk.say(B.RECEIVED, accepted.document))
    with pytest.raises(IllegalTransition):
        await answer(clerk, delivery, D.REFUSED)
    now = await clerk.delivery(delivery)
    assert (now.state, now.life, now.receipt) == (D.QUEUED, Life(B.RECEIVED), None)


@pytest.mark.parametrize(
    ("state", "said"), [(D.REFUSED, ["01", "02"]), (D.DELIVERED, ["01"])], ids=["refused", "delivered"]
)
async def test_answer_that_a_01_has_come_before_is_given_all_the_same(
    clerk: Clerk, state: DeliveryState, said: list[str]
) -> None:
    accepted = await clerk.sent()
    before_the_end(clerk, lambda: clerk.say(B.ARRIVED, accepted.document))
    await answer(clerk, accepted.deliveries[0], state)
    assert await clerk.states(accepted.document) == [state]
    assert await clerk.said(accepted.document) == said


async def test_answer_that_a_recall_has_come_before_is_refused(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    before_the_end(clerk, lambda: ask_back(clerk, accepted.document, how="/v1"))
    with pytest.raises(IllegalTransition):
        await answer(clerk, accepted.deliveries[0], D.DELIVERED)
    assert await clerk.states(accepted.document) == [D.RECALLED]
    assert await clerk.said(accepted.document) == ["13"]


async def test_answer_that_a_colleague_has_come_before_says_nothing(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    (delivery,) = accepted.deliveries
    before_the_end(clerk, lambda: lease(clerk.world.exchange, delivery.id, by=RECIPIENT))
    with pytest.raises(LeaseLost):
        await answer(clerk, delivery, D.REFUSED)
    assert await clerk.said(accepted.document) == []


async def test_answer_says_what_it_means_in_its_own_transaction(clerk: Clerk) -> None:
    async def away() -> None:
        raise StoreUnavailable

    accepted = await clerk.sent(to=[RECIPIENT, OTHER_RECIPIENT])
    x = clerk.world.exchange
    clerk.world.exchange = replace(x, lives=Meanwhile(x.lives, away, before="say"))
    for delivery, state in zip(accepted.deliveries, (D.REFUSED, D.DELIVERED), strict=True):
        await answer(clerk, delivery, state)
    assert sorted(await clerk.said(accepted.document)) == ["01", "02"]


async def test_refusal_of_an_order_that_was_answered_meanwhile_does_not_answer_it_again(
    clerk: Clerk,
) -> None:
    target = await clerk.sent()
    order = await clerk.order(DocumentKind.UPDATE, target.document.envelope.document_id)
    before_the_end(clerk, lambda: clerk.say(B.CHANGE_ACCEPTED, order.document))
    await answer(clerk, order.deliveries[0], D.REFUSED)
    assert await clerk.states(order.document) == [D.REFUSED]
    assert await clerk.said(target.document) == ["15"]
    assert await clerk.said(order.document) == ["02"]


# --- between the reading and the commit of an order ---------------------------------------------------


@pytest.mark.parametrize("kind", [DocumentKind.RECALL, DocumentKind.UPDATE, DocumentKind.REPLACE])
@pytest.mark.parametrize("status", ["01", "03"])
async def test_order_is_heard_although_its_target_moves_while_it_is_submitted(
    clerk: Clerk, kind: DocumentKind, status: str
) -> None:
    target = await clerk.sent()
    before_the_commit(clerk, lambda: clerk.say(BusinessStatus(status), target.document))
    await clerk.order(kind, target.document.envelope.document_id)
    (change,) = await clerk.changes(target.document)
    is_recall = kind is DocumentKind.RECALL
    assert change.state is (C.UNOPENED if is_recall else C.ASKED)
    assert (await clerk.life(target.deliveries[0])).progress == status


async def test_order_leaves_out_who_refuses_its_target_while_it_is_submitted(clerk: Clerk) -> None:
    target = await clerk.sent(to=[RECIPIENT, OTHER_RECIPIENT])
    before_the_commit(clerk, lambda: clerk.say(B.REFUSED, target.document, words="nhầm nơi"))
    await clerk.order(
        DocumentKind.UPDATE, target.document.envelope.document_id, to=[RECIPIENT, OTHER_RECIPIENT]
    )
    assert [each.recipient for each in await clerk.changes(target.document)] == [OTHER_RECIPIENT]


async def test_recall_takes_the_place_of_an_update_that_is_ordered_at_the_same_moment(
    clerk: Clerk,
) -> None:
    target = await clerk.sent()
    await clerk.open(target.deliveries[0])
    name = target.document.envelope.document_id
    before_the_commit(clerk, lambda: clerk.order(DocumentKind.UPDATE, name))
    await clerk.order(DocumentKind.RECALL, name, contents=())
    changes = {each.kind: each.state for each in await clerk.changes(target.document)}
    assert changes == {ChangeKind.UPDATE: C.WITHDRAWN, ChangeKind.RECALL: C.ASKED}
