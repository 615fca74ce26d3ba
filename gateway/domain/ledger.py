"""What goes into the ledger and comes out of it: the values of its ports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.model import (
    Agency,
    AgencyCode,
    Answer,
    Attempt,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Event,
    Receipt,
)
from gateway.domain.states import DeliveryState


@dataclass(frozen=True, slots=True)
class DirectoryChanges:
    """What an import did to the directory, by code."""

    created: tuple[AgencyCode, ...]
    changed: tuple[AgencyCode, ...]
    unchanged: int


@dataclass(frozen=True, slots=True)
class SubmissionFacts:
    """What the ledger knows when a submission has arrived."""

    answer: Answer | None
    duplicate_of: DocumentId | None
    agencies: dict[str, Agency]


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
    """

    delivery: DeliveryId
    state: DeliveryState
    at: datetime
    receipt: Receipt
    event: Event
    reason: str | None = None
    lease: str | None = None


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
class Backlog:
    """What one agency has waiting, and the total of what ended."""

    agency: AgencyCode
    queued: int
    offered: int
    parked: int
    delivered: int
    refused: int
    oldest_open_at: datetime | None
