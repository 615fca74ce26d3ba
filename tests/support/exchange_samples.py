"""Ready-made nouns of the exchange for tests that need one and do not care which."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.domain.ledger import Claim
from gateway.domain.model import (
    Agency,
    AgencyCode,
    Channel,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Envelope,
    Lane,
    PolicyLabel,
    Sha256,
    StoredFile,
    Webhook,
)
from gateway.domain.states import DeliveryState
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


def claim(webhook: Webhook | None) -> Claim:
    """Return a first claim of a delivery to an agency with this webhook."""
    return Claim(delivery(attempts=1), document(), agency(webhook=webhook))
