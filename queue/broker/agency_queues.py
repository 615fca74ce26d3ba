"""Connector of the channel AMQP: each agency has its own queue, and only it may read there.

The announcement carries who, what and where to fetch; the bodies stay here. It is sent at least once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from broker.connection import BrokerAway, NoQueue
from broker.publisher import Publisher
from gateway.domain.directory_ports import Directory
from gateway.domain.errors import AgencyUnavailable
from gateway.domain.ledger import Claim
from gateway.domain.ledger_ports import Inbox
from gateway.domain.model import AgencyCode, Channel, Delivery, Document, Event, EventKind
from gateway.domain.ports import Clock
from gateway.domain.states import DeliveryState
from gateway.domain.working_days import VIETNAM

log = logging.getLogger(__name__)

_PAGE = 200
_NEVER_PARKED = 1_000_000
"""The broker lost them, not the agency: no number of times is too many."""


class _File(msgspec.Struct, frozen=True):
    n: int
    name: str
    sha256: str
    size_bytes: int
    media_type: str
    url: str
    """Where to fetch it over `/v1`."""


class _Announcement(msgspec.Struct, frozen=True):
    """What stands in an agency's queue."""

    delivery: str
    """What the answer on `lienthong.acks` must name."""
    document: str
    document_id: str
    sender: str = msgspec.field(name="from")
    subject: str
    kind: str
    urgency: str
    number: str | None
    notation: str | None
    label: str
    files: list[_File]
    expires_at: str


class AgencyQueues:
    """Meets the port `Connector`, and sees to it that agencies have their queues."""

    def __init__(
        self, publisher: Publisher, *, directory: Directory, inbox: Inbox, public_url: str, clock: Clock
    ) -> None:
        self._publisher = publisher
        self._directory = directory
        self._inbox = inbox
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._restoring = asyncio.Lock()

    async def deliver(self, claim: Claim) -> None:
        """Put a delivery into its recipient's queue; that the broker has it on its disk means OFFERED.

        Raises:
            AgencyUnavailable: Not now: the broker is away, blocks or refuses.
            StoreUnavailable, OutcomeUnknown: The queue was lost, and the ledger did not answer.
        """
        agency, body = claim.recipient.code, self._announcement(claim)
        life = claim.delivery.expires_at - self._clock()
        try:
            try:
                await self._publisher.post(body, to=agency, life=life)
            except NoQueue:
                await self._restore(agency)
                await self._publisher.post(body, to=agency, life=life)
        except BrokerAway as away:
            raise AgencyUnavailable(f"the agency's queue cannot be reached: {away}") from away

    async def look_after(self) -> None:
        """Make the queues that agencies of this channel should have and have not; what stood in a lost one
        is handed over again.

        Raises:
            AgencyUnavailable: The broker does not answer.
            StoreUnavailable, OutcomeUnknown: The ledger does not.
        """
        if not self._publisher.is_connected:
            return  # nothing is lost before the broker is back
        try:
            async for agencies in self._agencies():
                for agency in await self._publisher.without_queue(agencies):
                    await self._restore(agency)
        except BrokerAway as away:
            raise AgencyUnavailable(f"the agencies' queues cannot be looked at: {away}") from away

    async def _agencies(self) -> AsyncIterator[list[AgencyCode]]:
        last: AgencyCode | None = None
        while page := await self._directory.page(after=last, limit=_PAGE):
            yield [agency.code for agency in page if agency.channel is Channel.AMQP]
            last = page[-1].code

    async def _restore(self, agency: AgencyCode) -> None:
        """Make a queue that does not exist.

        What stood in it comes first: a crash in between leaves the queue missing, and all is done again.
        """
        async with self._restoring:
            if not await self._publisher.without_queue([agency]):
                return
            returned = await self._queue_again(agency)
            await self._publisher.make_queue(agency)
        about = {"event": "broker.agency_queue_made", "agency": agency, "deliveries": returned}
        log.info("made the queue of an agency", extra=about)

    async def _queue_again(self, agency: AgencyCode) -> int:
        """Queue every delivery again that was offered in the lost queue and not answered; return how many."""
        now, last, returned = self._clock(), None, 0
        while items := await self._inbox.waiting([agency], after=last, limit=_PAGE, now=now):
            for item in items:
                if _was_in_queue(item.delivery):
                    await self._give_back(item.delivery, now=now)
                    returned += 1
            last = items[-1].delivery.id
        return returned

    async def _give_back(self, delivery: Delivery, *, now: datetime) -> None:
        reason = "the broker has lost the agency's queue"
        event = Event(delivery.document, delivery.id, delivery.recipient, EventKind.REDRIVEN, now, reason)
        await self._inbox.give_back(
            delivery.id, due_at=now, park_after=_NEVER_PARKED, reason=reason, event=event
        )

    def _announcement(self, claim: Claim) -> bytes:
        document, envelope = claim.document, claim.document.envelope
        announcement = _Announcement(
            delivery=claim.delivery.id,
            document=document.id,
            document_id=envelope.document_id,
            sender=document.sender,
            subject=envelope.subject,
            kind=envelope.kind,
            urgency=envelope.urgency,
            number=envelope.number,
            notation=envelope.notation,
            label=document.label,
            files=self._files(document),
            expires_at=claim.delivery.expires_at.astimezone(VIETNAM).isoformat(timespec="milliseconds"),
        )
        return msgspec.json.encode(announcement)

    def _files(self, document: Document) -> list[_File]:
        base = f"{self._public_url}/v1/documents/{document.id}/files"
        return [
            _File(n, file.name, file.sha256, file.size_bytes, file.media_type, f"{base}/{n}")
            for n, file in enumerate(document.files, start=1)
        ]


class NoAgencyQueues:
    """The `Connector` of this channel where hand-over stays within the process."""

    async def deliver(self, claim: Claim) -> None:
        """Deliver nothing.

        Raises:
            AgencyUnavailable: Always.
        """
        raise AgencyUnavailable(
            f"{claim.recipient.code} takes its documents by amqp, which needs RabbitMQ: set broker_url"
        )


def _was_in_queue(delivery: Delivery) -> bool:
    return delivery.channel is Channel.AMQP and delivery.state is DeliveryState.OFFERED
