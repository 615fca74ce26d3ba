"""XML signatures that must pass, as different programs make them."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ops.dev.pki import Identity
from signing.basis import Basis
from signing.report import FacetState, SignatureReport, Verdict, VerificationReport
from signing.xml.verify import verify_xml
from tests.support.chain_damage import with_written_out
from tests.support.chain_pki import root, signer, trusting
from tests.support.xml_packets import PACKET
from tests.support.xml_signing import (
    C14N,
    C14N_11,
    DOCUMENT,
    ECDSA_SHA256,
    ENVELOPED,
    ENVELOPED_EXCLUSIVE,
    EXCLUSIVE,
    NOT_IN_SIGNATURE,
    NOW,
    PSS_SHA256,
    SUBTRACT,
    Recipe,
    Ref,
    altered,
    authority,
    b64,
    codes,
    commitment_only,
    der,
    leader,
    seal_recipe,
    signed,
    stranger,
    transform,
    verdict_on,
    x509_data,
)
from tests.support.xml_signxml import KINDS, signed_by_signxml
from tests.support.xml_stamps import time_stamp

_ALL_OUT = (Ref(transforms=NOT_IN_SIGNATURE + transform(EXCLUSIVE)),)
_SUBTRACTED = (Ref(transforms=SUBTRACT + transform(C14N)),)
_VALUE = (
    "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent>"
    "</ds:RSAKeyValue></ds:KeyValue>"
)

_TOP = root()
_LEADER = signer("Leader", by=_TOP)


@dataclass(frozen=True)
class _Written:
    """A certificate as it is written, where only that is asked for."""

    der: bytes

    def public_bytes(self, encoding: Encoding) -> bytes:
        del encoding
        return self.der


VALID = {
    "xades": signed(),
    "plain": signed(recipe=Recipe(is_xades=False)),
    "elliptic": signed(recipe=seal_recipe()),
    "pss": signed(recipe=Recipe(method=PSS_SHA256)),
    "inclusive": signed(recipe=Recipe(refs=(Ref(transforms=transform(ENVELOPED)),), canonicalisation=C14N)),
    "inclusive-1.1": signed(
        recipe=Recipe(
            refs=(Ref(transforms=transform(ENVELOPED) + transform(C14N_11)),), canonicalisation=C14N_11
        )
    ),
    "with-comments-none-there": signed(
        recipe=Recipe(refs=(Ref(transforms=transform(ENVELOPED) + transform(EXCLUSIVE + "WithComments")),))
    ),
    "by-id": signed(recipe=Recipe(refs=(Ref("#vb-1"),))),
    "xpath": signed(recipe=Recipe(refs=_ALL_OUT)),
    "filter-2": signed(recipe=Recipe(refs=_SUBTRACTED)),
    "deep-in-the-document": signed(into="//*[@Id='nd-1']"),
    "packet": signed(PACKET, into="//*[local-name()='edXMLHeader']"),
    "comments-between-elements": signed(altered(DOCUMENT, ("  <so>", "  <!-- số --><so>"))),
    "instructions": signed(altered(DOCUMENT, ("<so>", "<?in dam?><so>"))),
    "duplicate-ids-that-nothing-names": signed(altered(DOCUMENT, ("<so>", '<so Id="a" id="a"/><so id="a">'))),
    "key-value-beside": signed(
        recipe=Recipe(key_info=x509_data(leader()).replace("<ds:X509Data>", f"{_VALUE}<ds:X509Data>"))
    ),
    "nonrepudiation-only": signed(recipe=Recipe(by=commitment_only())),
    "also-a-part": signed(recipe=Recipe(refs=(Ref(), Ref("#nd-1", transform(EXCLUSIVE))))),
}


def _only(report: VerificationReport) -> SignatureReport:
    (signature,) = report.signatures
    return signature


@pytest.mark.parametrize("name", VALID)
def test_a_valid_signature_passes(name: str, tmp_path: Path) -> None:
    report = verdict_on(VALID[name], tmp_path)
    assert (report.verdict, codes(report)) == (Verdict.TOTAL_PASSED, [])
    assert set(astuple(_only(report).facets)) == {FacetState.OK}


@pytest.mark.parametrize("name", VALID)
def test_a_valid_signature_fails_once_its_document_is_altered(name: str, tmp_path: Path) -> None:
    for old, new in (("H26", "H27"), ("100 dong", "900 dong")):
        assert verdict_on(altered(VALID[name], (old, new)), tmp_path).verdict is Verdict.TOTAL_FAILED


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_made_by_signxml_passes(kind: str, tmp_path: Path) -> None:
    report = verdict_on(signed_by_signxml(kind), tmp_path)
    assert (report.verdict, codes(report)) == (Verdict.TOTAL_PASSED, [])


def test_the_level_is_named_by_what_is_there(tmp_path: Path) -> None:
    stamped = signed(recipe=Recipe(stamp=time_stamp))
    levels = [_only(verdict_on(xml, tmp_path)).level for xml in (VALID["plain"], VALID["xades"], stamped)]
    assert levels == ["XML-DSig", "XAdES-B-B", "XAdES-B-T"]


def test_a_time_stamp_proves_the_signing_time(tmp_path: Path) -> None:
    stamped = signed(recipe=Recipe(stamp=lambda value: time_stamp(value, at=NOW - timedelta(days=40))))
    report = verdict_on(stamped, tmp_path)
    assert (report.verdict, codes(report)) == (Verdict.TOTAL_PASSED, [])
    assert _only(report).signed_at == NOW - timedelta(days=40)


def test_an_expired_signer_passes_only_with_a_time_stamp_from_before(tmp_path: Path) -> None:
    before = NOW - timedelta(days=40)
    recipe = Recipe(by=authority().expired, method=ECDSA_SHA256)
    stamped = replace(recipe, stamp=lambda value: time_stamp(value, at=before))
    assert _only(verdict_on(signed(recipe=recipe), tmp_path)).sub_indication == "OUT_OF_BOUNDS_NO_POE"
    assert verdict_on(signed(recipe=stamped), tmp_path).verdict is Verdict.TOTAL_PASSED


def test_a_time_stamp_of_another_signature_is_not_silent(tmp_path: Path) -> None:
    copied = signed(recipe=Recipe(stamp=lambda value: time_stamp(value + b" ")))
    report = verdict_on(copied, tmp_path)
    assert report.verdict is not Verdict.TOTAL_PASSED
    assert _only(report).facets.time is FacetState.FAILED


def test_leader_and_seal_sign_one_after_the_other(tmp_path: Path) -> None:
    both = signed(signed(recipe=Recipe(refs=_ALL_OUT)), seal_recipe(refs=_SUBTRACTED))
    report = verdict_on(both, tmp_path)
    assert (report.verdict, codes(report)) == (Verdict.TOTAL_PASSED, [])
    assert [signature.field for signature in report.signatures] == ["ky-1", "dau-1"]


def test_the_seal_over_an_enveloped_signature_leaves_the_seal_alone_valid(tmp_path: Path) -> None:
    report = verdict_on(signed(signed(), seal_recipe()), tmp_path)
    assert [each.sub_indication for each in report.signatures] == ["HASH_FAILURE", None]
    assert report.verdict is Verdict.TOTAL_FAILED


def test_the_worst_of_several_signatures_decides(tmp_path: Path) -> None:
    unknown = stranger().person("Người lạ", organisation="Cơ quan lạ")
    other = Recipe(by=unknown, refs=_ALL_OUT, id="la-1")
    report = verdict_on(signed(signed(recipe=Recipe(refs=_ALL_OUT)), other), tmp_path)
    assert [each.indication for each in report.signatures] == [Verdict.TOTAL_PASSED, Verdict.INDETERMINATE]
    assert report.verdict is Verdict.INDETERMINATE


def test_a_counter_signature_is_warned_of(tmp_path: Path) -> None:
    inner = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="nguoc"/>'
    counter = f"<xades:CounterSignature>{inner}</xades:CounterSignature>"
    report = verdict_on(signed(recipe=Recipe(unsigned=counter)), tmp_path)
    assert report.verdict is Verdict.TOTAL_PASSED
    assert "counter-signature-not-checked" in [warning.code for warning in report.warnings]


def test_the_signer_is_named_from_the_certificate(tmp_path: Path) -> None:
    signature = _only(verdict_on(VALID["xades"], tmp_path))
    assert (signature.signer, signature.organisation) == ("Chủ tịch UBND – H26.01", "UBND phường Một")
    assert signature.signed_at == NOW


def test_a_signer_that_is_not_named_is_found_among_its_issuers(
    tmp_path: Path,
) -> None:
    issuer_first = x509_data(leader()).replace(
        "<ds:X509Data>",
        f"<ds:X509Data><ds:X509Certificate>{b64(der(authority().root))}</ds:X509Certificate>",
    )
    plain = Recipe(is_xades=False, key_info=issuer_first)
    assert verdict_on(signed(recipe=plain), tmp_path).verdict is Verdict.TOTAL_PASSED


def test_signatures_that_are_separate_from_the_part_they_sign_are_said_to_sign_a_part(tmp_path: Path) -> None:
    part = Recipe(refs=(Ref("#nd-1", transform(EXCLUSIVE)),))
    signature = _only(verdict_on(signed(recipe=part), tmp_path))
    assert signature.sub_indication == "SIG_CONSTRAINTS_FAILURE"
    assert (signature.facets.integrity, signature.facets.coverage) == (FacetState.OK, FacetState.FAILED)


def test_one_element_enveloped_by_id_covers_only_itself(tmp_path: Path) -> None:
    inner = Recipe(refs=(Ref("#nd-1", ENVELOPED_EXCLUSIVE),))
    report = verdict_on(signed(recipe=inner, into="//*[@Id='nd-1']"), tmp_path)
    assert codes(report) == ["xml-part-only"]


@pytest.mark.parametrize("is_xades", [True, False])
@pytest.mark.parametrize(
    ("usual", "written"),
    [
        pytest.param(b"\x06\x03\x55\x1d\x0e", b"\x06\x03\x55\x1d\x0e\x01\x01\x00", id="critical FALSE"),
        pytest.param(b"\x30\x00", b"\x30\x03\x01\x01\x00", id="cA FALSE"),
    ],
)
def test_certificate_with_a_default_written_out_passes(
    tmp_path: Path, usual: bytes, written: bytes, is_xades: bool
) -> None:
    sloppy = _Written(with_written_out(_LEADER, written, of=usual, key=_TOP.key))
    by = Identity(_LEADER.key, sloppy)  # type: ignore[arg-type]  # the library reads no such certificate
    path = tmp_path / "document.xml"
    path.write_text(signed(recipe=Recipe(by=by, method=ECDSA_SHA256, is_xades=is_xades)))

    report = verify_xml(path, basis=Basis(trusting(_TOP), NOW))

    assert sloppy.der != _LEADER.der
    assert report.verdict is Verdict.TOTAL_PASSED, report.reasons
