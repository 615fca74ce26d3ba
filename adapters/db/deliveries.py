"""Handing deliveries over. A row moves only while it is as its claimant last saw it.

Statements that change several rows lock them in the order of their ids, so that two of them never wait for
each other. SQLite has one writer and leaves the locks out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import among, among_named
from adapters.db.endings import end, expired
from adapters.db.engine import Database
from adapters.db.rows import (
    DELIVERY_COLUMNS,
    HANDOVER_COLUMNS,
    INSERT_EVENTS,
    attempt_row,
    delivery_of,
    documents_by_id,
    event_row,
    handover_of,
)
from adapters.db.rows_agencies import agencies_by_code
from adapters.db.schema import IS_PARKED, IS_QUEUED, agencies, attempts, deliveries, in_line
from gateway.domain.ledger import Claim, Ending, ParkedFilter, Settlement
from gateway.domain.model import (
    AgencyCode,
    Attempt,
    AttemptOutcome,
    Channel,
    Delivery,
    DeliveryId,
    Event,
    Handover,
    Lane,
)
from gateway.domain.states import DeliveryState

_MOMENT = deliveries.c.due_at.type
_NOW = bindparam("now", type_=_MOMENT)

# A delivery whose life is over holds nobody back, although it is QUEUED until its expiry is recorded.
_earlier = deliveries.alias("earlier")
_IS_EARLIER_IN_LINE = in_line(_earlier) & (_earlier.c.expires_at > _NOW)
_IS_FIRST_IN_LINE = or_(
    deliveries.c.channel != Channel.WEBHOOK,
    ~exists().where(
        _IS_EARLIER_IN_LINE, _earlier.c.recipient == deliveries.c.recipient, _earlier.c.id < deliveries.c.id
    ),
)
# One probe per agency, however many deliveries wait behind the first of a dead one.
_FIRSTS_IN_LINE = select(
    select(func.min(_earlier.c.id))
    .where(_IS_EARLIER_IN_LINE, _earlier.c.recipient == agencies.c.code)
    .scalar_subquery()
).select_from(agencies)
# The last attempt has failed and the next one is not due yet.
_WAITS_FOR_ANOTHER_ATTEMPT = (
    IS_QUEUED
    & (deliveries.c.tries > 0)
    & (deliveries.c.settled == deliveries.c.attempts)
    & (deliveries.c.due_at > _NOW)
)


class SqlDeliveries:
    """Meets the port `Deliveries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def overdue(
        self, queues: Collection[tuple[Lane, Channel]], *, now: datetime, grace: timedelta, limit: int
    ) -> list[Handover]:
        """Return QUEUED deliveries whose `due_at` has passed, and move it to `now + grace`."""
        ordered = [queue for queue in queues if queue[1] is Channel.WEBHOOK]
        unordered = [queue for queue in queues if queue[1] is not Channel.WEBHOOK]
        is_first = deliveries.c.id.in_(_FIRSTS_IN_LINE)
        async with self._database.write() as connection:
            found = await _take_overdue(connection, unordered, now=now, grace=grace, limit=limit)
            return found + await _take_overdue(
                connection, ordered, is_first, now=now, grace=grace, limit=limit - len(found)
            )

    async def offer(self, batch: Sequence[Handover], *, now: datetime) -> list[Handover]:
        """Put deliveries into their recipients' inboxes; return those of the batch that moved."""
        async with self._database.write() as connection:
            made = [
                Attempt(row.id, row.attempts, now, AttemptOutcome.OFFERED)
                for row in await connection.execute(_OFFER, {**_fences(batch), "now": now})
            ]
            if made:
                await connection.execute(_INSERT_ATTEMPTS, [attempt_row(attempt) for attempt in made])
        moved = {attempt.delivery for attempt in made}
        return [each for each in batch if each.delivery in moved]

    async def claim(self, batch: Sequence[Handover], *, now: datetime, lease: timedelta) -> list[Claim]:
        """Take deliveries for handing over, in the order of the batch."""
        given = {**_fences(batch), "now": now, "until": now + lease}
        async with self._database.write() as connection:
            taken = {row.id: row for row in await connection.execute(_CLAIM, given)}
            found = await documents_by_id(connection, [row.document for row in taken.values()])
            recipients = await agencies_by_code(connection, [row.recipient for row in taken.values()])
        return [
            Claim(
                delivery_of(row),
                found[row.document],
                recipients[row.recipient],
                lost=row.attempts - 1 - row.settled,
            )
            for row in (taken.pop(each.delivery, None) for each in batch)
            if row is not None
        ]

    async def settle(self, settlements: Sequence[Settlement], *, events: Sequence[Event]) -> set[DeliveryId]:
        """Record attempts and move their deliveries; return those that moved."""
        async with self._database.write() as connection:
            return await _settle(connection, settlements, events)

    async def postpone(self, batch: Sequence[Handover], *, until: datetime) -> None:
        """Move `due_at` of deliveries that nobody claimed meanwhile."""
        async with self._database.write() as connection:
            await connection.execute(_POSTPONE, {**_fences(batch), "until": until})

    async def next_in_line(self, agencies: Collection[AgencyCode], *, now: datetime) -> list[Handover]:
        """Return the first in line of each agency's webhook if it has not been attempted yet or is due."""
        async with self._database.read() as connection:
            rows = await connection.execute(_NEXT_IN_LINE, {"agencies": sorted(agencies), "now": now})
            return [handover_of(row) for row in rows]

    async def held_up_by(self, agency: AgencyCode, *, now: datetime) -> Delivery | None:
        """Return the first in line of the agency's webhook if it has failed and waits for another attempt."""
        async with self._database.read() as connection:
            row = (await connection.execute(_HELD_UP_BY, {"agency": agency, "now": now})).one_or_none()
        return None if row is None else delivery_of(row)

    async def expired(self, *, now: datetime, limit: int) -> list[Claim]:
        """Return open deliveries whose life is over, oldest first."""
        async with self._database.read() as connection:
            return await expired(connection, now=now, limit=limit)

    async def end(self, endings: Sequence[Ending]) -> set[DeliveryId]:
        """End open deliveries, each with its receipt and event; return those that ended now."""
        async with self._database.write() as connection:
            return await end(connection, endings)

    async def parked(self, which: ParkedFilter, *, limit: int) -> list[Delivery]:
        """Return at most `limit` parked deliveries, those parked first."""
        query = select(*DELIVERY_COLUMNS).where(IS_PARKED)
        if which.recipient is not None:
            query = query.where(deliveries.c.recipient == which.recipient)
        if which.parked_after is not None:
            query = query.where(deliveries.c.parked_at >= which.parked_after)
        if which.parked_before is not None:
            query = query.where(deliveries.c.parked_at < which.parked_before)
        oldest_first = query.order_by(deliveries.c.parked_at, deliveries.c.id).limit(limit)
        async with self._database.read() as connection:
            return [delivery_of(row) for row in await connection.execute(oldest_first)]

    async def redrive(
        self, which: Sequence[DeliveryId], *, now: datetime, events: Sequence[Event]
    ) -> list[Handover]:
        """Queue deliveries that are parked or wait for another attempt, due now; return what moved."""
        can_be_queued = or_(IS_PARKED, _WAITS_FOR_ANOTHER_ATTEMPT)
        queued = (
            update(deliveries)
            .where(_locked(among(deliveries.c.id, which), can_be_queued))
            .values(state=DeliveryState.QUEUED.value, due_at=now, parked_at=None, reason=None, tries=0)
            .returning(*HANDOVER_COLUMNS)
        )
        async with self._database.write() as connection:
            moved = [handover_of(row) for row in await connection.execute(queued, {"now": now})]
            await _keep_events(connection, events, {each.delivery for each in moved})
        return sorted(moved, key=lambda each: each.delivery)


def _locked(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition to be one of the rows that meet these, locked in the order of their ids."""
    ids = select(deliveries.c.id).where(*conditions).order_by(deliveries.c.id)
    return deliveries.c.id.in_(ids.with_for_update(of=deliveries).correlate(None))


def _fences(batch: Sequence[Handover]) -> dict[str, list[str]]:
    """Return what `_UNMOVED` asks for: a delivery of the batch, QUEUED, that nobody has claimed since."""
    return {
        "ids": [each.delivery for each in batch],
        "fences": [f"{each.delivery}:{each.attempts}" for each in batch],
    }


_UNMOVED = (
    IS_QUEUED
    & among_named(deliveries.c.id, "ids")
    & among_named(deliveries.c.id + literal(":", Text) + cast(deliveries.c.attempts, Text), "fences")
)
_IS_ALIVE = deliveries.c.expires_at > _NOW
_OFFER = (
    update(deliveries)
    .where(_locked(_UNMOVED, _IS_ALIVE))
    .values(
        state=DeliveryState.OFFERED.value,
        attempts=deliveries.c.attempts + 1,
        tries=deliveries.c.tries + 1,
        settled=deliveries.c.attempts + 1,
        offered_at=_NOW,
        due_at=None,
    )
    .returning(deliveries.c.id, deliveries.c.attempts)
)
_CLAIM = (
    update(deliveries)
    .where(_locked(_UNMOVED, _IS_ALIVE, _IS_FIRST_IN_LINE))
    .values(
        attempts=deliveries.c.attempts + 1,
        tries=deliveries.c.tries + 1,
        due_at=bindparam("until", type_=_MOMENT),
    )
    .returning(*DELIVERY_COLUMNS, deliveries.c.settled)
)
_HELD_UP_BY = select(*DELIVERY_COLUMNS).where(
    in_line(deliveries),
    deliveries.c.recipient == bindparam("agency"),
    _IS_ALIVE,
    _IS_FIRST_IN_LINE,
    _WAITS_FOR_ANOTHER_ATTEMPT,
)
_NEXT_IN_LINE = (
    select(*HANDOVER_COLUMNS)
    .where(
        in_line(deliveries),
        deliveries.c.id.in_(_FIRSTS_IN_LINE.where(among_named(agencies.c.code, "agencies"))),
        or_(deliveries.c.attempts == 0, deliveries.c.due_at <= _NOW),
    )
    .order_by(deliveries.c.id)
)
_POSTPONE = update(deliveries).where(_locked(_UNMOVED)).values(due_at=bindparam("until", type_=_MOMENT))
_INSERT_ATTEMPTS = insert(attempts)


async def _take_overdue(
    connection: AsyncConnection,
    queues: Sequence[tuple[Lane, Channel]],
    *conditions: ColumnElement[bool],
    now: datetime,
    grace: timedelta,
    limit: int,
) -> list[Handover]:
    if not queues or limit <= 0:
        return []
    due = (
        select(deliveries.c.id)
        .where(
            IS_QUEUED,
            or_(
                *(
                    (deliveries.c.lane == lane) & (deliveries.c.channel == channel)
                    for lane, channel in sorted(queues)
                )
            ),
            deliveries.c.due_at <= now,
            deliveries.c.expires_at > now,
            *conditions,
        )
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(limit)
        # Two sweepers share the work instead of waiting for each other.
        .with_for_update(of=deliveries, skip_locked=True)
        .correlate(None)
    )
    taken = (
        update(deliveries)
        .where(deliveries.c.id.in_(due))
        .values(due_at=now + grace)
        .returning(*HANDOVER_COLUMNS)
    )
    rows = await connection.execute(taken, {"now": now})
    return sorted((handover_of(row) for row in rows), key=lambda each: each.delivery)


# --- settling ------------------------------------------------------------------------------------

_UNSETTLED = (
    select(deliveries.c.id, deliveries.c.attempts)
    .where(IS_QUEUED, deliveries.c.settled < deliveries.c.attempts)
    .order_by(deliveries.c.id)
    .with_for_update()
)
_SETTLE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("this_id"))
    .values(
        state=bindparam("new_state"),
        settled=deliveries.c.attempts,
        due_at=bindparam("new_due_at"),
        reason=bindparam("new_reason"),
        offered_at=func.coalesce(
            bindparam("new_offered_at", type_=deliveries.c.offered_at.type), deliveries.c.offered_at
        ),
        parked_at=bindparam("new_parked_at"),
        ended_at=bindparam("new_ended_at"),
    )
)


async def _settle(
    connection: AsyncConnection, settlements: Sequence[Settlement], events_given: Sequence[Event]
) -> set[DeliveryId]:
    ids = [each.attempt.delivery for each in settlements]
    rows = await connection.execute(_UNSETTLED.where(among(deliveries.c.id, ids)))
    fences = {row.id: row.attempts for row in rows}
    moved = {
        each.attempt.delivery: each
        for each in settlements
        if fences.get(each.attempt.delivery) == each.attempt.number
    }
    if moved:
        await connection.execute(_SETTLE, [_settlement_row(each) for each in moved.values()])
        made = [attempt_row(each.attempt) for each in moved.values()]
        await connection.execute(_INSERT_ATTEMPTS, made)
        await _keep_events(connection, events_given, moved.keys())
    return set(moved)


def _settlement_row(settlement: Settlement) -> dict[str, Any]:
    attempt, state = settlement.attempt, settlement.state
    return {
        "this_id": attempt.delivery,
        "new_state": state.value,
        "new_due_at": settlement.due_at,
        "new_reason": settlement.reason,
        "new_offered_at": attempt.at if state is DeliveryState.OFFERED else None,
        "new_parked_at": attempt.at if state is DeliveryState.PARKED else None,
        "new_ended_at": attempt.at if state.is_final else None,
    }


async def _keep_events(
    connection: AsyncConnection, given: Sequence[Event], moved: Collection[DeliveryId]
) -> None:
    rows = [event_row(event) for event in given if event.delivery in moved]
    if rows:
        await connection.execute(INSERT_EVENTS, rows)
