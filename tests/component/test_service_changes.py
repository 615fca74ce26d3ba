"""Changes of documents (13, 15, 16 and orders): asked for, answered in every way the field writes it."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta

import pytest

from gateway.domain.envelope import DocumentKind
from gateway.domain.errors import IllegalTransition
from gateway.domain.model import AgencyCode, Document, Status
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState, Life
from gateway.service.acknowledge import acknowledge
from gateway.service.recall import recall
from gateway.service.take import take
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, SENDER
from tests.support.opened_document import BOTH, HOUR, clerk, copies, document
from tests.support.paperwork import REASON, Clerk, statement

__all__ = ["clerk", "document"]  # fixtures

B = BusinessStatus


# --- 13, 15 and 16 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agency", "asked"),
    [(SENDER, set(BOTH)), (RECIPIENT, {RECIPIENT}), ("000.00.01.H26", {RECIPIENT}), ("H99", set(BOTH))],
)
async def test_13_of_the_sender_asks_the_agency_it_names_or_all(
    clerk: Clerk, document: Document, agency: str, asked: set[AgencyCode]
) -> None:
    lines = await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=agency, words=REASON)
    assert {line.addressee for line in lines} == asked
    changes = await clerk.changes(document)
    assert {(each.recipient, each.kind, each.reason) for each in changes} == {
        (code, ChangeKind.RECALL, REASON) for code in asked
    }


async def test_13_takes_back_what_was_not_opened_and_proves_what_was(
    clerk: Clerk, document: Document
) -> None:
    await clerk.say(B.RECALL_ASKED, document, by=SENDER, words=REASON)
    first, second = await copies(clerk, document)
    assert (first.state, second.state) == (DeliveryState.QUEUED, DeliveryState.RECALLED)
    opened, unopened = await clerk.changes(document)
    assert (opened.state, opened.opened_at) == (ChangeState.ASKED, first.opened_at)
    assert (unopened.state, unopened.opened_at) == (ChangeState.UNOPENED, None)


@pytest.mark.parametrize("status", [B.CHANGE_ACCEPTED, B.RECALL_ASKED])
async def test_15_or_a_13_of_the_recipient_gives_the_document_back(
    clerk: Clerk, document: Document, status: BusinessStatus
) -> None:
    await clerk.say(B.RECALL_ASKED, document, by=SENDER, words=REASON)
    clerk.world.clock += HOUR
    (line,) = await clerk.say(status, document, words="đã hủy", packet=b"<edXML/>")
    assert line.status is B.CHANGE_ACCEPTED
    assert line.packet == (b"<edXML/>" if status is B.CHANGE_ACCEPTED else None)
    first, _ = await copies(clerk, document)
    assert (first.state, first.life.ended_by) == (DeliveryState.RECALLED, ChangeKind.RECALL)
    change, _ = await clerk.changes(document)
    assert (change.state, change.answered_at) == (ChangeState.ACCEPTED, clerk.world.clock())
    assert first.receipt is not None
    receipt = await clerk.world.exchange.records.receipt(first.receipt)
    assert receipt is not None
    assert statement(receipt)["opened_at"] == "2026-11-21T01:02:03.000Z"


async def test_16_keeps_the_document_where_it_was(clerk: Clerk, document: Document) -> None:
    await clerk.say(B.RECEIVED, document)
    await clerk.say(B.RECALL_ASKED, document, by=SENDER, words=REASON)
    await clerk.say(B.CHANGE_REFUSED, document, words="đã ban hành")
    first, _ = await copies(clerk, document)
    assert (first.state, first.life) == (DeliveryState.QUEUED, Life(B.RECEIVED))
    await clerk.say(B.FINISHED, document)


async def test_work_goes_on_while_a_recall_waits(clerk: Clerk, document: Document) -> None:
    await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT)
    await clerk.say(B.RECEIVED, document)
    await clerk.say(B.IN_PROGRESS, document)
    first, _ = await copies(clerk, document)
    assert first.life == Life(B.IN_PROGRESS, asked=ChangeKind.RECALL)


@pytest.mark.parametrize(
    ("status", "meant"), [(B.RECEIVED, B.CHANGE_ACCEPTED), (B.REFUSED, B.CHANGE_REFUSED)]
)
async def test_03_and_02_that_cannot_be_meant_otherwise_answer_a_recall(
    clerk: Clerk, document: Document, status: BusinessStatus, meant: BusinessStatus
) -> None:
    await clerk.say(B.RECEIVED, document, words="vào sổ")
    await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT)
    (line,) = await clerk.say(status, document, words="về việc thu hồi")
    assert line.status is meant
    assert await clerk.say(status, document, words="về việc thu hồi") == [line]


async def test_03_that_comes_again_on_the_wire_does_not_agree_to_a_recall(
    clerk: Clerk, document: Document
) -> None:
    said_at = clerk.world.clock()
    first = await clerk.say(B.RECEIVED, document, said_at=said_at)
    clerk.world.clock += HOUR
    await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT)
    assert await clerk.say(B.RECEIVED, document, said_at=said_at) == first
    assert await clerk.say(B.RECEIVED, document) == first
    clerk.world.clock += HOUR
    (line,) = await clerk.say(B.RECEIVED, document, said_at=clerk.world.clock())
    assert line.status is B.CHANGE_ACCEPTED


async def test_03_before_any_other_status_is_ordinary_although_a_recall_waits(
    clerk: Clerk, document: Document
) -> None:
    await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT)
    (line,) = await clerk.say(B.RECEIVED, document)
    assert line.status is B.RECEIVED
    first, _ = await copies(clerk, document)
    assert first.life.asked is ChangeKind.RECALL


async def test_document_that_was_taken_is_recalled_by_consent_and_stays_delivered(
    clerk: Clerk, document: Document
) -> None:
    first, _ = await copies(clerk, document)
    await take(clerk.world.exchange, first.id, by=RECIPIENT)
    await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT)
    await clerk.say(B.CHANGE_ACCEPTED, document)
    first, _ = await copies(clerk, document)
    assert (first.state, first.life) == (DeliveryState.DELIVERED, Life(ended_by=ChangeKind.RECALL))


async def test_recall_can_be_asked_for_again_after_it_was_declined(clerk: Clerk, document: Document) -> None:
    for _ in range(2):
        await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT, words=REASON)
        await clerk.say(B.CHANGE_REFUSED, document, words="không")
    assert await clerk.said(document) == ["13", "16", "13", "16"]
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.REFUSED] * 2


async def test_recall_and_its_refusal_that_come_again_on_the_wire_change_nothing(
    clerk: Clerk, document: Document
) -> None:
    def ask(at: timedelta) -> Awaitable[list[Status]]:
        said_at = start + at
        return clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT, words=REASON, said_at=said_at)

    start = clerk.world.clock()

    (asked,) = await ask(timedelta(0))
    (declined,) = await clerk.say(B.CHANGE_REFUSED, document, words="không", said_at=start)
    assert await ask(timedelta(0)) == [asked]
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.REFUSED]
    await ask(timedelta(seconds=1))
    assert await clerk.say(B.CHANGE_REFUSED, document, words="không", said_at=start) == [declined]
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.REFUSED, ChangeState.ASKED]
    assert await clerk.said(document) == ["13", "16", "13"]


async def test_recall_told_twice_asks_once(clerk: Clerk, document: Document) -> None:
    first = await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT, words=REASON)
    assert await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT, words=REASON) == first
    assert len(await clerk.changes(document)) == 1


async def test_consent_to_what_was_taken_back_unopened_is_noted_once(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    await clerk.say(B.RECALL_ASKED, accepted.document, by=SENDER, words=REASON)
    (line,) = await clerk.say(B.CHANGE_ACCEPTED, accepted.document, words="đã hủy")
    assert await clerk.say(B.CHANGE_ACCEPTED, accepted.document, words="đã hủy") == [line]
    assert await clerk.said(accepted.document) == ["13", "15"]
    with pytest.raises(IllegalTransition):
        await clerk.say(B.CHANGE_REFUSED, accepted.document, words="không")
    assert await clerk.life(accepted.deliveries[0]) == Life(ended_by=ChangeKind.RECALL)


async def test_nothing_follows_a_recall_that_was_agreed_to(clerk: Clerk, document: Document) -> None:
    await clerk.say(B.RECALL_ASKED, document, by=SENDER, agency=RECIPIENT)
    await clerk.say(B.CHANGE_ACCEPTED, document)
    for status in sorted(set(B) - {B.CHANGE_ACCEPTED}):
        by = SENDER if status is B.RECALL_ASKED else RECIPIENT
        with pytest.raises(IllegalTransition):
            await clerk.say(status, document, by=by, agency=RECIPIENT if by == SENDER else SENDER, words="x")


# --- answers to orders --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DocumentKind.RECALL, DocumentKind.UPDATE, DocumentKind.REPLACE])
@pytest.mark.parametrize(
    ("status", "state"),
    [
        (B.CHANGE_ACCEPTED, ChangeState.ACCEPTED),
        (B.CHANGE_REFUSED, ChangeState.REFUSED),
        (B.RECEIVED, ChangeState.ACCEPTED),
        (B.REFUSED, ChangeState.REFUSED),
    ],
)
async def test_order_is_answered_by_15_or_16_and_by_03_or_02_that_name_it(
    clerk: Clerk, document: Document, kind: DocumentKind, status: BusinessStatus, state: ChangeState
) -> None:
    order = (await clerk.order(kind, document.envelope.document_id)).document
    lines = await clerk.say(status, order, words="đồng ý")
    (change,) = await clerk.changes(document)
    assert (change.state, lines[0].document) == (state, document.id)
    assert lines[0].status in (B.CHANGE_ACCEPTED, B.CHANGE_REFUSED)
    assert await clerk.say(status, order, words="đồng ý") == lines


@pytest.mark.parametrize("status", [B.CHANGE_ACCEPTED, B.CHANGE_REFUSED])
async def test_answer_to_an_order_may_name_its_target(
    clerk: Clerk, document: Document, status: BusinessStatus
) -> None:
    await clerk.order(DocumentKind.UPDATE, document.envelope.document_id)
    await clerk.say(status, document)
    (change,) = await clerk.changes(document)
    assert change.state in (ChangeState.ACCEPTED, ChangeState.REFUSED)


async def test_03_of_a_replacement_accepts_it_and_is_also_where_the_new_document_stands(
    clerk: Clerk, document: Document
) -> None:
    order = await clerk.order(DocumentKind.REPLACE, document.envelope.document_id)
    lines = await clerk.say(B.RECEIVED, order.document)
    assert [(line.document, line.status) for line in lines] == [
        (document.id, B.CHANGE_ACCEPTED),
        (order.document.id, B.RECEIVED),
    ]
    await clerk.say(B.FINISHED, order.document)
    assert await clerk.life(order.deliveries[0]) == Life(B.FINISHED)
    first, _ = await copies(clerk, document)
    assert (first.life.ended_by, first.state) == (ChangeKind.REPLACE, DeliveryState.QUEUED)


async def test_03_of_the_target_of_an_update_is_no_answer(clerk: Clerk, document: Document) -> None:
    await clerk.order(DocumentKind.UPDATE, document.envelope.document_id)
    (line,) = await clerk.say(B.RECEIVED, document)
    assert line.status is B.RECEIVED
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.ASKED]


async def test_one_answer_to_an_order_about_two_documents_answers_for_both(clerk: Clerk) -> None:
    first = (await clerk.sent(document_id="VB-1")).document
    second = (await clerk.sent(document_id="VB-2")).document
    order = (await clerk.order(DocumentKind.REPLACE, "VB-1", "VB-2")).document
    lines = await clerk.say(B.CHANGE_ACCEPTED, order)
    assert {line.document for line in lines} == {first.id, second.id}


async def test_answer_to_an_earlier_order_is_no_answer_to_the_later_one(
    clerk: Clerk, document: Document
) -> None:
    name = document.envelope.document_id
    earlier = (await clerk.order(DocumentKind.UPDATE, name, document_id="VB-U1")).document
    await clerk.say(B.CHANGE_REFUSED, earlier, words="không")
    await clerk.order(DocumentKind.UPDATE, name, document_id="VB-U2")
    with pytest.raises(IllegalTransition):
        await clerk.say(B.CHANGE_ACCEPTED, earlier, words="đồng ý")
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.REFUSED, ChangeState.ASKED]


async def test_recall_order_of_what_was_unopened_may_be_confirmed_by_03(clerk: Clerk) -> None:
    target = await clerk.sent()
    order = await clerk.order(DocumentKind.RECALL, target.document.envelope.document_id, contents=())
    lines = await clerk.say(B.RECEIVED, order.document)
    assert [(line.document, line.status) for line in lines] == [
        (target.document.id, B.CHANGE_ACCEPTED),
        (order.document.id, B.RECEIVED),
    ]


async def test_answer_of_another_recipient_answers_for_nobody_else(clerk: Clerk, document: Document) -> None:
    _, second = await copies(clerk, document)
    await clerk.open(second)
    order = (await clerk.order(DocumentKind.UPDATE, document.envelope.document_id, to=BOTH)).document
    await clerk.say(B.CHANGE_ACCEPTED, order, by=OTHER_RECIPIENT)
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.ASKED, ChangeState.ACCEPTED]


async def test_recall_asked_over_v1_is_answered_like_any_other(clerk: Clerk, document: Document) -> None:
    first, _ = await copies(clerk, document)
    await acknowledge(clerk.world.exchange, first.id, by=RECIPIENT, state=DeliveryState.DELIVERED)
    clerk.world.clock += HOUR
    await recall(clerk.world.exchange, document.id, by=SENDER, reason=REASON)
    await clerk.say(B.CHANGE_ACCEPTED, document)
    assert await clerk.said(document) == ["01", "13", "13", "15"]
