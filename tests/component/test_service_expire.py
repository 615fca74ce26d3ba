"""What nobody took in time ends with a receipt: nothing ends in silence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.errors import IllegalTransition, RecipientRefused, SigningUnavailable
from gateway.domain.states import DeliveryState
from gateway.service.acknowledge import acknowledge
from gateway.service.expire import BATCH, expire
from tests.support.exchange import OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT, RULES, open_world
from tests.support.paperwork import Clerk, statement

DELIVERED, EXPIRED, PARKED = DeliveryState.DELIVERED, DeliveryState.EXPIRED, DeliveryState.PARKED
INSTANT = timedelta(microseconds=1)


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


async def test_delivery_expires_at_the_end_of_its_life_and_not_before(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    clerk.world.clock += RULES.life - INSTANT
    assert await expire(clerk.world.exchange) == 0
    clerk.world.clock += INSTANT
    assert await expire(clerk.world.exchange) == 1
    assert await clerk.states(accepted.document) == [EXPIRED]
    assert await expire(clerk.world.exchange) == 0


async def test_sender_gets_a_signed_receipt_of_the_expiry(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    clerk.world.clock += RULES.life
    await expire(clerk.world.exchange)
    ended = await clerk.delivery(accepted.deliveries[0])
    assert ended.receipt is not None
    receipt = await clerk.world.exchange.records.receipt(ended.receipt)
    assert receipt is not None
    assert (statement(receipt)["kind"], statement(receipt)["to"]) == ("expired", [RECIPIENT])
    assert await clerk.history(accepted.document) == ["accepted", "expired"]


async def test_queued_offered_and_parked_deliveries_expire_and_answered_ones_do_not(clerk: Clerk) -> None:
    x = clerk.world.exchange
    clerk.world.webhook.script = [RecipientRefused("the webhook answered 410")]
    accepted = await clerk.sent(to=[RECIPIENT, OTHER_RECIPIENT, PUSHED_RECIPIENT])
    await clerk.world.work()
    await acknowledge(x, accepted.deliveries[0].id, by=RECIPIENT, state=DELIVERED)
    queued = await clerk.sent(document_id="VB-2")
    assert await clerk.states(accepted.document) == [DELIVERED, DeliveryState.OFFERED, PARKED]
    clerk.world.clock += RULES.life
    assert await expire(x) == 3
    assert await clerk.states(accepted.document) == [DELIVERED, EXPIRED, EXPIRED]
    assert await clerk.states(queued.document) == [EXPIRED]


async def test_expired_delivery_can_no_longer_be_accepted(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    clerk.world.clock += RULES.life
    await expire(clerk.world.exchange)
    with pytest.raises(IllegalTransition):
        await acknowledge(clerk.world.exchange, accepted.deliveries[0].id, by=RECIPIENT, state=DELIVERED)


async def test_one_round_ends_more_than_one_batch(clerk: Clerk) -> None:
    for number in range(BATCH // 3 + 1):
        await clerk.sent(to=[RECIPIENT, OTHER_RECIPIENT, PUSHED_RECIPIENT], document_id=f"VB-{number}")
    clerk.world.clock += RULES.life
    assert await expire(clerk.world.exchange) == clerk.world.rows("deliveries") > BATCH


async def test_without_the_receipt_key_it_expires_in_a_later_round(clerk: Clerk) -> None:
    accepted = await clerk.sent()
    clerk.world.clock += RULES.life
    clerk.world.signer.failure = SigningUnavailable()
    with pytest.raises(SigningUnavailable):
        await expire(clerk.world.exchange)
    assert await clerk.states(accepted.document) == [DeliveryState.QUEUED]
    clerk.world.signer.failure = None
    assert await expire(clerk.world.exchange) == 1
