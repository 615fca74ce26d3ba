"""How deliveries end: state, receipt and event in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import among_named
from adapters.db.rows import (
    DELIVERY_COLUMNS,
    INSERT_EVENTS,
    AnyRow,
    agencies_by_code,
    delivery_of,
    documents_by_id,
    event_row,
    receipt_row,
)
from adapters.db.schema import IS_OPEN, deliveries, receipts
from gateway.domain.ledger import Claim, Ending
from gateway.domain.model import DeliveryId

_OPEN = (
    select(deliveries.c.id, deliveries.c.lease_token, deliveries.c.leased_until)
    .where(IS_OPEN, among_named(deliveries.c.id, "ids"))
    .order_by(deliveries.c.id)
    .with_for_update()
)
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
    """End open deliveries that nobody else holds a lease on; return those that ended now."""
    ids = [ending.delivery for ending in endings]
    rows = await connection.execute(_OPEN, {"ids": ids})
    still_open = {row.id: row for row in rows}
    ended: dict[DeliveryId, Ending] = {}
    for ending in endings:
        row = still_open.get(ending.delivery)
        if row is not None and not _is_held_by_another(row, ending):
            ended.setdefault(ending.delivery, ending)
    if ended:
        await connection.execute(_INSERT_RECEIPTS, [receipt_row(each.receipt) for each in ended.values()])
        await connection.execute(_END, [_row(each) for each in ended.values()])
        await connection.execute(INSERT_EVENTS, [event_row(each.event) for each in ended.values()])
    return set(ended)


def _is_held_by_another(row: AnyRow, ending: Ending) -> bool:
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
    }
