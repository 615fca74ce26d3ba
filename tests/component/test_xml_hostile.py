"""Hostile XML signatures: none passes, and each is told why not (rows B09–B13)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from signing.report import FacetState, Verdict
from tests.support import xml_attacks, xml_attacks_on_keys, xml_wrapping
from tests.support.xml_packets import PACKET
from tests.support.xml_signing import codes, verdict_on
from tests.support.xml_wrapping import Case


def _each(cases: Iterable[Case]) -> pytest.MarkDecorator:
    found = list(cases)
    return pytest.mark.parametrize("case", found, ids=[case.name for case in found])


def _is_refused(case: Case, folder: Path) -> None:
    report = verdict_on(case.xml, folder)
    assert report.verdict in (Verdict.INDETERMINATE, Verdict.TOTAL_FAILED)
    assert case.code in codes(report)
    assert all(signature.sub_indication for signature in report.signatures if signature.codes)


def _is_found_out(case: Case, folder: Path) -> None:
    """A wrapped document fails, or is said to be signed in part only."""
    report = verdict_on(case.xml, folder)
    assert codes(report)
    assert report.verdict is Verdict.TOTAL_FAILED or any(
        FacetState.FAILED in (signature.facets.coverage, signature.facets.integrity)
        for signature in report.signatures
    )
    assert report.verdict in (Verdict.INDETERMINATE, Verdict.TOTAL_FAILED)


@_each(xml_wrapping.wrappings())
def test_b10_a_wrapped_document_is_found_out(case: Case, tmp_path: Path) -> None:
    _is_found_out(case, tmp_path)


def test_b10_a_wrapped_packet_is_found_out(tmp_path: Path) -> None:
    cases = list(xml_wrapping.wrappings(PACKET, part="goi-1"))
    assert len(cases) > 600
    for case in cases:
        _is_found_out(case, tmp_path)


@_each([*xml_attacks.transforms(), *xml_attacks.references()])
def test_b12_transforms_and_references_that_sign_something_else_are_refused(
    case: Case, tmp_path: Path
) -> None:
    _is_refused(case, tmp_path)


@_each([*xml_attacks_on_keys.algorithms(), *xml_attacks_on_keys.keys()])
def test_b13_games_with_methods_and_keys_are_refused(case: Case, tmp_path: Path) -> None:
    _is_refused(case, tmp_path)


@_each(xml_attacks.declarations())
def test_b01_entities_encodings_and_bombs_are_refused(case: Case, tmp_path: Path) -> None:
    _is_refused(case, tmp_path)


@_each([*xml_attacks.contents(), *xml_attacks.properties()])
def test_b11_changed_and_slipped_in_contents_are_refused(case: Case, tmp_path: Path) -> None:
    _is_refused(case, tmp_path)
