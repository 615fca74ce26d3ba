"""The shapes that come in over `/v1`. Unknown fields are refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec

from gateway.domain.dossiers import MAX_CODE, MAX_COMPONENTS, MAX_STAGES
from gateway.domain.envelope import DocumentKind, Secrecy, UnknownRecipients, Urgency
from gateway.domain.states import BusinessStatus

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
DocumentName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Line = Annotated[str, msgspec.Meta(max_length=500)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=r"\S")]
Bytes = Annotated[str, msgspec.Meta(extra_json_schema={"contentMediaType": "application/octet-stream"})]
# `$` alone would let a line end pass after the token.
LeaseToken = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$(?!\n)")]


class AboutIn(msgspec.Struct, forbid_unknown_fields=True):
    """A document an order is about: the sender's id of it or ours. `agencies` narrows it to some of its
    recipients."""

    document_id: DocumentName
    agencies: Annotated[list[Code], msgspec.Meta(max_length=2000)] = []


class SignerIn(msgspec.Struct, forbid_unknown_fields=True):
    """Who signed: for whom, in which position, and the name."""

    competence: Line | None = None
    position: Line | None = None
    name: Line | None = None


class Staff(msgspec.Struct, forbid_unknown_fields=True):
    """The clerk behind a document or a status."""

    department: Line | None = None
    name: Line | None = None
    email: Line | None = None
    mobile: Line | None = None


class ReferenceIn(msgspec.Struct, forbid_unknown_fields=True):
    """Another document that this one answers. `code` is its number and symbol, like 7816/VPCP-TTĐT."""

    agency: Code | None = None
    document_id: DocumentName | None = None
    code: Line | None = None
    issued_on: date | None = None


class StageIn(msgspec.Struct, forbid_unknown_fields=True):
    """A stage of a dossier as it is planned: which agency has it, and until which day."""

    agency: Code
    due_on: date | None = None


class DossierIn(msgspec.Struct, forbid_unknown_fields=True):
    """The dossier (hồ sơ) a document belongs to. Codes are unique in the exchange: begin yours with your
    agency's. `components` are the codes of its parts, in file order."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CODE)]
    procedure: Line | None = None
    components: Annotated[list[Code], msgspec.Meta(max_length=MAX_COMPONENTS)] = []
    stages: Annotated[list[StageIn], msgspec.Meta(max_length=MAX_STAGES)] = []


class EnvelopeIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Who is sent what. `document_id` is the sender's own id of the document.

    An order (kind recall, update or replace) names the documents it is `about`, and its `reason`.
    """

    document_id: DocumentName
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
    about: Annotated[list[AboutIn], msgspec.Meta(max_length=50)] = []
    reason: Reason | None = None
    issued_on: date | None = None
    place: Line | None = None
    type_name: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    content: Line | None = None
    signer: SignerIn | None = None
    pages: Annotated[int, msgspec.Meta(ge=0, le=9999)] | None = None
    copies: Annotated[int, msgspec.Meta(ge=0, le=9999)] | None = None
    replies_to: Annotated[list[ReferenceIn], msgspec.Meta(max_length=50)] = []
    places: Annotated[list[Line], msgspec.Meta(max_length=2000)] = []
    paper_follows: bool = False
    staff: Staff | None = None
    dossier: DossierIn | None = None


class SubmissionIn(msgspec.Struct):
    """A multipart form: the envelope first, then its files (a recall needs none); or one edXML packet."""

    envelope: EnvelopeIn | None = None
    file: list[Bytes] | None = None
    edxml: Bytes | None = None


class VerificationIn(msgspec.Struct):
    """A multipart form: the file to judge; for a detached signature (.p7s) the file it signs as `content`."""

    file: Bytes
    content: Bytes | None = None


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


class StatusIn(msgspec.Struct, forbid_unknown_fields=True):
    """A business status. 02 needs a `description`; `said_at` is when it happened, now if left out."""

    status: BusinessStatus
    description: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    said_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    staff: Staff | None = None


class StatusPacketIn(msgspec.Struct):
    """An edXML status packet."""


class RecallIn(msgspec.Struct, forbid_unknown_fields=True):
    """A recall; every recipient reads the reason."""

    reason: Reason
