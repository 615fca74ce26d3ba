"""Ledgers for tests: fresh ones, and short ways to fill one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from adapters.db.engine import open_database
from adapters.db.ledger import Ledger
from adapters.db.migrate import upgrade
from gateway.domain.envelope import DocumentKind
from gateway.domain.ledger import AnswerKey, Claim, Ending, Ordered, Said, Settlement
from gateway.domain.model import (
    Agency,
    AgencyCode,
    Answer,
    Attempt,
    AttemptOutcome,
    Change,
    ChangeId,
    Channel,
    Delivery,
    DeliveryId,
    Document,
    DocumentId,
    Event,
    EventKind,
    Handover,
    KeptPacket,
    Lane,
    Receipt,
    ReceiptId,
    ReceiptKind,
    StatusId,
    Webhook,
)
from gateway.domain.states import BusinessStatus, ChangeKind, DeliveryState
from ops.dev.private_postgresql import PrivatePostgresql
from tests.support.exchange_samples import NOW, SENDER, agency, change, document, envelope, status

GRACE = timedelta(seconds=30)
LEASE = timedelta(minutes=5)
LIFE = timedelta(days=30)
HOOK = Webhook("https://so-noi-vu.example/hook", "whsec_c2VjcmV0")
PULLS, PULLS_TOO = AgencyCode("H26.01"), AgencyCode("H26.02")
PUSHED, PUSHED_TOO = AgencyCode("H26.11"), AgencyCode("H26.12")
LANE_CHANNELS = [(lane, channel) for lane in Lane for channel in Channel]

_TEMPLATE = "ledger_template"
_numbers = itertools.count(1)


async def fresh_sqlite(folder: Path) -> str:
    """Return the URL of an empty ledger in a folder."""
    url = f"sqlite://{folder}/lienthong.db"
    await upgrade(url)
    return url


async def make_template(server: PrivatePostgresql) -> None:
    """Make the database that `fresh_postgresql` copies."""
    await _create_database(server, _TEMPLATE, template="template1")
    await upgrade(server.url_of(_TEMPLATE))


async def fresh_postgresql(server: PrivatePostgresql) -> str:
    """Return the URL of an empty ledger on a server prepared by `make_template`."""
    name = f"ledger_{next(_numbers)}"
    await _create_database(server, name, template=_TEMPLATE)
    return server.url_of(name)


async def _create_database(server: PrivatePostgresql, name: str, *, template: str) -> None:
    async with open_database(server.url) as database, database.read() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))


def _ids() -> Iterator[str]:
    # In the order they are made, also within one millisecond, so that tests can say which is first.
    start = int(NOW.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62
    return (str(UUID(int=start + n)) for n in itertools.count())


@dataclass(frozen=True)
class Books:
    """A ledger with one sender, two agencies that pull and two that are pushed to."""

    ledger: Ledger
    ids: Iterator[str] = field(default_factory=_ids)

    @classmethod
    async def of(cls, ledger: Ledger) -> Books:
        """Return the books over an empty ledger, its directory filled."""
        pulling = [agency(code) for code in (SENDER, PULLS, PULLS_TOO)]
        pushed = [agency(code, webhook=HOOK) for code in (PUSHED, PUSHED_TOO)]
        await ledger.directory.upsert([*pulling, *pushed], now=NOW)
        return cls(ledger)

    async def accept(
        self, *to: AgencyCode, key: str | None = None, at: datetime = NOW, **changes: Any
    ) -> list[Delivery]:
        """Keep a document to these agencies and return its deliveries; `changes` go into its envelope."""
        _, deliveries = await self.commit(*to, key=key, at=at, **changes)
        return deliveries

    async def commit(
        self,
        *to: AgencyCode,
        key: str | None = None,
        at: datetime = NOW,
        document: DocumentId | None = None,
        packet: KeptPacket | None = None,
        orders: Sequence[Ordered] = (),
        send_by: datetime | None = None,
        acknowledge_by: datetime | None = None,
        **changes: Any,
    ) -> tuple[Answer, list[Delivery]]:
        """As `accept`, and return the stored answer too."""
        draft = self.draft(*to, at=at, **changes)
        accepted = replace(draft, id=document or draft.id, send_by=send_by)
        deliveries = [replace(self.delivery(accepted, code), acknowledge_by=acknowledge_by) for code in to]
        answer = Answer(f"fingerprint of {key}", accepted.id, f"answer {accepted.id}".encode())
        stored = await self.ledger.submissions.commit(
            AnswerKey(SENDER, "/v1/documents", key or accepted.id),
            answer,
            document=accepted,
            deliveries=deliveries,
            receipt=self.receipt(ReceiptKind.ACCEPTED, accepted.id, at=at),
            event=Event(accepted.id, None, SENDER, EventKind.ACCEPTED, at),
            packet=packet,
            orders=orders,
        )
        return stored, deliveries

    def draft(self, *to: AgencyCode, at: datetime = NOW, **changes: Any) -> Document:
        """Return a document that is not kept yet."""
        return replace(
            document(), id=DocumentId(next(self.ids)), accepted_at=at, envelope=envelope(to=to, **changes)
        )

    def delivery(self, of: Document, to: AgencyCode) -> Delivery:
        """Return a delivery that is not kept yet."""
        return Delivery(
            id=DeliveryId(next(self.ids)),
            document=of.id,
            recipient=to,
            lane=Lane.NORMAL,
            channel=Channel.WEBHOOK if to in (PUSHED, PUSHED_TOO) else Channel.INBOX,
            state=DeliveryState.QUEUED,
            attempts=0,
            due_at=of.accepted_at + GRACE,
            expires_at=of.accepted_at + LIFE,
        )

    def receipt(
        self,
        kind: ReceiptKind,
        about: DocumentId,
        delivery: DeliveryId | None = None,
        at: datetime = NOW,
    ) -> Receipt:
        """Return a receipt that is not kept yet."""
        return Receipt(ReceiptId(next(self.ids)), kind, about, delivery, at, b'{"version":1}')

    def ending(
        self,
        delivery: Delivery,
        state: DeliveryState,
        *,
        at: datetime = NOW,
        lease: str | None = None,
        **what: Any,
    ) -> Ending:
        """Return the end of a delivery, with its receipt and event; `what` goes into it."""
        return Ending(
            delivery=delivery.id,
            state=state,
            at=at,
            receipt=self.receipt(ReceiptKind[state.name], delivery.document, delivery.id, at),
            event=event(delivery, EventKind[state.name], at=at),
            reason="so they said",
            lease=lease,
            **what,
        )

    def said(self, about: Delivery, code: BusinessStatus, **changes: Any) -> Said:
        """Return a status that follows the life of a delivery as it was last seen."""
        said = status(about, code, id=StatusId(next(self.ids)))
        return replace(Said(said, about.life, about.life.after(code)), **changes)

    async def say(self, about: Delivery, code: BusinessStatus, **changes: Any) -> Delivery:
        """Add a status that must be kept; return the delivery as it is then."""
        assert await self.ledger.lives.say([self.said(about, code, **changes)]) == {about.id}
        return await self.state(about)

    def ordered(self, about: Delivery, kind: ChangeKind = ChangeKind.RECALL, **changes: Any) -> Ordered:
        """Return a change that an order asks for at a delivery."""
        asked = change(about, kind, **({"id": ChangeId(next(self.ids))} | changes))
        return Ordered(asked, event(about, EventKind.CHANGE_ASKED))

    async def order(
        self, *about: Delivery, kind: ChangeKind = ChangeKind.RECALL, **changes: Any
    ) -> list[Change]:
        """Keep an order about deliveries; return the changes it asks for."""
        orders = [self.ordered(each, kind, **changes) for each in about]
        await self.commit(*(each.recipient for each in about), orders=orders, kind=DocumentKind(kind.value))
        return [each.change for each in orders]

    async def open(self, delivery: Delivery, *, at: datetime = NOW) -> bool:
        """Record that the recipient of a delivery reads it."""
        return await self.ledger.inbox.open(delivery.id, event=event(delivery, EventKind.OPENED, at=at))

    async def kinds(self, delivery: Delivery) -> list[EventKind]:
        """Return what happened to a delivery, attempts left out."""
        lines = await self.ledger.records.timeline(delivery.document)
        return [line.kind for line in lines if isinstance(line, Event) and line.delivery == delivery.id]

    async def state(self, delivery: Delivery) -> Delivery:
        """Return a delivery as it is now."""
        item = await self.ledger.records.delivery(delivery.id)
        assert item is not None
        return item.delivery

    async def claim(self, *deliveries: Delivery, now: datetime = NOW) -> list[Claim]:
        """Claim deliveries as they were last seen."""
        batch = [handover(delivery) for delivery in deliveries]
        return await self.ledger.deliveries.claim(batch, now=now, lease=LEASE)

    async def park(self, delivery: Delivery, *, at: datetime = NOW) -> Delivery:
        """Claim a delivery and park it; return it as it is then."""
        (claim,) = await self.claim(delivery, now=at)
        parked = settlement(claim.delivery, DeliveryState.PARKED, at=at)
        await self.ledger.deliveries.settle([parked], events=[event(delivery, EventKind.PARKED, at=at)])
        return await self.state(delivery)


class AmqpBooks(Books):
    """Books whose deliveries all go to agencies' own queues."""

    def delivery(self, of: Document, to: AgencyCode) -> Delivery:
        """Return a delivery that is not kept yet."""
        return replace(super().delivery(of, to), channel=Channel.AMQP)


def handover(delivery: Delivery) -> Handover:
    """Return what the broker carries for a delivery."""
    return Handover(delivery.id, delivery.attempts, delivery.lane, delivery.channel, delivery.recipient)


def event(delivery: Delivery, kind: EventKind, *, at: datetime = NOW) -> Event:
    """Return an event of a delivery."""
    return Event(delivery.document, delivery.id, delivery.recipient, kind, at)


def settlement(
    delivery: Delivery, state: DeliveryState, *, at: datetime = NOW, due_at: datetime | None = None
) -> Settlement:
    """Return how the attempt of a claimed delivery ended."""
    outcome = AttemptOutcome.OFFERED if state is DeliveryState.OFFERED else AttemptOutcome.FAILED
    reason = None if state is DeliveryState.OFFERED else "no answer"
    attempt = Attempt(delivery.id, delivery.attempts, at, outcome, reason or "")
    return Settlement(attempt, state, due_at, reason)


def codes(agencies: Sequence[Agency]) -> list[str]:
    """Return the codes of agencies."""
    return [each.code for each in agencies]
