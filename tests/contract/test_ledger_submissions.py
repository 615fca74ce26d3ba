"""The port `Submissions`, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.domain.ledger import AnswerKey
from gateway.domain.model import AgencyCode, Answer, Event, EventKind, PolicyLabel, ReceiptKind
from signing.report import Verdict
from tests.support.exchange_samples import NOW, SENDER, stored_file
from tests.support.ledgers import PULLS, PULLS_TOO, PUSHED, Books

DAY = date(2026, 11, 21)
ROUTE = "/v1/documents"


async def test_accepted_document_is_given_back_as_it_was_kept(books: Books) -> None:
    kept = replace(
        books.draft(PULLS, due_date=None, notation=None),
        files=(
            stored_file("Tờ trình.pdf", verdict=Verdict.INDETERMINATE, reasons=("no revocation",)),
            stored_file(),
        ),
        label=PolicyLabel.FOR_INFORMATION,
        skipped=("H99", "H98"),
    )
    delivery = books.delivery(kept, PULLS)
    receipt = books.receipt(ReceiptKind.ACCEPTED, kept.id)
    event = Event(kept.id, None, SENDER, EventKind.ACCEPTED, NOW, "by hand")
    await books.ledger.submissions.commit(
        AnswerKey(SENDER, ROUTE, "k"),
        Answer("f", kept.id, b"{}"),
        document=kept,
        deliveries=[delivery],
        receipt=receipt,
        event=event,
    )
    records = books.ledger.records
    assert await records.document(kept.id) == kept
    assert await records.deliveries(kept.id) == [delivery]
    assert await records.receipt(receipt.id) == receipt
    assert await records.timeline(kept.id) == [event]


async def test_same_key_again_keeps_nothing_and_gives_the_first_answer(books: Books) -> None:
    first, _ = await books.commit(PULLS, key="k")
    again, deliveries = await books.commit(PULLS_TOO, key="k")
    assert again == first
    assert await books.ledger.records.document(deliveries[0].document) is None
    assert await books.ledger.records.timeline(deliveries[0].document) == []
    assert await books.ledger.inbox.waiting(PULLS_TOO, after=None, limit=9, now=NOW) == []


async def test_of_many_commits_at_once_under_one_key_one_wins_and_all_get_its_answer(books: Books) -> None:
    ends = await asyncio.gather(*(books.commit(PULLS, key="k") for _ in range(12)))
    (answer,) = {stored for stored, _ in ends}
    waiting = await books.ledger.inbox.waiting(PULLS, after=None, limit=99, now=NOW)
    assert [item.document.id for item in waiting] == [answer.document]


async def test_commits_at_once_under_different_keys_are_all_kept(books: Books) -> None:
    await asyncio.gather(*(books.commit(PULLS, key=f"k{n}") for n in range(12)))
    assert len(await books.ledger.inbox.waiting(PULLS, after=None, limit=99, now=NOW)) == 12


async def test_document_to_632_agencies_is_kept_whole(books: Books) -> None:
    everybody = [AgencyCode(f"X{n:03}") for n in range(632)]
    deliveries = await books.accept(*everybody)
    assert await books.ledger.records.deliveries(deliveries[0].document) == deliveries


async def test_commit_that_fails_halfway_keeps_nothing(books: Books) -> None:
    with pytest.raises(IntegrityError):
        await books.commit(PULLS, PULLS, key="k")  # two deliveries to one agency
    facts = await books.ledger.submissions.facts(
        AnswerKey(SENDER, ROUTE, "k"), document_id="VB-2026-0012", codes=[], on=DAY
    )
    assert (facts.answer, facts.duplicate_of) == (None, None)


async def test_facts_of_a_new_submission_are_its_agencies_alone(books: Books) -> None:
    facts = await books.ledger.submissions.facts(
        AnswerKey(SENDER, ROUTE, "k"), document_id="VB-1", codes=[PULLS, "nobody"], on=DAY
    )
    assert (facts.answer, facts.duplicate_of, list(facts.agencies)) == (None, None, [PULLS])


async def test_facts_hold_the_answer_of_this_agency_route_and_key_only(books: Books) -> None:
    answer, _ = await books.commit(PULLS, key="k")
    keys = [
        AnswerKey(SENDER, ROUTE, "k"),
        AnswerKey(PULLS, ROUTE, "k"),
        AnswerKey(SENDER, "/vxp", "k"),
        AnswerKey(SENDER, ROUTE, "K"),
    ]
    facts = [
        await books.ledger.submissions.facts(key, document_id="x", codes=[PULLS], on=DAY) for key in keys
    ]
    assert [each.answer for each in facts] == [answer, None, None, None]


async def test_earlier_document_of_the_same_sender_and_id_is_found_and_the_first_of_them(
    books: Books,
) -> None:
    first, _ = await books.commit(PULLS, document_id="VB-1")
    await books.commit(PULLS, document_id="VB-1")
    await books.commit(PULLS, document_id="VB-2")
    facts = [
        await books.ledger.submissions.facts(
            AnswerKey(agency, ROUTE, "new"), document_id=id_, codes=[], on=DAY
        )
        for agency, id_ in ((SENDER, "VB-1"), (PUSHED, "VB-1"), (SENDER, "VB-3"))
    ]
    assert [each.duplicate_of for each in facts] == [first.document, None, None]
