"""Dossiers: joining documents to them, reading them, taking components in from existing stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import among_named
from adapters.db.directory import resolve
from adapters.db.dossier_reading import COMPONENT_FILES, component_file, read_dossiers
from adapters.db.engine import Database
from adapters.db.schema import deliveries, documents, may_be_read, statuses
from adapters.db.schema_dossiers import (
    dossier_documents,
    dossier_files,
    dossier_parties,
    dossier_stages,
    dossiers,
)
from gateway.domain.dossiers import (
    ComponentFile,
    Dossier,
    ListedDossiers,
    TakenIn,
    not_your_dossier,
)
from gateway.domain.envelope import DocumentKind, DossierPart
from gateway.domain.model import AgencyCode, Delivery, Document
from gateway.domain.states import BusinessStatus, DeliveryState
from gateway.domain.working_days import VIETNAM

# --- having a part -------------------------------------------------------------------------------


def _has_part(agency: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that an agency has a part in a row of `dossiers`: as `Dossier` says."""
    link, document = dossier_documents.alias("its_link"), documents.alias("its")
    its = deliveries.alias("to_it")
    was_sent = exists().where(
        link.c.dossier == dossiers.c.code,
        document.c.id == link.c.document,
        document.c.sender != agency,
        its.c.document == link.c.document,
        its.c.recipient == agency,
    )
    has_stage = exists().where(dossier_stages.c.dossier == dossiers.c.code, dossier_stages.c.agency == agency)
    is_meant = has_stage & ~was_sent.where(~may_be_read(its))
    return (dossiers.c.opened_by == agency) | was_sent.where(may_be_read(its)) | is_meant


_IS_PARTY = select(_has_part(bindparam("agency"))).where(dossiers.c.code == bindparam("code"))


# --- joining -------------------------------------------------------------------------------------


async def keep_dossier(
    database: Database,
    connection: AsyncConnection,
    *,
    document: Document,
    deliveries: Sequence[Delivery],
) -> None:
    """Join a document that is being kept to the dossier its envelope names, and open that if it is new.

    Raises:
        NotYourDossier: The dossier is there and the sender has no part in it.
    """
    part = document.envelope.dossier
    if part is None or document.envelope.kind is DocumentKind.RECALL:
        return
    is_new = await _open(database, connection, document, part)
    # Here too, though the service has looked before: another agency may have opened it meanwhile.
    if not is_new and not await _is_party(connection, part.code, document.sender):
        raise not_your_dossier(part.code)
    stages = await _further_stages(connection, document, part)
    if stages:
        await connection.execute(insert(dossier_stages), stages)
    await connection.execute(insert(dossier_documents), {"document": document.id, "dossier": part.code})
    parties = {document.sender, *(each.recipient for each in deliveries), *(row["agency"] for row in stages)}
    await _join(database, connection, [(agency, part.code) for agency in sorted(parties)])


async def _open(
    database: Database, connection: AsyncConnection, document: Document, part: DossierPart
) -> bool:
    row = {
        "code": part.code,
        "procedure": part.procedure,
        "opened_by": document.sender,
        "opened_at": document.accepted_at,
    }
    return (await connection.execute(database.insert_or_ignore(dossiers), row)).rowcount == 1


async def _further_stages(
    connection: AsyncConnection, document: Document, part: DossierPart
) -> list[dict[str, Any]]:
    """Return the rows of the stages that the document adds: it may repeat all it knows, and an agency may
    have several. What is planned already stays as it is: nobody moves a day it is held to."""
    if not part.stages:
        return []
    # Two documents that add stages at once do so one after the other.
    await connection.execute(select(dossiers.c.code).where(dossiers.c.code == part.code).with_for_update())
    (dossier,) = await read_dossiers(connection, [part.code])
    known = Counter(stage.agency for stage in dossier.stages)
    waiting = {stage.agency for stage in dossier.stages if stage.done_at is None}
    day = document.accepted_at.astimezone(VIETNAM).date()
    meant = await resolve(connection, [stage.agency for stage in part.stages], on=day)
    named: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    for stage in part.stages:
        agency = meant[stage.agency].code if stage.agency in meant else AgencyCode(stage.agency)
        named[agency] += 1
        done = known[agency] if part.are_next and agency not in waiting else 0
        nth = done + named[agency]
        if nth > known[agency]:
            n = known.total() + len(rows) + 1
            row = {"dossier": part.code, "n": n, "agency": agency, "nth": nth}
            rows.append({**row, "due_on": stage.due_on})
    return rows


