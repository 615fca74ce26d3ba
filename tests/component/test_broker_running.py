"""A background task that dies takes the block that needs it along: nothing goes on half alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest

from broker.connection import running
from broker.consumer import crews_at_work, stations_for
from broker.counters import BrokerCounters
from broker.stations import CREWS, Arrival
from gateway.domain.model import Channel, Handover, Lane
from tests.support.brokers import handovers


async def die() -> None:
    raise LookupError("a bug")


async def work_for_ever() -> None:
    await asyncio.Event().wait()


async def test_task_that_dies_ends_the_block_with_its_error(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(LookupError):
        async with asyncio.timeout(10), running(die(), name="publisher"):
            await work_for_ever()
    (record,) = [each for each in caplog.records if each.levelno == logging.CRITICAL]
    assert (record.__dict__["event"], record.__dict__["task"]) == ("broker.task_died", "publisher")


async def test_owner_of_a_dead_task_is_not_left_cancelled() -> None:
    with pytest.raises(LookupError):
        async with asyncio.timeout(10), running(die(), name="publisher"):
            await work_for_ever()
    owner = asyncio.current_task()
    assert owner is not None
    assert owner.cancelling() == 0
    await asyncio.sleep(0)


async def test_task_that_outlives_the_block_is_cancelled() -> None:
    async with running(work_for_ever(), name="sweeper") as task:
        pass
    assert task.cancelled()


async def test_block_that_fails_keeps_its_own_error() -> None:
    with pytest.raises(ValueError, match="of the block"):
        async with running(work_for_ever(), name="sweeper"):
            raise ValueError("of the block")


async def test_crew_that_dies_ends_what_depends_on_it() -> None:
    stations = stations_for([Lane.NORMAL], [Channel.INBOX], crews=CREWS)
    limit = asyncio.timeout(10)

    async def handle(batch: Sequence[Handover]) -> None:
        pass

    async def serve() -> None:
        soon = timedelta(seconds=5)
        async with limit, crews_at_work(stations, handle, counters=BrokerCounters(), stop_within=soon):
            stations[Lane.NORMAL, Channel.INBOX].arrive(Arrival(handovers(1), die))
            await work_for_ever()

    with pytest.raises(BaseExceptionGroup):
        await serve()
    assert not limit.expired()
