"""What one reader does not show, another may: such an update never leaves a signature untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from signing.report import FacetState, Verdict
from tests.support import pdf_other_readers as others
from tests.support.pdf_attacks import NEW, Case
from tests.support.pki import verdict_on

FAMILIES = (
    others.fields_of_nobody,
    others.objects_overwritten,
    others.searches,
    others.fonts_of_the_form,
)
BASES: dict[str, Callable[[], bytes]] = {
    "a paper with a prepared field": others.prepared,
    "a paper with an attachment": others.with_attachment,
    "a paper with a packed attachment": lambda: others.with_attachment(packed=(40, 41, 42)),
    "a paper with a double": others.with_double,
    "a paper that was linearised": others.linearised_once,
    "an update under a stream": lambda: others.with_rows(
        others.with_double(), {299: (0, 0, 1)}, {NEW: b"(x)"}
    ),
}


def listed(*families: Callable[[], Iterator[Case]]) -> list[ParameterSet]:
    return [pytest.param(case, id=case.name) for family in families for case in family()]


@pytest.mark.parametrize("case", listed(*FAMILIES))
def test_update_that_another_reader_shows_is_seen(case: Case, tmp_path: Path) -> None:
    report = verdict_on(case.make(), tmp_path)

    assert report.verdict is not Verdict.TOTAL_PASSED
    assert report.signatures[0].reasons
    assert not any(
        {each.facets.integrity, each.facets.coverage, each.facets.changes} == {FacetState.OK}
        for each in report.signatures
        if each.role != "time-stamp"
    )


@pytest.mark.parametrize("name", BASES)
def test_what_the_updates_are_made_on_passes(name: str, tmp_path: Path) -> None:
    assert verdict_on(BASES[name](), tmp_path).verdict is Verdict.TOTAL_PASSED


@pytest.mark.parametrize("case", listed(others.copies))
def test_object_written_once_more_as_it_was_is_no_change(case: Case, tmp_path: Path) -> None:
    assert verdict_on(case.make(), tmp_path).verdict is Verdict.TOTAL_PASSED


@pytest.mark.parametrize("case", listed(others.quiet_fields))
def test_further_signature_that_shows_nothing_changes_nothing(case: Case, tmp_path: Path) -> None:
    report = verdict_on(case.make(), tmp_path)

    first = next(each for each in report.signatures if each.field == "ChuKy")
    assert first.indication is Verdict.TOTAL_PASSED, first.reasons
    assert report.verdict is Verdict.TOTAL_PASSED
