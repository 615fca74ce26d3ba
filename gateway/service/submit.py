"""Accepting a document: the way of design §3 from `verify` to `route`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any

from gateway.domain.envelope import DocumentKind, Envelope, UnknownRecipients, Urgency
from gateway.domain.errors import (
    IdempotencyKeyReused,
    MalformedDocument,
    NotAllowed,
    SealingUnavailable,
    UnknownAgency,
)
from gateway.domain.file_types import is_signature_of
from gateway.domain.ledger import AnswerKey, SubmissionFacts
from gateway.domain.model import (
    Agency,
    Answer,
    Change,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Event,
    EventKind,
    Handover,
    KeptPacket,
    PolicyLabel,
    Receipt,
    ReceiptId,
    ReceiptKind,
    StoredFile,
)
from gateway.domain.packets import ReceivedFile
from gateway.domain.policy import (
    check_files,
    label_of,
    policy_for,
    refuse_bad_container,
    refuse_state_secret,
)
from gateway.domain.ports import Draft
from gateway.domain.receipts import accepted_statement
from gateway.domain.routing import lane_of
from gateway.domain.states import DeliveryState
from gateway.service.dossier import check_dossier
from gateway.service.exchange import Exchange, legal_date
from gateway.service.ordering import orders_of, targets_of
from gateway.service.taking_back import left_to_the_chore, take_back
from gateway.service.verify import verify


@dataclass(frozen=True, slots=True)
class Submission:
    """A document as an agency sent it. `route` names the surface it came in by, `packet` the edXML packet it
    came in, of which `packet_draft` has the bytes."""

    sender: Agency
    envelope: Envelope
    files: Sequence[ReceivedFile]
    route: str
    idempotency_key: str | None = None
    packet: KeptPacket | None = None
    packet_draft: Draft | None = None


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
        StateSecret, SealingUnavailable, MalformedDocument: The envelope must not or cannot be accepted, or
            a document without a file.
        UnknownAgency: Recipients are unknown or closed and the envelope does not say `skip`.
        NotYourDossier: It would join a dossier its sender has no part in.
        UnknownDocument: An order is about a document this sender has not sent these recipients.
        IllegalTransition: Nothing an order is about can be changed any more.
        IdempotencyKeyReused: The key was used with another request.
        SignatureRejected: The sender's policy demands a valid signature.
        DependencyUnavailable, OutcomeUnknown: Send again with the same key.
    """
    envelope, sender = submission.envelope, submission.sender
    check_envelope(envelope, file_names=[file.name for file in submission.files])
    fingerprint = _fingerprint(submission)
    key = AnswerKey(sender.code, submission.route, submission.idempotency_key or f"={fingerprint}")
    now = x.clock()
    facts = await x.submissions.facts(key, envelope=envelope, codes=_codes(envelope), on=legal_date(now))
    if facts.answer is not None:
        return _same_request(facts.answer, fingerprint)
    if not sender.is_open_on(legal_date(now)):
        raise NotAllowed(f"{sender.code} is closed since {sender.closed_on}.")
    await check_dossier(x, envelope, sender.code)
    check_files(envelope.kind, count=len(submission.files))
    recipients, skipped = _recipients(envelope, facts, now)
    targets = targets_of(envelope, facts, recipients=recipients)

    # 1. verify
    # One file after the other: a document of many must not hold every parsing worker.
    files = tuple([await _verified(x, file, submission) for file in submission.files])
    label = label_of(files, policy=policy_for(envelope.kind, sender.policy))
    # 2. keep
    await x.bodies.keep(_drafts(submission))
    # 3. commit: one transaction for document, deliveries, orders, answer and receipt
    document = _document(
        x, submission, files=files, label=label, now=now, duplicate_of=facts.duplicate_of, skipped=skipped
    )
    deliveries = _deliveries(x, document, recipients)
    receipt = await _receipt(x, document, recipients)
    answer = await x.submissions.commit(
        key,
        Answer(fingerprint, document.id, render(Accepted(document, deliveries, receipt))),
        document=document,
        deliveries=deliveries,
        receipt=receipt,
        event=Event(document.id, None, document.sender, EventKind.ACCEPTED, now),
        packet=submission.packet,
        orders=orders_of(x, document, targets),
    )
    if answer.document != document.id:
        return _same_request(answer, fingerprint)
    x.meter.accepted(label, size_bytes=sum(file.size_bytes for file in files))
    # 4. route: may be lost, the sweeper finds what was
    x.broker.announce([handover_of(delivery) for delivery in deliveries])
    # 5. take back at once what a recall asks for and nobody has opened
    await _take_back_unopened(x, document, targets)
    return answer


