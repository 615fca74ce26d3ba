"""Calls that come while one is under way go together in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from adapters.db.joined import Joined
from gateway.domain.errors import StoreUnavailable


@dataclass
class Store:
    """Doubles numbers, a round at a time, each held until `gate` opens; fails when told to."""

    rounds: list[list[int]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None

    async def ask(self, numbers: Sequence[int]) -> list[int]:
        """Return each number doubled."""
        self.rounds.append(list(numbers))
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return [2 * number for number in numbers]


async def test_those_who_ask_meanwhile_are_asked_together_and_each_gets_its_answer() -> None:
    store = Store()
    joined = Joined(store.ask)
    asking = [asyncio.create_task(joined(number)) for number in (1,)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking += [asyncio.create_task(joined(number)) for number in (2, 3, 4)]
    store.gate.set()
    assert await asyncio.gather(*asking) == [2, 4, 6, 8]
    assert store.rounds == [[1], [2, 3, 4]]


async def test_failure_goes_to_all_of_the_round_and_to_nobody_after_it() -> None:
    store = Store(failure=StoreUnavailable())
    store.gate.set()
    joined = Joined(store.ask)
    failed = await asyncio.gather(joined(1), joined(2), return_exceptions=True)
    assert [type(each) for each in failed] == [StoreUnavailable, StoreUnavailable]
    store.failure = None
    assert await joined(3) == 6


async def test_one_who_stops_waiting_takes_nobody_along() -> None:
    store = Store()
    joined = Joined(store.ask)
    impatient, patient = asyncio.create_task(joined(1)), asyncio.create_task(joined(2))
    await asyncio.sleep(0)
    impatient.cancel()
    store.gate.set()
    assert await patient == 4
    with pytest.raises(asyncio.CancelledError):
        await impatient
