"""The recipient's view of its open deliveries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, case, func, or_, select, update

from adapters.db import lines
from adapters.db.dialects import among_named
from adapters.db.engine import Database
from adapters.db.paging import PageOfAgencies
from adapters.db.rows import INSERT_EVENTS, ITEM_COLUMNS, event_row, items, items_of
from adapters.db.schema import IS_OPEN, deliveries, may_be_read
from gateway.domain.ledger import InboxItem, InboxLine
from gateway.domain.model import AgencyCode, DeliveryId, Event
from gateway.domain.states import DeliveryState

_IS_FREE = or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= bindparam("now"))
_WAITING = PageOfAgencies(
    select(*ITEM_COLUMNS).where(IS_OPEN, _IS_FREE, deliveries.c.id > bindparam("after")),
    owner=deliveries.c.recipient,
    complete=items,
)
_COUNT = select(func.count()).where(lines.IS_TO_BE_TAKEN, among_named(deliveries.c.recipient, "agencies"))

# The database judges it while it moves the row.
_MAY_BE_READ = may_be_read(deliveries)
_READER = select(deliveries.c.opened_at, _MAY_BE_READ.label("may_be_read")).where(
    deliveries.c.id == bindparam("delivery")
)
_OPEN = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"), deliveries.c.opened_at.is_(None), _MAY_BE_READ)
    .values(opened_at=bindparam("at"))
)

# Offering has counted the try; who took it out of the queue by itself has not been counted yet.
_TRIES = deliveries.c.tries + case((deliveries.c.state == DeliveryState.QUEUED.value, 1), else_=0)
_IS_TO_BE_PARKED = bindparam("park_after") <= _TRIES
_GIVE_BACK = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("delivery"),
        deliveries.c.state.in_([DeliveryState.QUEUED.value, DeliveryState.OFFERED.value]),
    )
    .values(
        state=case((_IS_TO_BE_PARKED, DeliveryState.PARKED.value), else_=DeliveryState.QUEUED.value),
        tries=_TRIES,
        due_at=case((_IS_TO_BE_PARKED, None), else_=bindparam("new_due_at", type_=deliveries.c.due_at.type)),
        parked_at=case((_IS_TO_BE_PARKED, bindparam("at", type_=deliveries.c.parked_at.type)), else_=None),
        reason=bindparam("new_reason"),
        lease_token=None,
        leased_until=None,
    )
    .returning(deliveries.c.state)
)
_STATE = select(deliveries.c.state).where(IS_OPEN, deliveries.c.id == bindparam("delivery"))


class SqlInbox:
    """Meets the port `Inbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(
        self, agencies: Collection[AgencyCode], *, after: DeliveryId | None, limit: int, now: datetime
    ) -> list[InboxItem]:
        """Return open deliveries nobody holds a lease on, oldest first, those behind `after`."""
        return items_of(
            await _WAITING.read(self._database, agencies, limit=limit, after=after or "", now=now)
        )

    async def lines(self, agencies: Collection[AgencyCode], *, limit: int, now: datetime) -> list[InboxLine]:
        """Return deliveries that wait to be taken, oldest first."""
        rows = await lines.INBOX.read(self._database, agencies, limit=limit, now=now)
        return [lines.inbox_line(row) for row in rows]

    async def count(self, agencies: Collection[AgencyCode], *, now: datetime) -> int:
        """Return how many deliveries wait to be taken: open, not parked, and leased by nobody."""
        ((count,),) = await self._database.rows(_COUNT, {"agencies": sorted(agencies), "now": now})
        return int(count)

    async def open(self, delivery: DeliveryId, *, event: Event) -> bool:
        """Record that the recipient begins to read; False when it was taken back or has expired."""
        wanted = {"delivery": delivery}
        async with self._database.read() as connection:
            row = (await connection.execute(_READER, wanted)).one_or_none()
        if row is None or row.opened_at is not None:
            return row is not None and bool(row.may_be_read)
        async with self._database.write() as connection:
            if (await connection.execute(_OPEN, wanted | {"at": event.at})).rowcount == 1:
                await connection.execute(INSERT_EVENTS, event_row(event))
                return True
            # Somebody was faster: another reader, or who takes it back.
            return bool((await connection.execute(_READER, wanted)).one().may_be_read)

    async def give_back(
        self, delivery: DeliveryId, *, due_at: datetime, park_after: int, reason: str, event: Event
    ) -> DeliveryState | None:
        """Queue an open delivery again, or park it; return the state it is in now, None when it has ended."""
        given = {
            "delivery": delivery,
            "park_after": park_after,
            "new_due_at": due_at,
            "new_reason": reason,
            "at": event.at,
        }
        async with self._database.write() as connection:
            state = (await connection.scalars(_GIVE_BACK, given)).one_or_none()
            if state is not None:
                await connection.execute(INSERT_EVENTS, event_row(event))
            else:
                # One that is parked already stays so until a person has looked.
                state = await connection.scalar(_STATE, {"delivery": delivery})
        return None if state is None else DeliveryState(state)

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
