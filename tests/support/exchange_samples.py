"""Ready-made nouns of the exchange for tests that need one and do not care which."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.domain.envelope import Envelope
from gateway.domain.ledger import Claim
from gateway.domain.model import (
    Agency,
    AgencyCode,
    Change,
    ChangeId,
    Channel,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Lane,
    PolicyLabel,
    Sha256,
    Status,
    StatusId,
    StoredFile,
    System,
    SystemId,
    Webhook,
)
from gateway.domain.states import BusinessStatus, ChangeKind, DeliveryState
from signing.report import Facets, SignatureReport, Verdict, VerificationReport

NOW = datetime(2026, 11, 21, 1, 2, 3, 4000, tzinfo=UTC)
SENDER = AgencyCode("H26.00")
RECIPIENT = AgencyCode("H26.01")


def report(verdict: Verdict, *reasons: str) -> VerificationReport:
    """Return a report with one signature of this verdict, or the report of an unsigned file."""
    if verdict is Verdict.UNSIGNED:
        return VerificationReport.unsigned()
    signature = SignatureReport(
        field="Signature1",
        indication=verdict,
        sub_indication=None,
        signer=None,
        organisation=None,
        signed_at=None,
        facets=Facets(),
        reasons=reasons,
    )
    return VerificationReport(verdict, (signature,))


def stored_file(
    name: str = "Quyết định số 12.pdf",
    *,
    verdict: Verdict = Verdict.TOTAL_PASSED,
    reasons: tuple[str, ...] = (),
) -> StoredFile:
    """Return a file whose body is its own name."""
    content = name.encode()
    digest = Sha256(hashlib.sha256(content).hexdigest())
    return StoredFile(name, "application/pdf", len(content), digest, report(verdict, *reasons))


def envelope(**changes: Any) -> Envelope:
    """Return an envelope to one agency."""
    usual = Envelope(
        document_id="VB-2026-0012",
        subject="Về việc bảo đảm an toàn thông tin",
        to=(RECIPIENT,),
        number="12",
        notation="QĐ-UBND",
        due_date=date(2026, 12, 1),
    )
    return replace(usual, **changes)


def document(number: int = 1, **changes: Any) -> Document:
    """Return the accepted document with this number."""
    usual = Document(
        id=DocumentId(f"document-{number}"),
        sender=SENDER,
        envelope=envelope(document_id=f"VB-2026-{number:04}"),
        files=(stored_file(),),
        label=PolicyLabel.SIGNED,
        accepted_at=NOW,
    )
    return replace(usual, **changes)


def delivery(number: int = 1, **changes: Any) -> Delivery:
    """Return the queued delivery of document `number` by webhook."""
    usual = Delivery(
        id=DeliveryId(f"delivery-{number}"),
        document=DocumentId(f"document-{number}"),
        recipient=RECIPIENT,
        lane=Lane.NORMAL,
        channel=Channel.WEBHOOK,
        state=DeliveryState.QUEUED,
        attempts=0,
        due_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )
    return replace(usual, **changes)


def agency(code: str = RECIPIENT, *, webhook: Webhook | None = None, **changes: Any) -> Agency:
    """Return an agency; one with a webhook takes its deliveries there."""
    usual = Agency(
        code=AgencyCode(code),
        name=f"Sở số {code}",
        level=2,
        channel=Channel.WEBHOOK if webhook else Channel.INBOX,
        webhook=webhook,
    )
    return replace(usual, **changes)


def status(of: Delivery, code: BusinessStatus, **changes: Any) -> Status:
    """Return what the recipient of a delivery says about it to the document's sender."""
    usual = Status(
        id=StatusId(f"{of.id}-{code}"),
        document=of.document,
        delivery=of.id,
        author=of.recipient,
        addressee=SENDER,
        status=code,
        at=NOW,
        said_at=NOW,
    )
    return replace(usual, **changes)


def change(of: Delivery, kind: ChangeKind = ChangeKind.RECALL, **changes: Any) -> Change:
    """Return a change that the sender asks for at the recipient of a delivery."""
    usual = Change(
        id=ChangeId(f"{of.id}-{kind}"),
        kind=kind,
        document=of.document,
        delivery=of.id,
        recipient=of.recipient,
        asked_by=SENDER,
        asked_at=NOW,
        reason="gửi nhầm",
        answer_by=NOW + timedelta(days=1),
    )
    return replace(usual, **changes)


def system(id_: str = "H26.test", *agencies: str, **changes: Any) -> System:
    """Return a centre with these agencies behind it."""
    usual = System(
        id=SystemId(id_),
        name="Trung tâm tích hợp",
        secret=b"encrypted",
        created_at=NOW,
        agencies=frozenset(AgencyCode(code) for code in agencies),
    )
    return replace(usual, **changes)


def claim(webhook: Webhook | None) -> Claim:
    """Return a first claim of a delivery to an agency with this webhook."""
    return Claim(delivery(attempts=1), document(), agency(webhook=webhook))