async def _is_party(connection: AsyncConnection, code: str, agency: AgencyCode) -> bool | None:
    """Return whether an agency has a part in a dossier, None when there is none."""
    found: bool | None = await connection.scalar(_IS_PARTY, {"code": code, "agency": agency})
    return None if found is None else bool(found)


async def _join(database: Database, connection: AsyncConnection, parties: Iterable[tuple[str, str]]) -> None:
    rows = [{"agency": agency, "dossier": code} for agency, code in parties]
    if rows:
        await connection.execute(database.insert_or_ignore(dossier_parties), rows)


# --- lists ---------------------------------------------------------------------------------------


def _is_under_way(table: FromClause) -> ColumnElement[bool]:
    """Return the condition that the recipient of a delivery has it or may take it: as `Sent` says."""
    is_refused = table.c.progress.is_not_distinct_from(BusinessStatus.REFUSED.value)
    return may_be_read(table) & (table.c.state != DeliveryState.REFUSED.value) & ~is_refused


def _overdue_candidates(codes: Select[Any], today: date) -> Select[Any]:
    """Narrow a select of dossiers to those that may have an overdue stage.

    A stage that is surely done is left out here, so that the domain need not look at years of dossiers: its
    agency said 06 about a document that it has, or sent one on after one had come to it.
    """
    stage, came, went = dossier_stages, documents.alias("came"), documents.alias("went")
    link, link_of_came = dossier_documents.alias("link"), dossier_documents.alias("link_of_came")
    to, onward = deliveries.alias("brought"), deliveries.alias("onward")
    # What each looks through is named: by itself SQLAlchemy sees only the next query outside of a query.
    said = (
        exists()
        .where(
            link.c.dossier == stage.c.dossier,
            statuses.c.document == link.c.document,
            statuses.c.author == stage.c.agency,
            statuses.c.status == BusinessStatus.FINISHED.value,
            to.c.id == statuses.c.delivery,
            to.c.recipient == stage.c.agency,
            _is_under_way(to),
        )
        .correlate_except(link, statuses, to)
    )
    had_come = (
        exists()
        .where(
            link_of_came.c.dossier == stage.c.dossier,
            came.c.id == link_of_came.c.document,
            came.c.accepted_at <= went.c.accepted_at,
            to.c.document == came.c.id,
            to.c.recipient == stage.c.agency,
            _is_under_way(to),
        )
        .correlate_except(link_of_came, came, to)
    )
    sent_on = (
        exists()
        .where(
            link.c.dossier == stage.c.dossier,
            went.c.id == link.c.document,
            went.c.sender == stage.c.agency,
            onward.c.document == went.c.id,
            _is_under_way(onward),
            had_come | ((dossiers.c.opened_by == stage.c.agency) & (stage.c.n == 1)),
        )
        .correlate_except(link, went, onward)
    )
    may_wait = exists().where(
        stage.c.dossier == dossiers.c.code, stage.c.due_on < today, (stage.c.nth > 1) | ~(said | sent_on)
    )
    return codes.where(may_wait)