def check_envelope(envelope: Envelope, *, file_names: Sequence[str] = ()) -> None:
    """Pass when nothing in the envelope, or the names of its files, speaks against the document; cheap,
    before its files.

    Raises:
        StateSecret, SealingUnavailable: As `submit`.
        MalformedDocument: It names no recipient, or an order not what it is about.
    """
    refuse_state_secret(envelope, file_names=file_names)
    if envelope.seal:
        raise SealingUnavailable
    is_order = envelope.kind.change is not None
    faults = []
    if not envelope.to:
        faults.append("to: name at least one recipient")
    if is_order and not envelope.about:
        faults.append(f"about: name the documents this {envelope.kind} is about")
    if envelope.about and not is_order:
        faults.append("about: only a recall, an update or a replacement is about other documents")
    if faults:
        raise MalformedDocument(reasons=faults)


def handover_of(delivery: Delivery) -> Handover:
    """Return what the broker carries for a delivery."""
    return Handover(delivery.id, delivery.attempts, delivery.lane, delivery.channel, delivery.recipient)


def _codes(envelope: Envelope) -> list[str]:
    return [*envelope.to, *(code for about in envelope.about for code in about.agencies)]


def _fingerprint(submission: Submission) -> str:
    """Return a hash of everything that makes two requests the same one, however they were encoded."""
    envelope = {**_said(submission.envelope), "to": sorted(set(submission.envelope.to))}
    files = [[file.name, file.draft.sha256] for file in submission.files]
    return hashlib.sha256(json.dumps([envelope, files], sort_keys=True, default=str).encode()).hexdigest()


def _said(value: Any) -> Any:
    """Return a part of an envelope without what it leaves at the default: a field that a later release adds
    must not change the fingerprint of what was sent before."""
    if isinstance(value, tuple):
        return [_said(each) for each in value]
    if not is_dataclass(value):
        return value
    said = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: _said(content) for field, content in said if content != field.default}


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


async def _verified(x: Exchange, file: ReceivedFile, submission: Submission) -> StoredFile:
    """Return a file with the verdict on it. `name.p7s` beside `name` is a detached signature over that."""
    signed = [each for each in submission.files if is_signature_of(file.name, of=each.name)]
    report = await verify(x, file, content=signed[0].draft if signed else None)
    refuse_bad_container(report)
    return StoredFile(file.name, file.media_type, file.draft.size_bytes, file.draft.sha256, report)


def _drafts(submission: Submission) -> list[Draft]:
    packet = [submission.packet_draft] if submission.packet_draft else []
    return [*(file.draft for file in submission.files), *packet]


def _document(
    x: Exchange,
    submission: Submission,
    *,
    files: tuple[StoredFile, ...],
    label: PolicyLabel,
    now: datetime,
    duplicate_of: DocumentId | None,
    skipped: tuple[str, ...],
) -> Document:
    envelope = submission.envelope
    return Document(
        id=DocumentId(x.new_id()),
        sender=submission.sender.code,
        envelope=envelope,
        files=files,
        label=label,
        accepted_at=now,
        duplicate_of=duplicate_of,
        skipped=skipped,
        send_by=x.rules.calendar.send_by(envelope.issued_on) if envelope.issued_on else None,
    )


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
            acknowledge_by=_acknowledge_by(x, document),
        )
        for recipient in recipients
    ]


def _acknowledge_by(x: Exchange, document: Document) -> datetime:
    if document.envelope.urgency is not Urgency.NORMAL:
        return document.accepted_at + x.rules.urgent_within
    return x.rules.calendar.acknowledge_by(document.accepted_at)


async def _take_back_unopened(x: Exchange, order: Document, targets: Sequence[Delivery]) -> None:
    if order.envelope.kind is not DocumentKind.RECALL:
        return
    with left_to_the_chore():
        recalls: list[Change] = []
        for document in {target.document for target in targets}:
            recalls += [each for each in await x.lives.changes(document) if each.order == order.id]
        await take_back(x, recalls)


async def _receipt(x: Exchange, document: Document, recipients: Sequence[Agency]) -> Receipt:
    receipt = ReceiptId(x.new_id())
    statement = accepted_statement(receipt, document, [recipient.code for recipient in recipients])
    (content,) = await x.receipts.sign([statement])
    return Receipt(receipt, ReceiptKind.ACCEPTED, document.id, None, document.accepted_at, content)
