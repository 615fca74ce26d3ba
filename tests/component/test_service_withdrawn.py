"""Changes that are asked for no more: a recall comes before them, or their order has reached nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.envelope import DocumentKind
from gateway.domain.errors import IllegalTransition
from gateway.domain.model import Document
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState, Life
from gateway.service.acknowledge import acknowledge
from gateway.service.late import late
from gateway.service.recall import recall
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, SENDER, open_world
from tests.support.paperwork import REASON, Clerk

NEW, RECALL, UPDATE, REPLACE = DocumentKind
B, C = BusinessStatus, ChangeState
BOTH = (RECIPIENT, OTHER_RECIPIENT)
HOUR = timedelta(hours=1)


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


async def states(clerk: Clerk, document: Document) -> dict[ChangeKind, ChangeState]:
    return {each.kind: each.state for each in await clerk.changes(document)}


async def ask_back(clerk: Clerk, document: Document, *, how: str) -> None:
    match how:
        case "/v1":
            await recall(clerk.world.exchange, document.id, by=SENDER, reason=REASON)
        case "13":
            await clerk.say(B.RECALL_ASKED, document, by=SENDER, words=REASON)
        case _:
            await clerk.order(RECALL, document.envelope.document_id, contents=())


# --- a recall comes before an update or a replacement -------------------------------------------------


@pytest.mark.parametrize("how", ["/v1", "13", "order"])
@pytest.mark.parametrize("kind", [UPDATE, REPLACE])
async def test_open_change_does_not_keep_an_unopened_document_from_being_taken_back(
    clerk: Clerk, kind: DocumentKind, how: str
) -> None:
    sent = await clerk.sent()
    await clerk.order(kind, sent.document.envelope.document_id)
    clerk.world.clock += HOUR
    await ask_back(clerk, sent.document, how=how)
    assert await clerk.states(sent.document) == [DeliveryState.RECALLED]
    kinds = {ChangeKind(kind.value): C.WITHDRAWN, ChangeKind.RECALL: C.UNOPENED}
    assert await states(clerk, sent.document) == kinds


@pytest.mark.parametrize("how", ["/v1", "13", "order"])
@pytest.mark.parametrize("kind", [UPDATE, REPLACE])
async def test_recall_of_what_was_opened_is_what_its_recipient_owes_an_answer_to_then(
    clerk: Clerk, kind: DocumentKind, how: str
) -> None:
    sent = await clerk.sent()
    await clerk.open(sent.deliveries[0])
    order = await clerk.order(kind, sent.document.envelope.document_id)
    clerk.world.clock += HOUR
    await ask_back(clerk, sent.document, how=how)
    assert await clerk.life(sent.deliveries[0]) == Life(asked=ChangeKind.RECALL)
    with pytest.raises(IllegalTransition):
        await clerk.say(B.CHANGE_ACCEPTED, order.document)
    assert (await states(clerk, sent.document))[ChangeKind.RECALL] is C.ASKED
    await clerk.say(B.CHANGE_ACCEPTED, sent.document)
    assert (await states(clerk, sent.document))[ChangeKind.RECALL] is C.ACCEPTED


async def test_answer_that_crosses_the_recall_on_the_wire_is_no_consent_to_it(clerk: Clerk) -> None:
    sent = await clerk.sent()
    await clerk.open(sent.deliveries[0])
    await clerk.order(UPDATE, sent.document.envelope.document_id)
    clerk.world.clock += HOUR
    said_at = clerk.world.clock()
    clerk.world.clock += HOUR
    await ask_back(clerk, sent.document, how="13")
    with pytest.raises(IllegalTransition):
        await clerk.say(B.CHANGE_ACCEPTED, sent.document, said_at=said_at)
    assert await clerk.life(sent.deliveries[0]) == Life(asked=ChangeKind.RECALL)
    await clerk.say(B.CHANGE_ACCEPTED, sent.document, said_at=clerk.world.clock())
    assert await clerk.states(sent.document) == [DeliveryState.RECALLED]


@pytest.mark.parametrize("second", [UPDATE, REPLACE])
@pytest.mark.parametrize("first", [RECALL, UPDATE, REPLACE])
async def test_update_and_replacement_wait_until_what_was_asked_first_is_answered(
    clerk: Clerk, first: DocumentKind, second: DocumentKind
) -> None:
    sent = await clerk.sent()
    await clerk.open(sent.deliveries[0])
    await clerk.order(first, sent.document.envelope.document_id)
    with pytest.raises(IllegalTransition):
        await clerk.order(second, sent.document.envelope.document_id, document_id="VB-2")
    assert len(await clerk.changes(sent.document)) == 1


# --- an order that has reached nobody -----------------------------------------------------------------


@pytest.mark.parametrize("kind", [UPDATE, REPLACE, RECALL])
async def test_order_that_is_taken_back_asks_for_nothing_any_more(clerk: Clerk, kind: DocumentKind) -> None:
    sent = await clerk.sent(to=BOTH)
    for delivery in sent.deliveries:
        await clerk.open(delivery)
    order = await clerk.order(kind, sent.document.envelope.document_id, to=BOTH)
    await clerk.open(order.deliveries[1])
    await recall(clerk.world.exchange, order.document.id, by=SENDER, reason="nhầm")
    assert [each.state for each in await clerk.changes(sent.document)] == [C.WITHDRAWN, C.ASKED]
    assert await clerk.life(sent.deliveries[0]) == Life()
    clerk.world.clock += timedelta(days=5)
    owed = await late(clerk.world.exchange, [RECIPIENT], at=clerk.world.clock())
    assert owed.unanswered == []
    await recall(clerk.world.exchange, sent.document.id, by=SENDER, reason="sai")
    assert (await clerk.life(sent.deliveries[0])).asked is ChangeKind.RECALL


@pytest.mark.parametrize("kind", [UPDATE, REPLACE, RECALL])
async def test_order_that_expires_asks_for_nothing_any_more(clerk: Clerk, kind: DocumentKind) -> None:
    x = clerk.world.exchange
    sent = await clerk.sent()
    await acknowledge(x, sent.deliveries[0].id, by=RECIPIENT, state=DeliveryState.DELIVERED)
    order = await clerk.order(kind, sent.document.envelope.document_id)
    await clerk.expire()
    assert await clerk.states(order.document) == [DeliveryState.EXPIRED]
    assert [each.state for each in await clerk.changes(sent.document)] == [C.WITHDRAWN]
    assert await clerk.life(sent.deliveries[0]) == Life(B.ARRIVED)
    with pytest.raises(IllegalTransition):
        await clerk.say(B.CHANGE_REFUSED, order.document)


async def test_order_that_was_delivered_is_owed_its_answer_however_long_it_takes(clerk: Clerk) -> None:
    sent = await clerk.sent()
    order = await clerk.order(UPDATE, sent.document.envelope.document_id)
    delivered = DeliveryState.DELIVERED
    await acknowledge(clerk.world.exchange, order.deliveries[0].id, by=RECIPIENT, state=delivered)
    await clerk.expire()
    assert [each.state for each in await clerk.changes(sent.document)] == [C.ASKED]


@pytest.mark.parametrize("kind", [UPDATE, REPLACE])
async def test_nothing_is_corrected_at_who_has_never_taken_the_document(
    clerk: Clerk, kind: DocumentKind
) -> None:
    sent = await clerk.sent(to=BOTH)
    await acknowledge(
        clerk.world.exchange, sent.deliveries[1].id, by=OTHER_RECIPIENT, state=DeliveryState.DELIVERED
    )
    await clerk.expire()
    name = sent.document.envelope.document_id
    with pytest.raises(IllegalTransition):
        await clerk.order(kind, name)
    await clerk.order(kind, name, to=BOTH)
    assert [each.recipient for each in await clerk.changes(sent.document)] == [OTHER_RECIPIENT]


# --- refusing an order --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RECALL, UPDATE, REPLACE])
async def test_who_refuses_an_order_declines_what_it_asks_for(clerk: Clerk, kind: DocumentKind) -> None:
    sent = await clerk.sent()
    await clerk.open(sent.deliveries[0])
    order = await clerk.order(kind, sent.document.envelope.document_id)
    state = DeliveryState.REFUSED
    x, delivery = clerk.world.exchange, order.deliveries[0].id
    for _ in range(2):
        await acknowledge(x, delivery, by=RECIPIENT, state=state, reason="đã ban hành")
    assert [each.state for each in await clerk.changes(sent.document)] == [C.REFUSED]
    assert await clerk.life(sent.deliveries[0]) == Life()
    assert (await clerk.said(sent.document), await clerk.said(order.document)) == (["16"], ["02"])
    (line,) = await x.lives.statuses(sent.document.id)
    assert (line.description, line.author, line.addressee) == ("đã ban hành", RECIPIENT, SENDER)


@pytest.mark.parametrize("kind", [RECALL, UPDATE, REPLACE])
async def test_who_accepts_the_delivery_of_an_order_has_not_answered_it(
    clerk: Clerk, kind: DocumentKind
) -> None:
    sent = await clerk.sent()
    await clerk.open(sent.deliveries[0])
    order = await clerk.order(kind, sent.document.envelope.document_id)
    delivered = DeliveryState.DELIVERED
    await acknowledge(clerk.world.exchange, order.deliveries[0].id, by=RECIPIENT, state=delivered)
    assert [each.state for each in await clerk.changes(sent.document)] == [C.ASKED]
    assert (await clerk.said(sent.document), await clerk.said(order.document)) == ([], ["01"])
