"""What is slipped in beside a true signature: odd names, contents nobody signed, signatures in disguise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signing.report import FacetState, Verdict
from tests.support.xml_odd import ODD_ATTRIBUTES, PLAIN_ATTRIBUTES, is_well_formed
from tests.support.xml_packets import PACKET, golden, with_dialect
from tests.support.xml_signing import (
    DOCUMENT,
    DS,
    EXCLUSIVE,
    NOT_IN_SIGNATURE,
    XADES,
    Recipe,
    Ref,
    altered,
    codes,
    signed,
    transform,
    verdict_on,
)
from tests.support.xml_signxml import signed_by_signxml

_STRANGER = '<don xmlns="urn:don">Chi 900 dong</don>'
_PLACES = ("<vb:van-ban", "<so", "<ds:Signature", "<ds:KeyInfo", "<ds:Object", "<xades:QualifyingProperties")
_EXTRA = f'<ds:Signature xmlns:ds="{DS}"><ds:Object>{_STRANGER}</ds:Object></ds:Signature>'
_COUNTER = f'<xades:CounterSignature xmlns:xades="{XADES}">{{}}</xades:CounterSignature>'
_UNSEEN = Recipe(refs=(Ref(transforms=NOT_IN_SIGNATURE + transform(EXCLUSIVE)),))
"""A signature that all signature elements are taken out for."""

_ROOT_BY_ID = Recipe(refs=(Ref("#vb-1"),))


def _dialect(inside: str) -> str:
    return with_dialect(PACKET, f"<Signature>AAAA{inside}</Signature>")


def _beside(xml: str, written: str, *, is_before: bool) -> str:
    """The XML with something before or behind its root."""
    head = re.match(r"(?:<\?xml .*?\?>\s*)?", xml)
    assert head
    return f"{head[0]}{written}{xml[head.end() :]}" if is_before else xml + written


def test_a_default_namespace_cannot_be_written_over_under_a_signature(tmp_path: Path) -> None:
    true = signed('<don xmlns="urn:a"><p>Chi 100 dong</p></don>')
    false = altered(true, ('xmlns="urn:a"', 'xmlns="urn:b" xmlns:="urn:a"'))
    report = verdict_on(false, tmp_path)
    assert (report.verdict, codes(report)) == (Verdict.TOTAL_FAILED, ["xml-namespace"])


@pytest.mark.parametrize("place", _PLACES)
def test_what_a_strict_parser_refuses_never_passes(place: str, tmp_path: Path) -> None:
    true = signed()
    for written in ODD_ATTRIBUTES:
        xml = true.replace(place, f"{place} {written}", 1)
        assert not is_well_formed(xml)
        assert verdict_on(xml, tmp_path).verdict is not Verdict.TOTAL_PASSED, written
    # The signed form does not hold these, so nothing else than their names can be held against the others.
    for written in PLAIN_ATTRIBUTES:
        xml = true.replace(place, f"{place} {written}", 1)
        assert verdict_on(xml, tmp_path).verdict is Verdict.TOTAL_PASSED, written


@pytest.mark.parametrize("xml", ['<a xmlns:="urn:x" xmlns="urn:y"/>', '<a xmlns:b="urn:văn-bản"/>', "<b:a/>"])
def test_ill_formed_names_where_nobody_signed_leave_a_file_unsigned(xml: str, tmp_path: Path) -> None:
    assert verdict_on(xml, tmp_path).verdict is Verdict.UNSIGNED


@pytest.mark.parametrize("slipped", [_STRANGER, "Chi 900 dong", "<ds:Manifest/>", "<?chi 900?>", "\u00a0"])
@pytest.mark.parametrize("is_before", [True, False])
def test_nothing_unsigned_stands_beside_the_properties(slipped: str, is_before: bool, tmp_path: Path) -> None:
    place = "<xades:QualifyingProperties" if is_before else "</xades:QualifyingProperties>"
    written = f"{slipped}{place}" if is_before else f"{place}{slipped}"
    report = verdict_on(altered(signed(), (place, written)), tmp_path)
    assert report.verdict is Verdict.INDETERMINATE
    assert "xml-unsigned-object" in codes(report)


@pytest.mark.parametrize(
    "slipped",
    [
        _STRANGER,
        "<xades:UnsignedProperties>Chi 900<xades:UnsignedSignatureProperties/></xades:UnsignedProperties>",
        f"<xades:UnsignedProperties>{_STRANGER}</xades:UnsignedProperties>",
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties>"
        f"{_COUNTER.format(_EXTRA)}</xades:UnsignedSignatureProperties></xades:UnsignedProperties>",
        "Chi 900 dong",
    ],
)
def test_nothing_strange_stands_in_the_properties_that_nobody_signed(slipped: str, tmp_path: Path) -> None:
    close = "</xades:QualifyingProperties>"
    report = verdict_on(altered(signed(), (close, slipped + close)), tmp_path)
    assert (report.verdict, codes(report)) == (Verdict.INDETERMINATE, ["xml-unsigned-object"])


@pytest.mark.parametrize("place", ["</ds:KeyInfo>", "</ds:X509Data>"])
@pytest.mark.parametrize("slipped", [_STRANGER, "Chi 900 dong"])
def test_nothing_strange_stands_beside_the_certificates(slipped: str, place: str, tmp_path: Path) -> None:
    report = verdict_on(altered(signed(), (place, slipped + place)), tmp_path)
    assert report.verdict is Verdict.INDETERMINATE
    assert "xml-unsigned-object" in codes(report)


def test_blanks_may_stand_beside_the_properties(tmp_path: Path) -> None:
    close = "</xades:QualifyingProperties>"
    spaced = altered(signed(), (close, f"\n \t{close}\n \t"), ("</ds:X509Data>", "\n</ds:X509Data>\n"))
    assert verdict_on(spaced, tmp_path).verdict is Verdict.TOTAL_PASSED


@pytest.mark.parametrize("nested", ["", "<x/>", _EXTRA, _COUNTER.format(_EXTRA), f'<Object xmlns="{DS}"/>'])
def test_whatever_is_in_it_a_signature_in_the_dialect_is_reported(nested: str, tmp_path: Path) -> None:
    report = verdict_on(_dialect(nested), tmp_path)
    assert report.verdict in (Verdict.INDETERMINATE, Verdict.TOTAL_FAILED)
    assert "edxml-dialect" in codes(report)


def test_a_dialect_signature_made_of_nothing_but_a_disguise_is_reported(tmp_path: Path) -> None:
    for inside in (f'<Object xmlns="{DS}">Chi 900 dong</Object>', _COUNTER.format(_EXTRA)):
        report = verdict_on(with_dialect(PACKET, f"<Signature>{inside}</Signature>"), tmp_path)
        assert "edxml-dialect" in codes(report)


def test_a_signature_in_the_dialect_is_reported_beside_a_real_one(tmp_path: Path) -> None:
    report = verdict_on(signed(_dialect("")), tmp_path)
    assert (report.verdict, codes(report)) == (Verdict.INDETERMINATE, ["edxml-dialect"])
    assert [each.indication for each in report.signatures] == [Verdict.TOTAL_PASSED, Verdict.INDETERMINATE]


def test_an_empty_signature_in_the_dialect_is_no_fault_beside_a_real_one(tmp_path: Path) -> None:
    report = verdict_on(signed(golden("dotnet-new.edxml")), tmp_path)
    assert report.verdict is Verdict.TOTAL_PASSED
    assert "edxml-signature-empty" in [warning.code for warning in report.warnings]


def test_a_signature_is_a_counter_signature_only_inside_a_real_one(tmp_path: Path) -> None:
    open_, close = _COUNTER.split("{}")
    true = signed(_dialect(open_ + close), _UNSEEN)
    report = verdict_on(altered(true, (f"{open_[:-1]}/>", open_ + _EXTRA + close)), tmp_path)
    assert report.verdict is Verdict.TOTAL_FAILED
    assert "xml-signature-structure" in codes(report)


def test_many_signatures_in_the_dialect_are_too_many(tmp_path: Path) -> None:
    report = verdict_on(with_dialect(PACKET, "<Signature>AAAA</Signature>" * 21), tmp_path)
    assert codes(report) == ["xml-too-much"]


@pytest.mark.parametrize("space", ["http://www.mic.gov.vn/TBT/QCVN_102_2016", "http://www.e-doc.vn/Schema/"])
@pytest.mark.parametrize("name", ["Signature", "DigitalSignature"])
def test_a_file_that_is_nothing_but_a_signature_in_the_dialect_is_unsigned(
    name: str, space: str, tmp_path: Path
) -> None:
    report = verdict_on(f'<{name} xmlns="{space}"/>', tmp_path)
    assert (report.verdict, report.kind) == (Verdict.UNSIGNED, "edxml")


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("written", ['<?xml-stylesheet type="text/xsl" href="e.xsl"?>', "<?lenh x?>"])
def test_an_instruction_outside_a_signed_root_is_signed_by_nobody(
    written: str, is_before: bool, tmp_path: Path
) -> None:
    for recipe in (_ROOT_BY_ID, Recipe(refs=(Ref("#nd-1", transform(EXCLUSIVE)),))):
        report = verdict_on(_beside(signed(recipe=recipe), written, is_before=is_before), tmp_path)
        (signature,) = report.signatures
        assert (signature.sub_indication, signature.codes) == ("SIG_CONSTRAINTS_FAILURE", ("xml-part-only",))
        assert signature.facets.coverage is FacetState.FAILED


@pytest.mark.parametrize("is_before", [True, False])
def test_an_instruction_outside_what_a_signature_envelops_is_signed_by_nobody(
    is_before: bool, tmp_path: Path
) -> None:
    true = signed_by_signxml("enveloping").decode()
    assert codes(verdict_on(_beside(true, "<?lenh x?>", is_before=is_before), tmp_path)) == ["xml-part-only"]


@pytest.mark.parametrize("is_before", [True, False])
def test_an_instruction_outside_the_root_is_signed_with_the_whole_document(
    is_before: bool, tmp_path: Path
) -> None:
    with_instruction = _beside(DOCUMENT, "<?lenh x?>", is_before=is_before)
    for recipe in (Recipe(), Recipe(refs=(Ref("#vb-1"), Ref("")))):
        report = verdict_on(signed(with_instruction, recipe), tmp_path)
        assert (report.verdict, codes(report)) == (Verdict.TOTAL_PASSED, [])


@pytest.mark.parametrize("is_before", [True, False])
def test_a_comment_outside_a_signed_root_is_no_fault(is_before: bool, tmp_path: Path) -> None:
    xml = _beside(signed(recipe=_ROOT_BY_ID), "<!-- lenh -->", is_before=is_before)
    assert verdict_on(xml, tmp_path).verdict is Verdict.TOTAL_PASSED


@pytest.mark.parametrize("blanks", [1025, 300_000, 3_000_000])
def test_xml_may_begin_with_many_blanks(blanks: int, tmp_path: Path) -> None:
    assert verdict_on(" \n" * (blanks // 2) + signed(), tmp_path).verdict is Verdict.TOTAL_PASSED
