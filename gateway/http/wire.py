"""The shapes of `/v1` in JSON. `views.py` makes them out of domain values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from gateway.domain.envelope import DocumentKind, Urgency
from gateway.domain.model import AliasScheme, Channel, PolicyLabel, ReceiptKind
from gateway.domain.receipts import Side
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState
from gateway.http.wire_in import Staff as Staff
from signing.report import FacetState, Verdict


class TokenOut(msgspec.Struct):
    """An access token, good for `expires_in` seconds."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"


class Problem(msgspec.Struct):
    """What went wrong (RFC 9457). `code` is stable; `retry` says whether the same request may succeed."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    reasons: list[str]
    retry: bool
    trace_id: str


class StepOut(msgspec.Struct):
    """One step of a Merkle path."""

    side: Side
    hash: str


class StatementFile(msgspec.Struct):
    """A file as a receipt names it."""

    name: str
    sha256: str


class Statement(msgspec.Struct, rename={"from_": "from"}):
    """What a receipt states. Which of the later fields are there depends on `kind`."""

    receipt: str
    kind: ReceiptKind
    document: str
    document_id: str
    from_: str
    to: list[str]
    files: list[StatementFile]
    label: PolicyLabel
    at: str
    skipped: list[str] | UnsetType = UNSET
    delivery: str | UnsetType = UNSET
    accepted_at: str | UnsetType = UNSET
    reason: str | UnsetType | None = UNSET


class ReceiptFile(msgspec.Struct):
    """A signed receipt. Keep it as it is: `lienthong receipt verify` needs nothing else."""

    version: int
    statement: Statement
    path: list[StepOut]
    root: str


class SignatureOut(msgspec.Struct):
    """The verdict on one signature. `indication` and `sub_indication` are those of ETSI EN 319 102-1; `codes`
    has a stable code for each of `reasons`, `details` what its sentence may leave out. A sentence says the
    same to a person. Unless `signed_at_proven`, `signed_at` is what the signer's own clock said."""

    field: str
    indication: Verdict
    sub_indication: str | None
    level: str
    signer: str | None
    organisation: str | None
    signed_at: datetime | None
    signed_at_proven: bool
    role: str
    agency: str | None
    domain: str
    facets: dict[str, FacetState]
    codes: Sequence[str]
    reasons: Sequence[str]
    reasons_vi: Sequence[str]
    details: Sequence[str]
    sentence_vi: str
    sentence_en: str


class WarningOut(msgspec.Struct):
    """Something to know about a file. Of the files in a packet some make it INDETERMINATE: `packet-mistake`,
    `main-document-unsigned`, `attachment-unreadable`, `attachment-too-costly`, `attachment-packet`."""

    code: str
    detail: str
    sentence_vi: str


class VerdictOut(msgspec.Struct, kw_only=True):
    """The verdict on a file: that of its worst signature, unless a warning about a packet says more. `kind`
    is `pdf`, `cms`, `xml`, `edxml` or empty; `trust_version` and `policy_version` name whom was believed and
    by which rules it was judged."""

    verdict: Verdict
    kind: str
    signatures: list[SignatureOut]
    warnings: list[WarningOut]
    trust_version: str
    policy_version: str


class VerificationOut(VerdictOut, kw_only=True):
    """The verdict on one file of a document."""

    name: str
    sha256: str


class AcceptedDelivery(msgspec.Struct):
    """One delivery of a document just accepted."""

    id: str
    to: str
    state: DeliveryState


class AcceptedOut(msgspec.Struct):
    """A document was accepted; `skipped` lists the unknown recipients left out."""

    id: str
    document_id: str
    duplicate_of: str | None
    label: PolicyLabel
    skipped: Sequence[str]
    deliveries: list[AcceptedDelivery]
    verification: list[VerificationOut]
    receipt: Annotated[
        msgspec.Raw, msgspec.Meta(extra_json_schema={"$ref": "#/components/schemas/ReceiptFile"})
    ]


class FileOut(msgspec.Struct):
    """A file of a document and where to fetch it."""

    n: int
    name: str
    size_bytes: int
    sha256: str
    media_type: str
    verdict: Verdict
    url: str


class DeliveryOut(msgspec.Struct):
    """One delivery and how it stands.

    `opened_at` is when the recipient first fetched any of it, `acknowledge_by` until when it should answer.
    `status` is its last word on the document (01 to 06), `asked` the change it owes an answer to,
    `ended_by` the change it has agreed to.
    """

    id: str
    to: str
    state: DeliveryState
    attempts: int
    offered_at: datetime | None
    opened_at: datetime | None
    acknowledge_by: datetime | None
    ended_at: datetime | None
    expires_at: datetime
    reason: str | None
    receipt: str | None
    status: BusinessStatus | None
    asked: ChangeKind | None
    ended_by: ChangeKind | None


