"""The one place where domain values become the shapes of `/v1`.

Times are shown in Vietnamese legal time (+07:00); the record keeps UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import msgspec
from aiohttp import web
from msgspec import UNSET

from gateway.domain.ledger import InboxItem
from gateway.domain.model import (
    Agency,
    Attempt,
    Change,
    Delivery,
    Document,
    Event,
    Receipt,
    Status,
    StoredFile,
)
from gateway.http import wire
from gateway.service.exchange import legal_time
from gateway.service.late import Late
from gateway.service.lease import Lease
from gateway.service.recall import Recalled
from gateway.service.submit import Accepted
from signing.report import SignatureReport, VerificationReport


def answer(
    value: msgspec.Struct, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """Return a wire value as a JSON answer."""
    return web.Response(
        status=status, body=msgspec.json.encode(value), headers=headers, content_type="application/json"
    )


def receipt_file(receipt: Receipt) -> web.Response:
    """Return a receipt as the file it is, byte for byte."""
    return web.Response(body=receipt.content, content_type="application/json")


def shown(moment: datetime) -> datetime:
    """Return a moment as it is shown: +07:00, to the millisecond."""
    local = legal_time(moment)
    return local.replace(microsecond=local.microsecond // 1000 * 1000)


def _shown_if_any(moment: datetime | None) -> datetime | None:
    return None if moment is None else shown(moment)


def accepted(made: Accepted) -> bytes:
    """Return the answer to a submission. It is stored, and every resend gets these bytes."""
    document = made.document
    return msgspec.json.encode(
        wire.AcceptedOut(
            id=document.id,
            document_id=document.envelope.document_id,
            duplicate_of=document.duplicate_of,
            label=document.label,
            skipped=document.skipped,
            deliveries=[
                wire.AcceptedDelivery(each.id, each.recipient, each.state) for each in made.deliveries
            ],
            verification=[_verification(file) for file in document.files],
            receipt=msgspec.Raw(made.receipt.content),
        )
    )


def _verification(file: StoredFile) -> wire.VerificationOut:
    found = msgspec.structs.asdict(report(file.report))
    return wire.VerificationOut(name=file.name, sha256=file.sha256, **found)


def report(found: VerificationReport) -> wire.VerdictOut:
    """Return the verdict on a file. What it rests on, and what was missing, is not for everybody."""
    return wire.VerdictOut(
        verdict=found.verdict,
        kind=found.kind,
        signatures=[_signature(each) for each in found.signatures],
        warnings=[wire.WarningOut(each.code, each.detail, each.sentence_vi) for each in found.warnings],
        trust_version=found.trust_version,
        policy_version=found.policy_version,
    )


def _signature(found: SignatureReport) -> wire.SignatureOut:
    return wire.SignatureOut(
        field=found.field,
        indication=found.indication,
        sub_indication=found.sub_indication,
        level=found.level,
        signer=found.signer,
        organisation=found.organisation,
        signed_at=_shown_if_any(found.signed_at),
        signed_at_proven=found.signed_at_proven,
        role=found.role,
        agency=found.agency,
        domain=found.domain,
        facets=asdict(found.facets),
        codes=found.codes,
        reasons=found.reasons,
        reasons_vi=found.reasons_vi,
        details=found.details,
        sentence_vi=found.sentence_vi,
        sentence_en=found.sentence_en,
    )


def document(found: Document) -> wire.DocumentOut:
    """Return a document without its recipients, as its inbox shows it."""
    envelope = found.envelope
    return wire.DocumentOut(
        id=found.id,
        from_=found.sender,
        document_id=envelope.document_id,
        number=envelope.number,
        notation=envelope.notation,
        subject=envelope.subject,
        kind=envelope.kind,
        urgency=envelope.urgency,
        due_date=envelope.due_date,
        label=found.label,
        duplicate_of=found.duplicate_of,
        accepted_at=shown(found.accepted_at),
        issued_on=envelope.issued_on,
        type_name=envelope.type_name,
        reason=envelope.reason,
        dossier=envelope.dossier.code if envelope.dossier else None,
        about=[about.document_id for about in envelope.about],
        files=[_file(found, file, n=n) for n, file in enumerate(found.files, start=1)],
    )


def document_with(
    found: Document, deliveries: Sequence[Delivery], *, changes: Sequence[Change], is_own: bool
) -> wire.DocumentOut:
    """Return a document with deliveries and what was asked of them; all its recipients are named only if it
    is the caller's own."""
    view = document(found)
    view.changes = [change(each) for each in changes]
    view.deliveries = [_delivery(each) for each in deliveries]
    view.to = found.envelope.to if is_own else UNSET
    view.skipped = found.skipped if is_own else UNSET
    return view


