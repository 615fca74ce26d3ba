"""The nouns of the exchange. Values only: no I/O, no clock, no library."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from gateway.domain.states import DeliveryState
from signing.report import Verdict, VerificationReport

AgencyCode = NewType("AgencyCode", str)
"""Our own, permanent code of an agency. Codes of other schemes are aliases of it."""
ClientId = NewType("ClientId", str)
DocumentId = NewType("DocumentId", str)
DeliveryId = NewType("DeliveryId", str)
ReceiptId = NewType("ReceiptId", str)
Sha256 = NewType("Sha256", str)
"""64 lower-case hex digits; the name of a body in the store."""


class Channel(StrEnum):
    """How an agency takes its deliveries."""

    INBOX = "inbox"
    WEBHOOK = "webhook"


class Lane(StrEnum):
    """Which work queue a delivery waits in, so that urgent papers overtake circulars."""

    URGENT = "urgent"
    NORMAL = "normal"
    BULK = "bulk"


class Urgency(StrEnum):
    """Độ khẩn of NĐ 30/2020: thường, khẩn, thượng khẩn, hỏa tốc."""

    NORMAL = "normal"
    URGENT = "urgent"
    VERY_URGENT = "very-urgent"
    IMMEDIATE = "immediate"


class DocumentKind(StrEnum):
    """What the sender wants done (BussinessDocType of QCVN 102); so far only new documents."""

    NEW = "new"


class Secrecy(StrEnum):
    """Độ mật the sender declares. Anything but NONE is refused (QĐ 28/2018 Đ1.2)."""

    NONE = "none"
    CONFIDENTIAL = "mat"
    SECRET = "toi-mat"
    TOP_SECRET = "tuyet-mat"


class UnknownRecipients(StrEnum):
    """What to do when some recipients are unknown or closed."""

    REFUSE = "refuse"
    SKIP = "skip"


class SignaturePolicy(StrEnum):
    """What the exchange demands of documents an agency sends."""

    LABEL = "label"
    REQUIRE = "require"


class PolicyLabel(StrEnum):
    """The legal weight that travels with a document (QĐ 28/2018 Đ4)."""

    SIGNED = "signed"
    FOR_INFORMATION = "for-information"


class AliasScheme(StrEnum):
    """Which code list an alias belongs to."""

    QD20 = "qd20"
    QCVN102 = "qcvn102"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class Alias:
    """Another code of an agency, and the days on which it means that agency (both ends included)."""

    scheme: AliasScheme
    value: str
    valid_from: date | None = None
    valid_until: date | None = None

    def is_valid_on(self, day: date) -> bool:
        """Return whether the alias means its agency on this day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where and with which secret documents are pushed to an agency (Standard Webhooks)."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Agency:
    """A body that sends and receives documents (cơ quan)."""

    code: AgencyCode
    name: str
    level: int
    parent: AgencyCode | None = None
    channel: Channel = Channel.INBOX
    policy: SignaturePolicy = SignaturePolicy.LABEL
    aliases: tuple[Alias, ...] = ()
    webhook: Webhook | None = None
    email: str | None = None
    phone: str | None = None
    closed_on: date | None = None

    def is_open_on(self, day: date) -> bool:
        """Return whether the agency can still be sent documents on this day."""
        return self.closed_on is None or day < self.closed_on


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends what to whom, whatever dialect it came in.

    `document_id` is the sender's own id of the document (QĐ 28/2018 Đ10.2.b); `number` and
    `notation` are the two halves of its number and symbol ("12", "QĐ-UBND").
    """

    document_id: str
    subject: str
    to: tuple[str, ...]
    number: str | None = None
    notation: str | None = None
    kind: DocumentKind = DocumentKind.NEW
    urgency: Urgency = Urgency.NORMAL
    due_date: date | None = None
    secrecy: Secrecy = Secrecy.NONE
    unknown_recipients: UnknownRecipients = UnknownRecipients.REFUSE
    seal: bool = False


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One attachment: its bytes are the body `sha256`; `name` is for showing only, never a path."""

    name: str
    media_type: str
    size_bytes: int
    sha256: Sha256
    report: VerificationReport

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on the file's signatures."""
        return self.report.verdict


@dataclass(frozen=True, slots=True)
class Document:
    """An accepted document: what the sender said, its files, and what the policy made of them."""

    id: DocumentId
    sender: AgencyCode
    envelope: Envelope
    files: tuple[StoredFile, ...]
    label: PolicyLabel
    accepted_at: datetime
    duplicate_of: DocumentId | None = None
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One document to one agency; the row is its own outbox (`state`, `attempts`, `due_at`).

    `due_at` is when the sweeper may hand it over again, None once it is out of QUEUED. `tries` counts the
    attempts begun since it was accepted or redriven; the retry schedule goes by it.
    """

    id: DeliveryId
    document: DocumentId
    recipient: AgencyCode
    lane: Lane
    channel: Channel
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    expires_at: datetime
    offered_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    receipt: ReceiptId | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Handover:
    """What goes through the broker for one delivery: ids and the address, never content.

    `attempts` is the fencing token: only who finds it unchanged may claim.
    """

    delivery: DeliveryId
    attempts: int
    lane: Lane
    channel: Channel
    recipient: AgencyCode


class AttemptOutcome(StrEnum):
    """How one try to hand a delivery over ended."""

    OFFERED = "offered"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to hand a delivery over."""

    delivery: DeliveryId
    number: int
    at: datetime
    outcome: AttemptOutcome
    detail: str = ""


class EventKind(StrEnum):
    """What happened to a document or one of its deliveries, besides attempts."""

    ACCEPTED = "accepted"
    CLAIMED = "claimed"
    DELIVERED = "delivered"
    REFUSED = "refused"
    EXPIRED = "expired"
    RECALLED = "recalled"
    PARKED = "parked"
    REDRIVEN = "redriven"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a document's append-only history."""

    document: DocumentId
    delivery: DeliveryId | None
    agency: AgencyCode
    kind: EventKind
    at: datetime
    detail: str = ""


class ReceiptKind(StrEnum):
    """What a receipt states."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    REFUSED = "refused"
    EXPIRED = "expired"
    RECALLED = "recalled"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A signed statement. `content` is the whole receipt file as given out: canonical JSON bytes."""

    id: ReceiptId
    kind: ReceiptKind
    about: DocumentId
    delivery: DeliveryId | None
    at: datetime
    content: bytes


class Role(StrEnum):
    """What a client may do: act for its agency, or look after the exchange."""

    AGENCY = "agency"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Client:
    """A program with credentials. Agency clients act for `agency` alone."""

    id: ClientId
    role: Role
    agency: AgencyCode | None
    secret_sha256: str | None = field(repr=False)
    public_key: str | None
    created_at: datetime
    revoked_at: datetime | None = None
    previous_secret_sha256: str | None = field(default=None, repr=False)
    previous_valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The stored 2xx answer to a submission, given again byte for byte to every resend."""

    fingerprint: str
    document: DocumentId
    content: bytes
