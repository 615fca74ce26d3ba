"""Reading dossiers with everything that is known of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db.dialects import among_named
from adapters.db.rows import LIFE_COLUMNS, AnyRow, life_of
from adapters.db.schema import deliveries, documents, files, statuses
from adapters.db.schema_dossiers import dossier_documents, dossier_files, dossier_stages, dossiers
from gateway.domain.dossiers import ComponentFile, Dossier, DossierDocument, Sent, Spoken
from gateway.domain.envelope import Stage
from gateway.domain.states import BusinessStatus, DeliveryState

_DOSSIERS = (
    select(dossiers.c.code, dossiers.c.procedure, dossiers.c.opened_by, dossiers.c.opened_at)
    .where(among_named(dossiers.c.code, "codes"))
    .order_by(dossiers.c.code)
)
_STAGES = (
    select(dossier_stages.c.dossier, dossier_stages.c.agency, dossier_stages.c.due_on)
    .where(among_named(dossier_stages.c.dossier, "codes"))
    .order_by(dossier_stages.c.dossier, dossier_stages.c.n)
)
_DOCUMENTS = (
    select(
        dossier_documents.c.dossier,
        documents.c.id,
        documents.c.sender,
        documents.c.accepted_at,
        documents.c.envelope,
        select(func.count()).where(files.c.document == documents.c.id).scalar_subquery().label("files"),
    )
    .join_from(dossier_documents, documents, documents.c.id == dossier_documents.c.document)
    .where(among_named(dossier_documents.c.dossier, "codes"))
    .order_by(documents.c.accepted_at, documents.c.id)
)
_SENT = (
    select(
        deliveries.c.document,
        deliveries.c.recipient,
        deliveries.c.state,
        deliveries.c.ended_at,
        *LIFE_COLUMNS,
    )
    .join_from(dossier_documents, deliveries, deliveries.c.document == dossier_documents.c.document)
    .where(among_named(dossier_documents.c.dossier, "codes"))
    .order_by(deliveries.c.recipient)
)
_SPOKEN = (
    select(statuses.c.document, statuses.c.author, statuses.c.status, statuses.c.at)
    .join_from(dossier_documents, statuses, statuses.c.document == dossier_documents.c.document)
    .where(among_named(dossier_documents.c.dossier, "codes"))
    .order_by(statuses.c.id)
)
COMPONENT_FILES = select(
    dossier_files.c.dossier,
    dossier_files.c.component,
    dossier_files.c.name,
    dossier_files.c.media_type,
    dossier_files.c.size_bytes,
    dossier_files.c.sha256,
)
_FILES_OF = COMPONENT_FILES.where(among_named(dossier_files.c.dossier, "codes")).order_by(
    dossier_files.c.component
)


async def read_dossiers(connection: AsyncConnection, codes: Collection[str]) -> list[Dossier]:
    """Return the dossiers of these codes with all that is known of them, in the order of their codes."""
    wanted = {"codes": sorted(codes)}
    sent = _grouped(await connection.execute(_SENT, wanted), "document")
    spoken = _grouped(await connection.execute(_SPOKEN, wanted), "document")
    stages = _grouped(await connection.execute(_STAGES, wanted), "dossier")
    taken_in = _grouped(await connection.execute(_FILES_OF, wanted), "dossier")
    belonging: dict[str, list[DossierDocument]] = defaultdict(list)
    for row in await connection.execute(_DOCUMENTS, wanted):
        belonging[row.dossier].append(_document(row, sent[row.id], spoken[row.id]))
    return [
        Dossier(
            code=row.code,
            procedure=row.procedure,
            opened_by=row.opened_by,
            opened_at=row.opened_at,
            plan=tuple(Stage(each.agency, each.due_on) for each in stages[row.code]),
            documents=tuple(belonging[row.code]),
            files=tuple(component_file(each) for each in taken_in[row.code]),
        )
        for row in await connection.execute(_DOSSIERS, wanted)
    ]


def _grouped(rows: Iterable[AnyRow], column: str) -> dict[str, list[AnyRow]]:
    groups: dict[str, list[AnyRow]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, column)].append(row)
    return groups


def _document(row: AnyRow, sent: Iterable[AnyRow], spoken: Iterable[AnyRow]) -> DossierDocument:
    return DossierDocument(
        id=row.id,
        sender=row.sender,
        accepted_at=row.accepted_at,
        part=row.envelope.dossier,
        files=row.files,
        sent=tuple(
            Sent(each.recipient, DeliveryState(each.state), each.ended_at, life_of(each)) for each in sent
        ),
        spoken=tuple(Spoken(each.author, BusinessStatus(each.status), each.at) for each in spoken),
    )


def component_file(row: AnyRow) -> ComponentFile:
    """Return a component from a row of `COMPONENT_FILES`."""
    return ComponentFile(row.dossier, row.component, row.name, row.media_type, row.size_bytes, row.sha256)
