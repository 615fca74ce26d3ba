"""Dossiers (hồ sơ) that pass through several agencies, stage by stage. No workflow engine: where a dossier
stands follows from the documents that were sent in it and from what their recipients said about them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from gateway.domain.envelope import DossierPart, Stage
from gateway.domain.errors import NotYourDossier
from gateway.domain.model import AgencyCode, DocumentId, Sha256
from gateway.domain.states import (
    SENT,
    BusinessStatus,
    DeliveryState,
    Life,
    may_be_read,
)
from gateway.domain.working_days import VIETNAM

MAX_CODE = 100
MAX_COMPONENTS = 500
MAX_STAGES = 100
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Sent:
    """A document of a dossier to one of its recipients, and how far it came there."""

    to: AgencyCode
    state: DeliveryState
    ended_at: datetime | None = None
    life: Life = SENT

    @property
    def may_be_read(self) -> bool:
        """Return whether its recipient may (still) read its files."""
        return may_be_read(self.state, self.life)

    @property
    def is_under_way(self) -> bool:
        """Return whether its recipient has it or may still take it. One that is not begins no stage."""
        is_refused = self.state is DeliveryState.REFUSED or self.life.progress is BusinessStatus.REFUSED
        return self.may_be_read and not is_refused


@dataclass(frozen=True, slots=True)
class Spoken:
    """What somebody said about a document of a dossier, and when."""

    author: AgencyCode
    status: BusinessStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class DossierDocument:
    """A document of a dossier. `files` is how many files it has."""

    id: DocumentId
    sender: AgencyCode
    accepted_at: datetime
    part: DossierPart
    files: int
    sent: tuple[Sent, ...] = ()
    spoken: tuple[Spoken, ...] = ()

    @property
    def is_under_way(self) -> bool:
        """Return whether anybody has it or may still take it."""
        return any(each.is_under_way for each in self.sent)

    def is_under_way_to(self, agency: AgencyCode) -> bool:
        """Return whether an agency was sent it, and has it or may still take it."""
        return any(each.to == agency and each.is_under_way for each in self.sent)

    def file_of(self, component: str) -> int | None:
        """Return which file (1 is the first) is the component. Codes name the files in their order; where
        there are not as many codes as files nobody can tell."""
        if component not in self.part.components or len(self.part.components) != self.files:
            return None
        return self.part.components.index(component) + 1

    def is_read_by(self, agency: AgencyCode | None) -> bool:
        """Return whether an agency may read its files: it sent it, or was sent it and still has it."""
        return agency is not None and (
            agency == self.sender or any(each.to == agency and each.may_be_read for each in self.sent)
        )


@dataclass(frozen=True, slots=True)
class ComponentFile:
    """A component taken in from an existing store; its bytes are the body `sha256`."""

    dossier: str
    component: str
    name: str
    media_type: str
    size_bytes: int
    sha256: Sha256
    procedure: str | None = None


@dataclass(frozen=True, slots=True)
class StageCourse:
    """A stage as it went. It begins when a document of the dossier is accepted for its agency, and is done
    when that agency sends the next one, or says 06 about one that it was sent. What was refused, taken back
    or has expired neither begins nor ends a stage."""

    agency: AgencyCode
    due_on: date | None
    begun_at: datetime | None
    done_at: datetime | None

    def is_late_on(self, today: date) -> bool:
        """Return whether the stage took longer than its day, or does by now. A stage that has not begun is
        nobody's fault but of those before it."""
        if self.due_on is None or self.begun_at is None:
            return False
        ended = today if self.done_at is None else self.done_at.astimezone(VIETNAM).date()
        return ended > self.due_on

    def is_overdue_on(self, today: date) -> bool:
        """Return whether the stage is late and still not done."""
        return self.done_at is None and self.is_late_on(today)


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier with everything that is known of it. Codes are unique in the exchange.

    A part in it has who opened it, whoever may read a document of it that others sent, and whoever has a
    stage in it, unless a document of it was taken back from there: one that was sent a dossier by mistake
    sees no more of it, whatever stage the mistake had planned.
    """

    code: str
    procedure: str | None
    opened_by: AgencyCode
    opened_at: datetime
    plan: tuple[Stage, ...] = ()
    documents: tuple[DossierDocument, ...] = ()
    files: tuple[ComponentFile, ...] = ()

    @property
    def stages(self) -> tuple[StageCourse, ...]:
        """Return how each stage went, in their order."""
        stages: list[StageCourse] = []
        ended: dict[AgencyCode, datetime | None] = {}
        for planned in self.plan:
            agency = AgencyCode(planned.agency)
            since = ended.get(agency, self.opened_at)
            begun_at = None if since is None else self._begun(agency, since, is_first=not stages)
            done_at = None if begun_at is None else self._done(agency, begun_at)
            ended[agency] = done_at
            stages.append(StageCourse(agency, planned.due_on, begun_at, done_at))
        return tuple(stages)

    @property
    def components(self) -> dict[str, list[DossierDocument | ComponentFile]]:
        """Return the component codes with what there is of each, in the order they came."""
        found: dict[str, list[DossierDocument | ComponentFile]] = {}
        for file in self.files:
            found.setdefault(file.component, []).append(file)
        for document in self.documents:
            for component in document.part.components:
                found.setdefault(component, []).append(document)
        return found

    def readable(
        self, component: str, *, by: AgencyCode | None
    ) -> ComponentFile | tuple[DossierDocument, int] | None:
        """Return the newest version of a component that an agency may read: a document and which of its
        files, or what was taken in. That is for everybody with a part in the dossier; that `by` has one is
        not looked at here."""
        for version in reversed(self.components.get(component, ())):
            if isinstance(version, ComponentFile):
                return None if by is None else version
            n = version.file_of(component)
            if n is not None and version.is_read_by(by):
                return version, n
        return None

    def _begun(self, agency: AgencyCode, since: datetime, *, is_first: bool) -> datetime | None:
        if is_first and agency == self.opened_by:
            return self.opened_at  # nobody sends the first stage to who takes the dossier in
        sent = (each.accepted_at for each in self.documents if each.is_under_way_to(agency))
        return next((at for at in sent if at >= since), None)

    def _done(self, agency: AgencyCode, begun_at: datetime) -> datetime | None:
        sent_on = (each.accepted_at for each in self.documents if each.sender == agency and each.is_under_way)
        finished = (
            said.at
            for document in self.documents
            if document.is_under_way_to(agency)
            for said in document.spoken
            if said.author == agency and said.status is BusinessStatus.FINISHED
        )
        return min((at for at in (*sent_on, *finished) if at >= begun_at), default=None)


class DossierEvent(StrEnum):
    """What a line of a dossier's timeline tells."""

    OPENED = "opened"
    SENT = "sent"
    ENDED = "ended"
    STATUS = "status"
    STAGE_BEGUN = "stage-begun"
    STAGE_DONE = "stage-done"


