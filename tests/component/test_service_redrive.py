"""Parked deliveries go on their way again when a person has seen to the cause."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.domain.errors import AgencyUnavailable, RecipientRefused
from gateway.domain.ledger import ParkedFilter
from gateway.domain.model import AgencyCode, Delivery
from gateway.domain.states import DeliveryState
from gateway.service.acknowledge import acknowledge
from gateway.service.redrive import redrive, redrive_line
from tests.support.exchange import PUSHED_RECIPIENT, RECIPIENT, open_world
from tests.support.paperwork import Clerk

OFFERED, PARKED, QUEUED = DeliveryState.OFFERED, DeliveryState.PARKED, DeliveryState.QUEUED
GONE = "the webhook answered 410"
ALL = ParkedFilter()


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


async def parked(clerk: Clerk, *, document_id: str = "VB-1") -> Delivery:
    """Return a delivery that its agency's webhook has just refused for good."""
    clerk.world.webhook.script = [RecipientRefused(GONE)]
    accepted = await clerk.sent(to=[PUSHED_RECIPIENT], document_id=document_id)
    await clerk.world.work()
    (delivery,) = accepted.deliveries
    assert (await clerk.delivery(delivery)).state is PARKED
    return delivery


async def drive(clerk: Clerk, which: ParkedFilter = ALL, *, dry_run: bool = False) -> Sequence[Delivery]:
    x = clerk.world.exchange
    return (await redrive(x.deliveries, which, broker=x.broker, clock=x.clock, dry_run=dry_run)).deliveries


async def drive_on(clerk: Clerk, agency: AgencyCode, *, dry_run: bool = False) -> Sequence[Delivery]:
    x = clerk.world.exchange
    driven = await redrive_line(x.deliveries, agency, broker=x.broker, clock=x.clock, dry_run=dry_run)
    return driven.deliveries


async def test_redriven_delivery_is_queued_announced_and_offered(clerk: Clerk) -> None:
    delivery = await parked(clerk)
    (shown,) = await drive(clerk)
    assert (shown.id, shown.state, shown.reason) == (delivery.id, PARKED, GONE)
    queued = await clerk.delivery(delivery)
    assert (queued.state, queued.due_at, queued.tries) == (QUEUED, clerk.world.clock(), 0)
    await clerk.world.work()
    assert (await clerk.delivery(delivery)).state is OFFERED
    assert [claim.delivery.id for claim in clerk.world.webhook.taken] == [delivery.id]
    assert await clerk.history(clerk.accepted[0].document, delivery.id) == ["parked", "redriven"]


async def test_dry_run_changes_nothing(clerk: Clerk) -> None:
    delivery = await parked(clerk)
    before = await clerk.delivery(delivery)
    assert await drive(clerk, dry_run=True) == [before]
    assert await clerk.delivery(delivery) == before
    assert clerk.world.broker.announced == []


async def test_only_what_the_operator_means_is_redriven(clerk: Clerk) -> None:
    early = await parked(clerk)
    clerk.world.clock += timedelta(hours=1)
    noon = clerk.world.clock()
    clerk.world.clock += timedelta(hours=1)
    late = await parked(clerk, document_id="VB-2")
    elsewhere = ParkedFilter(recipient=AgencyCode(RECIPIENT))
    after, before = ParkedFilter(parked_after=noon), ParkedFilter(parked_before=noon)
    assert await drive(clerk, elsewhere) == []
    assert [each.id for each in await drive(clerk, after, dry_run=True)] == [late.id]
    assert [each.id for each in await drive(clerk, before)] == [early.id]
    assert [each.id for each in await drive(clerk)] == [late.id]
    assert await drive(clerk) == []


async def test_parked_delivery_can_be_answered_and_is_not_redriven_then(clerk: Clerk) -> None:
    delivery = await parked(clerk)
    await acknowledge(clerk.world.exchange, delivery.id, by=PUSHED_RECIPIENT, state=DeliveryState.DELIVERED)
    assert await drive(clerk) == []


async def test_two_operators_at_once_queue_it_once(clerk: Clerk) -> None:
    await parked(clerk)
    x = clerk.world.exchange
    meant = await x.deliveries.parked(ALL, limit=9)
    await drive(clerk)
    assert await x.deliveries.redrive([each.id for each in meant], now=x.clock(), events=[]) == []
    assert len(clerk.world.broker.announced) == 1


async def test_operator_is_told_when_more_are_parked_than_are_redriven_at_once(clerk: Clerk) -> None:
    early = await parked(clerk)
    clerk.world.clock += timedelta(hours=1)
    late = await parked(clerk, document_id="VB-2")
    x = clerk.world.exchange
    one_at_a_time = partial(
        redrive, x.deliveries, ALL, broker=x.broker, clock=x.clock, dry_run=False, limit=1
    )
    first, second = await one_at_a_time(), await one_at_a_time()
    assert ([each.id for each in first.deliveries], first.more_wait) == ([early.id], True)
    assert ([each.id for each in second.deliveries], second.more_wait) == ([late.id], False)


# --- a line that waits -------------------------------------------------------------------------------


async def held_up(clerk: Clerk) -> Delivery:
    """Return a delivery whose attempt has just failed, and which holds up another one."""
    clerk.world.webhook.script = [AgencyUnavailable("the webhook answered 503")]
    accepted = await clerk.sent(to=[PUSHED_RECIPIENT])
    await clerk.world.work()
    await clerk.sent(to=[PUSHED_RECIPIENT], document_id="VB-2")
    await clerk.world.work()
    (delivery,) = accepted.deliveries
    assert (await clerk.delivery(delivery)).state is QUEUED
    return delivery


async def test_operator_sends_a_waiting_line_on_its_way_at_once(clerk: Clerk) -> None:
    delivery = await held_up(clerk)
    (shown,) = await drive_on(clerk, PUSHED_RECIPIENT)
    assert (shown.id, shown.reason) == (delivery.id, "the webhook answered 503")
    assert (await clerk.delivery(delivery)).tries == 0
    await clerk.world.work()
    assert len(clerk.world.webhook.taken) == 2
    assert await clerk.history(clerk.accepted[0].document, delivery.id) == ["redriven"]


async def test_dry_run_only_shows_what_a_line_waits_for(clerk: Clerk) -> None:
    before = await clerk.delivery(await held_up(clerk))
    assert await drive_on(clerk, PUSHED_RECIPIENT, dry_run=True) == [before]
    assert await clerk.delivery(before) == before
    assert clerk.world.broker.announced == []


async def test_line_that_does_not_wait_is_left_as_it_is(clerk: Clerk) -> None:
    await clerk.sent(to=[RECIPIENT, PUSHED_RECIPIENT])
    clerk.world.broker.take()
    assert await drive_on(clerk, PUSHED_RECIPIENT) == await drive_on(clerk, RECIPIENT) == []
    assert clerk.world.broker.announced == []
