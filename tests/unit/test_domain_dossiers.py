"""Where a dossier stands, out of what was sent and said in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.dossiers import (
    ComponentFile,
    Dossier,
    DossierDocument,
    DossierEvent,
    Sent,
    Spoken,
    code_fault,
    timeline,
)
from gateway.domain.envelope import DossierPart, Stage
from gateway.domain.model import AgencyCode, DocumentId, Sha256
from gateway.domain.states import SENT, BusinessStatus, ChangeKind, DeliveryState, Life

START = datetime(2026, 11, 9, 2, 0, tzinfo=UTC)
DUE = date(2026, 11, 12)
GIVEN_BACK = Life(BusinessStatus.RECEIVED, ended_by=ChangeKind.RECALL)
OPENER, FIRST, SECOND = AgencyCode("opener"), AgencyCode("first"), AgencyCode("second")


def document(
    n: int,
    sender: AgencyCode,
    *to: AgencyCode,
    hours: float,
    state: DeliveryState = DeliveryState.DELIVERED,
    life: Life = SENT,
    components: tuple[str, ...] = (),
    files: int = 1,
    finished_by: AgencyCode | None = None,
) -> DossierDocument:
    at = START + timedelta(hours=hours)
    said = (Spoken(finished_by, BusinessStatus.FINISHED, at + timedelta(hours=1)),) if finished_by else ()
    sent = tuple(Sent(each, state, at + timedelta(minutes=10), life) for each in to)
    return DossierDocument(
        DocumentId(f"document-{n}"), sender, at, DossierPart("HS", components=components), files, sent, said
    )


def dossier(
    *documents: DossierDocument, plan: tuple[Stage, ...], files: tuple[ComponentFile, ...] = ()
) -> Dossier:
    return Dossier("HS", "1.001193", OPENER, START, plan, documents, files)


def test_stages_follow_the_documents() -> None:
    found = dossier(
        document(1, OPENER, FIRST, hours=0),
        document(2, FIRST, SECOND, hours=24),
        document(3, SECOND, OPENER, hours=48),
        plan=(Stage(OPENER, None), Stage(FIRST, DUE), Stage(SECOND, DUE)),
    )
    spans = [(stage.begun_at, stage.done_at) for stage in found.stages]
    hours = [START + timedelta(hours=each) for each in (0, 24, 48)]
    assert spans == [(hours[0], hours[0]), (hours[0], hours[1]), (hours[1], hours[2])]


def test_second_stage_of_an_agency_begins_after_its_first() -> None:
    found = dossier(
        document(1, OPENER, FIRST, hours=0),
        document(2, FIRST, SECOND, hours=1),
        document(3, SECOND, FIRST, hours=2),
        plan=(Stage(FIRST, None), Stage(SECOND, None), Stage(FIRST, None)),
    )
    again = found.stages[2]
    assert (again.begun_at, again.done_at) == (START + timedelta(hours=2), None)


def test_second_stage_has_not_begun_while_the_first_lasts() -> None:
    found = dossier(document(1, OPENER, FIRST, hours=0), plan=(Stage(FIRST, None), Stage(FIRST, None)))
    assert found.stages[1].begun_at is None


def test_stage_of_the_opener_begins_at_the_opening_only_where_it_is_the_first() -> None:
    came_back = dossier(
        document(1, OPENER, FIRST, hours=0),
        document(2, FIRST, OPENER, hours=5),
        plan=(Stage(FIRST, None), Stage(OPENER, DUE)),
    )
    last = came_back.stages[1]
    assert (last.begun_at, last.done_at) == (START + timedelta(hours=5), None)
    assert dossier(plan=(Stage(OPENER, DUE),)).stages[0].begun_at == START


def test_status_06_about_what_was_given_back_later_ends_no_stage() -> None:
    found = dossier(
        document(1, OPENER, FIRST, hours=0, finished_by=FIRST, life=GIVEN_BACK),
        document(2, OPENER, FIRST, hours=0.5),
        plan=(Stage(FIRST, DUE),),
    )
    (stage,) = found.stages
    assert (stage.begun_at, stage.done_at) == (START + timedelta(hours=0.5), None)


def test_status_06_of_somebody_else_ends_no_stage() -> None:
    found = dossier(
        document(1, OPENER, FIRST, SECOND, hours=0, finished_by=SECOND),
        plan=(Stage(FIRST, DUE), Stage(SECOND, DUE)),
    )
    first, second = found.stages
    assert (first.done_at, second.done_at) == (None, START + timedelta(hours=1))


@pytest.mark.parametrize(
    ("state", "life"),
    [
        (DeliveryState.REFUSED, Life()),
        (DeliveryState.RECALLED, Life()),
        (DeliveryState.EXPIRED, Life()),
        (DeliveryState.DELIVERED, Life(BusinessStatus.REFUSED)),
        (DeliveryState.DELIVERED, GIVEN_BACK),
    ],
)
def test_document_nobody_took_neither_begins_nor_ends_a_stage(state: DeliveryState, life: Life) -> None:
    found = dossier(
        document(1, OPENER, FIRST, hours=0),
        document(2, FIRST, SECOND, hours=1, state=state, life=life),
        plan=(Stage(FIRST, None), Stage(SECOND, None)),
    )
    assert (found.stages[0].done_at, found.stages[1].begun_at) == (None, None)


def test_stage_is_late_from_the_day_after_it_was_due_and_stays_so() -> None:
    waiting = dossier(document(1, OPENER, FIRST, hours=0), plan=(Stage(FIRST, DUE),)).stages[0]
    assert not waiting.is_late_on(DUE)
    assert waiting.is_late_on(DUE + timedelta(days=1))
    # 23:30 of the due day in Việt Nam, then an hour later.
    for hours, is_late in ((86.5, False), (87.5, True)):
        done = dossier(
            document(1, OPENER, FIRST, hours=0),
            document(2, FIRST, OPENER, hours=hours),
            plan=(Stage(FIRST, DUE),),
        ).stages[0]
        assert done.is_late_on(DUE + timedelta(days=30)) is is_late
        assert not done.is_overdue_on(DUE + timedelta(days=30))


def test_stage_that_has_not_begun_or_has_no_day_is_not_late() -> None:
    found = dossier(document(1, OPENER, FIRST, hours=0), plan=(Stage(FIRST, None), Stage(SECOND, DUE)))
    assert not any(stage.is_late_on(DUE + timedelta(days=99)) for stage in found.stages)


def taken_in(component: str) -> ComponentFile:
    return ComponentFile("HS", component, "scan.pdf", "application/pdf", 1, Sha256("a" * 64))


def test_newest_component_one_may_read_is_found() -> None:
    old = document(1, OPENER, FIRST, hours=0, components=("TP1", "TP2"), files=2)
    new = document(2, FIRST, SECOND, hours=1, components=("TP2",))
    found = dossier(old, new, plan=(), files=(taken_in("TP2"), taken_in("TP3")))
    assert found.readable("TP2", by=SECOND) == (new, 1)
    assert found.readable("TP2", by=OPENER) == (old, 2)
    assert found.readable("TP2", by=AgencyCode("third")) == taken_in("TP2")
    assert found.readable("TP1", by=SECOND) is None
    assert found.readable("TP9", by=OPENER) is None


def test_administrator_reads_no_component() -> None:
    found = dossier(plan=(), files=(taken_in("TP1"),))
    assert found.readable("TP1", by=None) is None


def test_component_is_no_file_where_there_are_not_as_many_files_as_codes() -> None:
    assert document(1, OPENER, hours=0, components=("TP1", "TP2"), files=1).file_of("TP1") is None
    assert document(1, OPENER, hours=0, components=("TP1", "TP2"), files=2).file_of("TP2") == 2


@pytest.mark.parametrize(
    ("state", "life"),
    [
        (DeliveryState.RECALLED, Life()),
        (DeliveryState.EXPIRED, Life()),
        (DeliveryState.DELIVERED, GIVEN_BACK),
    ],
)
def test_component_of_a_document_taken_back_is_not_readable(state: DeliveryState, life: Life) -> None:
    sent = document(1, OPENER, FIRST, hours=0, components=("TP1",), state=state, life=life)
    found = dossier(sent, plan=())
    assert found.readable("TP1", by=FIRST) is None
    assert found.readable("TP1", by=OPENER) is not None


def test_version_before_the_one_given_back_is_found() -> None:
    old = document(1, OPENER, FIRST, hours=0, components=("TP1",))
    new = document(2, OPENER, FIRST, hours=1, components=("TP1",), life=GIVEN_BACK)
    assert dossier(old, new, plan=()).readable("TP1", by=FIRST) == (old, 1)
    assert dossier(old, new, plan=()).readable("TP1", by=OPENER) == (new, 1)


def test_timeline_tells_everything_in_order() -> None:
    found = dossier(
        document(1, OPENER, FIRST, hours=0),
        document(2, FIRST, SECOND, hours=5, finished_by=SECOND),
        plan=(Stage(FIRST, DUE), Stage(SECOND, DUE)),
    )
    lines = timeline(found)
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert [line.event for line in lines] == [
        DossierEvent.OPENED,
        DossierEvent.SENT,
        DossierEvent.STAGE_BEGUN,
        DossierEvent.ENDED,
        DossierEvent.SENT,
        DossierEvent.STAGE_DONE,
        DossierEvent.STAGE_BEGUN,
        DossierEvent.ENDED,
        DossierEvent.STATUS,
        DossierEvent.STAGE_DONE,
    ]


@pytest.mark.parametrize(
    "code", ["", "  ", "x" * 101, " HS", "HS ", ".", "..", "HS\x00", "HS\n1", "HS\u202e", "\ud800"]
)
def test_code_that_cannot_be_used_is_named(code: str) -> None:
    assert code_fault(code)


@pytest.mark.parametrize("code", ["H26.01-261121-0001", "000.00.15.H26-261121-0001", "12/2026/HS", "Hồ sơ 1"])
def test_codes_met_in_the_field_can_be_used(code: str) -> None:
    assert code_fault(code) is None
