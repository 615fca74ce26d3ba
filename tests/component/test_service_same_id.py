"""One id for two documents: an order under the id of its target, and the same id on both sides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.envelope import DocumentKind, Reference
from gateway.domain.errors import IllegalTransition, UnknownDocument
from gateway.domain.model import Document
from gateway.domain.packets import StatusNotice
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState, Life
from gateway.service.recall import recall
from gateway.service.report_status import report_status
from gateway.service.submit import Accepted
from tests.support.exchange import RECIPIENT, SENDER, open_world
from tests.support.paperwork import Clerk

NEW, RECALL, UPDATE, REPLACE = DocumentKind
B, C = BusinessStatus, ChangeState
ID = "VB-2026-0012"


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


@pytest.fixture
async def sent(clerk: Clerk) -> Accepted:
    """A document that its recipient has opened."""
    accepted = await clerk.sent(document_id=ID)
    await clerk.open(accepted.deliveries[0])
    return accepted


async def changes(clerk: Clerk, document: Document) -> list[tuple[ChangeKind, ChangeState]]:
    return [(each.kind, each.state) for each in await clerk.changes(document)]


# --- an order under the id of its target --------------------------------------------------------------


@pytest.mark.parametrize("kind", [RECALL, UPDATE])
@pytest.mark.parametrize("status", [B.ARRIVED, B.RECEIVED, B.REFUSED])
async def test_status_is_said_of_the_document_and_answers_no_order_under_its_id(
    clerk: Clerk, sent: Accepted, kind: DocumentKind, status: BusinessStatus
) -> None:
    order = await clerk.order(kind, ID, document_id=ID)
    (line,) = await clerk.say(status, sent.document, words="văn thư")
    assert (line.document, line.status) == (sent.document.id, status)
    assert await changes(clerk, sent.document) == [(ChangeKind(kind.value), C.ASKED)]
    assert await clerk.life(order.deliveries[0]) == Life()


@pytest.mark.parametrize("kind", [RECALL, UPDATE, REPLACE])
@pytest.mark.parametrize(
    ("status", "state"), [(B.CHANGE_ACCEPTED, C.ACCEPTED), (B.CHANGE_REFUSED, C.REFUSED)]
)
async def test_15_and_16_answer_an_order_under_the_id_of_its_target(
    clerk: Clerk, sent: Accepted, kind: DocumentKind, status: BusinessStatus, state: ChangeState
) -> None:
    await clerk.order(kind, ID, document_id=ID)
    (line,) = await clerk.say(status, sent.document)
    assert (line.document, line.status) == (sent.document.id, status)
    assert await changes(clerk, sent.document) == [(ChangeKind(kind.value), state)]


@pytest.mark.parametrize("status", [B.CHANGE_ACCEPTED, B.CHANGE_REFUSED])
async def test_15_and_16_answer_an_order_that_has_the_id_of_yet_another_document(
    clerk: Clerk, sent: Accepted, status: BusinessStatus
) -> None:
    target = await clerk.sent(document_id="VB-2")
    await clerk.order(UPDATE, "VB-2", document_id=ID)
    (line,) = await clerk.say(status, sent.document)
    assert (line.document, line.status) == (target.document.id, status)


async def test_03_under_the_id_of_a_document_and_its_replacement_is_said_of_the_replacement_alone(
    clerk: Clerk, sent: Accepted
) -> None:
    order = await clerk.order(REPLACE, ID, document_id=ID)
    (line,) = await clerk.say(B.RECEIVED, sent.document)
    assert (line.document, line.status) == (order.document.id, B.RECEIVED)
    assert await changes(clerk, sent.document) == [(ChangeKind.REPLACE, C.ASKED)]


async def test_our_own_id_always_names_the_order(clerk: Clerk, sent: Accepted) -> None:
    order = await clerk.order(UPDATE, ID, document_id=ID)
    notice = StatusNotice(B.RECEIVED, Reference(SENDER, order.document.id))
    lines = await report_status(clerk.world.exchange, notice, by=RECIPIENT)
    assert [(line.document, line.status) for line in lines] == [
        (sent.document.id, B.CHANGE_ACCEPTED),
        (order.document.id, B.RECEIVED),
    ]


async def test_13_asks_for_the_document_and_never_for_an_order_under_its_id(
    clerk: Clerk, sent: Accepted
) -> None:
    order = await clerk.order(UPDATE, ID, document_id=ID)
    await clerk.say(B.CHANGE_ACCEPTED, sent.document)
    (line,) = await clerk.say(B.RECALL_ASKED, sent.document, by=SENDER, words="sai")
    assert line.document == sent.document.id
    with pytest.raises(IllegalTransition):
        await clerk.say(B.RECALL_ASKED, sent.document, by=SENDER, words="sai thật")
    assert await clerk.states(order.document) == [DeliveryState.QUEUED]
    assert await clerk.changes(order.document) == []


async def test_13_may_ask_for_an_order_that_has_its_own_id(clerk: Clerk, sent: Accepted) -> None:
    order = await clerk.order(UPDATE, ID, document_id="VB-U")
    await clerk.say(B.RECALL_ASKED, order.document, by=SENDER, words="nhầm")
    assert await clerk.states(order.document) == [DeliveryState.RECALLED]
    assert await changes(clerk, sent.document) == [(ChangeKind.UPDATE, C.WITHDRAWN)]


async def test_later_order_is_about_the_document_and_not_about_an_earlier_order_of_its_id(
    clerk: Clerk, sent: Accepted
) -> None:
    earlier = await clerk.order(UPDATE, ID, document_id=ID)
    await clerk.order(RECALL, ID, document_id=ID, contents=())
    assert await changes(clerk, sent.document) == [
        (ChangeKind.UPDATE, C.WITHDRAWN),
        (ChangeKind.RECALL, C.ASKED),
    ]
    assert await clerk.changes(earlier.document) == []


async def test_order_is_about_another_order_only_by_our_own_id(clerk: Clerk, sent: Accepted) -> None:
    earlier = await clerk.order(UPDATE, ID, document_id="VB-U")
    with pytest.raises(UnknownDocument):
        await clerk.order(RECALL, "VB-U", contents=())
    await clerk.order(RECALL, earlier.document.id, contents=())
    assert await clerk.states(earlier.document) == [DeliveryState.RECALLED]
    assert await changes(clerk, sent.document) == [(ChangeKind.UPDATE, C.WITHDRAWN)]


# --- the same id on both sides ------------------------------------------------------------------------


@pytest.fixture
async def theirs(clerk: Clerk, sent: Accepted) -> Accepted:
    """A document of the recipient under the same id; its recipient, the sender, has opened it."""
    accepted = await clerk.sent(document_id=ID, by=RECIPIENT, to=[SENDER])
    await clerk.open(accepted.deliveries[0])
    clerk.world.clock += timedelta(hours=1)
    return accepted


async def test_13_is_first_the_consent_to_what_the_agency_named_asks_back(
    clerk: Clerk, sent: Accepted, theirs: Accepted
) -> None:
    await recall(clerk.world.exchange, theirs.document.id, by=RECIPIENT, reason="sai")
    for _ in range(2):
        (line,) = await clerk.say(
            B.RECALL_ASKED, theirs.document, by=SENDER, words="đã thu hồi", agency=RECIPIENT
        )
        assert (line.document, line.status) == (theirs.document.id, B.CHANGE_ACCEPTED)
    assert await changes(clerk, theirs.document) == [(ChangeKind.RECALL, C.ACCEPTED)]
    assert await clerk.states(theirs.document) == [DeliveryState.RECALLED]
    assert await clerk.changes(sent.document) == []


async def test_13_asks_for_ones_own_document_when_no_recall_of_the_other_waits(
    clerk: Clerk, sent: Accepted, theirs: Accepted
) -> None:
    (line,) = await clerk.say(B.RECALL_ASKED, sent.document, by=SENDER, words="sai", agency=RECIPIENT)
    assert (line.document, line.status) == (sent.document.id, B.RECALL_ASKED)
    assert await clerk.changes(theirs.document) == []


async def test_13_after_the_consent_was_given_asks_for_ones_own_document(
    clerk: Clerk, sent: Accepted, theirs: Accepted
) -> None:
    await recall(clerk.world.exchange, theirs.document.id, by=RECIPIENT, reason="sai")
    await clerk.say(B.CHANGE_ACCEPTED, theirs.document, by=SENDER)
    (line,) = await clerk.say(B.RECALL_ASKED, sent.document, by=SENDER, words="sai", agency=RECIPIENT)
    assert line.document == sent.document.id
    assert await changes(clerk, sent.document) == [(ChangeKind.RECALL, C.ASKED)]
