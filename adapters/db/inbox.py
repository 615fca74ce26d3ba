"""The recipient's view of its open deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, or_, select, update

from adapters.db.engine import Database
from adapters.db.rows import DELIVERY_COLUMNS, delivery_of, documents_by_id, event_row
from adapters.db.schema import IS_OPEN, deliveries, events
from gateway.domain.ledger import InboxItem
from gateway.domain.model import AgencyCode, DeliveryId, Event


class SqlInbox:
    """Meets the port `Inbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(
        self, agency: AgencyCode, *, after: DeliveryId | None, limit: int, now: datetime
    ) -> list[InboxItem]:
        """Return open deliveries nobody holds a lease on, oldest first, those behind `after`."""
        query = (
            select(*DELIVERY_COLUMNS, deliveries.c.leased_until)
            .where(
                IS_OPEN,
                deliveries.c.recipient == agency,
                deliveries.c.id > (after or ""),
                or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= now),
            )
            .order_by(deliveries.c.id)
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
            found = await documents_by_id(connection, [row.document for row in rows])
        return [InboxItem(delivery_of(row), found[row.document], row.leased_until) for row in rows]

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
            await connection.execute(insert(events), event_row(event))
        return True
