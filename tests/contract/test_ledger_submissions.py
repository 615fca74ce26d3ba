"""The port `Submissions`, over every database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.domain.envelope import About, Dialect, DocumentKind
from gateway.domain.ledger import AnswerKey, SubmissionFacts, Target
from gateway.domain.model import (
    AgencyCode,
    Answer,
    Event,
    EventKind,
    KeptPacket,
    PolicyLabel,
    ReceiptKind,
    Sha256,
)
from gateway.domain.states import BusinessStatus
from signing.report import Verdict
from tests.support.exchange_samples import NOW, SENDER, envelope, stored_file
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
        send_by=NOW + timedelta(days=1),
    )
    delivery = replace(books.delivery(kept, PULLS), acknowledge_by=NOW + timedelta(hours=9))
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
    assert await books.ledger.inbox.waiting([PULLS_TOO], after=None, limit=9, now=NOW) == []


async def test_of_many_commits_at_once_under_one_key_one_wins_and_all_get_its_answer(books: Books) -> None:
    ends = await asyncio.gather(*(books.commit(PULLS, key="k") for _ in range(12)))
    (answer,) = {stored for stored, _ in ends}
    waiting = await books.ledger.inbox.waiting([PULLS], after=None, limit=99, now=NOW)
    assert [item.document.id for item in waiting] == [answer.document]


async def test_commits_at_once_under_different_keys_are_all_kept(books: Books) -> None:
    await asyncio.gather(*(books.commit(PULLS, key=f"k{n}") for n in range(12)))
    assert len(await books.ledger.inbox.waiting([PULLS], after=None, limit=99, now=NOW)) == 12


async def test_document_to_632_agencies_is_kept_whole(books: Books) -> None:
    everybody = [AgencyCode(f"X{n:03}") for n in range(632)]
    deliveries = await books.accept(*everybody)
    assert await books.ledger.records.deliveries(deliveries[0].document) == deliveries


async def test_commit_that_fails_halfway_keeps_nothing(books: Books) -> None:
    with pytest.raises(IntegrityError):
        await books.commit(PULLS, PULLS, key="k")  # two deliveries to one agency
    facts = await books.ledger.submissions.facts(
        AnswerKey(SENDER, ROUTE, "k"), envelope=envelope(), codes=[], on=DAY
    )
    assert (facts.answer, facts.duplicate_of) == (None, None)


def asks(books: Books, sender: AgencyCode = SENDER, **changes: Any) -> Awaitable[SubmissionFacts]:
    """Return the facts of a submission of this sender that is not a resend."""
    return books.ledger.submissions.facts(
        AnswerKey(sender, ROUTE, "new"), envelope=envelope(**changes), codes=[], on=DAY
    )


async def test_facts_of_a_new_submission_are_its_agencies_alone(books: Books) -> None:
    facts = await books.ledger.submissions.facts(
        AnswerKey(SENDER, ROUTE, "k"), envelope=envelope(), codes=[PULLS, "nobody"], on=DAY
    )
    assert (facts.answer, facts.duplicate_of, list(facts.agencies)) == (None, None, [PULLS])
    assert facts.targets == {}


async def test_facts_of_a_plain_submission_cost_three_statements(books: Books) -> None:
    before = books.ledger.database.statements
    await asks(books)
    assert books.ledger.database.statements == before + 3


async def test_facts_hold_the_answer_of_this_agency_route_and_key_only(books: Books) -> None:
    answer, _ = await books.commit(PULLS, key="k")
    keys = [
        AnswerKey(SENDER, ROUTE, "k"),
        AnswerKey(PULLS, ROUTE, "k"),
        AnswerKey(SENDER, "/vxp", "k"),
        AnswerKey(SENDER, ROUTE, "K"),
    ]
    facts = [
        await books.ledger.submissions.facts(key, envelope=envelope(), codes=[PULLS], on=DAY) for key in keys
    ]
    assert [each.answer for each in facts] == [answer, None, None, None]


# --- what a new document repeats -----------------------------------------------------------------


async def test_earlier_document_of_the_same_sender_and_id_is_found_and_the_first_of_them(
    books: Books,
) -> None:
    first, _ = await books.commit(PULLS, document_id="VB-1", number="1")
    await books.commit(PULLS, document_id="VB-1", number="2")
    await books.commit(PULLS, document_id="VB-2", number="3")
    assert (await asks(books, document_id="VB-1")).duplicate_of == first.document
    assert (await asks(books, PUSHED, document_id="VB-1")).duplicate_of is None
    assert (await asks(books, document_id="VB-3")).duplicate_of is None


async def test_document_of_the_same_number_symbol_and_year_is_a_duplicate_whatever_its_id(
    books: Books,
) -> None:
    first, _ = await books.commit(PULLS, document_id="a", issued_on=date(2026, 1, 31))
    await books.commit(PULLS, document_id="b", issued_on=date(2026, 2, 1))
    same: dict[str, Any] = {"document_id": "c", "issued_on": date(2026, 12, 31)}
    assert (await asks(books, **same)).duplicate_of == first.document
    assert (await asks(books, PUSHED, **same)).duplicate_of is None
    others: list[dict[str, Any]] = [
        {"issued_on": date(2025, 12, 31)},
        {"number": "13"},
        {"notation": "CV-UBND"},
        {"number": None},
        {"notation": None},
    ]
    for other in others:
        assert (await asks(books, **(same | other))).duplicate_of is None


async def test_documents_without_number_and_symbol_repeat_nothing(books: Books) -> None:
    await books.commit(PULLS, document_id="a", number=None, notation=None)
    facts = await asks(books, document_id="b", number=None, notation=None)
    assert facts.duplicate_of is None


async def test_document_without_a_day_of_issue_counts_in_the_year_it_was_accepted_in_viet_nam(
    books: Books,
) -> None:
    new_year_there = datetime(2026, 12, 31, 17, 0, tzinfo=UTC)
    first, _ = await books.commit(PULLS, document_id="a", at=new_year_there)
    facts = await asks(books, document_id="b", issued_on=date(2027, 6, 1))
    assert facts.duplicate_of == first.document
    before = await asks(books, document_id="b", issued_on=date(2026, 6, 1))
    assert before.duplicate_of is None
    undated = await books.ledger.submissions.facts(
        AnswerKey(SENDER, ROUTE, "new"), envelope=envelope(document_id="b"), codes=[], on=date(2027, 1, 1)
    )
    assert undated.duplicate_of == first.document


@pytest.mark.parametrize("kind", [kind for kind in DocumentKind if kind is not DocumentKind.NEW])
async def test_orders_repeat_nothing_and_are_not_repeated(books: Books, kind: DocumentKind) -> None:
    await books.commit(PULLS, document_id="a", kind=kind)
    assert (await asks(books, document_id="a")).duplicate_of is None
    await books.commit(PULLS, document_id="a")
    assert (await asks(books, document_id="a", kind=kind)).duplicate_of is None


# --- what an order is about ----------------------------------------------------------------------


async def test_order_finds_its_targets_by_the_senders_id_and_by_ours_with_all_their_deliveries(
    books: Books,
) -> None:
    first = await books.accept(PUSHED, PULLS, document_id="a")
    other = await books.accept(PULLS_TOO, document_id="b")
    await books.say(first[1], BusinessStatus.RECEIVED)
    ours = other[0].document
    about = tuple(About(id_) for id_ in ("a", ours, "unknown"))
    facts = await asks(books, kind=DocumentKind.RECALL, about=about)
    now = tuple([await books.state(each) for each in (first[1], first[0])])
    assert facts.targets == {"a": Target(first[0].document, now), ours: Target(ours, tuple(other))}


async def test_target_is_the_newest_document_of_that_id_and_an_order_by_our_id_alone(books: Books) -> None:
    await books.accept(PULLS, document_id="a")
    (replaced,) = await books.accept(PULLS, document_id="a", kind=DocumentKind.REPLACE)
    (update,) = await books.accept(PULLS, document_id="a", kind=DocumentKind.UPDATE)
    (recall,) = await books.accept(PULLS, document_id="b", kind=DocumentKind.RECALL)
    about = (About("a"), About("b"), About(update.document), About(recall.document))
    facts = await asks(books, kind=DocumentKind.UPDATE, about=about)
    found = {"a": replaced, update.document: update, recall.document: recall}
    assert facts.targets == {name: Target(each.document, (each,)) for name, each in found.items()}


async def test_document_of_another_sender_is_nobody_elses_target(books: Books) -> None:
    (delivery,) = await books.accept(PULLS, document_id="a")
    about = (About("a"), About(delivery.document))
    assert (await asks(books, PULLS, kind=DocumentKind.RECALL, about=about)).targets == {}


async def test_our_id_names_one_document_even_if_a_sender_has_used_the_same_text(books: Books) -> None:
    (meant,) = await books.accept(PULLS, document_id="a")
    await books.accept(PULLS, document_id=meant.document)
    facts = await asks(books, kind=DocumentKind.RECALL, about=(About(meant.document),))
    assert facts.targets == {meant.document: Target(meant.document, (meant,))}


# --- packets -------------------------------------------------------------------------------------


async def test_packet_is_kept_with_its_document(books: Books) -> None:
    packet = KeptPacket(Sha256("ab" * 32), Dialect.BKAV, b'{"subject":"\xc4\x91"}')
    kept, _ = await books.commit(PULLS, packet=packet)
    plain, _ = await books.commit(PULLS)
    assert await books.ledger.records.packet(kept.document) == packet
    assert await books.ledger.records.packet(plain.document) is None
