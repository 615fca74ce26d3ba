"""Moving the lives of deliveries: what every transaction does that says a status or opens or closes a change.

All of them lock the rows of the deliveries first, in the order of their ids, and judge by what they find
there: what was read before may be out of date.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import among_named
from adapters.db.rows import INSERT_EVENTS, LIFE_COLUMNS, AnyRow, event_row, life_of, life_row
from adapters.db.schema import IS_ASKED, changes, deliveries, statuses
from gateway.domain.errors import IllegalTransition
from gateway.domain.ledger import Ordered, Said
from gateway.domain.model import Change, ChangeId, DeliveryId, Status
from gateway.domain.states import ChangeKind, ChangeState, DeliveryState, Life

_LOCKED = (
    select(
        deliveries.c.id,
        deliveries.c.state,
        deliveries.c.lease_token,
        deliveries.c.leased_until,
        deliveries.c.opened_at,
        *LIFE_COLUMNS,
    )
    .where(among_named(deliveries.c.id, "ids"))
    .order_by(deliveries.c.id)
    .with_for_update()
)
_MOVE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("this_id"))
    .values(
        progress=bindparam("new_progress"), asked=bindparam("new_asked"), ended_by=bindparam("new_ended_by")
    )
)
_INSERT_STATUSES, _INSERT_CHANGES = insert(statuses), insert(changes)
_CLOSE = (
    update(changes)
    .where(IS_ASKED, changes.c.delivery == bindparam("this_delivery"))
    .values(state=bindparam("new_state"), answered_at=bindparam("new_answered_at"))
)

_order = deliveries.alias("order_delivery")
_ASKED_BY = (
    select(changes.c.id, changes.c.delivery, _order.c.id.label("asked_by"))
    .join(_order, (changes.c.order == _order.c.document) & (changes.c.recipient == _order.c.recipient))
    .where(IS_ASKED, among_named(_order.c.id, "ids"))
)
_WITHDRAW = (
    update(changes)
    .where(IS_ASKED, changes.c.id == bindparam("change"))
    .values(state=ChangeState.WITHDRAWN.value, answered_at=bindparam("at"))
    .returning(changes.c.delivery)
)
_ASK_NO_MORE = update(deliveries).where(among_named(deliveries.c.id, "ids")).values(asked=None)
_END_BY_RECALL = (
    update(deliveries)
    .where(among_named(deliveries.c.id, "ids"))
    .values(asked=None, ended_by=ChangeKind.RECALL.value)
)


async def lock(connection: AsyncConnection, ids: Collection[DeliveryId]) -> dict[DeliveryId, AnyRow]:
    """Lock deliveries and return their rows as they are now, by id: state, lease, opening and life."""
    return {row.id: row for row in await connection.execute(_LOCKED, {"ids": sorted(ids)})}


async def keep(
    connection: AsyncConnection, said: Sequence[Said], *, locked: Mapping[DeliveryId, AnyRow]
) -> None:
    """Add statuses whose lives are as they were seen, and move the lives and changes as they say."""
    await _each(connection, _INSERT_STATUSES, [_status_row(each.status) for each in said])
    answered = [
        _closed_row(each.status.delivery, each.answers, each.status.at) for each in said if each.answers
    ]
    await _each(connection, _CLOSE, answered)
    await _open(connection, [each.asks for each in said if each.asks], locked=locked)
    await _each(connection, _MOVE, [_move_row(each.status.delivery, each.after) for each in said])
    await _each(connection, INSERT_EVENTS, [event_row(each.event) for each in said if each.event])


async def ask(connection: AsyncConnection, orders: Sequence[Ordered]) -> None:
    """Open the changes that an order asks for, each if the life of its delivery allows it."""
    first = {each.change.delivery: each for each in reversed(orders)}
    locked = await lock(connection, first)
    after: dict[DeliveryId, Life] = {}
    for id_, row in locked.items():
        try:
            after[id_] = life_of(row).asked_for(first[id_].change.kind, state=DeliveryState(row.state))
        except IllegalTransition:
            continue
    await _open(connection, [first[id_].change for id_ in after], locked=locked)
    await _each(connection, _MOVE, [_move_row(id_, life) for id_, life in after.items()])
    await _each(connection, INSERT_EVENTS, [event_row(first[id_].event) for id_ in after])


async def asked_by(connection: AsyncConnection, orders: Collection[DeliveryId]) -> list[AnyRow]:
    """Return the changes (`id`, `delivery`) that wait because a document asks for them which its recipient
    has by one of these deliveries (`asked_by`)."""
    if not orders:
        return []
    return list(await connection.execute(_ASKED_BY, {"ids": sorted(orders)}))


async def withdraw(connection: AsyncConnection, change: ChangeId, *, at: datetime) -> None:
    """Close a change if it still waits: who asked for it does so no more. Its delivery is locked."""
    closed = list(await connection.scalars(_WITHDRAW, {"change": change, "at": at}))
    await connection.execute(_ASK_NO_MORE, {"ids": closed})


async def close_unopened(connection: AsyncConnection, taken_back: Mapping[DeliveryId, datetime]) -> None:
    """Close the recalls that wait for these deliveries, each at its moment, and end their lives. They are
    locked, and known to have such a recall and never to have been opened."""
    if taken_back:
        closed = [_closed_row(id_, ChangeState.UNOPENED, at) for id_, at in taken_back.items()]
        await _each(connection, _CLOSE, closed)
        await connection.execute(_END_BY_RECALL, {"ids": sorted(taken_back)})


async def _open(
    connection: AsyncConnection, asked: Sequence[Change], *, locked: Mapping[DeliveryId, AnyRow]
) -> None:
    """Open changes; each takes the place of one that waits."""
    replaced = [
        _closed_row(each.delivery, ChangeState.WITHDRAWN, each.asked_at)
        for each in asked
        if locked[each.delivery].asked
    ]
    await _each(connection, _CLOSE, replaced)
    rows = [_change_row(each, opened_at=locked[each.delivery].opened_at) for each in asked]
    await _each(connection, _INSERT_CHANGES, rows)


async def _each(connection: AsyncConnection, statement: Executable, rows: list[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(statement, rows)


# --- rows ----------------------------------------------------------------------------------------


def _move_row(delivery: DeliveryId, life: Life) -> dict[str, Any]:
    return {"this_id": delivery} | {f"new_{name}": value for name, value in life_row(life).items()}


def _closed_row(delivery: DeliveryId, state: ChangeState, at: datetime) -> dict[str, Any]:
    return {"this_delivery": delivery, "new_state": state.value, "new_answered_at": at}


def _status_row(status: Status) -> dict[str, Any]:
    return {
        "id": status.id,
        "document": status.document,
        "delivery": status.delivery,
        "author": status.author,
        "addressee": status.addressee,
        "status": status.status.value,
        "at": status.at,
        "said_at": status.said_at,
        "description": status.description,
        "staff": status.staff,
        "packet": status.packet,
        "taken_at": status.taken_at,
    }


def _change_row(change: Change, *, opened_at: datetime | None) -> dict[str, Any]:
    """Return the row of a change. `opened_at` is read under the lock: what the asker had seen before it may
    be out of date, and this is the proof."""
    return {
        "id": change.id,
        "kind": change.kind.value,
        "document": change.document,
        "delivery": change.delivery,
        "recipient": change.recipient,
        "asked_by": change.asked_by,
        "asked_at": change.asked_at,
        "reason": change.reason,
        "answer_by": change.answer_by,
        "opened_at": opened_at,
        "order": change.order,
        "state": change.state.value,
        "answered_at": change.answered_at,
    }
