"""Accepting a document: verified, kept, committed once, announced; or refused and nothing left behind."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.envelope import (
    Dialect,
    DocumentKind,
    DossierPart,
    Reference,
    Secrecy,
    Signer,
    Stage,
    UnknownRecipients,
    Urgency,
)
from gateway.domain.errors import (
    ExchangeError,
    IdempotencyKeyReused,
    MalformedDocument,
    NotAllowed,
    SealingUnavailable,
    SignatureRejected,
    SigningUnavailable,
    StateSecret,
    UnknownAgency,
)
from gateway.domain.model import Channel, KeptPacket, Lane, PolicyLabel
from gateway.domain.packets import ReceivedFile
from gateway.domain.states import DeliveryState
from gateway.service.submit import Submission, submit
from signing.report import Verdict
from tests.support.exchange import (
    CLOSED,
    OTHER_RECIPIENT,
    PUSHED_RECIPIENT,
    RECIPIENT,
    RULES,
    SENDER,
    STRICT_SENDER,
    open_world,
)
from tests.support.exchange_samples import envelope
from tests.support.paperwork import PDF, ROUTE, Clerk, statement
from tests.support.twins import SIGNED, TAMPERED, UNREADABLE, UNSIGNED

SKIP = UnknownRecipients.SKIP


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


# --- what is accepted --------------------------------------------------------------------------------


async def test_accepted_document_is_kept_with_its_deliveries_and_announced(clerk: Clerk) -> None:
    accepted = await clerk.sent(to=[RECIPIENT, PUSHED_RECIPIENT])
    x, now = clerk.world.exchange, clerk.world.clock()
    deliveries = await x.records.deliveries(accepted.document.id)
    assert await x.records.document(accepted.document.id) == accepted.document
    assert [each.channel for each in deliveries] == [Channel.INBOX, Channel.WEBHOOK]
    assert {each.state for each in deliveries} == {DeliveryState.QUEUED}
    assert {(each.due_at, each.expires_at) for each in deliveries} == {(now + RULES.grace, now + RULES.life)}
    assert {each.delivery for each in clerk.world.broker.announced} == {each.id for each in deliveries}
    assert await clerk.history(accepted.document) == ["accepted"]


async def test_body_is_kept_byte_for_byte_under_its_hash(clerk: Clerk) -> None:
    accepted = await clerk.sent(SIGNED, UNSIGNED)
    x = clerk.world.exchange
    kept = [x.bodies.path(file.sha256).read_bytes() for file in accepted.document.files]
    assert kept == [SIGNED, UNSIGNED]
    assert accepted.document.files[0].sha256 == hashlib.sha256(SIGNED).hexdigest()


async def test_receipt_names_the_files_and_everybody_it_is_for(clerk: Clerk) -> None:
    accepted = await clerk.sent(to=["000.00.01.H26", OTHER_RECIPIENT, CLOSED], unknown_recipients=SKIP)
    stored = await clerk.world.exchange.records.receipt(accepted.receipt.id)
    assert stored == accepted.receipt
    stated = statement(accepted.receipt)
    assert (stated["kind"], stated["from"]) == ("accepted", SENDER)
    assert (stated["to"], stated["skipped"]) == ([RECIPIENT, OTHER_RECIPIENT], [CLOSED])
    assert [file["sha256"] for file in stated["files"]] == [hashlib.sha256(SIGNED).hexdigest()]


async def test_recipient_named_by_several_codes_gets_one_delivery(clerk: Clerk) -> None:
    accepted = await clerk.sent(to=[RECIPIENT, "000.00.01.H26", RECIPIENT])
    assert [each.recipient for each in accepted.deliveries] == [RECIPIENT]


async def test_urgent_document_goes_by_the_urgent_lane(clerk: Clerk) -> None:
    accepted = await clerk.sent(urgency=Urgency.IMMEDIATE)
    assert {each.lane for each in accepted.deliveries} == {Lane.URGENT}


@pytest.mark.parametrize(
    ("content", "label", "verdict"),
    [
        (SIGNED, PolicyLabel.SIGNED, Verdict.TOTAL_PASSED),
        (UNSIGNED, PolicyLabel.FOR_INFORMATION, Verdict.UNSIGNED),
        (TAMPERED, PolicyLabel.FOR_INFORMATION, Verdict.TOTAL_FAILED),
    ],
)
async def test_label_follows_the_verdict(
    clerk: Clerk, content: bytes, label: PolicyLabel, verdict: Verdict
) -> None:
    accepted = await clerk.sent(content)
    assert (accepted.document.label, accepted.document.files[0].verdict) == (label, verdict)
    assert clerk.world.meter.counts[f"accepted {label}"] == 1


async def test_file_that_is_no_pdf_counts_as_unsigned(clerk: Clerk) -> None:
    accepted = await clerk.sent(SIGNED, media_type="application/msword")
    assert accepted.document.label is PolicyLabel.FOR_INFORMATION
    # Not for its signatures, but for what else is in it.
    assert clerk.world.verifier.is_busy.is_set()


async def test_files_of_one_document_are_judged_one_after_the_other(clerk: Clerk) -> None:
    await clerk.sent(SIGNED, UNSIGNED, TAMPERED)
    assert clerk.world.verifier.most_at_once == 1


async def test_no_file_is_judged_when_the_request_is_over(clerk: Clerk) -> None:
    with pytest.raises(MalformedDocument):
        await clerk.send(UNREADABLE, SIGNED, SIGNED)
    assert clerk.world.verifier.at_work == 0


async def test_packet_a_document_came_in_is_kept_with_its_files(clerk: Clerk) -> None:
    x = clerk.world.exchange
    sender = await x.directory.agency(SENDER)
    assert sender is not None
    async with x.bodies.receiving() as file, x.bodies.receiving() as packet:
        await file.write(SIGNED)
        await packet.write(b"<edXML/>")
        kept = KeptPacket(packet.sha256, Dialect.JAVA, b"header")
        sent = Submission(
            sender, envelope(), [ReceivedFile("1.pdf", PDF, file)], ROUTE, packet=kept, packet_draft=packet
        )
        answer = await submit(x, sent, render=lambda made: made.document.id.encode())
    assert await x.records.packet(answer.document) == kept
    assert x.bodies.path(kept.sha256).read_bytes() == b"<edXML/>"


# --- sending again -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "key-1"])
async def test_same_submission_again_gets_the_first_answer(clerk: Clerk, key: str | None) -> None:
    first = await clerk.send(key=key)
    clerk.world.broker.take()
    clerk.world.clock += timedelta(days=3)
    assert await clerk.send(key=key) == first
    assert clerk.world.rows("documents") == 1
    assert clerk.world.broker.announced == []


async def test_resend_gets_the_first_answer_although_its_sender_is_closed_meanwhile(clerk: Clerk) -> None:
    x = clerk.world.exchange
    first = await clerk.send(key="key-1")
    sender = await x.directory.agency(SENDER)
    assert sender is not None
    closed_on = clerk.world.clock().date()
    await x.directory.upsert([replace(sender, closed_on=closed_on)], now=clerk.world.clock())
    assert await clerk.send(key="key-1") == first
    with pytest.raises(NotAllowed):
        await clerk.send(key="key-2")


async def test_many_at_once_with_one_key_make_one_document(clerk: Clerk) -> None:
    answers = await asyncio.gather(*(clerk.send(key="key-1") for _ in range(8)))
    assert len({answer.content for answer in answers}) == 1
    assert (clerk.world.rows("documents"), clerk.world.rows("receipts")) == (1, 1)
    assert len(clerk.world.broker.announced) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "another"},
        {"number": "13"},
        {"due_date": None},
        {"to": [RECIPIENT, OTHER_RECIPIENT]},
        {"urgency": Urgency.URGENT},
        {"unknown_recipients": SKIP},
        {"content": "tóm tắt khác"},
        {"issued_on": date(2026, 11, 20)},
        {"signer": Signer(name="Trần Thị B")},
        {"replies_to": (Reference(SENDER, "VB-1"),)},
        {"places": ("Như trên",)},
        {"dossier": DossierPart("H26.01-261121-0001")},
    ],
)
async def test_key_used_for_another_request_is_refused(clerk: Clerk, change: dict[str, Any]) -> None:
    await clerk.send(key="key-1")
    with pytest.raises(IdempotencyKeyReused):
        await clerk.send(key="key-1", **change)
    assert clerk.world.rows("documents") == 1


async def test_fingerprint_of_what_is_sent_today_is_the_same_in_every_release(clerk: Clerk) -> None:
    plain = await clerk.send(SIGNED)
    assert plain.fingerprint == "9e0790c67a5cd197901d62c91cf6e4a22ad1de86361b048250822cd4eef1d983"
    dossier = DossierPart("HS-1", stages=(Stage(RECIPIENT),))
    full = await clerk.send(SIGNED, document_id="VB-2", signer=Signer(name="Nguyễn Văn A"), dossier=dossier)
    assert full.fingerprint == "8e1fac29b412ff2fb7e93f62c3a5a918d0adfc63882f7f08fbed8c30109cb541"


async def test_same_document_id_with_other_content_is_flagged_as_duplicate(clerk: Clerk) -> None:
    first = await clerk.sent(SIGNED)
    other = await clerk.sent(UNSIGNED)
    assert (first.document.duplicate_of, other.document.duplicate_of) == (None, first.document.id)


async def test_document_id_of_another_agency_is_no_duplicate(clerk: Clerk) -> None:
    await clerk.sent(SIGNED)
    other = await clerk.sent(UNSIGNED, by=OTHER_RECIPIENT)
    assert other.document.duplicate_of is None


# --- what is refused leaves nothing behind -------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"secrecy": Secrecy.SECRET}, StateSecret),
        ({"seal": True}, SealingUnavailable),
        ({"to": []}, MalformedDocument),
        ({"by": CLOSED}, NotAllowed),
        ({"to": [RECIPIENT, "H99"]}, UnknownAgency),
        ({"to": ["H99", CLOSED], "unknown_recipients": SKIP}, UnknownAgency),
    ],
)
async def test_what_must_not_be_accepted_is_refused(
    clerk: Clerk, change: dict[str, Any], error: type[ExchangeError]
) -> None:
    with pytest.raises(error):
        await clerk.send(**change)
    assert clerk.world.kept_nothing()
    assert clerk.world.broker.announced == []


async def test_all_wrong_recipients_are_named_at_once(clerk: Clerk) -> None:
    with pytest.raises(UnknownAgency) as caught:
        await clerk.send(to=["H98", RECIPIENT, CLOSED, "H99"])
    assert [reason.split(":")[0] for reason in caught.value.reasons] == ["H98", CLOSED, "H99"]


async def test_document_without_a_file_is_refused(clerk: Clerk) -> None:
    with pytest.raises(MalformedDocument) as caught:
        await clerk.order(DocumentKind.NEW, contents=())
    assert caught.value.reasons == ("file: a document of kind new has at least one file",)
    assert clerk.world.kept_nothing()


@pytest.mark.parametrize("content", [UNSIGNED, TAMPERED])
async def test_agency_that_must_sign_cannot_send_without_a_valid_signature(
    clerk: Clerk, content: bytes
) -> None:
    with pytest.raises(SignatureRejected) as caught:
        await clerk.send(content, by=STRICT_SENDER)
    assert caught.value.reasons
    assert clerk.world.kept_nothing()


async def test_agency_that_must_sign_may_add_files_without_signature(clerk: Clerk) -> None:
    accepted = await clerk.sent(UNSIGNED, SIGNED, by=STRICT_SENDER)
    assert accepted.document.label is PolicyLabel.SIGNED


async def test_without_the_receipt_key_nothing_is_accepted_and_the_resend_is(clerk: Clerk) -> None:
    clerk.world.signer.failure = SigningUnavailable()
    with pytest.raises(SigningUnavailable):
        await clerk.send(key="key-1")
    assert (clerk.world.rows("documents"), clerk.world.rows("answers")) == (0, 0)
    assert clerk.world.broker.announced == []
    clerk.world.signer.failure = None
    answer = await clerk.send(key="key-1")
    assert json.loads(answer.content)[0] == answer.document
