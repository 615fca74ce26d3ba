"""Sending a document past the HTTP edge: straight into the services of a test exchange."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from gateway.domain.envelope import About, DocumentKind, Envelope, Reference
from gateway.domain.errors import SigningUnavailable
from gateway.domain.model import (
    AgencyCode,
    Answer,
    Change,
    Channel,
    Delivery,
    DeliveryId,
    Document,
    Lane,
    Receipt,
    Status,
)
from gateway.domain.packets import ReceivedFile, StatusNotice
from gateway.domain.states import BusinessStatus, DeliveryState, Life
from gateway.service.expire import expire
from gateway.service.finish_recalls import finish_recalls
from gateway.service.open_delivery import open_delivery
from gateway.service.report_status import report_status
from gateway.service.submit import Accepted, Submission, submit
from tests.support.exchange import RECIPIENT, SENDER, World
from tests.support.exchange_samples import envelope
from tests.support.twins import SIGNED

ROUTE = "/v1/documents"
PDF = "application/pdf"
REASON = "sai thể thức"
INSTANT = timedelta(milliseconds=1)
T = TypeVar("T")


@dataclass
class Clerk:
    """The clerk of the sender agency; remembers what its last accepted document became."""

    world: World
    accepted: list[Accepted] = field(default_factory=list)

    async def send(
        self,
        *contents: bytes,
        by: AgencyCode = SENDER,
        to: Sequence[str] = (RECIPIENT,),
        key: str | None = None,
        media_type: str = PDF,
        **changes: Any,
    ) -> Answer:
        """Submit a document with these files, or one signed one, and return the answer; `changes` go into
        its envelope."""
        said = envelope(to=tuple(to), **changes)
        return await self._submit(said, contents or (SIGNED,), by=by, key=key, media_type=media_type)

    async def order(
        self,
        kind: DocumentKind,
        *about: str | About,
        by: AgencyCode = SENDER,
        to: Sequence[str] = (RECIPIENT,),
        contents: Sequence[bytes] = (SIGNED,),
        **changes: Any,
    ) -> Accepted:
        """Submit an order about documents, named by their senders' ids, and return what was accepted."""
        named = tuple(each if isinstance(each, About) else About(each) for each in about)
        changes = {"document_id": f"VB-2026-{kind}", "number": None, "reason": REASON, **changes}
        said = envelope(to=tuple(to), kind=kind, about=named, **changes)
        await self._submit(said, contents, by=by)
        return self.accepted[-1]

    async def _submit(
        self,
        said: Envelope,
        contents: Sequence[bytes],
        *,
        by: AgencyCode,
        key: str | None = None,
        media_type: str = PDF,
    ) -> Answer:
        x = self.world.exchange
        sender = await x.directory.agency(by)
        assert sender is not None
        async with AsyncExitStack() as received:
            files = []
            for number, content in enumerate(contents, start=1):
                draft = await received.enter_async_context(x.bodies.receiving())
                await draft.write(content)
                files.append(ReceivedFile(f"{number}.pdf", media_type, draft))
            return await submit(x, Submission(sender, said, files, ROUTE, key), render=self._render)

    async def say(
        self,
        status: BusinessStatus,
        document: Document,
        *,
        by: AgencyCode = RECIPIENT,
        words: str = "",
        agency: str | None = None,
        said_at: datetime | None = None,
        packet: bytes | None = None,
    ) -> list[Status]:
        """Report a status of a document, named as its sender names it, a moment after what was before; return
        the lines it made."""
        self.world.clock += INSTANT
        about = Reference(agency or document.sender, document.envelope.document_id)
        notice = StatusNotice(status, about, words, said_at)
        return await report_status(self.world.exchange, notice, by=by, packet=packet)

    async def open(self, delivery: Delivery) -> None:
        """Open a delivery as its recipient."""
        await open_delivery(self.world.exchange, delivery.id, by=delivery.recipient)

    async def expire(self) -> None:
        """Let the lives of all open deliveries run out."""
        self.world.clock += self.world.exchange.rules.life
        await expire(self.world.exchange)

    async def sweep(self) -> None:
        """Let the retry schedule pass, and hand over what is due then."""
        x = self.world.exchange
        self.world.clock += sum(x.rules.retry_schedule, timedelta())
        queues = [(lane, channel) for lane in Lane for channel in Channel]
        now, grace = self.world.clock(), x.rules.grace
        x.broker.announce(await x.deliveries.overdue(queues, now=now, grace=grace, limit=100))
        await self.world.work()

    async def finish_recalls(self) -> None:
        """Do what the chore does that finishes recalls."""
        await finish_recalls(self.world.exchange)

    async def without_receipts(self, act: Awaitable[T]) -> T:
        """Do something while no receipt can be signed, as a crash before the signing leaves it."""
        self.world.signer.failure = SigningUnavailable()
        try:
            return await act
        finally:
            self.world.signer.failure = None

    async def life(self, delivery: Delivery) -> Life:
        """Return the business life of a delivery as it is now."""
        return (await self.delivery(delivery)).life

    async def changes(self, document: Document) -> list[Change]:
        """Return the changes asked for of a document."""
        return await self.world.exchange.lives.changes(document.id)

    async def said(self, document: Document) -> list[str]:
        """Return the statuses of a document, oldest first."""
        return [str(line.status) for line in await self.world.exchange.lives.statuses(document.id)]

    async def sent(self, *contents: bytes, **changes: Any) -> Accepted:
        """Submit a document as `send` does and return what was accepted."""
        await self.send(*contents, **changes)
        return self.accepted[-1]

    async def delivery(self, delivery: Delivery) -> Delivery:
        """Return a delivery as it is now."""
        item = await self.world.exchange.records.delivery(delivery.id)
        assert item is not None
        return item.delivery

    async def states(self, document: Document) -> list[DeliveryState]:
        """Return the states of a document's deliveries in the order of the recipients' codes."""
        return [each.state for each in await self.world.exchange.records.deliveries(document.id)]

    async def history(self, document: Document, delivery: DeliveryId | None = None) -> list[str]:
        """Return the kinds of the events of a document, or of one delivery."""
        lines = await self.world.exchange.records.timeline(document.id)
        return [
            str(line.kind)
            for line in lines
            if hasattr(line, "kind") and (delivery is None or line.delivery == delivery)
        ]

    def _render(self, accepted: Accepted) -> bytes:
        self.accepted.append(accepted)
        return json.dumps([accepted.document.id, *(each.id for each in accepted.deliveries)]).encode()


def statement(receipt: Receipt) -> dict[str, Any]:
    """Return what a receipt states."""
    stated: dict[str, Any] = json.loads(receipt.content)["statement"]
    return stated
