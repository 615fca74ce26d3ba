"""The shapes of `/v1` in JSON. `views.py` makes them out of domain values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from gateway.domain.model import (
    AliasScheme,
    Channel,
    DocumentKind,
    PolicyLabel,
    ReceiptKind,
    Secrecy,
    UnknownRecipients,
    Urgency,
)
from gateway.domain.receipts import Side
from gateway.domain.states import DeliveryState
from signing.report import FacetState, Verdict

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=r"\S")]
Bytes = Annotated[str, msgspec.Meta(extra_json_schema={"contentMediaType": "application/octet-stream"})]
# `$` alone would let a line end pass after the token.
LeaseToken = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$(?!\n)")]


# --- what comes in -------------------------------------------------------------------------------


class EnvelopeIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Who is sent what. `document_id` is the sender's own id of the document."""

    document_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    to: Annotated[list[Code], msgspec.Meta(min_length=1, max_length=2000)]
    number: Annotated[str, msgspec.Meta(max_length=50)] | None = None
    notation: Annotated[str, msgspec.Meta(max_length=50)] | None = None
    kind: DocumentKind = DocumentKind.NEW
    urgency: Urgency = Urgency.NORMAL
    due_date: date | None = None
    secrecy: Secrecy = Secrecy.NONE
    unknown_recipients: UnknownRecipients = UnknownRecipients.REFUSE
    seal: bool = False


class SubmissionIn(msgspec.Struct):
    """A multipart form: the envelope first, then one to many files."""

    envelope: EnvelopeIn
    file: list[
        Annotated[str, msgspec.Meta(extra_json_schema={"contentMediaType": "application/octet-stream"})]
    ]


class TokenIn(msgspec.Struct):
    """An OAuth 2.0 client-credentials request. Secrets may come by HTTP Basic instead."""

    grant_type: str
    client_id: str | None = None
    client_secret: str | None = None
    client_assertion_type: str | None = None
    client_assertion: str | None = None


class ClaimIn(msgspec.Struct, forbid_unknown_fields=True):
    """A claim. With `lease`, the lease is renewed."""

    lease: LeaseToken | None = None


class AcceptIn(msgspec.Struct, forbid_unknown_fields=True):
    """An acceptance; `lease` if the delivery was claimed."""

    lease: LeaseToken | None = None


class RefuseIn(msgspec.Struct, forbid_unknown_fields=True):
    """A refusal; the sender reads the reason."""

    reason: Reason
    lease: LeaseToken | None = None


class RecallIn(msgspec.Struct, forbid_unknown_fields=True):
    """A recall; every recipient who had not accepted reads the reason."""

    reason: Reason


# --- what goes out -------------------------------------------------------------------------------


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
    """The verdict on one signature."""

    field: str
    verdict: Verdict
    sub_indication: str | None
    signer: str | None
    organisation: str | None
    signed_at: datetime | None
    facets: dict[str, FacetState]
    reasons: Sequence[str]


class WarningOut(msgspec.Struct):
    """Something to know that does not change the verdict."""

    code: str
    detail: str


class VerificationOut(msgspec.Struct):
    """The verdict on one file."""

    name: str
    sha256: str
    verdict: Verdict
    signatures: list[SignatureOut]
    warnings: list[WarningOut]


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
    """One delivery and how it stands."""

    id: str
    to: str
    state: DeliveryState
    attempts: int
    offered_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime
    reason: str | None
    receipt: str | None


class DocumentOut(msgspec.Struct, rename={"from_": "from"}, kw_only=True):
    """A document as the caller may see it: to its sender with all recipients and deliveries, to a
    recipient with its own delivery; in the inbox without either."""

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
    to: Sequence[str] | UnsetType = UNSET
    skipped: Sequence[str] | UnsetType = UNSET
    deliveries: list[DeliveryOut] | UnsetType = UNSET


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
    """A delivery taken back, with its receipt."""

    delivery: str
    receipt: str


class RecallOut(msgspec.Struct):
    """What a recall achieved; `too_late` lists the deliveries that had ended before."""

    recalled: list[RecalledDelivery]
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
