"""Statuses of documents: kept in turn, and refused without a trace."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain.envelope import Reference, Staff
from gateway.domain.errors import ExchangeError, IllegalTransition, MalformedRequest, UnknownDocument
from gateway.domain.model import AgencyCode, Document
from gateway.domain.packets import StatusNotice
from gateway.domain.states import BusinessStatus, DeliveryState, Life
from gateway.service.report_status import report_status
from tests.support.exchange import OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT, SENDER
from tests.support.opened_document import HOUR, clerk, copies, document
from tests.support.paperwork import Clerk

__all__ = ["clerk", "document"]  # fixtures

B = BusinessStatus


async def refused(
    clerk: Clerk, status: BusinessStatus, document: Document, *, by: AgencyCode
) -> type[ExchangeError]:
    """Report a status that is refused, see that nothing is changed by it, and return the kind of error."""
    tables = ("statuses", "changes", "events", "receipts", "documents")
    before = [clerk.world.rows(table) for table in tables], await copies(clerk, document)
    with pytest.raises(ExchangeError) as caught:
        await clerk.say(status, document, by=by, words="không rõ", agency=SENDER)
    assert ([clerk.world.rows(table) for table in tables], await copies(clerk, document)) == before
    return type(caught.value)


# --- the ordinary statuses ----------------------------------------------------------------------------


async def test_statuses_of_a_recipient_make_the_history_its_sender_reads(
    clerk: Clerk, document: Document
) -> None:
    for status in (B.ARRIVED, B.RECEIVED, B.ASSIGNED, B.IN_PROGRESS, B.FINISHED):
        await clerk.say(status, document, words="văn thư – Sở Nội vụ")
    assert await clerk.said(document) == ["01", "03", "04", "05", "06"]
    lines = await clerk.world.exchange.lives.addressed([SENDER], after=None, limit=10, only_waiting=True)
    assert {(line.author, line.addressee) for line in lines} == {(RECIPIENT, SENDER)}
    first, second = await copies(clerk, document)
    assert (first.life, second.life) == (Life(B.FINISHED), Life())


async def test_status_is_business_only_and_the_delivery_stays_as_it_is(
    clerk: Clerk, document: Document
) -> None:
    await clerk.say(B.REFUSED, document, words="không thuộc thẩm quyền")
    first, _ = await copies(clerk, document)
    assert (first.state, first.life) == (DeliveryState.QUEUED, Life(B.REFUSED))


async def test_what_was_said_when_by_whom_and_in_which_packet_is_kept(
    clerk: Clerk, document: Document
) -> None:
    said_at = clerk.world.clock() - HOUR
    notice = StatusNotice(
        B.ARRIVED, Reference(SENDER, document.envelope.document_id), "đã đến", said_at, Staff(name="Lan")
    )
    (line,) = await report_status(clerk.world.exchange, notice, by=RECIPIENT, packet=b"<edXML/>")
    assert (line.said_at, line.at) == (said_at, clerk.world.clock())
    assert (line.staff, line.packet) == (Staff(name="Lan"), b"<edXML/>")
    assert await clerk.world.exchange.lives.status(line.id) == line


async def test_sender_is_woken_by_a_status(clerk: Clerk, document: Document) -> None:
    waiting = asyncio.ensure_future(clerk.world.exchange.wakeups.wait(SENDER, timeout=HOUR))
    await asyncio.sleep(0)
    await clerk.say(B.ARRIVED, document)
    async with asyncio.timeout(5):
        await waiting


@pytest.mark.parametrize("words", ["", "  "])
async def test_refusal_says_why(clerk: Clerk, document: Document, words: str) -> None:
    with pytest.raises(MalformedRequest):
        await clerk.say(B.REFUSED, document, words=words)
    assert await clerk.said(document) == []


@pytest.mark.parametrize("status", [B.ASSIGNED, B.IN_PROGRESS, B.FINISHED])
async def test_status_out_of_turn_is_refused_without_a_trace(
    clerk: Clerk, document: Document, status: BusinessStatus
) -> None:
    assert await refused(clerk, status, document, by=RECIPIENT) is IllegalTransition


@pytest.mark.parametrize("status", [B.CHANGE_ACCEPTED, B.CHANGE_REFUSED])
async def test_answer_to_nothing_is_refused(clerk: Clerk, document: Document, status: BusinessStatus) -> None:
    assert await refused(clerk, status, document, by=RECIPIENT) is IllegalTransition


async def test_recipient_cannot_ask_a_document_back(clerk: Clerk, document: Document) -> None:
    assert await refused(clerk, B.RECALL_ASKED, document, by=RECIPIENT) is IllegalTransition


@pytest.mark.parametrize("status", sorted(set(B) - {B.RECALL_ASKED}))
async def test_sender_says_nothing_for_its_recipients(
    clerk: Clerk, document: Document, status: BusinessStatus
) -> None:
    assert await refused(clerk, status, document, by=SENDER) is IllegalTransition


@pytest.mark.parametrize("status", B)
async def test_stranger_learns_nothing_and_changes_nothing(
    clerk: Clerk, document: Document, status: BusinessStatus
) -> None:
    assert await refused(clerk, status, document, by=PUSHED_RECIPIENT) is UnknownDocument


@pytest.mark.parametrize("agency", [SENDER, PUSHED_RECIPIENT, "H99", None])
async def test_foreign_document_and_none_get_the_same_answer(
    clerk: Clerk, document: Document, agency: str | None
) -> None:
    told = []
    for id_ in (document.envelope.document_id, document.id, "VB-2026-9999", None):
        notice = StatusNotice(B.ARRIVED, Reference(agency, id_))
        with pytest.raises(UnknownDocument) as caught:
            await report_status(clerk.world.exchange, notice, by=PUSHED_RECIPIENT)
        told.append((caught.value.detail, caught.value.reasons))
    assert len(set(told)) == 1


@pytest.mark.parametrize("agency", [SENDER, "H99", None])
async def test_document_may_be_named_by_our_own_id(
    clerk: Clerk, document: Document, agency: str | None
) -> None:
    notice = StatusNotice(B.ARRIVED, Reference(agency, document.id))
    (line,) = await report_status(clerk.world.exchange, notice, by=RECIPIENT)
    assert line.document == document.id


async def test_same_id_of_two_senders_is_told_apart_by_the_agency_named(clerk: Clerk) -> None:
    ours = (await clerk.sent(by=SENDER)).document
    theirs = (await clerk.sent(by=OTHER_RECIPIENT)).document
    (line,) = await clerk.say(B.ARRIVED, theirs)
    assert line.document == theirs.id
    (line,) = await clerk.say(B.ARRIVED, ours, agency="H26.00")
    assert line.document == ours.id


async def test_of_two_documents_of_one_id_the_newest_that_fits_is_meant(clerk: Clerk) -> None:
    first = (await clerk.sent()).document
    await clerk.say(B.RECEIVED, first)
    second = (await clerk.sent(subject="bản gửi lại")).document
    (line,) = await clerk.say(B.FINISHED, second)
    assert line.document == first.id
    (line,) = await clerk.say(B.RECEIVED, second, words="bản gửi lại")
    assert line.document == second.id


# --- said again ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [B.ARRIVED, B.RECEIVED])
async def test_same_status_with_the_same_words_again_is_the_same_line(
    clerk: Clerk, document: Document, status: BusinessStatus
) -> None:
    first = await clerk.say(status, document, words="văn thư")
    clerk.world.clock += HOUR
    assert await clerk.say(status, document, words="văn thư") == first
    assert await clerk.said(document) == [status]


async def test_status_that_comes_again_after_later_ones_changes_nothing(
    clerk: Clerk, document: Document
) -> None:
    first = await clerk.say(B.ARRIVED, document)
    await clerk.say(B.RECEIVED, document)
    assert await clerk.say(B.ARRIVED, document) == first
    assert await clerk.said(document) == ["01", "03"]


async def test_assignment_told_twice_is_one_and_one_to_somebody_else_another(
    clerk: Clerk, document: Document
) -> None:
    await clerk.say(B.RECEIVED, document)
    for words in ("anh Bình", "anh Bình", "chị Hoa", "anh Bình"):
        await clerk.say(B.ASSIGNED, document, words=words)
    assert await clerk.said(document) == ["03", "04", "04", "04"]


async def test_same_status_many_times_at_once_is_one_line(clerk: Clerk, document: Document) -> None:
    made = await asyncio.gather(*(clerk.say(B.RECEIVED, document) for _ in range(8)))
    assert len({line.id for lines in made for line in lines}) == 1
    assert await clerk.said(document) == ["03"]
