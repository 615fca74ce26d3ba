"""What the services need from the record.

Every method is one short transaction. They raise `StoreUnavailable` when the database cannot be reached and
nothing was changed, and `OutcomeUnknown` when the end of a COMMIT was not seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from gateway.domain.envelope import Envelope
from gateway.domain.ledger import (
    AnswerKey,
    Backlog,
    Claim,
    Ending,
    InboxItem,
    InboxLine,
    Ordered,
    ParkedFilter,
    Said,
    SentLine,
    Settlement,
    StatusLine,
    SubmissionFacts,
)
from gateway.domain.model import (
    AgencyCode,
    Answer,
    Attempt,
    Change,
    ChangeId,
    Channel,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Event,
    Handover,
    KeptPacket,
    Lane,
    Receipt,
    ReceiptId,
    Sha256,
    Status,
    StatusId,
)
from gateway.domain.states import DeliveryState


class Submissions(Protocol):
    """Accepting documents."""

    async def facts(
        self, key: AnswerKey, *, envelope: Envelope, codes: Collection[str], on: date
    ) -> SubmissionFacts:
        """Return the stored answer under the key, an earlier document of `key.agency` that a new one
        repeats (the same id; or the same number, notation and year of issue), the agencies the codes
        mean (as `Directory.resolve`), and the documents the envelope is `about`.

        The earlier document is found as well as can be: of two that are submitted at the same moment
        neither is known to the other yet, and both are accepted without a flag.
        """

    async def commit(
        self,
        key: AnswerKey,
        answer: Answer,
        *,
        document: Document,
        deliveries: Sequence[Delivery],
        receipt: Receipt,
        event: Event,
        packet: KeptPacket | None = None,
        orders: Sequence[Ordered] = (),
    ) -> Answer:
        """Keep a document, its files, deliveries, acceptance receipt and event, the packet it came in, the
        changes it asks for (those that the lives of their targets allow by then), and the answer, in one
        transaction; return the answer now stored under the key.

        When another submission won the key, nothing of this one is kept and the winner's answer comes back.
        """


class Deliveries(Protocol):
    """Handing deliveries over. A row moves only by compare-and-set on `attempts` or state."""

    async def overdue(
        self, queues: Collection[tuple[Lane, Channel]], *, now: datetime, grace: timedelta, limit: int
    ) -> list[Handover]:
        """Return at most `limit` QUEUED deliveries of these queues whose `due_at` has passed, and move
        it to `now + grace` so that no other sweeper takes them meanwhile. Of an ordered channel only
        the first in line of each agency is returned."""

    async def offer(self, batch: Sequence[Handover], *, now: datetime) -> list[Handover]:
        """Put deliveries into their recipients' inboxes (claim and settle in one) and return those
        that moved; ids that are gone, moved or claimed meanwhile are passed over."""

    async def claim(self, batch: Sequence[Handover], *, now: datetime, lease: timedelta) -> list[Claim]:
        """Take deliveries for handing over: `attempts` + 1, `due_at` = now + lease.

        An id whose `attempts` or state moved, that is expired, or that is not first in line of its
        agency's webhook (an earlier one is still QUEUED and not expired) is passed over.
        """

    async def settle(self, settlements: Sequence[Settlement], *, events: Sequence[Event]) -> set[DeliveryId]:
        """Record attempts and move their deliveries, each only if `attempts` still equals
        `attempt.number` and it is still QUEUED; return those that moved. An event is kept only for a
        delivery that moved."""

    async def postpone(self, batch: Sequence[Handover], *, until: datetime) -> None:
        """Move `due_at` of deliveries that nobody claimed meanwhile."""

    async def next_in_line(self, agencies: Collection[AgencyCode], *, now: datetime) -> list[Handover]:
        """Return the first in line of each agency's webhook if it has not been attempted yet or is due."""

    async def held_up_by(self, agency: AgencyCode, *, now: datetime) -> Delivery | None:
        """Return the first in line of the agency's webhook if it has failed and waits for its next
        attempt: everything behind it waits too."""

    async def expired(self, *, now: datetime, limit: int) -> list[Claim]:
        """Return open deliveries whose life is over, oldest first."""

    async def end(self, endings: Sequence[Ending]) -> set[DeliveryId]:
        """End open deliveries, each with its receipt, event and statuses in one transaction, as `Ending`
        says; return those that ended now. Passed over is what has ended, is leased to somebody else or whose
        lives have moved; what a recall has ended can only become RECALLED or EXPIRED. Whoever acknowledges
        has opened: DELIVERED and REFUSED set `opened_at`."""

    async def parked(self, which: ParkedFilter, *, limit: int) -> list[Delivery]:
        """Return at most `limit` parked deliveries, those parked first."""

    async def redrive(
        self, which: Sequence[DeliveryId], *, now: datetime, events: Sequence[Event]
    ) -> list[Handover]:
        """Queue deliveries that are parked, or that failed and wait for their next attempt, with
        `attempts` kept, no `tries` and `due_at` = now; return what moved."""


