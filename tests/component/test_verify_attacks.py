"""No attacked file is ever TOTAL-PASSED, and none breaks the verifier."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing.errors import Unreadable
from signing.report import FacetState, Verdict
from tests.support import attacks
from tests.support.pki import agency_seal, signed, signed_by_leader, verdict_on, with_revocation_list

Attack = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "attack",
    [
        attacks.with_trailing_bytes,
        attacks.with_second_end,
        attacks.with_hidden_object,
        attacks.with_empty_cross_reference,
        lambda pdf: with_revocation_list(attacks.with_unlisted_object(pdf)),
        attacks.with_replaced_page,
        attacks.with_annotation,
        attacks.with_borrowed_signature,
        lambda pdf: attacks.with_byte_range(pdf, second=-200),
        lambda pdf: attacks.with_byte_range(pdf, first=-10),
        lambda pdf: attacks.with_byte_range(pdf, rest=-20),
        lambda pdf: attacks.with_byte_range(pdf, rest=1),
        lambda pdf: attacks.with_byte_range(pdf, start=1),
        attacks.with_four_ranges,
        attacks.without_byte_range,
        attacks.with_empty_contents,
        attacks.with_null_contents,
        attacks.with_bytes_in_the_gap,
        attacks.with_content_behind_the_cms,
        attacks.with_deep_nesting,
    ],
)
@pytest.mark.parametrize("sealed", [False, True])
def test_attacked_file_fails_with_a_reason(tmp_path: Path, attack: Attack, sealed: bool) -> None:
    genuine = signed(agency_seal(), signed_by_leader(), field="ConDau") if sealed else signed_by_leader()

    report = verdict_on(attack(genuine), tmp_path)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert report.reasons


def test_what_was_added_after_signing_leaves_integrity_but_fails_changes(tmp_path: Path) -> None:
    report = verdict_on(attacks.with_replaced_page(signed_by_leader()), tmp_path)

    facets = report.signatures[0].facets
    assert (facets.integrity, facets.changes) == (FacetState.OK, FacetState.FAILED)
    assert report.reasons == ("Content was changed or added after this signature.",)


def test_forged_page_under_a_fresh_seal_still_fails_the_first_signature(tmp_path: Path) -> None:
    forged = attacks.with_replaced_page(signed_by_leader())

    report = verdict_on(signed(agency_seal(), forged, field="ConDau"), tmp_path)

    assert [each.indication for each in report.signatures] == [Verdict.TOTAL_FAILED, Verdict.TOTAL_PASSED]
    assert report.verdict is Verdict.TOTAL_FAILED


def test_unknown_signature_format_is_listed_and_indeterminate(tmp_path: Path) -> None:
    report = verdict_on(attacks.with_unknown_format(signed_by_leader()), tmp_path)

    assert [each.field for each in report.signatures] == ["ChuKy"]
    assert report.verdict is Verdict.INDETERMINATE
    assert report.reasons == ("The format of the signature is not supported.",)


def test_signature_outside_the_form_is_unsigned_with_a_warning(tmp_path: Path) -> None:
    hidden = re.sub(rb"/AcroForm", b"/AcroFoXX", signed_by_leader())

    report = verdict_on(hidden, tmp_path)

    assert report.verdict is Verdict.UNSIGNED
    assert [warning.code for warning in report.warnings] == ["unreachable-signature"]


@given(place=st.integers(min_value=0), letter=st.binary(min_size=1, max_size=1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_byte_goes_unnoticed(tmp_path: Path, place: int, letter: bytes) -> None:
    genuine = signed_by_leader()
    at = place % len(genuine)
    changed = genuine[:at] + letter + genuine[at + 1 :]

    try:
        passed = verdict_on(changed, tmp_path).verdict is Verdict.TOTAL_PASSED
    except Unreadable:
        passed = False

    assert not passed or changed == genuine


@given(length=st.integers(min_value=0))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_file_never_passes(tmp_path: Path, length: int) -> None:
    genuine = signed_by_leader()

    try:
        verdict = verdict_on(genuine[: length % (len(genuine) - 2)], tmp_path).verdict
    except Unreadable:
        return

    assert verdict is not Verdict.TOTAL_PASSED
