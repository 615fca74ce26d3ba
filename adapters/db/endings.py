"""How deliveries end: state, receipt, event and what is said with it in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db import moves
from adapters.db.rows import (
    DELIVERY_COLUMNS,
    INSERT_EVENTS,
    AnyRow,
    delivery_of,
    documents_by_id,
    event_row,
    life_of,
    receipt_row,
)
from adapters.db.rows_agencies import agencies_by_code
from adapters.db.schema import IS_OPEN, deliveries, receipts
from gateway.domain.ledger import Claim, Ending
from gateway.domain.model import DeliveryId
from gateway.domain.states import OPEN_STATES, ChangeKind, DeliveryState, Life

_ACKNOWLEDGED = frozenset({DeliveryState.DELIVERED, DeliveryState.REFUSED})
"""Whoever says so has opened it."""

_INSERT_RECEIPTS = insert(receipts)
_END = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("this_id"))
    .values(
        state=bindparam("new_state"),
        ended_at=bindparam("new_ended_at"),
        reason=bindparam("new_reason"),
        receipt=bindparam("new_receipt"),
        due_at=None,
        parked_at=None,
        lease_token=None,
        leased_until=None,
        opened_at=func.coalesce(
            deliveries.c.opened_at, bindparam("new_opened_at", type_=deliveries.c.opened_at.type)
        ),
    )
)
_EXPIRED = select(*DELIVERY_COLUMNS).where(IS_OPEN).order_by(deliveries.c.expires_at, deliveries.c.id)


async def expired(connection: AsyncConnection, *, now: datetime, limit: int) -> list[Claim]:
    """Return open deliveries whose life is over, oldest first."""
    query = _EXPIRED.where(deliveries.c.expires_at <= now).limit(limit)
    over = [delivery_of(row) for row in await connection.execute(query)]
    found = await documents_by_id(connection, [each.document for each in over])
    recipients = await agencies_by_code(connection, [each.recipient for each in over])
    return [Claim(each, found[each.document], recipients[each.recipient]) for each in over]


async def end(connection: AsyncConnection, endings: Sequence[Ending]) -> set[DeliveryId]:
    """End open deliveries, each as its `Ending` allows; return those that ended now."""
    asked = await moves.asked_by(connection, [each.delivery for each in endings if each.withdraws])
    ids = {each.delivery for each in endings} | {change.delivery for change in asked}
    ids |= {line.status.delivery for each in endings for line in each.said}
    locked = await moves.lock(connection, ids)
    ended = _allowed(endings, locked)
    if ended:
        await connection.execute(_INSERT_RECEIPTS, [receipt_row(each.receipt) for each in ended.values()])
        await connection.execute(_END, [_row(each) for each in ended.values()])
        await connection.execute(INSERT_EVENTS, [event_row(each.event) for each in ended.values()])
        said = [line for each in ended.values() for line in each.said]
        await moves.keep(connection, said, locked=locked)
        unopened = {id_: each.at for id_, each in ended.items() if each.only_unopened}
        await moves.close_unopened(connection, unopened)
    for change in asked:
        if change.asked_by in ended:
            await moves.withdraw(connection, change.id, at=ended[change.asked_by].at)
    return set(ended)


def _allowed(endings: Sequence[Ending], locked: Mapping[DeliveryId, AnyRow]) -> dict[DeliveryId, Ending]:
    """Return the endings that may be, the first of each delivery."""
    lives = {id_: life_of(row) for id_, row in locked.items()}
    allowed: dict[DeliveryId, Ending] = {}
    for ending in endings:
        row = locked.get(ending.delivery)
        if row is None or ending.delivery in allowed or _is_passed_over(row, ending, lives=lives):
            continue
        allowed[ending.delivery] = ending
        lives |= {each.status.delivery: each.after for each in ending.said}
    return allowed


def _is_passed_over(row: AnyRow, ending: Ending, *, lives: Mapping[DeliveryId, Life]) -> bool:
    if row.state not in OPEN_STATES:
        return True
    if any(lives.get(each.status.delivery) != each.before for each in ending.said):
        return True
    if ending.only_unopened and (row.opened_at is not None or row.asked != ChangeKind.RECALL):
        return True
    if ending.state in _ACKNOWLEDGED and row.ended_by == ChangeKind.RECALL:
        return True
    if ending.lease is None or row.leased_until is None:
        return False
    return bool(row.leased_until > ending.at and row.lease_token != ending.lease)


def _row(ending: Ending) -> dict[str, Any]:
    return {
        "this_id": ending.delivery,
        "new_state": ending.state.value,
        "new_ended_at": ending.at,
        "new_reason": ending.reason,
        "new_receipt": ending.receipt.id,
        "new_opened_at": ending.at if ending.state in _ACKNOWLEDGED else None,
    }
