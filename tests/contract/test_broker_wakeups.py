"""One contract for every `Wakeups`: a long poll ends when its agency is woken, and not for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from broker.counters import BrokerCounters
from broker.publisher import open_publisher
from broker.wakeups import LocalWakeups, open_wakeups
from gateway.domain.model import AgencyCode
from gateway.domain.ports import Wakeups
from tests.support.brokers import broker_kinds, broker_url, rabbitmq, until

__all__ = ["broker_url", "rabbitmq"]  # fixtures

DEPARTMENT = AgencyCode("H26.01")
WARD = AgencyCode("H26.01.02")
LONG = timedelta(seconds=20)
SHORT = timedelta(milliseconds=50)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("broker_kind", broker_kinds(metafunc.config))


@pytest.fixture
async def processes(broker_url: str) -> AsyncIterator[tuple[Wakeups, Wakeups]]:
    """Return the wake-ups of the process that wakes and of the one that waits."""
    if broker_url == "direct:":
        local = LocalWakeups()
        yield local, local
        return
    counters = BrokerCounters()
    async with (
        open_publisher(broker_url, counters=counters) as here,
        open_publisher(broker_url, counters=BrokerCounters()) as there,
        open_wakeups(broker_url, here, counters=counters) as waking,
        open_wakeups(broker_url, there, counters=counters) as waiting,
    ):
        await until(lambda: counters.connected and waiting.is_listening)
        yield waking, waiting


async def test_a_waiting_agency_is_woken(processes: tuple[Wakeups, Wakeups]) -> None:
    waking, waiting = processes

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(waiting.wait(DEPARTMENT, timeout=LONG))
        tasks.create_task(waiting.wait(WARD, timeout=LONG))
        await asyncio.sleep(0)  # let both begin to wait
        waking.wake([DEPARTMENT, WARD])


async def test_another_agency_sleeps_on(processes: tuple[Wakeups, Wakeups]) -> None:
    waking, waiting = processes

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        sleeping = tasks.create_task(waiting.wait(WARD, timeout=LONG))
        woken = tasks.create_task(waiting.wait(DEPARTMENT, timeout=LONG))
        await asyncio.sleep(0)
        waking.wake([DEPARTMENT])
        await woken
        assert not sleeping.done()
        waking.wake([WARD])


async def test_a_wait_nobody_ends_is_over_after_its_timeout(processes: tuple[Wakeups, Wakeups]) -> None:
    _, waiting = processes

    await waiting.wait(WARD, timeout=SHORT)
