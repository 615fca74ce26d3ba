"""What the services need from the outside. Each port is met once in `adapters` or `queue/broker`.

Every method of a ledger port is one short transaction. They raise `StoreUnavailable` when the database
cannot be reached and nothing was changed, and `OutcomeUnknown` when the end of a COMMIT was not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from gateway.domain.ledger import (
    AnswerKey,
    Backlog,
    Claim,
    DirectoryChanges,
    Ending,
    InboxItem,
    ParkedFilter,
    Settlement,
    SubmissionFacts,
)
from gateway.domain.model import (
    Agency,
    AgencyCode,
    Answer,
    Attempt,
    Channel,
    Client,
    ClientId,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Event,
    Handover,
    Lane,
    PolicyLabel,
    Receipt,
    ReceiptId,
    ReceiptKind,
    Sha256,
)
from signing.report import Verdict, VerificationReport

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC. Injected everywhere, so that tests can move it."""


# --- the ledger ----------------------------------------------------------------------------------


class Directory(Protocol):
    """The agencies and all their codes."""

    async def resolve(self, codes: Collection[str], *, on: date) -> dict[str, Agency]:
        """Return the agency each given code or alias means on that day; unknown ones are left out.

        Closed agencies are returned too. An own code wins over an alias.
        """

    async def agency(self, code: AgencyCode) -> Agency | None:
        """Return one agency by its own code."""

    async def page(self, *, after: AgencyCode | None, limit: int) -> list[Agency]:
        """Return agencies in the order of their own codes, those behind `after` first."""

    async def version(self) -> str:
        """Return a short text that changes whenever any agency does."""

    async def upsert(self, agencies: Sequence[Agency], *, now: datetime) -> DirectoryChanges:
        """Insert or change these agencies and their aliases; others stay as they are.

        Raises:
            Conflict: An alias would mean two agencies on the same day, or a parent is unknown;
                `reasons` names them all and nothing is changed.
        """


class Clients(Protocol):
    """Credentials and access tokens. Only hashes of secrets are kept."""

    async def add(self, client: Client) -> None:
        """Insert a client."""

    async def replace(self, client: Client) -> None:
        """Change a client's credentials or revoke it; revoking ends its tokens."""

    async def find(self, client: ClientId) -> Client | None:
        """Return a client, revoked or not."""

    async def of_agency(self, agency: AgencyCode) -> list[Client]:
        """Return the clients of an agency, oldest first."""

    async def add_token(self, sha256: str, client: ClientId, *, expires_at: datetime) -> None:
        """Keep the hash of an access token."""

    async def client_of_token(self, sha256: str, *, now: datetime) -> Client | None:
        """Return the client of a live token, None when it is unknown, expired or its client revoked."""

    async def use_assertion(self, client: ClientId, jti: str, *, expires_at: datetime) -> bool:
        """Remember a client assertion's id; False when it was used before."""

    async def forget_expired(self, *, now: datetime) -> None:
        """Remove tokens and assertion ids that no longer count."""


class Submissions(Protocol):
    """Accepting documents."""

    async def facts(
        self, key: AnswerKey, *, document_id: str, codes: Collection[str], on: date
    ) -> SubmissionFacts:
        """Return the stored answer under the key, an earlier document of `key.agency` with the same
        `document_id`, and the agencies the codes mean (as `Directory.resolve`).

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
    ) -> Answer:
        """Keep a document, its files, deliveries, acceptance receipt and event, and the answer, in one
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

    async def next_in_line(self, agency: AgencyCode, *, now: datetime) -> Handover | None:
        """Return the first in line of the agency's webhook if it has not been attempted yet or is due."""

    async def held_up_by(self, agency: AgencyCode, *, now: datetime) -> Delivery | None:
        """Return the first in line of the agency's webhook if it has failed and waits for its next
        attempt: everything behind it waits too."""

    async def expired(self, *, now: datetime, limit: int) -> list[Claim]:
        """Return open deliveries whose life is over, oldest first."""

    async def end(self, endings: Sequence[Ending]) -> set[DeliveryId]:
        """End open deliveries, each with its receipt and event in the same transaction; return those
        that ended now. One already ended, or leased to somebody else, is passed over."""

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
        self, agency: AgencyCode, *, after: DeliveryId | None, limit: int, now: datetime
    ) -> list[InboxItem]:
        """Return open deliveries nobody holds a lease on, oldest first, those behind `after`."""

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

    async def timeline(self, document: DocumentId) -> list[Event | Attempt]:
        """Return everything that happened to a document, oldest first, at most 10,000 lines."""

    async def receipt(self, receipt: ReceiptId) -> Receipt | None:
        """Return a receipt."""

    async def backlog(self, *, now: datetime) -> list[Backlog]:
        """Return per agency what is open, parked and ended: the figures behind the gauges."""

    async def bodies_unused(self, names: Collection[Sha256]) -> set[Sha256]:
        """Return those of the bodies that no document has."""


