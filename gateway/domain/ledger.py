"""What goes into the ledger and comes out of it: the values of its ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.model import (
    Agency,
    AgencyCode,
    Answer,
    Attempt,
    Change,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Event,
    Receipt,
    Status,
    StatusId,
)
from gateway.domain.states import ChangeState, DeliveryState, Life


@dataclass(frozen=True, slots=True)
class DirectoryChanges:
    """What an import did to the directory, by code."""

    created: tuple[AgencyCode, ...]
    changed: tuple[AgencyCode, ...]
    unchanged: int


@dataclass(frozen=True, slots=True)
class Registration:
    """An agency as its centre describes it; `code` and `parent` may be any code it has today."""

    code: str
    name: str
    parent: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """An earlier document that an order is about, with all its deliveries."""

    document: DocumentId
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class SubmissionFacts:
    """What the ledger knows when a submission has arrived. `targets` has, by the sender's id, the newest
    document of the sender under each id that was asked for."""

    answer: Answer | None
    duplicate_of: DocumentId | None
    agencies: dict[str, Agency]
    targets: dict[str, Target] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A status to be added to the history of a delivery, if its life is still as it was seen.

    `answers` says what becomes of the open change, when the status is the answer to one; `asks` is the
    change the status asks for (13), which takes the place of one that waits.
    """

    status: Status
    before: Life
    after: Life
    answers: ChangeState | None = None
    asks: Change | None = None
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """A change that an order asks for at one recipient, if the life of its delivery allows it by then."""

    change: Change
    event: Event


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """What makes two submissions the same one: scoped to agency and route."""

    agency: AgencyCode
    route: str
    key: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery taken for handing over; `delivery.attempts` is the fence to settle with.

    `lost` counts the attempts right before this one that ended without an outcome: their workers died.
    """

    delivery: Delivery
    document: Document
    recipient: Agency
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one claimed attempt ended: the state to move to, and when it is due again if QUEUED."""

    attempt: Attempt
    state: DeliveryState
    due_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a delivery: final state, signed receipt and event, committed together.

    `lease` is the recipient's lease token; when given, a live lease of somebody else stops the ending.
    With `only_unopened` a delivery is passed over when its recipient has opened it or no recall of it waits
    any more; the recall that does is closed as UNOPENED. `said` is what the end says of the document, all of
    it or the delivery is passed over. With `withdraws` the changes the document asks its recipient for are
    withdrawn: it was an order, and it has not reached anybody.
    """

    delivery: DeliveryId
    state: DeliveryState
    at: datetime
    receipt: Receipt
    event: Event
    reason: str | None = None
    lease: str | None = None
    only_unopened: bool = False
    said: Sequence[Said] = ()
    withdraws: bool = False


@dataclass(frozen=True, slots=True)
class ParkedFilter:
    """Which parked deliveries an operator means."""

    recipient: AgencyCode | None = None
    parked_after: datetime | None = None
    parked_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A delivery as its recipient sees it."""

    delivery: Delivery
    document: Document
    leased_until: datetime | None


@dataclass(frozen=True, slots=True)
class InboxLine:
    """A delivery in a long list of what waits. Only what such a list shows: an envelope may be megabytes."""

    delivery: DeliveryId
    sender: AgencyCode
    recipient: AgencyCode
    accepted_at: datetime
    offered_at: datetime | None
    opened_at: datetime | None


@dataclass(frozen=True, slots=True)
class SentLine:
    """A delivery in a long list of what was sent, as `InboxLine`."""

    delivery: DeliveryId
    document: DocumentId
    sender: AgencyCode
    recipient: AgencyCode
    subject: str
    number: str | None
    notation: str | None
    accepted_at: datetime
    state: DeliveryState
    opened_at: datetime | None
    ended_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class StatusLine:
    """A status in a long list of those that wait: without its packet."""

    status: StatusId
    author: AgencyCode
    addressee: AgencyCode
    at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one agency has waiting, and the total of what ended."""

    agency: AgencyCode
    queued: int
    offered: int
    parked: int
    delivered: int
    refused: int
    oldest_open_at: datetime | None
