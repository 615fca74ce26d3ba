"""The hand-over of deliveries with a real ledger, a clock to turn and twins of everything outside."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.db.ledger import open_ledger
from gateway.domain.errors import ExchangeError
from gateway.domain.ledger import Claim
from gateway.domain.model import (
    AgencyCode,
    Attempt,
    Channel,
    Delivery,
    DeliveryId,
)
from gateway.domain.states import DeliveryState
from gateway.service.breaker import Breaker
from gateway.service.deliver import deliver
from gateway.service.exchange import Exchange
from gateway.service.receipt_batch import ReceiptBatch
from tests.support import exchange
from tests.support.exchange_samples import NOW
from tests.support.ledgers import LANE_CHANNELS, Books, fresh_sqlite, handover
from tests.support.twins import CountingMeter, PatientBroker, PlainSigner

MINUTE = timedelta(minutes=1)
SCHEDULE = (MINUTE, 5 * MINUTE)
RULES = replace(exchange.RULES, handover_lease=2 * MINUTE, retry_schedule=SCHEDULE, breaker_wait=10 * MINUTE)


@dataclass
class AgencySystems:
    """The systems of the agencies: each takes what it is offered unless its script says otherwise.

    `held` agencies do not answer before their event is set.
    """

    scripts: dict[AgencyCode, list[ExchangeError | None]] = field(default_factory=lambda: defaultdict(list))
    held: dict[AgencyCode, asyncio.Event] = field(default_factory=dict)
    offered: list[DeliveryId] = field(default_factory=list)
    taken: list[DeliveryId] = field(default_factory=list)
    arrivals: asyncio.Queue[AgencyCode] = field(default_factory=asyncio.Queue)

    async def deliver(self, claim: Claim) -> None:
        """Answer as the agency's script says, or take the delivery."""
        agency, delivery = claim.recipient.code, claim.delivery.id
        self.offered.append(delivery)
        self.arrivals.put_nowait(agency)
        if agency in self.held:
            await self.held[agency].wait()
        script = self.scripts[agency]
        answer = script.pop(0) if script else None
        if answer is not None:
            raise answer
        self.taken.append(delivery)


@dataclass
class NotingWakeups:
    """Notes who is woken."""

    woken: list[AgencyCode] = field(default_factory=list)

    def wake(self, agencies: Collection[AgencyCode]) -> None:
        """Note agencies."""
        self.woken += agencies

    async def wait(self, agency: AgencyCode, *, timeout: timedelta) -> None:
        """Return at once."""


@dataclass
class Floor:
    """Where deliveries are handed over: move `now`, then `sweep`."""

    books: Books
    exchange: Exchange
    connector: AgencySystems
    broker: PatientBroker
    wakeups: NotingWakeups
    meter: CountingMeter
    now: datetime = NOW

    async def hand_over(self, *deliveries: Delivery) -> None:
        """Hand deliveries over as a worker does with one message of the broker."""
        await deliver(self.exchange, [handover(delivery) for delivery in deliveries])

    async def sweep(self, *, after: timedelta = timedelta(0)) -> int:
        """Let time pass, hand over what is due by then, and return how many the sweeper found."""
        self.now += after
        due = await self.books.ledger.deliveries.overdue(
            LANE_CHANNELS, now=self.now, grace=RULES.grace, limit=1000
        )
        for channel in Channel:
            batch = [each for each in due if each.channel is channel]
            if batch:
                await deliver(self.exchange, batch)
        return len(due)

    async def states(self, deliveries: Sequence[Delivery]) -> list[DeliveryState]:
        """Return the present states of deliveries."""
        return [(await self.books.state(each)).state for each in deliveries]

    async def attempts(self, delivery: Delivery) -> list[Attempt]:
        """Return what was recorded of the attempts to hand a delivery over."""
        lines = await self.books.ledger.records.timeline(delivery.document)
        return [each for each in lines if isinstance(each, Attempt) and each.delivery == delivery.id]


@asynccontextmanager
async def hand_over_floor(folder: Path) -> AsyncIterator[Floor]:
    """Open a floor over an empty ledger in a folder."""
    async with open_ledger(await fresh_sqlite(folder)) as ledger:
        connector, broker = AgencySystems(), PatientBroker()
        wakeups, meter = NotingWakeups(), CountingMeter()
        unused: Any = None  # handing over reads no bodies and judges no files
        bound = Exchange(
            clock=lambda: floor.now,
            random=lambda: 0.5,
            rules=RULES,
            directory=ledger.directory,
            clients=ledger.clients,
            submissions=ledger.submissions,
            deliveries=ledger.deliveries,
            inbox=ledger.inbox,
            records=ledger.records,
            lives=ledger.lives,
            systems=ledger.systems,
            dossiers=ledger.dossiers,
            reports=ledger.reports,
            packets=unused,
            bodies=unused,
            verifier=unused,
            receipts=ReceiptBatch(PlainSigner()),
            connectors={Channel.WEBHOOK: connector, Channel.AMQP: connector},
            broker=broker,
            wakeups=wakeups,
            breaker=Breaker(RULES.breaker_failures, RULES.breaker_wait),
            meter=meter,
        )
        floor = Floor(await Books.of(ledger), bound, connector, broker, wakeups, meter)
        yield floor