# --- bodies, verdicts, receipts ------------------------------------------------------------------


class Draft(Protocol):
    """A body being received. It is gone when its context ends, unless it was kept."""

    @property
    def path(self) -> Path:
        """Return where the bytes are, for a parsing worker to read."""

    @property
    def size_bytes(self) -> int:
        """Return how many bytes were written so far."""

    @property
    def sha256(self) -> Sha256:
        """Return the hash of what was written so far."""

    @property
    def head(self) -> bytes:
        """Return up to the first 1,024 bytes."""

    async def write(self, chunk: bytes) -> None:
        """Append bytes."""


class Bodies(Protocol):
    """Bytes under their SHA-256. Kept means: on disk, file and folder fsynced."""

    def receiving(self) -> AbstractAsyncContextManager[Draft]:
        """Return a context in which one body is received.

        Raises:
            StoreUnavailable: Free space is below the floor.
        """

    async def keep(self, drafts: Sequence[Draft]) -> None:
        """Make drafts durable under their hashes; keeping known bytes again is harmless."""

    def path(self, sha256: Sha256) -> Path:
        """Return where a kept body can be read."""


class Verifier(Protocol):
    """Judges the signatures of a file in a parsing worker."""

    async def verify(self, path: Path) -> VerificationReport:
        """Return the verdict on a PDF.

        Raises:
            MalformedDocument: The file broke the limits of time or memory: there is no verdict.
            VerificationUnavailable: No parsing worker could be had.
        """


class RootSigner(Protocol):
    """Holds the receipt key, in a key worker."""

    async def sign_root(self, root: bytes) -> str:
        """Return the JWS over a Merkle root of 32 bytes.

        Raises:
            SigningUnavailable: The key worker does not answer.
        """


# --- hand-over -----------------------------------------------------------------------------------


class Connector(Protocol):
    """Speaks to one kind of receiver."""

    async def deliver(self, claim: Claim) -> None:
        """Offer a delivery to its recipient.

        Raises:
            AgencyUnavailable: Not now; `retry_after` holds what the receiver asked for.
            RecipientRefused: Never.
        """


class Broker(Protocol):
    """Hands work over. It may lose anything at any time: the rows remember."""

    def announce(self, handovers: Sequence[Handover]) -> None:
        """Publish soon. Never blocks and never fails: what is lost here the sweeper finds."""

    async def waiting(self) -> dict[tuple[Lane, Channel], int]:
        """Return how many broker messages wait in each work queue; empty while the broker is away."""


class Wakeups(Protocol):
    """Tells long polls that their agency's inbox changed. Losing one costs a poll interval, no more."""

    def wake(self, agencies: Collection[AgencyCode]) -> None:
        """Wake the long polls of these agencies, in every process."""

    async def wait(self, agency: AgencyCode, *, timeout: timedelta) -> None:
        """Return when the agency is woken, or after the timeout."""


class Meter(Protocol):
    """Counts what happens, for the operator's dashboards. Never fails, never blocks."""

    def verified(self, verdict: Verdict, *, seconds: float) -> None:
        """Count a judged file."""

    def accepted(self, label: PolicyLabel, *, size_bytes: int) -> None:
        """Count an accepted document."""

    def offered(self, lane: Lane, channel: Channel, *, seconds: float) -> None:
        """Count a delivery handed over, so many seconds after it was accepted."""

    def failed(self, lane: Lane, channel: Channel) -> None:
        """Count a failed attempt."""

    def ended(self, kind: ReceiptKind, *, seconds: float) -> None:
        """Count the end of a delivery, so many seconds after it was accepted."""