@dataclass(frozen=True, slots=True)
class DossierLine:
    """One line of a dossier's timeline."""

    at: datetime
    event: DossierEvent
    agency: AgencyCode
    document: DocumentId | None = None
    detail: str = ""


def timeline(dossier: Dossier) -> list[DossierLine]:
    """Return what happened in a dossier, oldest first."""
    lines = [DossierLine(dossier.opened_at, DossierEvent.OPENED, dossier.opened_by)]
    for document in dossier.documents:
        lines += _lines_of(document)
    for n, stage in enumerate(dossier.stages, start=1):
        if stage.begun_at is not None:
            lines.append(DossierLine(stage.begun_at, DossierEvent.STAGE_BEGUN, stage.agency, detail=str(n)))
        if stage.done_at is not None:
            lines.append(DossierLine(stage.done_at, DossierEvent.STAGE_DONE, stage.agency, detail=str(n)))
    return sorted(lines, key=lambda line: line.at)


def _lines_of(document: DossierDocument) -> Iterator[DossierLine]:
    to = ", ".join(each.to for each in document.sent)
    yield DossierLine(document.accepted_at, DossierEvent.SENT, document.sender, document.id, to)
    for sent in document.sent:
        if sent.ended_at is not None:
            yield DossierLine(sent.ended_at, DossierEvent.ENDED, sent.to, document.id, sent.state.value)
    for said in document.spoken:
        yield DossierLine(said.at, DossierEvent.STATUS, said.author, document.id, said.status.value)


def not_your_dossier(code: str) -> NotYourDossier:
    """Return the refusal of a document that would join a dossier of others."""
    return NotYourDossier(reasons=[f"dossier.code: another dossier has the code {code}"])


def code_fault(code: str) -> str | None:
    """Return what is wrong with the code of a dossier or a component, None when it can be used."""
    if not code.strip():
        return "must not be empty"
    if len(code) > MAX_CODE:
        return f"has at most {MAX_CODE} characters"
    if code != code.strip() or code in {".", ".."}:
        return "cannot be part of an address"
    if any(unicodedata.category(letter) in _UNSHOWABLE for letter in code):
        return "holds characters that cannot be shown"
    return None


@dataclass(frozen=True, slots=True)
class ListedDossiers:
    """A page of dossiers; `following` is the code to go on behind, None at the end."""

    dossiers: tuple[Dossier, ...]
    following: str | None


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of components that were to be taken in: `foreign` are the dossiers of others, `differing`
    the components that are there with other bytes."""

    kept: int
    foreign: frozenset[str] = frozenset()
    differing: frozenset[tuple[str, str]] = frozenset()


class Dossiers(Protocol):
    """Reading dossiers, and taking components in from an existing store. Documents join their dossiers in
    the transaction that keeps them (`Submissions.commit`)."""

    async def find(self, code: str) -> Dossier | None:
        """Return a dossier."""

    async def is_party(self, code: str, agency: AgencyCode) -> bool | None:
        """Return whether an agency has a part in the dossier (see `Dossier`), None when there is none."""

    async def page(self, agency: AgencyCode | None, *, after: str | None, limit: int) -> ListedDossiers:
        """Return dossiers this agency is a party of (any with None) in the order of their codes."""

    async def overdue(
        self, agency: AgencyCode | None, *, today: date, after: str | None, limit: int
    ) -> ListedDossiers:
        """As `page`, only those in which a stage is overdue."""

    async def taken_in(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], ComponentFile]:
        """Return what was taken in before under these dossier and component codes."""

    async def take_in(self, files: Sequence[ComponentFile], *, agency: AgencyCode, at: datetime) -> TakenIn:
        """Keep components whose bodies are durable, and open their dossiers where there are none. What is
        there already with the same bytes is left as it is."""
