"""The shapes of dossiers in JSON, and dossiers in them."""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import quote

import msgspec

from gateway.domain.dossiers import (
    Dossier,
    DossierDocument,
    DossierEvent,
    DossierLine,
    ListedDossiers,
    StageCourse,
    timeline,
)
from gateway.domain.model import AgencyCode
from gateway.domain.states import DeliveryState
from gateway.http.views import shown


class StageOut(msgspec.Struct):
    """A stage. It begins when a document of the dossier is accepted for its agency, and is done when that
    sends the next one or says 06; what was refused or taken back counts for neither. `late` is true from the
    day after `due_on` for a stage that has begun, for good."""

    n: int
    agency: str
    due_on: date | None
    begun_at: datetime | None
    done_at: datetime | None
    late: bool


class ComponentOut(msgspec.Struct):
    """A component, and where you can read its newest version; no `url` when you were sent none of it."""

    code: str
    documents: list[str]
    url: str | None


class DossierDocumentOut(msgspec.Struct, rename={"from_": "from"}):
    """A document of a dossier. What it says and holds is for its sender and recipients, at `url`."""

    id: str
    from_: str
    to: dict[str, DeliveryState]
    accepted_at: datetime
    components: tuple[str, ...]
    url: str


class DossierEntry(msgspec.Struct, kw_only=True):
    """A dossier in a list. `late` says whether a stage is overdue now."""

    code: str
    procedure: str | None
    opened_by: str
    opened_at: datetime
    late: bool
    stages: list[StageOut]


class DossierOut(DossierEntry, kw_only=True):
    """A dossier with its components and documents, oldest first."""

    components: list[ComponentOut]
    documents: list[DossierDocumentOut]


class DossiersOut(msgspec.Struct):
    """A page of dossiers; `next` is the cursor of the following one."""

    dossiers: list[DossierEntry]
    next: str | None


class DossierTimelineEntry(msgspec.Struct):
    """One thing that happened. `detail` is whom a document went to, how a delivery ended, a status, or the
    number of a stage."""

    at: datetime
    event: DossierEvent
    agency: str
    document: str | None
    detail: str


class DossierTimelineOut(msgspec.Struct):
    """Everything that happened in a dossier, oldest first."""

    timeline: list[DossierTimelineEntry]


def dossier_out(found: Dossier, *, today: date, seen_by: AgencyCode | None) -> DossierOut:
    """Return a dossier as one of its parties sees it, or an administrator (None)."""
    return DossierOut(
        code=found.code,
        procedure=found.procedure,
        opened_by=found.opened_by,
        opened_at=shown(found.opened_at),
        late=any(stage.is_overdue_on(today) for stage in found.stages),
        stages=_stages(found, today),
        components=_components(found, seen_by),
        documents=[_document(each) for each in found.documents],
    )


def dossiers_out(page: ListedDossiers, *, today: date) -> DossiersOut:
    """Return a page of dossiers."""
    return DossiersOut([_entry(each, today) for each in page.dossiers], page.following)


def timeline_out(found: Dossier) -> DossierTimelineOut:
    """Return the timeline of a dossier."""
    return DossierTimelineOut([_line(each) for each in timeline(found)])


def _entry(found: Dossier, today: date) -> DossierEntry:
    return DossierEntry(
        code=found.code,
        procedure=found.procedure,
        opened_by=found.opened_by,
        opened_at=shown(found.opened_at),
        late=any(stage.is_overdue_on(today) for stage in found.stages),
        stages=_stages(found, today),
    )


def _stages(found: Dossier, today: date) -> list[StageOut]:
    return [_stage(stage, n, today) for n, stage in enumerate(found.stages, start=1)]


def _stage(stage: StageCourse, n: int, today: date) -> StageOut:
    return StageOut(
        n=n,
        agency=stage.agency,
        due_on=stage.due_on,
        begun_at=None if stage.begun_at is None else shown(stage.begun_at),
        done_at=None if stage.done_at is None else shown(stage.done_at),
        late=stage.is_late_on(today),
    )


def _components(found: Dossier, seen_by: AgencyCode | None) -> list[ComponentOut]:
    return [
        ComponentOut(
            code=code,
            documents=[each.id for each in versions if isinstance(each, DossierDocument)],
            url=None
            if found.readable(code, by=seen_by) is None
            else f"/v1/dossiers/{quote(found.code, safe='')}/components/{quote(code, safe='')}",
        )
        for code, versions in found.components.items()
    ]


def _document(document: DossierDocument) -> DossierDocumentOut:
    return DossierDocumentOut(
        id=document.id,
        from_=document.sender,
        to={each.to: each.state for each in document.sent},
        accepted_at=shown(document.accepted_at),
        components=document.part.components,
        url=f"/v1/documents/{document.id}",
    )


def _line(line: DossierLine) -> DossierTimelineEntry:
    return DossierTimelineEntry(shown(line.at), line.event, line.agency, line.document, line.detail)
