"""The port `Deliveries`: how deliveries end, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.domain.model import DeliveryId, EventKind
from gateway.domain.states import DeliveryState
from tests.support.exchange_samples import NOW
from tests.support.ledgers import LEASE, PULLS, PULLS_TOO, PUSHED, Books, event, handover

LATER = NOW + timedelta(hours=1)


async def test_ended_delivery_has_its_state_receipt_and_event(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    ending = books.ending(delivery, DeliveryState.REFUSED, at=LATER)
    assert await books.ledger.deliveries.end([ending]) == {delivery.id}
    assert await books.state(delivery) == replace(
        delivery,
        state=DeliveryState.REFUSED,
        due_at=None,
        ended_at=LATER,
        reason="so they said",
        receipt=ending.receipt.id,
    )
    assert await books.ledger.records.receipt(ending.receipt.id) == ending.receipt
    assert (await books.ledger.records.timeline(delivery.document))[-1] == ending.event


async def test_delivery_ends_once_and_has_one_receipt(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    endings = [books.ending(delivery, DeliveryState.DELIVERED) for _ in range(8)]
    ended = await asyncio.gather(*(books.ledger.deliveries.end([ending]) for ending in endings))
    kept = [await books.ledger.records.receipt(ending.receipt.id) for ending in endings]
    assert sum(map(len, ended)) == 1
    assert len([receipt for receipt in kept if receipt]) == 1
    assert len(await books.ledger.records.timeline(delivery.document)) == 2


async def test_second_ending_of_one_delivery_in_a_batch_is_passed_over(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    first, second = (
        books.ending(delivery, state) for state in (DeliveryState.REFUSED, DeliveryState.EXPIRED)
    )
    assert await books.ledger.deliveries.end([first, second]) == {delivery.id}
    assert (await books.state(delivery)).receipt == first.receipt.id
    assert await books.ledger.records.receipt(second.receipt.id) is None


async def test_each_of_a_batch_ends_for_itself(books: Books) -> None:
    ended, open_, parked = await books.accept(PULLS, PULLS_TOO, PUSHED)
    await books.ledger.deliveries.end([books.ending(ended, DeliveryState.DELIVERED)])
    await books.park(parked)
    unknown = replace(open_, id=DeliveryId("no such delivery"))
    batch = [books.ending(each, DeliveryState.RECALLED) for each in (unknown, ended, parked, open_)]
    assert await books.ledger.deliveries.end(batch) == {open_.id, parked.id}
    assert (await books.state(ended)).state is DeliveryState.DELIVERED


async def test_batches_that_cross_each_other_end_without_a_deadlock(books: Books) -> None:
    deliveries = [(await books.accept(PULLS))[0] for _ in range(40)]
    batches = [[books.ending(each, DeliveryState.EXPIRED) for each in deliveries] for _ in range(6)]
    ended = await asyncio.gather(
        *(
            books.ledger.deliveries.end(batch[::direction])
            for batch, direction in zip(batches, [1, -1] * 3, strict=True)
        )
    )
    assert sum(map(len, ended)) == 40


async def test_offer_and_ending_at_once_leave_one_clear_end(books: Books) -> None:
    deliveries = [(await books.accept(PULLS))[0] for _ in range(20)]
    endings = [books.ending(each, DeliveryState.DELIVERED) for each in deliveries]
    await asyncio.gather(
        books.ledger.deliveries.offer([handover(each) for each in deliveries], now=NOW),
        *(books.ledger.deliveries.end([ending]) for ending in endings),
    )
    states = [await books.state(each) for each in deliveries]
    assert {(each.state, each.due_at) for each in states} == {(DeliveryState.DELIVERED, None)}


@pytest.mark.parametrize(
    ("token", "at", "ends"),
    [
        ("mine", NOW, True),
        ("somebody else's", NOW, False),
        ("somebody else's", NOW + LEASE, True),
        (None, NOW, True),
    ],
    ids=["by its holder", "by another", "when it has run out", "by the exchange itself"],
)
async def test_leased_delivery_can_be_ended(
    books: Books, token: str | None, at: datetime, ends: bool
) -> None:
    (delivery,) = await books.accept(PULLS)
    claimed = event(delivery, EventKind.CLAIMED)
    await books.ledger.inbox.lease(
        delivery.id, PULLS, token="mine", until=NOW + LEASE, now=NOW, event=claimed
    )
    ending = replace(books.ending(delivery, DeliveryState.DELIVERED, lease=token), at=at)
    assert bool(await books.ledger.deliveries.end([ending])) is ends


async def test_delivery_that_nobody_leased_is_ended_with_any_token(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    ending = books.ending(delivery, DeliveryState.DELIVERED, lease="mine")
    assert await books.ledger.deliveries.end([ending]) == {delivery.id}


# --- expiry --------------------------------------------------------------------------------------


async def test_open_deliveries_expire_oldest_first_with_all_a_receipt_needs(books: Books) -> None:
    (younger,) = await books.accept(PULLS, at=LATER)
    older, parked, ended = await books.accept(PULLS, PUSHED, PULLS_TOO)
    await books.ledger.deliveries.end([books.ending(ended, DeliveryState.DELIVERED)])
    parked = await books.park(parked)
    claims = await books.ledger.deliveries.expired(now=younger.expires_at, limit=9)
    assert [claim.delivery for claim in claims] == [older, parked, younger]
    assert claims[0].document == await books.ledger.records.document(older.document)
    assert claims[0].recipient.code == PULLS


async def test_expired_keeps_to_its_moment_and_limit(books: Books) -> None:
    first, _ = await books.accept(PULLS, PULLS_TOO)
    just_before = first.expires_at - timedelta(microseconds=1)
    assert await books.ledger.deliveries.expired(now=just_before, limit=9) == []
    assert len(await books.ledger.deliveries.expired(now=first.expires_at, limit=1)) == 1