class ChangeOut(msgspec.Struct):
    """A change that was asked for at one recipient. `opened_at` proves that it had opened the document
    before; `order` is the document that asked for it, null for status 13 and `/v1` recalls."""

    id: str
    kind: ChangeKind
    delivery: str
    to: str
    state: ChangeState
    asked_at: datetime
    reason: str
    answer_by: datetime
    opened_at: datetime | None
    answered_at: datetime | None
    order: str | None


class StatusOut(msgspec.Struct, rename={"from_": "from"}):
    """One line of the business history: who told whom what about a document."""

    id: str
    document: str
    delivery: str
    from_: str
    to: str
    status: BusinessStatus
    at: datetime
    said_at: datetime
    description: str
    staff: Staff | None


class StatusesOut(msgspec.Struct):
    """Business statuses, oldest first. `next` is the cursor of what comes later, null at the end."""

    items: list[StatusOut]
    next: str | None = None


class LateDelivery(msgspec.Struct, rename={"from_": "from"}):
    """A delivery that was not answered in time; `ended_at` is null while it still is not."""

    delivery: str
    document: str
    from_: str
    to: str
    subject: str
    urgency: Urgency
    acknowledge_by: datetime | None
    ended_at: datetime | None


class LateDocument(msgspec.Struct, rename={"from_": "from"}):
    """A document sent later than the morning of the working day after its issue."""

    document: str
    from_: str
    document_id: str
    subject: str
    issued_on: date | None
    send_by: datetime | None
    accepted_at: datetime


class LateOut(msgspec.Struct):
    """What is late: answers to deliveries, answers to changes, documents sent this month; `more` when there
    is more than a list has room for."""

    unacknowledged: list[LateDelivery]
    unanswered: list[ChangeOut]
    sent_late: list[LateDocument]
    more: bool


class DocumentOut(msgspec.Struct, rename={"from_": "from"}, kw_only=True):
    """A document as the caller may see it: to its sender with all recipients and deliveries, to a
    recipient with its own delivery; in the inbox without either. `about` names the sender's ids of the
    documents an order is about; `changes` what was asked of this one, and how each recipient answered."""

    id: str
    from_: str
    document_id: str
    number: str | None
    notation: str | None
    subject: str
    kind: DocumentKind
    urgency: Urgency
    due_date: date | None
    label: PolicyLabel
    duplicate_of: str | None
    accepted_at: datetime
    files: list[FileOut]
    issued_on: date | None
    type_name: str | None
    reason: str | None
    dossier: str | None
    about: list[str]
    to: Sequence[str] | UnsetType = UNSET
    skipped: Sequence[str] | UnsetType = UNSET
    deliveries: list[DeliveryOut] | UnsetType = UNSET
    changes: list[ChangeOut] | UnsetType = UNSET


class TimelineEntry(msgspec.Struct):
    """Something that happened. `kind` is an event, or `attempt` with its number and outcome."""

    at: datetime
    kind: str
    delivery: str | None
    agency: str | None
    detail: str
    number: int | None = None
    outcome: str | None = None


class TimelineOut(msgspec.Struct):
    """Everything that happened to a document, oldest first."""

    items: list[TimelineEntry]


class InboxEntry(msgspec.Struct):
    """A delivery waiting for the caller's agency."""

    delivery: str
    state: DeliveryState
    expires_at: datetime
    document: DocumentOut


class InboxOut(msgspec.Struct):
    """Deliveries waiting, oldest first. `next` is the cursor of the following page, null at the end."""

    items: list[InboxEntry]
    next: str | None


class ClaimOut(msgspec.Struct):
    """A claimed delivery: show `lease` before `until` to accept, refuse or renew."""

    lease: str
    until: datetime
    item: InboxEntry


class RecalledDelivery(msgspec.Struct):
    """A delivery taken back, with the receipt of its end: null until that can be signed."""

    delivery: str
    receipt: str | None


class RecallOut(msgspec.Struct):
    """How a recalled document stands, by this recall and earlier ones: `recalled` is taken back, unopened at
    once or by consent; `asked` are the recipients that must agree (15) or not (16), each with when it had
    opened the document; `too_late` are deliveries refused, finished or replaced."""

    recalled: list[RecalledDelivery]
    asked: list[ChangeOut]
    too_late: list[str]


class AliasOut(msgspec.Struct):
    """Another code of an agency."""

    scheme: AliasScheme
    value: str
    valid_from: date | None
    valid_until: date | None


class AgencyOut(msgspec.Struct):
    """An agency of the directory."""

    code: str
    name: str
    level: int
    parent: str | None
    channel: Channel
    aliases: list[AliasOut]
    email: str | None
    phone: str | None
    closed_on: date | None


class AgenciesOut(msgspec.Struct):
    """A page of the directory, in the order of codes."""

    items: list[AgencyOut]
    next: str | None
