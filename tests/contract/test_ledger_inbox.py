"""The port `Inbox`, over every database."""

from __future__ import annotations

import asyncio
from datetime import datetime

from gateway.domain.model import AgencyCode, Delivery, DeliveryId, EventKind
from gateway.domain.states import DeliveryState
from tests.support.exchange_samples import NOW
from tests.support.ledgers import LEASE, PULLS, PULLS_TOO, PUSHED, Books, event, handover

UNTIL = NOW + LEASE


async def lease(
    books: Books, delivery: Delivery, token: str, *, by: AgencyCode = PULLS, now: datetime = NOW
) -> bool:
    return await books.ledger.inbox.lease(
        delivery.id,
        by,
        token=token,
        until=now + LEASE,
        now=now,
        event=event(delivery, EventKind.CLAIMED, at=now),
    )


async def waiting(
    books: Books, *, after: DeliveryId | None = None, limit: int = 99, now: datetime = NOW
) -> list[DeliveryId]:
    items = await books.ledger.inbox.waiting(PULLS, after=after, limit=limit, now=now)
    return [item.delivery.id for item in items]


async def test_everything_open_waits_in_the_inbox_oldest_first(books: Books) -> None:
    queued, offered, ended = [(await books.accept(PULLS))[0] for _ in range(3)]
    await books.accept(PULLS_TOO)
    await books.ledger.deliveries.offer([handover(offered)], now=NOW)
    await books.ledger.deliveries.end([books.ending(ended, DeliveryState.REFUSED)])
    assert await waiting(books) == [queued.id, offered.id]


async def test_parked_delivery_still_waits_in_the_inbox(books: Books) -> None:
    (delivery,) = await books.accept(PUSHED)
    await books.park(delivery)
    items = await books.ledger.inbox.waiting(PUSHED, after=None, limit=9, now=NOW)
    assert [item.delivery.state for item in items] == [DeliveryState.PARKED]


async def test_inbox_item_holds_the_delivery_and_its_document(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    (item,) = await books.ledger.inbox.waiting(PULLS, after=None, limit=9, now=NOW)
    document = await books.ledger.records.document(delivery.document)
    assert (item.delivery, item.document, item.leased_until) == (delivery, document, None)


async def test_inbox_continues_behind_a_delivery(books: Books) -> None:
    ids = [(await books.accept(PULLS))[0].id for _ in range(5)]
    first = await waiting(books, limit=2)
    assert first + await waiting(books, after=first[-1]) == ids


async def test_leased_delivery_is_out_of_the_inbox_until_the_lease_ends(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    assert await lease(books, delivery, "mine")
    assert await waiting(books) == []
    assert await waiting(books, now=UNTIL) == [delivery.id]
    item = await books.ledger.records.delivery(delivery.id)
    assert item is not None
    assert item.leased_until == UNTIL


async def test_of_many_who_lease_at_once_one_wins(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    leases = await asyncio.gather(*(lease(books, delivery, f"client {n}") for n in range(8)))
    assert sum(leases) == 1
    assert len(await books.ledger.records.timeline(delivery.document)) == 2


async def test_lease_is_renewed_by_its_holder_and_taken_over_when_it_has_run_out(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    halfway = NOW + LEASE / 2
    assert await lease(books, delivery, "mine")
    assert await lease(books, delivery, "mine", now=halfway)
    assert not await lease(books, delivery, "another's", now=UNTIL)
    assert await lease(books, delivery, "another's", now=halfway + LEASE)


async def test_only_the_recipient_leases_and_only_what_is_open(books: Books) -> None:
    (delivery,) = await books.accept(PULLS)
    assert not await lease(books, delivery, "t", by=PULLS_TOO)
    await books.ledger.deliveries.end([books.ending(delivery, DeliveryState.DELIVERED)])
    assert not await lease(books, delivery, "t")
    timeline = await books.ledger.records.timeline(delivery.document)
    assert [line.kind for line in timeline if hasattr(line, "kind")] == [
        EventKind.ACCEPTED,
        EventKind.DELIVERED,
    ]
