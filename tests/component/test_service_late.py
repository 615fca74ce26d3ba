"""What an agency is late with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.domain.envelope import DocumentKind, Urgency
from gateway.domain.model import Agency, AgencyCode
from gateway.domain.states import BusinessStatus, DeliveryState
from gateway.service.acknowledge import acknowledge
from gateway.service.late import LIMIT, Late, late
from gateway.service.recall import recall
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, RULES, SENDER, open_world
from tests.support.paperwork import Clerk

DAY = timedelta(days=1)


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


async def late_now(clerk: Clerk, *agencies: AgencyCode) -> Late:
    return await late(clerk.world.exchange, agencies or None, at=clerk.world.clock())


async def test_delivery_nobody_answered_in_time_is_late_from_then_on(clerk: Clerk) -> None:
    delivery = (await clerk.sent()).deliveries[0]
    assert delivery.acknowledge_by is not None
    clerk.world.clock.now = delivery.acknowledge_by
    assert (await late_now(clerk)).unacknowledged == []
    clerk.world.clock += timedelta(seconds=1)
    assert [item.delivery.id for item in (await late_now(clerk)).unacknowledged] == [delivery.id]
    assert (await late_now(clerk, OTHER_RECIPIENT)).unacknowledged == []


async def test_late_answer_is_told_of_until_the_month_is_over(clerk: Clerk) -> None:
    delivery = (await clerk.sent()).deliveries[0]
    clerk.world.clock += 3 * DAY
    await acknowledge(clerk.world.exchange, delivery.id, by=RECIPIENT, state=DeliveryState.DELIVERED)
    assert len((await late_now(clerk, RECIPIENT)).unacknowledged) == 1
    clerk.world.clock += 8 * DAY  # December
    assert (await late_now(clerk, RECIPIENT)).unacknowledged == []


async def test_answer_in_time_is_not_late(clerk: Clerk) -> None:
    delivery = (await clerk.sent()).deliveries[0]
    await acknowledge(clerk.world.exchange, delivery.id, by=RECIPIENT, state=DeliveryState.DELIVERED)
    clerk.world.clock += 5 * DAY
    assert (await late_now(clerk)).unacknowledged == []


async def test_answer_that_is_not_owed_any_more_is_not_late(clerk: Clerk) -> None:
    recalled = await clerk.sent()
    replaced = await clerk.sent(document_id="VB-2", number="2")
    order = await clerk.order(DocumentKind.REPLACE, "VB-2")
    await clerk.say(BusinessStatus.CHANGE_ACCEPTED, order.document)
    clerk.world.clock += 3 * DAY
    before = [item.document.id for item in (await late_now(clerk, RECIPIENT)).unacknowledged]
    assert before == [recalled.document.id, order.document.id]
    await recall(clerk.world.exchange, recalled.document.id, by=SENDER, reason="gửi nhầm")
    now = [item.document.id for item in (await late_now(clerk, RECIPIENT)).unacknowledged]
    assert now == [order.document.id]
    assert await clerk.states(replaced.document) == [DeliveryState.QUEUED]


async def test_what_nobody_took_before_it_expired_is_late(clerk: Clerk) -> None:
    await clerk.sent()
    await clerk.expire()
    (item,) = (await late_now(clerk, RECIPIENT)).unacknowledged
    assert item.delivery.state is DeliveryState.EXPIRED


async def test_list_that_has_no_room_for_everything_says_so(clerk: Clerk) -> None:
    x = clerk.world.exchange
    codes = [AgencyCode(f"H99.{n:04}") for n in range(LIMIT + 1)]
    await x.directory.upsert([Agency(code, "Ủy ban nhân dân xã", 3) for code in codes], now=x.clock())
    await clerk.send(to=codes)
    clerk.world.clock += 3 * DAY
    everybody = await late_now(clerk)
    assert (len(everybody.unacknowledged), everybody.more) == (LIMIT, True)
    assert not (await late_now(clerk, *codes[:LIMIT])).more


async def test_change_without_an_answer_is_late_and_an_answered_one_is_not(clerk: Clerk) -> None:
    accepted = await clerk.sent(to=[RECIPIENT, OTHER_RECIPIENT])
    name = accepted.document.envelope.document_id
    await clerk.order(DocumentKind.UPDATE, name, to=[RECIPIENT, OTHER_RECIPIENT])
    assert (await late_now(clerk)).unanswered == []
    await clerk.say(BusinessStatus.CHANGE_ACCEPTED, accepted.document, by=OTHER_RECIPIENT)
    clerk.world.clock += 5 * DAY
    assert [change.recipient for change in (await late_now(clerk)).unanswered] == [RECIPIENT]
    assert (await late_now(clerk, OTHER_RECIPIENT)).unanswered == []


async def test_document_sent_after_the_next_working_morning_was_sent_late(clerk: Clerk) -> None:
    # It is Saturday, 21 November.
    on_time = await clerk.sent(document_id="VB-1", number="1", issued_on=date(2026, 11, 20))
    too_late = await clerk.sent(document_id="VB-2", number="2", issued_on=date(2026, 11, 18))
    unknown = await clerk.sent(document_id="VB-3", number="3", issued_on=None)
    assert [each.document.send_by is None for each in (on_time, too_late, unknown)] == [False, False, True]
    assert [each.id for each in (await late_now(clerk, SENDER)).sent] == [too_late.document.id]
    assert (await late_now(clerk, RECIPIENT)).sent == []


async def test_ordinary_document_is_due_by_the_calendar_and_an_urgent_one_at_any_hour(clerk: Clerk) -> None:
    now = clerk.world.clock()
    ordinary = (await clerk.sent()).deliveries[0]
    urgent = (await clerk.sent(document_id="VB-2", urgency=Urgency.URGENT)).deliveries[0]
    assert ordinary.acknowledge_by == RULES.calendar.acknowledge_by(now)
    assert urgent.acknowledge_by == now + RULES.urgent_within
    assert (await clerk.delivery(ordinary)).acknowledge_by == ordinary.acknowledge_by
