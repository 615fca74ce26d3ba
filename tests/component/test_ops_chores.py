"""What whoever sweeps does besides: expiry, garbage of bodies, tokens that no longer count."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from adapters.bodies import FolderBodies
from broker.counters import BrokerCounters
from broker.sweeper import Sweeper, open_sweeper
from gateway.domain.model import ClientId, Sha256
from gateway.domain.states import DeliveryState
from ops.wiring import GARBAGE_AFTER, chores
from tests.support.brokers import until
from tests.support.exchange import RULES, SENDER, World, open_world
from tests.support.paperwork import Clerk
from tests.support.twins import SIGNED

CLIENT = ClientId(SENDER)
INSTANT = timedelta(seconds=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


async def do(world: World, chore: str) -> None:
    job, _ = chores(world.exchange, cast(FolderBodies, world.exchange.bodies))[chore]
    await job()


async def keep_body(world: World, content: bytes) -> Sha256:
    """Keep a body that no document has, as a crash before the commit does."""
    async with world.exchange.bodies.receiving() as draft:
        await draft.write(content)
        await world.exchange.bodies.keep([draft])
        return draft.sha256


def date_back(world: World, to: datetime) -> None:
    for path in world.bodies():
        os.utime(path, (to.timestamp(), to.timestamp()))


async def test_each_chore_has_its_pause(world: World) -> None:
    pauses = {
        name: pause
        for name, (_, pause) in chores(world.exchange, cast(FolderBodies, world.exchange.bodies)).items()
    }
    hour = timedelta(hours=1)
    half_a_minute = timedelta(seconds=30)
    assert pauses == {"expiry": half_a_minute, "recalls": half_a_minute, "bodies": hour, "tokens": hour}


async def test_bodies_of_no_document_go_after_a_day_and_others_stay(world: World) -> None:
    x = world.exchange
    accepted = await Clerk(world).sent(SIGNED)
    garbage = await keep_body(world, b"left behind by a crash")
    date_back(world, world.clock() - GARBAGE_AFTER)
    await do(world, "bodies")
    assert x.bodies.path(garbage).exists()
    world.clock += INSTANT
    await do(world, "bodies")
    assert not x.bodies.path(garbage).exists()
    assert x.bodies.path(accepted.document.files[0].sha256).read_bytes() == SIGNED


async def test_what_a_crash_left_of_requests_goes_with_the_bodies_of_no_document(world: World) -> None:
    store = world.exchange.bodies.path(Sha256("ab")).parents[2]
    left_overs = [store / "tmp" / "left-over", store / "unpack" / "left-over"]
    for each in left_overs:
        each.mkdir() if each.parent.name == "unpack" else each.touch()
        os.utime(each, (0, 0))
    await do(world, "bodies")
    assert not any(each.exists() for each in left_overs)


async def test_tokens_and_assertions_that_have_expired_are_forgotten(world: World) -> None:
    clients, soon = world.exchange.clients, world.clock() + INSTANT
    for name, expires_at in (("old", soon), ("live", soon + INSTANT)):
        await clients.add_token(name, CLIENT, expires_at=expires_at)
        await clients.use_assertion(CLIENT, name, expires_at=expires_at)
    world.clock += INSTANT
    await do(world, "tokens")
    assert (world.rows("tokens"), world.rows("assertions")) == (1, 1)
    assert await clients.client_of_token("live", now=world.clock()) is not None


async def test_chores_are_done_beside_the_sweeping(world: World) -> None:
    accepted = await Clerk(world).sent()
    garbage = await keep_body(world, b"left behind by a crash")
    await world.exchange.clients.add_token("old", CLIENT, expires_at=world.clock())
    world.clock += RULES.life
    date_back(world, world.clock() - 2 * GARBAGE_AFTER)
    x, counters = world.exchange, BrokerCounters()
    sweeper = Sweeper(x.deliveries, x.broker, clock=x.clock, grace=RULES.grace)
    work = chores(x, cast(FolderBodies, x.bodies))
    async with open_sweeper(sweeper, counters=counters, chores=work):
        await until(lambda: world.rows("receipts") == 2)
        await until(lambda: world.rows("tokens") == 0)
        await until(lambda: not x.bodies.path(garbage).exists())
    assert await Clerk(world).states(accepted.document) == [DeliveryState.EXPIRED]
    assert counters.sweeps_failed == 0
