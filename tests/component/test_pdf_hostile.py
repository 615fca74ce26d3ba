"""No hostile PDF passes, breaks the verifier or goes without a reason (reliability-security B26-B36)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from _pytest.mark import ParameterSet

from signing.pdf import structure
from signing.report import FacetState, SignatureReport, Verdict, VerificationReport
from tests.support import pdf_attacks, pdf_bombs, pdf_shadows
from tests.support.pdf_attacks import BYTE_RANGES, CONTENTS, FORGED, SUB_FILTERS, Case
from tests.support.pdf_files import FIRST_PAGE, classic, paper, stream, streamed
from tests.support.pdf_signing import signed_with
from tests.support.pki import leader, verdict_on

_MOST_SECONDS = 10.0


@cache
def plain() -> bytes:
    return signed_with(classic(paper(2)), leader())


@cache
def packed() -> bytes:
    return signed_with(streamed(paper(2), packed=[1, 2, 3, FIRST_PAGE]), leader())


def forged_signatures() -> Iterator[Case]:
    """Signatures whose dictionary was tampered with (USF), or that cover another file's bytes (SWA)."""
    for base, pdf in (("table", plain()), ("stream", packed()), ("sealed", pdf_shadows.twice())):
        for name, form in BYTE_RANGES.items():
            yield Case(f"{base}/byte-range/{name}", partial(pdf_attacks.with_byte_range, pdf, form))
        for name, write in CONTENTS.items():
            yield Case(f"{base}/contents/{name}", partial(pdf_attacks.with_contents, pdf, write))
        for name, form in SUB_FILTERS.items():
            yield Case(f"{base}/format/{name}", partial(pdf_attacks.with_sub_filter, pdf, form))


def wrapped() -> bytes:
    return pdf_attacks.wrapped(plain(), objects={FIRST_PAGE + 1: stream(FORGED)})


FAMILIES = {
    "forged": [*forged_signatures(), Case("wrapped", wrapped)],
    "signatures": [*pdf_shadows.signature_attacks()],
    "hybrid": [*pdf_shadows.hybrid_attacks()],
    "cross-references": [*pdf_bombs.cross_reference_attacks()],
    "bombs": [*pdf_bombs.bombs()],
}
CHANGED = {
    "appended": [*pdf_attacks.appendings(plain())],
    "appended-to-streams": [*pdf_attacks.appendings(packed(), ways=("table", "stream"))],
    "certified": [*pdf_shadows.certification_attacks()],
    "shadow": [*pdf_shadows.shadow_attacks()],
}
"""What is shown is not what the first signature covers, however good that is."""


def listed(families: dict[str, list[Case]]) -> list[ParameterSet]:
    return [
        pytest.param(case, id=f"{family}/{case.name}") for family, cases in families.items() for case in cases
    ]


@cache
def judged(case: Case) -> VerificationReport:
    """The verdict on a hostile file, and no more time for it than any file may take."""
    pdf = case.make()
    begun = time.process_time()
    with TemporaryDirectory() as folder:
        report = verdict_on(pdf, Path(folder))
    assert time.process_time() - begun < _MOST_SECONDS
    return report


@pytest.mark.parametrize("case", listed(FAMILIES))
def test_hostile_file_never_passes_and_is_told_why(case: Case) -> None:
    report = judged(case)

    assert report.verdict is not Verdict.TOTAL_PASSED
    assert report.reasons or report.warnings


@pytest.mark.parametrize("case", listed(CHANGED))
def test_change_after_the_signature_is_seen_though_everybody_is_trusted(case: Case) -> None:
    report = judged(case)

    assert report.verdict is not Verdict.TOTAL_PASSED
    assert report.reasons or report.warnings
    assert not any(is_untouched(signature) for signature in report.signatures)


def test_there_are_at_least_three_hundred_hostile_files() -> None:
    assert len(listed(FAMILIES) + listed(CHANGED)) >= 300


def is_untouched(signature: SignatureReport) -> bool:
    facets = signature.facets
    is_later = signature.field == "Hai"  # a further signature over what the attacker made: that one is intact
    return not is_later and {facets.integrity, facets.coverage, facets.changes} == {FacetState.OK}


def test_wrapped_signature_would_pass_but_for_the_rule_of_the_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_the_rule = verdict_on(wrapped(), tmp_path)
    monkeypatch.setattr(structure, "_demand_own_gap", lambda *_, **__: None)
    without = verdict_on(wrapped(), tmp_path)

    assert codes(with_the_rule) == {"gap-holds-else"}
    assert without.verdict is Verdict.TOTAL_PASSED


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("content/bare", "after-end"),
        ("content/bare-with-end", "unknown-object"),
        ("content/table-that-lists-nothing", "empty-section"),
        ("content/table-that-lists-another", "unknown-object"),
        ("content/no-end", "after-end"),
        ("content/table", "content-changed"),
        ("font-replaced/stream", "content-changed"),
        ("annotation-freetext/table", "content-changed"),
        ("catalog-without-form/table", "signature-removed"),
        ("P1/freetext", "change-not-permitted"),
        ("P2/signature-over-text", "change-not-permitted"),
        ("locked-field", "change-not-permitted"),
        ("hide-and-replace/dangling-filled/table", "content-changed"),
        ("freed/content/65535", "content-changed"),
        ("seal-over-text", "appearance-over-text"),
        ("seal-too-large", "appearance-too-large"),
        ("removed", "signature-removed"),
        ("hybrid/page", "hybrid"),
        ("overlapping-entries", "overlapping-objects"),
        ("long-chain", "too-many-revisions"),
        ("bomb/evidence", "too-costly"),
        ("bomb/metadata-between-signatures", "too-costly"),
        ("many-references", "too-costly"),
        ("fields/many", "too-many-fields"),
        ("fields/signatures", "too-many-signatures"),
        ("encrypted", "encrypted"),
    ],
)
def test_reason_names_what_was_done(name: str, code: str) -> None:
    assert code in codes(judged(found(name)))


@pytest.mark.parametrize(
    "name", ["many-references", "bomb/evidence", "encrypted", "fields/many", "nested/pages"]
)
def test_what_is_too_much_to_judge_is_indeterminate(name: str) -> None:
    assert judged(found(name)).verdict is Verdict.INDETERMINATE


def found(name: str) -> Case:
    return next(case for cases in (FAMILIES | CHANGED).values() for case in cases if case.name == name)


def codes(report: VerificationReport) -> set[str]:
    return {code for signature in report.signatures for code in signature.codes}
