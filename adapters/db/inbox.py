"""The recipient's view of its open deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, or_, select, update

from adapters.db.engine import Database
from adapters.db.rows import INSERT_EVENTS, ITEM_COLUMNS, event_row, items, items_of
from adapters.db.schema import IS_OPEN, deliveries
from gateway.domain.ledger import InboxItem
from gateway.domain.model import AgencyCode, DeliveryId, Event

_WAITING = items(
    select(*ITEM_COLUMNS)
    .where(
        IS_OPEN,
        deliveries.c.recipient == bindparam("agency"),
        deliveries.c.id > bindparam("after"),
        or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= bindparam("now")),
    )
    .order_by(deliveries.c.id)
    .limit(bindparam("limit"))
)


class SqlInbox:
    """Meets the port `Inbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(
        self, agency: AgencyCode, *, after: DeliveryId | None, limit: int, now: datetime
    ) -> list[InboxItem]:
        """Return open deliveries nobody holds a lease on, oldest first, those behind `after`."""
        wanted = {"agency": agency, "after": after or "", "now": now, "limit": limit}
        async with self._database.read() as connection:
            return items_of(await connection.execute(_WAITING, wanted))

    async def lease(
        self,
        delivery: DeliveryId,
        agency: AgencyCode,
        *,
        token: str,
        until: datetime,
        now: datetime,
        event: Event,
    ) -> bool:
        """Lease an open delivery of the agency; False when somebody else's lease is live or it has ended."""
        leased = (
            update(deliveries)
            .where(
                IS_OPEN,
                deliveries.c.id == delivery,
                deliveries.c.recipient == agency,
                or_(
                    deliveries.c.leased_until.is_(None),
                    deliveries.c.leased_until <= now,
                    deliveries.c.lease_token == token,
                ),
            )
            .values(lease_token=token, leased_until=until)
        )
        async with self._database.write() as connection:
            if (await connection.execute(leased)).rowcount == 0:
                return False
            await connection.execute(INSERT_EVENTS, event_row(event))
        return True
