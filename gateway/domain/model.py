"""The nouns of the exchange. Values only: no I/O, no clock, no library."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from gateway.domain.envelope import Dialect, Envelope, Staff
from gateway.domain.states import (
    SENT,
    BusinessStatus,
    ChangeKind,
    ChangeState,
    DeliveryState,
    Life,
    is_taken_back,
    may_be_read,
)
from signing.report import Verdict, VerificationReport

AgencyCode = NewType("AgencyCode", str)
"""Our own, permanent code of an agency. Codes of other schemes are aliases of it."""
ClientId = NewType("ClientId", str)
DocumentId = NewType("DocumentId", str)
DeliveryId = NewType("DeliveryId", str)
ReceiptId = NewType("ReceiptId", str)
StatusId = NewType("StatusId", str)
ChangeId = NewType("ChangeId", str)
SystemId = NewType("SystemId", str)
Sha256 = NewType("Sha256", str)
"""64 lower-case hex digits; the name of a body in the store."""


class Channel(StrEnum):
    """How an agency takes its deliveries."""

    INBOX = "inbox"
    WEBHOOK = "webhook"
    AMQP = "amqp"


class Lane(StrEnum):
    """Which work queue a delivery waits in, so that urgent papers overtake circulars."""

    URGENT = "urgent"
    NORMAL = "normal"
    BULK = "bulk"


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
    dialect: Dialect = Dialect.JAVA

    def is_open_on(self, day: date) -> bool:
        """Return whether the agency can still be sent documents on this day."""
        return self.closed_on is None or day < self.closed_on


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
class KeptPacket:
    """The packet a document came in: its bytes are the body `sha256`."""

    sha256: Sha256
    dialect: Dialect
    header: bytes


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
    send_by: datetime | None = None
    """Until when it should have been sent (QĐ 28/2018 Đ6.2); unknown without a day of issue."""


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
    opened_at: datetime | None = None
    """When the recipient first fetched any of it; committed before a byte is given out."""
    acknowledge_by: datetime | None = None
    """Until when the recipient should answer (NĐ 30/2020 Đ21.2); later is late."""
    life: Life = SENT

    @property
    def is_taken_back(self) -> bool:
        """Return whether a recall has ended it: before it was opened, or by its recipient's consent."""
        return is_taken_back(self.state, self.life)

    @property
    def may_be_read(self) -> bool:
        """Return whether its recipient may (still) read the files of the document."""
        return may_be_read(self.state, self.life)


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
    OPENED = "opened"
    RETURNED = "returned"
    """The recipient's own system could not take it (VXP `fail`)."""
    STATUS = "status"
    CHANGE_ASKED = "change-asked"
    CHANGE_ANSWERED = "change-answered"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a document's append-only history."""

    document: DocumentId
    delivery: DeliveryId | None
    agency: AgencyCode
    kind: EventKind
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one document at one recipient, with the proof whether it had been opened before.

    `order` is the document that asked for it; None when status 13 or `/v1` did.
    """

    id: ChangeId
    kind: ChangeKind
    document: DocumentId
    delivery: DeliveryId
    recipient: AgencyCode
    asked_by: AgencyCode
    asked_at: datetime
    reason: str
    answer_by: datetime
    opened_at: datetime | None = None
    order: DocumentId | None = None
    state: ChangeState = ChangeState.ASKED
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """One line of the business history: who told whom what about a document. Append-only.

    `said_at` is when its author says it happened, `at` when it was kept here; `packet` the bytes it came
    in, if it came as an edXML packet; `taken_at` when its addressee's system took it (VXP `done`).
    """

    id: StatusId
    document: DocumentId
    delivery: DeliveryId
    author: AgencyCode
    addressee: AgencyCode
    status: BusinessStatus
    at: datetime
    said_at: datetime
    description: str = ""
    staff: Staff | None = None
    packet: bytes | None = field(default=None, repr=False)
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class System:
    """A connected centre (VXP system id): one secret, many agencies behind it.

    The secrets are encrypted; only the VXP server can read them. `register_under` limits which codes it
    may register itself (that code and those beneath it); None is any that nobody has.
    """

    id: SystemId
    name: str
    secret: bytes = field(repr=False)
    created_at: datetime
    agencies: frozenset[AgencyCode] = frozenset()
    register_under: AgencyCode | None = None
    previous_secret: bytes | None = field(default=None, repr=False)
    previous_valid_until: datetime | None = None
    revoked_at: datetime | None = None


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
