"""Centres that poll: what a poll costs, and how soon it shows what another process has changed.

Another process writes to the record and tells nobody: here the tests do so past the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from adapters.vxp.versions import Version
from gateway.domain.model import Alias, AliasScheme, System, SystemId
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, SENDER
from tests.support.twins import HandClock
from tests.support.vxp_world import FIRST, RECIPIENT_102, SECOND, TwoCentres, centres

__all__ = ["centres"]

A_SECOND, A_MOMENT = timedelta(seconds=1), timedelta(milliseconds=10)


async def cost_of(centres: TwoCentres, call: Callable[[], Awaitable[Any]]) -> int:
    """Return how many statements a call costs just after the same was called."""
    await call()
    database = centres.api.world.database
    before = database.statements
    await call()
    return database.statements - before


async def stored(centres: TwoCentres, system_id: str) -> System:
    found = await centres.api.world.exchange.systems.find(SystemId(system_id))
    assert found is not None
    return found


# --- what a poll costs ---------------------------------------------------------------------------


async def test_poll_of_an_empty_inbox_costs_one_statement(centres: TwoCentres) -> None:
    assert await cost_of(centres, centres.second.waiting) == 1
    assert await cost_of(centres, lambda: centres.second.waiting("status")) == 1
    assert await cost_of(centres, centres.second.count) == 1


async def test_poll_that_lists_documents_costs_one_statement(centres: TwoCentres) -> None:
    await centres.arrived()
    assert await cost_of(centres, centres.second.waiting) == 1


async def test_centres_that_poll_at_once_ask_for_the_version_once() -> None:
    asked = []

    async def ask() -> str:
        asked.append("asked")
        await asyncio.sleep(0)
        return str(len(asked))

    clock = HandClock()
    version = Version(ask, clock)
    assert await asyncio.gather(*(version.current() for _ in range(10))) == ["1"] * 10
    clock += A_SECOND - A_MOMENT
    assert await version.current() == "1"
    clock += A_MOMENT
    assert await version.current() == "2"
    clock += -timedelta(hours=1)  # set back: what was asked in the future proves nothing
    assert await version.current() == "3"
    version.ask_again()
    assert await version.current() == "4"


async def test_change_while_the_version_is_asked_for_is_not_missed() -> None:
    answers, gate = ["before", "after"], asyncio.Event()

    async def ask() -> str:
        answer = answers.pop(0)
        await gate.wait()
        return answer

    version = Version(ask, HandClock())
    asking = asyncio.create_task(version.current())
    await asyncio.sleep(0)
    version.ask_again()
    gate.set()
    assert await asking == "before"
    assert await version.current() == "after"


async def test_version_that_could_not_be_had_is_asked_for_again() -> None:
    failures = [OSError("gone")]

    async def ask() -> str:
        for failure in failures:
            raise failure
        return "7"

    version = Version(ask, HandClock())
    with pytest.raises(OSError, match="gone"):
        await version.current()
    failures.clear()
    assert await version.current() == "7"


# --- what another process has changed ------------------------------------------------------------


async def test_document_that_arrives_is_in_the_next_poll(centres: TwoCentres) -> None:
    assert await centres.second.waiting() == []
    await centres.sent()
    assert len(await centres.second.waiting()) == 1


async def test_agency_put_behind_a_centre_elsewhere_is_in_its_polls_within_a_second(
    centres: TwoCentres,
) -> None:
    systems = centres.api.world.exchange.systems
    await centres.arrived()
    assert await centres.first.waiting() == []
    await systems.remove(SystemId(SECOND), [RECIPIENT])
    await systems.place(SystemId(FIRST), [RECIPIENT])
    centres.api.world.clock += A_SECOND
    assert [row["to"] for row in await centres.first.waiting()] == [RECIPIENT_102]
    assert await centres.second.waiting() == []


async def test_secret_replaced_elsewhere_counts_within_a_second_and_the_old_one_no_more(
    centres: TwoCentres,
) -> None:
    assert (await centres.first.received()).is_ok
    sealed = centres.box.seal("the-new-secret", owner=FIRST)
    await centres.api.world.exchange.systems.replace(replace(await stored(centres, FIRST), secret=sealed))
    centres.api.world.clock += A_SECOND
    assert (await centres.client(FIRST, "the-new-secret").received()).is_ok
    assert (await centres.first.received()).http_status == 401


async def test_old_secret_ends_with_its_overlap_though_nothing_is_written_then(centres: TwoCentres) -> None:
    system, world = await stored(centres, FIRST), centres.api.world
    rotated = replace(
        system,
        secret=centres.box.seal("the-new-secret", owner=FIRST),
        previous_secret=system.secret,
        previous_valid_until=world.clock() + timedelta(seconds=20),
    )
    await world.exchange.systems.replace(rotated)
    assert (await centres.first.received()).is_ok
    world.clock += timedelta(seconds=21)
    assert (await centres.first.received()).http_status == 401
    assert (await centres.client(FIRST, "the-new-secret").received()).is_ok


async def test_code_an_agency_gets_elsewhere_is_in_polls_within_a_second(centres: TwoCentres) -> None:
    directory, world = centres.api.world.exchange.directory, centres.api.world
    await centres.sent(to=[OTHER_RECIPIENT])
    assert (await centres.second.waiting())[0]["to"] == OTHER_RECIPIENT
    agency = await directory.agency(OTHER_RECIPIENT)
    assert agency is not None
    alias = Alias(AliasScheme.QCVN102, "000.00.77.H26")
    await directory.upsert([replace(agency, aliases=(alias,))], now=world.clock())
    world.clock += A_SECOND
    assert (await centres.second.waiting())[0]["to"] == "000.00.77.H26"


async def test_code_that_means_an_agency_from_tomorrow_on_is_taken_tomorrow(centres: TwoCentres) -> None:
    directory, world = centres.api.world.exchange.directory, centres.api.world
    agency = await directory.agency(SENDER)
    assert agency is not None
    tomorrow = (world.clock() + timedelta(days=1)).date()
    alias = Alias(AliasScheme.QCVN102, "000.00.78.H26", valid_from=tomorrow)
    await directory.upsert([replace(agency, aliases=(alias,))], now=world.clock())
    early = await centres.first.send(centres.document(sender=alias.value), by=alias.value)
    world.clock += timedelta(days=1)
    assert not early.is_ok
    assert (await centres.first.send(centres.document(sender=alias.value), by=alias.value)).is_ok


async def test_centre_changed_by_hand_is_believed_for_a_minute_at_most(centres: TwoCentres) -> None:
    assert (await centres.first.received()).is_ok
    async with centres.api.world.database.write() as connection:
        await connection.execute(text(f"UPDATE systems SET revoked_at = created_at WHERE id = '{FIRST}'"))
    centres.api.world.clock += timedelta(minutes=1)
    assert (await centres.first.received()).http_status == 401
