"""Sending a document past the HTTP edge: straight into the services of a test exchange."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.model import AgencyCode, Answer, Delivery, DeliveryId, Document, Receipt
from gateway.domain.states import DeliveryState
from gateway.service.submit import Accepted, ReceivedFile, Submission, submit
from tests.support.exchange import RECIPIENT, SENDER, World
from tests.support.exchange_samples import envelope
from tests.support.twins import SIGNED

ROUTE = "/v1/documents"
PDF = "application/pdf"


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
        """Submit a document with these files and return the answer; `changes` go into its envelope."""
        x = self.world.exchange
        sender = await x.directory.agency(by)
        assert sender is not None
        async with AsyncExitStack() as received:
            files = []
            for number, content in enumerate(contents or (SIGNED,), start=1):
                draft = await received.enter_async_context(x.bodies.receiving())
                await draft.write(content)
                files.append(ReceivedFile(f"{number}.pdf", media_type, draft))
            sent = Submission(sender, envelope(to=tuple(to), **changes), files, ROUTE, key)
            return await submit(x, sent, render=self._render)

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
