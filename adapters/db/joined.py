"""Handing over with few transactions: calls that come while one is under way go together in the next.

Hundreds of webhooks answer one by one. A transaction for each would want as many connections at once, and
cost more than the sending itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from adapters.db.deliveries import SqlDeliveries
from adapters.db.engine import Database
from gateway.domain.errors import StoreUnavailable
from gateway.domain.ledger import Claim, Settlement
from gateway.domain.model import AgencyCode, DeliveryId, Event, Handover

Q = TypeVar("Q")
A = TypeVar("A")

_MOST = 100
"""Calls that go together, so that no transaction becomes long."""


class Joined(Generic[Q, A]):
    """One question at a time: those asked meanwhile are asked together, and fail together."""

    def __init__(self, ask: Callable[[Sequence[Q]], Awaitable[Sequence[A]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._rounds: asyncio.Task[None] | None = None

    async def __call__(self, question: Q) -> A:
        """Return the answer to one question; raises what the round raised."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, answer))
        if self._rounds is None:
            # Owned here, ends by itself: every caller awaits its outcome.
            self._rounds = loop.create_task(self._ask_in_rounds())
        return await answer

    async def _ask_in_rounds(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._ask_together(together)
        finally:
            self._rounds = None
            for _, answer in self._waiting:
                _fail(answer, StoreUnavailable())
            self._waiting.clear()

    async def _ask_together(self, together: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._ask([question for question, _ in together])
        except BaseException as error:
            # Handed to whoever asked; only our own end is ours.
            is_end = not isinstance(error, Exception)
            for _, answer in together:
                _fail(answer, StoreUnavailable() if is_end else error)
            if is_end:
                raise
            return
        for (_, asked), answered in zip(together, answers, strict=True):
            if not asked.done():
                asked.set_result(answered)


def _fail(answer: asyncio.Future[A], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)


@dataclass(frozen=True, slots=True)
class _ToClaim:
    batch: Sequence[Handover]
    now: datetime
    lease: timedelta


@dataclass(frozen=True, slots=True)
class _ToSettle:
    settlements: Sequence[Settlement]
    events: Sequence[Event]

    def of(self, latest: dict[DeliveryId, Settlement]) -> dict[DeliveryId, Settlement]:
        """Take out of `latest` those that are among these."""
        return {
            each.attempt.delivery: latest.pop(each.attempt.delivery)
            for each in self.settlements
            if latest.get(each.attempt.delivery) is each
        }


@dataclass(frozen=True, slots=True)
class _Line:
    agencies: Collection[AgencyCode]
    now: datetime


class JoinedDeliveries(SqlDeliveries):
    """Meets the port `Deliveries`; claims, settlements and looks at lines are joined."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._claims = Joined(self._claim)
        self._settlements = Joined(self._settle)
        self._lines = Joined(self._next_in_line)

    async def claim(self, batch: Sequence[Handover], *, now: datetime, lease: timedelta) -> list[Claim]:
        """Take deliveries for handing over, in the order of the batch."""
        return await self._claims(_ToClaim(batch, now, lease))

    async def _claim(self, wanted: Sequence[_ToClaim]) -> list[list[Claim]]:
        last = wanted[-1]
        batch = [each for one in wanted for each in one.batch]
        claims = await super().claim(batch, now=last.now, lease=last.lease)
        taken = {claim.delivery.id: claim for claim in claims}
        # Taken out: of two who want the same delivery one gets it.
        return [[taken.pop(each.delivery) for each in one.batch if each.delivery in taken] for one in wanted]

    async def settle(self, settlements: Sequence[Settlement], *, events: Sequence[Event]) -> set[DeliveryId]:
        """Record attempts and move their deliveries; return those that moved."""
        return await self._settlements(_ToSettle(settlements, events))

    async def _settle(self, wanted: Sequence[_ToSettle]) -> list[set[DeliveryId]]:
        latest: dict[DeliveryId, Settlement] = {}
        for each in (each for one in wanted for each in one.settlements):
            known = latest.setdefault(each.attempt.delivery, each)
            if known.attempt.number < each.attempt.number:
                latest[each.attempt.delivery] = each
        # Of two about the same delivery only the later can move it; the other's events must not be kept.
        chosen = [one.of(latest) for one in wanted]
        events = [
            event
            for one, mine in zip(wanted, chosen, strict=True)
            for event in one.events
            if event.delivery in mine
        ]
        settlements = [each for mine in chosen for each in mine.values()]
        moved = await super().settle(settlements, events=events)
        return [moved & mine.keys() for mine in chosen]

    async def next_in_line(self, agencies: Collection[AgencyCode], *, now: datetime) -> list[Handover]:
        """Return the first in line of each agency's webhook if it has not been attempted yet or is due."""
        return await self._lines(_Line(agencies, now))

    async def _next_in_line(self, lines: Sequence[_Line]) -> list[list[Handover]]:
        agencies = {agency for line in lines for agency in line.agencies}
        found = await super().next_in_line(agencies, now=lines[-1].now)
        return [[each for each in found if each.recipient in line.agencies] for line in lines]