def _file(found: Document, file: StoredFile, *, n: int) -> wire.FileOut:
    return wire.FileOut(
        n=n,
        name=file.name,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        media_type=file.media_type,
        verdict=file.verdict,
        url=f"/v1/documents/{found.id}/files/{n}",
    )


def _delivery(found: Delivery) -> wire.DeliveryOut:
    return wire.DeliveryOut(
        id=found.id,
        to=found.recipient,
        state=found.state,
        attempts=found.attempts,
        offered_at=_shown_if_any(found.offered_at),
        opened_at=_shown_if_any(found.opened_at),
        acknowledge_by=_shown_if_any(found.acknowledge_by),
        ended_at=_shown_if_any(found.ended_at),
        expires_at=shown(found.expires_at),
        reason=found.reason,
        receipt=found.receipt,
        status=found.life.progress,
        asked=found.life.asked,
        ended_by=found.life.ended_by,
    )


def change(found: Change) -> wire.ChangeOut:
    """Return a change asked for at one recipient."""
    return wire.ChangeOut(
        id=found.id,
        kind=found.kind,
        delivery=found.delivery,
        to=found.recipient,
        state=found.state,
        asked_at=shown(found.asked_at),
        reason=found.reason,
        answer_by=shown(found.answer_by),
        opened_at=_shown_if_any(found.opened_at),
        answered_at=_shown_if_any(found.answered_at),
        order=found.order,
    )


def status(found: Status) -> wire.StatusOut:
    """Return one line of the business history."""
    return wire.StatusOut(
        id=found.id,
        document=found.document,
        delivery=found.delivery,
        from_=found.author,
        to=found.addressee,
        status=found.status,
        at=shown(found.at),
        said_at=shown(found.said_at),
        description=found.description,
        staff=wire.Staff(**asdict(found.staff)) if found.staff else None,
    )


def late(found: Late) -> wire.LateOut:
    """Return what is late."""
    return wire.LateOut(
        unacknowledged=[_late_delivery(item) for item in found.unacknowledged],
        unanswered=[change(each) for each in found.unanswered],
        sent_late=[_late_document(each) for each in found.sent],
        more=found.more,
    )


def _late_delivery(item: InboxItem) -> wire.LateDelivery:
    delivery, envelope = item.delivery, item.document.envelope
    return wire.LateDelivery(
        delivery=delivery.id,
        document=item.document.id,
        from_=item.document.sender,
        to=delivery.recipient,
        subject=envelope.subject,
        urgency=envelope.urgency,
        acknowledge_by=_shown_if_any(delivery.acknowledge_by),
        ended_at=_shown_if_any(delivery.ended_at),
    )


def _late_document(found: Document) -> wire.LateDocument:
    return wire.LateDocument(
        document=found.id,
        from_=found.sender,
        document_id=found.envelope.document_id,
        subject=found.envelope.subject,
        issued_on=found.envelope.issued_on,
        send_by=_shown_if_any(found.send_by),
        accepted_at=shown(found.accepted_at),
    )


def timeline_entry(line: Event | Attempt) -> wire.TimelineEntry:
    """Return one line of a document's history."""
    if isinstance(line, Attempt):
        return wire.TimelineEntry(
            at=shown(line.at),
            kind="attempt",
            delivery=line.delivery,
            agency=None,
            detail=line.detail,
            number=line.number,
            outcome=line.outcome.value,
        )
    return wire.TimelineEntry(shown(line.at), line.kind.value, line.delivery, line.agency, line.detail)


def inbox_entry(item: InboxItem) -> wire.InboxEntry:
    """Return a delivery as its recipient sees it."""
    return wire.InboxEntry(
        delivery=item.delivery.id,
        state=item.delivery.state,
        expires_at=shown(item.delivery.expires_at),
        document=document(item.document),
    )


def claimed(lease: Lease) -> wire.ClaimOut:
    """Return a lease and what was leased."""
    return wire.ClaimOut(lease.token, shown(lease.until), inbox_entry(lease.item))


def recalled(what: Recalled) -> wire.RecallOut:
    """Return how a recalled document stands with its recipients."""
    return wire.RecallOut(
        [wire.RecalledDelivery(each.id, each.receipt) for each in what.taken_back],
        [change(each) for each in what.asked],
        [each.id for each in what.too_late],
    )


def agency(found: Agency) -> wire.AgencyOut:
    """Return an agency as everybody may see it: never where or with which secret it is pushed to."""
    return wire.AgencyOut(
        code=found.code,
        name=found.name,
        level=found.level,
        parent=found.parent,
        channel=found.channel,
        aliases=[
            wire.AliasOut(each.scheme, each.value, each.valid_from, each.valid_until)
            for each in found.aliases
        ],
        email=found.email,
        phone=found.phone,
        closed_on=found.closed_on,
    )