class Inbox(Protocol):
    """The recipient's view: everything open and not leased, QUEUED rows too."""

    async def waiting(
        self, agencies: Collection[AgencyCode], *, after: DeliveryId | None, limit: int, now: datetime
    ) -> list[InboxItem]:
        """Return open deliveries of these agencies nobody holds a lease on, oldest first, those behind
        `after`."""

    async def lines(self, agencies: Collection[AgencyCode], *, limit: int, now: datetime) -> list[InboxLine]:
        """Return the first `limit` of what `count` counts, oldest first."""

    async def count(self, agencies: Collection[AgencyCode], *, now: datetime) -> int:
        """Return how many deliveries of these agencies wait to be taken: open, not parked, and leased by
        nobody."""

    async def open(self, delivery: DeliveryId, *, event: Event) -> bool:
        """Record that the recipient begins to read a delivery; the event only the first time. False when
        it was taken back (or a recall has ended its life) or has expired: then nothing may be given out."""

    async def give_back(
        self, delivery: DeliveryId, *, due_at: datetime, park_after: int, reason: str, event: Event
    ) -> DeliveryState | None:
        """Queue an open delivery again because the recipient's own system failed, or park it once it has
        been tried `park_after` times; return the state it is in now, None when it has ended."""

    async def lease(
        self,
        delivery: DeliveryId,
        agency: AgencyCode,
        *,
        token: str,
        until: datetime,
        now: datetime,
        event: Event,
    ) -> bool:
        """Lease an open delivery of the agency; False when somebody else's lease is live or it has ended.
        The event is kept in the same transaction."""


class Records(Protocol):
    """Reading the record."""

    async def document(self, document: DocumentId) -> Document | None:
        """Return a document with its files."""

    async def deliveries(self, document: DocumentId) -> list[Delivery]:
        """Return the deliveries of a document in the order of the recipients' codes."""

    async def delivery(self, delivery: DeliveryId) -> InboxItem | None:
        """Return one delivery with its document."""

    async def copy(self, document: DocumentId, *, recipient: AgencyCode) -> Delivery | None:
        """Return the delivery of a document to one agency. A circular has hundreds to others."""

    async def named(self, sender: AgencyCode, document_id: str) -> list[Document]:
        """Return the documents of a sender that it, or we, call by this id, newest first, at most 10."""

    async def packet(self, document: DocumentId) -> KeptPacket | None:
        """Return the packet a document came in, None when it came as JSON."""

    async def sent(
        self, agencies: Collection[AgencyCode], *, document: DocumentId | None, limit: int
    ) -> list[SentLine]:
        """Return deliveries of documents these agencies sent, those of the newest document first, of one in
        the order of the recipients' codes; with `document` only that one's."""

    async def unacknowledged(
        self, agencies: Collection[AgencyCode] | None, *, before: datetime, since: datetime, limit: int
    ) -> list[InboxItem]:
        """Return deliveries to these agencies (to all with None) that should have been acknowledged before a
        moment and were not in time: those still open, and those ended after their `acknowledge_by` since
        `since`; longest due first. What was taken back, or replaced while it was open, is owed no more."""

    async def sent_late(
        self, agencies: Collection[AgencyCode] | None, *, since: datetime, limit: int
    ) -> list[Document]:
        """Return documents these agencies (all with None) sent after their `send_by` since a moment, newest
        first."""

    async def timeline(self, document: DocumentId) -> list[Event | Attempt]:
        """Return everything that happened to a document, oldest first, at most 10,000 lines."""

    async def receipt(self, receipt: ReceiptId) -> Receipt | None:
        """Return a receipt."""

    async def backlog(self, *, now: datetime) -> list[Backlog]:
        """Return per agency what is open, parked and ended: the figures behind the gauges."""

    async def bodies_unused(self, names: Collection[Sha256]) -> set[Sha256]:
        """Return those of the bodies that no document has."""


class Lives(Protocol):
    """The business life of documents: statuses and changes. Both only grow."""

    async def say(self, said: Sequence[Said]) -> set[DeliveryId]:
        """Add statuses, each only if its delivery's life is still `before`; return the deliveries whose did.
        The changes it asks for, answers, or (an order given back) withdraws move in the same transaction."""

    async def statuses(self, document: DocumentId) -> list[Status]:
        """Return the business history of a document, oldest first."""

    async def addressed(
        self, agencies: Collection[AgencyCode], *, after: StatusId | None, limit: int, only_waiting: bool
    ) -> list[Status]:
        """Return statuses addressed to these agencies, oldest first, those behind `after`; with
        `only_waiting` those not taken yet."""

    async def lines(self, agencies: Collection[AgencyCode], *, limit: int) -> list[StatusLine]:
        """Return the first `limit` statuses that these agencies have not taken, oldest first."""

    async def count(self, agencies: Collection[AgencyCode]) -> int:
        """Return how many statuses addressed to these agencies have not been taken."""

    async def status(self, status: StatusId) -> Status | None:
        """Return one status."""

    async def take(self, status: StatusId, *, at: datetime) -> None:
        """Record that its addressee's system has taken a status; taking it again changes nothing."""

    async def changes(self, document: DocumentId, *, recipient: AgencyCode | None = None) -> list[Change]:
        """Return the changes that were asked for of a document, oldest first, those of its recipients in
        the order of their codes; with `recipient` only what was asked of that one."""

    async def unanswered(self, agencies: Collection[AgencyCode] | None, *, before: datetime) -> list[Change]:
        """Return changes still ASKED whose answer was due before a moment, at most 10,000; of all agencies
        with None."""

    async def unopened_recalls(self, *, limit: int) -> list[Change]:
        """Return recalls a crash has left unfinished: still ASKED although the delivery was never opened and
        is open or EXPIRED; or ACCEPTED although the delivery is still open."""

    async def close_unopened(self, changes: Collection[ChangeId], *, at: datetime) -> None:
        """Move recalls, still ASKED, of deliveries that expired unopened to UNOPENED, and end their lives."""
