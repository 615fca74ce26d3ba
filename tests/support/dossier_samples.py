"""Documents of dossiers for tests: one call keeps one, whoever sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from gateway.domain.envelope import DocumentKind, DossierPart, Stage
from gateway.domain.ids import new_id
from gateway.domain.ledger import AnswerKey
from gateway.domain.model import (
    AgencyCode,
    Answer,
    DeliveryId,
    DocumentId,
    Event,
    EventKind,
    PolicyLabel,
    ReceiptKind,
)
from tests.support.exchange_samples import NOW
from tests.support.ledgers import Books

CODE = "H26.01-261121-0001"


def part(
    *stages: str | tuple[str, date], code: str = CODE, components: Sequence[str] = (), are_next: bool = False
) -> DossierPart:
    """Return what a document says about a dossier; a stage is an agency, or an agency and its due day."""
    return DossierPart(
        code=code,
        procedure="1.001193",
        components=tuple(components),
        stages=tuple(Stage(*((each,) if isinstance(each, str) else each)) for each in stages),
        are_next=are_next,
    )


async def keep(
    books: Books,
    of: DossierPart | None,
    *,
    sender: AgencyCode,
    to: Sequence[AgencyCode],
    at: datetime = NOW,
    label: PolicyLabel = PolicyLabel.SIGNED,
    acknowledge_by: datetime | None = None,
    judging: timedelta = timedelta(0),
    kind: DocumentKind = DocumentKind.NEW,
) -> list[DeliveryId]:
    """Keep a document and return its deliveries; they get their ids when the files are judged."""
    draft, judged_at = books.draft(*to, at=at, dossier=of, kind=kind), at + judging
    document = replace(draft, id=DocumentId(new_id(judged_at)), sender=sender, label=label)
    deliveries = [
        replace(
            books.delivery(document, code), id=DeliveryId(new_id(judged_at)), acknowledge_by=acknowledge_by
        )
        for code in to
    ]
    await books.ledger.submissions.commit(
        AnswerKey(sender, "/v1/documents", document.id),
        Answer("fingerprint", document.id, b"answer"),
        document=document,
        deliveries=deliveries,
        receipt=books.receipt(ReceiptKind.ACCEPTED, document.id, at=at),
        event=Event(document.id, None, sender, EventKind.ACCEPTED, at),
    )
    return [each.id for each in deliveries]