class SqlDossiers:
    """Meets the port `Dossiers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, code: str) -> Dossier | None:
        """Return a dossier."""
        async with self._database.read() as connection:
            found = await read_dossiers(connection, [code])
        return found[0] if found else None

    async def is_party(self, code: str, agency: AgencyCode) -> bool | None:
        """Return whether an agency has a part in the dossier, None when there is no such dossier."""
        async with self._database.read() as connection:
            return await _is_party(connection, code, agency)

    async def page(self, agency: AgencyCode | None, *, after: str | None, limit: int) -> ListedDossiers:
        """Return dossiers this agency has a part in (any with None) in the order of their codes."""
        codes = _listed(agency, after=after, limit=limit)
        async with self._database.read() as connection:
            found = await read_dossiers(connection, list(await connection.scalars(codes)))
        return ListedDossiers(tuple(found), found[-1].code if len(found) == limit else None)

    async def overdue(
        self, agency: AgencyCode | None, *, today: date, after: str | None, limit: int
    ) -> ListedDossiers:
        """As `page`, only those in which a stage is overdue."""
        late: list[Dossier] = []
        while len(late) < limit:
            codes = _overdue_candidates(_listed(agency, after=after, limit=limit), today)
            async with self._database.read() as connection:
                found = await read_dossiers(connection, list(await connection.scalars(codes)))
            late += [each for each in found if any(stage.is_overdue_on(today) for stage in each.stages)]
            if len(found) < limit:
                return ListedDossiers(
                    tuple(late[:limit]), late[limit - 1].code if len(late) > limit else None
                )
            after = found[-1].code
        return ListedDossiers(tuple(late[:limit]), late[limit - 1].code)

    async def taken_in(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], ComponentFile]:
        """Return what was taken in before under these dossier and component codes."""
        async with self._database.read() as connection:
            return await _taken_in(connection, keys)

    async def take_in(self, files: Sequence[ComponentFile], *, agency: AgencyCode, at: datetime) -> TakenIn:
        """Keep components whose bodies are durable, and open their dossiers where there are none."""
        async with self._database.write() as connection:
            own = await self._own(connection, files, agency=agency, at=at)
            mine = [each for each in files if each.dossier in own]
            before = await _taken_in(connection, [(each.dossier, each.component) for each in mine])
            rows = [_file_row(each, agency, at) for each in mine]
            if rows:
                await connection.execute(self._database.insert_or_ignore(dossier_files), rows)
            now = await _taken_in(connection, [(each.dossier, each.component) for each in mine])
        return TakenIn(
            kept=len(now.keys() - before.keys()),
            foreign=frozenset(each.dossier for each in files) - own,
            differing=frozenset(
                (each.dossier, each.component)
                for each in mine
                if now[each.dossier, each.component].sha256 != each.sha256
            ),
        )

    async def _own(
        self, connection: AsyncConnection, files: Sequence[ComponentFile], *, agency: AgencyCode, at: datetime
    ) -> frozenset[str]:
        """Open the dossiers that are not there yet; return those the agency has a part in."""
        procedures: dict[str, str | None] = {}
        for each in files:
            procedures[each.dossier] = procedures.get(each.dossier) or each.procedure
        rows = [
            {"code": code, "procedure": procedure, "opened_by": agency, "opened_at": at}
            for code, procedure in sorted(procedures.items())
        ]
        codes = [row["code"] for row in rows]
        known = select(dossiers.c.code).where(among_named(dossiers.c.code, "codes"))
        opened = known.where(dossiers.c.opened_by == agency)
        await connection.execute(self._database.insert_or_ignore(dossiers), rows)
        ours = set(await connection.scalars(opened, {"codes": codes}))
        await _join(self._database, connection, [(agency, code) for code in sorted(ours)])
        joined = known.where(_has_part(bindparam("agency", agency)))
        return frozenset(await connection.scalars(joined, {"codes": codes}))


def _listed(agency: AgencyCode | None, *, after: str | None, limit: int) -> Select[Any]:
    codes = select(dossiers.c.code).where(dossiers.c.code > (after or ""))
    if agency is not None:
        # By the parties' own key: an agency has few of all dossiers.
        codes = codes.join(dossier_parties, dossier_parties.c.dossier == dossiers.c.code).where(
            dossier_parties.c.agency == agency,
            dossier_parties.c.dossier > (after or ""),
            _has_part(bindparam("agency", agency)),
        )
    return codes.order_by(dossiers.c.code if agency is None else dossier_parties.c.dossier).limit(limit)


async def _taken_in(
    connection: AsyncConnection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], ComponentFile]:
    wanted = set(keys)
    codes = {"codes": sorted({dossier for dossier, _ in wanted})}
    components = {"components": sorted({component for _, component in wanted})}
    query = COMPONENT_FILES.where(
        among_named(dossier_files.c.dossier, "codes"), among_named(dossier_files.c.component, "components")
    )
    found = [component_file(row) for row in await connection.execute(query, codes | components)]
    return {key: each for each in found if (key := (each.dossier, each.component)) in wanted}


def _file_row(each: ComponentFile, agency: AgencyCode, at: datetime) -> dict[str, Any]:
    return {
        "dossier": each.dossier,
        "component": each.component,
        "name": each.name,
        "media_type": each.media_type,
        "size_bytes": each.size_bytes,
        "sha256": each.sha256,
        "kept_by": agency,
        "kept_at": at,
    }
