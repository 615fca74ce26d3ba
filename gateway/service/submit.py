"""Accepting a document: the way of design §3 from `verify` to `route`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from gateway.domain.errors import (
    IdempotencyKeyReused,
    MalformedDocument,
    NotAllowed,
    SealingUnavailable,
    UnknownAgency,
)
from gateway.domain.ledger import AnswerKey, SubmissionFacts
from gateway.domain.model import (
    Agency,
    Answer,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Envelope,
    Event,
    EventKind,
    Handover,
    Receipt,
    ReceiptId,
    ReceiptKind,
    StoredFile,
    UnknownRecipients,
)
from gateway.domain.policy import label_of, refuse_state_secret
from gateway.domain.ports import Draft
from gateway.domain.receipts import accepted_statement
from gateway.domain.routing import lane_of
from gateway.domain.states import DeliveryState
from gateway.service.exchange import Exchange, legal_date
from signing.report import VerificationReport


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file as it arrived: its shown name, the type its bytes have, and its draft body."""

    name: str
    media_type: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class Submission:
    """A document as an agency sent it. `route` names the surface it came in by."""

    sender: Agency
    envelope: Envelope
    files: Sequence[ReceivedFile]
    route: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was accepted, for the surface to render its answer from."""

    document: Document
    deliveries: Sequence[Delivery]
    receipt: Receipt


async def submit(x: Exchange, submission: Submission, *, render: Callable[[Accepted], bytes]) -> Answer:
    """Keep a document for all its recipients and return the answer to its sender.

    The same submission again gets the first answer, byte for byte. `render` makes the answer's bytes
    before the commit, because they are stored with the document.

    Raises:
        NotAllowed: The sender is closed.
        StateSecret, SealingUnavailable, MalformedDocument: The envelope must not or cannot be accepted.
        UnknownAgency: Recipients are unknown or closed and the envelope does not say `skip`.
        IdempotencyKeyReused: The key was used with another request.
        SignatureRejected: The sender's policy demands a valid signature.
        DependencyUnavailable, OutcomeUnknown: Send again with the same key.
    """
    check_envelope(submission.envelope)
    fingerprint = _fingerprint(submission)
    key = AnswerKey(submission.sender.code, submission.route, submission.idempotency_key or f"={fingerprint}")
    now = x.clock()
    facts = await x.submissions.facts(
        key,
        document_id=submission.envelope.document_id,
        codes=submission.envelope.to,
        on=legal_date(now),
    )
    if facts.answer is not None:
        return _same_request(facts.answer, fingerprint)
    if not submission.sender.is_open_on(legal_date(now)):
        raise NotAllowed(f"{submission.sender.code} is closed since {submission.sender.closed_on}.")
    recipients, skipped = _recipients(submission.envelope, facts, now)

    # 1. verify
    # One file after the other: a document of many must not hold every parsing worker.
    files = tuple([_stored(file, await _verify(x, file)) for file in submission.files])
    label = label_of(files, policy=submission.sender.policy)
    # 2. keep
    await x.bodies.keep([file.draft for file in submission.files])
    # 3. commit: one transaction for document, deliveries, answer and receipt
    document = Document(
        id=DocumentId(x.new_id()),
        sender=submission.sender.code,
        envelope=submission.envelope,
        files=files,
        label=label,
        accepted_at=now,
        duplicate_of=facts.duplicate_of,
        skipped=skipped,
    )
    deliveries = _deliveries(x, document, recipients)
    receipt = await _receipt(x, document, recipients)
    content = render(Accepted(document, deliveries, receipt))
    answer = await x.submissions.commit(
        key,
        Answer(fingerprint, document.id, content),
        document=document,
        deliveries=deliveries,
        receipt=receipt,
        event=Event(document.id, None, document.sender, EventKind.ACCEPTED, now),
    )
    if answer.document != document.id:
        return _same_request(answer, fingerprint)
    x.meter.accepted(label, size_bytes=sum(file.size_bytes for file in files))
    # 4. route: may be lost, the sweeper finds what was
    x.broker.announce([handover_of(delivery) for delivery in deliveries])
    return answer


def check_envelope(envelope: Envelope) -> None:
    """Pass when nothing in the envelope alone speaks against the document; cheap, before its files.

    Raises:
        StateSecret, SealingUnavailable: As `submit`.
        MalformedDocument: It names no recipient.
    """
    refuse_state_secret(envelope)
    if envelope.seal:
        raise SealingUnavailable
    if not envelope.to:
        raise MalformedDocument(reasons=("to: name at least one recipient",))


def handover_of(delivery: Delivery) -> Handover:
    """Return what the broker carries for a delivery."""
    return Handover(delivery.id, delivery.attempts, delivery.lane, delivery.channel, delivery.recipient)


def _fingerprint(submission: Submission) -> str:
    """Return a hash of everything that makes two requests the same one, however they were encoded."""
    envelope = submission.envelope
    parts = [
        envelope.document_id,
        envelope.kind.value,
        sorted(set(envelope.to)),
        [
            envelope.subject,
            envelope.number,
            envelope.notation,
            envelope.urgency.value,
            str(envelope.due_date),
        ],
        envelope.unknown_recipients.value,
        [[file.name, file.draft.sha256] for file in submission.files],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _same_request(answer: Answer, fingerprint: str) -> Answer:
    if answer.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return answer


def _recipients(
    envelope: Envelope, facts: SubmissionFacts, now: datetime
) -> tuple[list[Agency], tuple[str, ...]]:
    """Return each recipient once, in the order named, and the codes left out."""
    day = legal_date(now)
    wrong: dict[str, str] = {}
    recipients: dict[str, Agency] = {}
    for code in envelope.to:
        agency = facts.agencies.get(code)
        if agency is None:
            wrong[code] = f"{code}: no agency has this code"
        elif not agency.is_open_on(day):
            wrong[code] = f"{code}: the agency is closed since {agency.closed_on}"
        else:
            recipients[agency.code] = agency
    if wrong and envelope.unknown_recipients is UnknownRecipients.REFUSE:
        raise UnknownAgency(reasons=tuple(wrong.values()))
    if not recipients:
        raise UnknownAgency("No recipient is left to deliver to.", reasons=tuple(wrong.values()))
    return list(recipients.values()), tuple(wrong)


async def _verify(x: Exchange, file: ReceivedFile) -> VerificationReport:
    if file.media_type != "application/pdf":
        # Other file types carry no signature we can judge yet: they count as unsigned.
        return VerificationReport.unsigned()
    began = monotonic()
    report = await x.verifier.verify(file.draft.path)
    x.meter.verified(report.verdict, seconds=monotonic() - began)
    return report


def _stored(file: ReceivedFile, report: VerificationReport) -> StoredFile:
    return StoredFile(file.name, file.media_type, file.draft.size_bytes, file.draft.sha256, report)


def _deliveries(x: Exchange, document: Document, recipients: Sequence[Agency]) -> list[Delivery]:
    lane = lane_of(document.envelope.urgency, recipients=len(recipients))
    return [
        Delivery(
            id=DeliveryId(x.new_id()),
            document=document.id,
            recipient=recipient.code,
            lane=lane,
            channel=recipient.channel,
            state=DeliveryState.QUEUED,
            attempts=0,
            due_at=document.accepted_at + x.rules.grace,
            expires_at=document.accepted_at + x.rules.life,
        )
        for recipient in recipients
    ]


async def _receipt(x: Exchange, document: Document, recipients: Sequence[Agency]) -> Receipt:
    receipt = ReceiptId(x.new_id())
    statement = accepted_statement(receipt, document, [recipient.code for recipient in recipients])
    (content,) = await x.receipts.sign([statement])
    return Receipt(receipt, ReceiptKind.ACCEPTED, document.id, None, document.accepted_at, content)
