"""Counting over the record for the reports. Ids sort by the time they were made, so that a month is a range
of the primary key."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import Utc, among, seconds_between
from adapters.db.dossier_reading import read_dossiers
from adapters.db.engine import Database
from adapters.db.schema import deliveries, documents
from adapters.db.schema_dossiers import dossier_stages
from gateway.domain.dossiers import StageCourse
from gateway.domain.envelope import DocumentKind
from gateway.domain.ids import first_id_of
from gateway.domain.model import AgencyCode, PolicyLabel
from gateway.domain.reports import Month, Tally
from gateway.domain.states import DeliveryState
from gateway.domain.working_days import VIETNAM

_ID_LAG = timedelta(hours=1)
"""How long after its acceptance began a document got its id, at the most: its files are judged in between."""
_DOSSIERS_AT_ONCE = 500

_IS_UNSIGNED = (documents.c.label == PolicyLabel.FOR_INFORMATION.value) & (
    documents.c.kind != DocumentKind.RECALL.value
)
_ACCEPTED_THEN = (documents.c.accepted_at >= bindparam("begin")) & (
    documents.c.accepted_at < bindparam("end")
)


def _made_then(id_: ColumnElement[str]) -> ColumnElement[bool]:
    # No BETWEEN: SQLAlchemy gives its operands a collation that PostgreSQL does not take there.
    return (id_ >= bindparam("first_id")) & (id_ < bindparam("last_id"))


def _many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


_SENT = (
    select(documents.c.sender, func.count().label("sent"), _many(_IS_UNSIGNED).label("unsigned"))
    .where(_made_then(documents.c.id), _ACCEPTED_THEN)
    .group_by(documents.c.sender)
)

_IS_RECEIVED = deliveries.c.state == DeliveryState.DELIVERED.value
_IS_REFUSED = deliveries.c.state == DeliveryState.REFUSED.value
_IS_RECALLED = deliveries.c.state == DeliveryState.RECALLED.value
_ANSWERED_AT = func.coalesce(deliveries.c.ended_at, bindparam("now", type_=Utc()))
_RECEIVED = (
    select(
        deliveries.c.recipient,
        _many(_IS_RECEIVED).label("received"),
        _many(_IS_RECEIVED & _IS_UNSIGNED).label("unsigned"),
        _many(_IS_REFUSED).label("refused"),
        _many((_IS_RECEIVED | _IS_REFUSED) & (deliveries.c.ended_at <= deliveries.c.acknowledge_by)).label(
            "on_time"
        ),
        _many(~_IS_RECALLED & (deliveries.c.acknowledge_by < _ANSWERED_AT)).label("late"),
        func.sum(seconds_between(documents.c.accepted_at, deliveries.c.ended_at))
        .filter(_IS_RECEIVED)
        .label("seconds"),
    )
    .join_from(deliveries, documents, documents.c.id == deliveries.c.document)
    .where(_made_then(deliveries.c.id), _ACCEPTED_THEN)
    .group_by(deliveries.c.recipient)
)
_DUE = (
    select(dossier_stages.c.dossier)
    .distinct()
    .where(dossier_stages.c.due_on >= bindparam("first_day"), dossier_stages.c.due_on < bindparam("last_day"))
    .order_by(dossier_stages.c.dossier)
)


class SqlReports:
    """Meets the port `Reports`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tallies(
        self, month: Month, *, now: datetime, agencies: Collection[AgencyCode] | None = None
    ) -> dict[AgencyCode, Tally]:
        """Return what each of these agencies (every one with None) did in a month, as things stand; those
        that did nothing are left out."""
        begin, end = month.begins_at, month.following.begins_at
        span = {"begin": begin, "end": end}
        ids = {"first_id": first_id_of(begin), "last_id": first_id_of(end + _ID_LAG)}
        async with self._database.read() as connection:
            of_senders = _narrowed(_SENT, documents.c.sender, agencies)
            sent = await connection.execute(of_senders, span | ids)
            of_recipients = _narrowed(_RECEIVED, deliveries.c.recipient, agencies)
            received = await connection.execute(of_recipients, {**span, **ids, "now": now})
            stages = await self._stages(connection, month, now, agencies)
        tallies: dict[AgencyCode, Tally] = {}
        for code, tally in (*map(_sent, sent), *map(_received, received), *stages):
            tallies[code] = tallies.get(code, Tally()) + tally
        return tallies

    async def _stages(
        self,
        connection: AsyncConnection,
        month: Month,
        now: datetime,
        agencies: Collection[AgencyCode] | None,
    ) -> list[tuple[AgencyCode, Tally]]:
        """Return the stages of dossiers that were due in a month and had begun."""
        today = now.astimezone(VIETNAM).date()
        days = {"first_day": month.first_day, "last_day": month.following.first_day}
        due = _narrowed(_DUE, dossier_stages.c.agency, agencies)
        codes = list(await connection.scalars(due, days))
        found: list[tuple[AgencyCode, Tally]] = []
        for n in range(0, len(codes), _DOSSIERS_AT_ONCE):
            for dossier in await read_dossiers(connection, codes[n : n + _DOSSIERS_AT_ONCE]):
                found += [
                    (stage.agency, Tally(stages_due=1, stages_late=int(stage.is_late_on(today))))
                    for stage in _due_in(dossier.stages, month)
                    if agencies is None or stage.agency in agencies
                ]
        return found


def _narrowed(
    counting: Select[Any], column: ColumnElement[str], agencies: Collection[AgencyCode] | None
) -> Select[Any]:
    return counting if agencies is None else counting.where(among(column, agencies))


def _due_in(stages: tuple[StageCourse, ...], month: Month) -> Iterator[StageCourse]:
    for stage in stages:
        is_due = stage.due_on is not None and month.first_day <= stage.due_on < month.following.first_day
        if is_due and stage.begun_at is not None:
            yield stage


def _sent(row: Any) -> tuple[AgencyCode, Tally]:
    return row.sender, Tally(sent=row.sent, sent_unsigned=row.unsigned)


def _received(row: Any) -> tuple[AgencyCode, Tally]:
    return row.recipient, Tally(
        received=row.received,
        received_unsigned=row.unsigned,
        refused=row.refused,
        on_time=row.on_time,
        late=row.late,
        accept_seconds=float(row.seconds or 0),
    )
