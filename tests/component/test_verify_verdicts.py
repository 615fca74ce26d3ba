"""The verdict on honest files, and on honest files with a bad certificate."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from ops.dev.papers import tamper
from ops.dev.pki import Identity
from signing.basis import Basis
from signing.errors import Unreadable
from signing.keys import create_receipt_key
from signing.report import FacetState, Verdict
from signing.trust import trust_store
from signing.verify import verify_file
from tests.support.pki import (
    NOW,
    agency_seal,
    authority,
    leader,
    plain_pdf,
    signed,
    signed_by_leader,
    signed_with_time_stamp,
    stranger,
    verdict_on,
    with_document_time_stamp,
    with_revocation_list,
)


def test_pdf_without_signature_is_unsigned(tmp_path: Path) -> None:
    assert verdict_on(plain_pdf(), tmp_path).verdict is Verdict.UNSIGNED


@pytest.mark.parametrize("prefer_pss", [False, True])
def test_leaders_rsa_signature_passes_in_all_facets(tmp_path: Path, prefer_pss: bool) -> None:
    report = verdict_on(signed(leader(), prefer_pss=prefer_pss), tmp_path)

    (signature,) = report.signatures
    assert report.verdict is Verdict.TOTAL_PASSED
    assert signature.sub_indication is None
    assert signature.reasons == ()
    assert signature.signer == "Chủ tịch UBND – H26.01"
    assert signature.organisation == "UBND phường Một"
    assert signature.signed_at is not None
    facets = signature.facets
    assert {facets.integrity, facets.coverage, facets.changes} == {FacetState.OK}
    assert {facets.identity, facets.trust, facets.time} == {FacetState.OK}


def test_signature_then_elliptic_seal_both_pass(tmp_path: Path) -> None:
    report = verdict_on(signed(agency_seal(), signed_by_leader(), field="ConDau"), tmp_path)

    assert [each.field for each in report.signatures] == ["ChuKy", "ConDau"]
    assert [each.indication for each in report.signatures] == [Verdict.TOTAL_PASSED] * 2


def test_missing_revocation_evidence_is_a_warning(tmp_path: Path) -> None:
    report = verdict_on(signed_by_leader(), tmp_path)

    assert "revocation-not-checked" in {warning.code for warning in report.warnings}


def test_current_revocation_list_in_the_document_is_used(tmp_path: Path) -> None:
    report = verdict_on(with_revocation_list(signed_by_leader()), tmp_path)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert "revocation-not-checked" not in {warning.code for warning in report.warnings}


def test_altered_text_is_a_hash_failure(tmp_path: Path) -> None:
    report = verdict_on(tamper(signed_by_leader()), tmp_path)

    (signature,) = report.signatures
    assert report.verdict is Verdict.TOTAL_FAILED
    assert signature.sub_indication == "HASH_FAILURE"
    assert signature.facets.integrity is FacetState.FAILED
    assert signature.reasons == ("The document was altered after it was signed.",)


def test_altered_text_fails_the_seal_and_the_signature_under_it(tmp_path: Path) -> None:
    report = verdict_on(tamper(signed(agency_seal(), signed_by_leader(), field="ConDau")), tmp_path)

    assert [each.sub_indication for each in report.signatures] == ["HASH_FAILURE"] * 2


@pytest.mark.parametrize(
    ("member", "sub_indication"),
    [
        ("expired", "OUT_OF_BOUNDS_NO_POE"),
        ("tls_only", "CHAIN_CONSTRAINTS_FAILURE"),
        ("encryption_only", "CHAIN_CONSTRAINTS_FAILURE"),
    ],
)
def test_bad_certificate_is_indeterminate(tmp_path: Path, member: str, sub_indication: str) -> None:
    report = verdict_on(signed(getattr(authority(), member)), tmp_path)

    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].sub_indication == sub_indication
    assert report.signatures[0].facets.integrity is not FacetState.FAILED
    assert len(report.reasons) == 1


def test_unknown_root_is_indeterminate(tmp_path: Path) -> None:
    report = verdict_on(signed(stranger().seal("UBND phường Một")), tmp_path)

    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    assert report.signatures[0].facets.trust is FacetState.FAILED


def test_nothing_is_trusted_when_the_trust_folder_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "document.pdf"
    path.write_bytes(signed_by_leader())

    report = verify_file(path, basis=Basis(trust_store([]), NOW))

    assert report.signatures[0].sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_revoked_certificate_is_never_valid(tmp_path: Path) -> None:
    report = verdict_on(with_revocation_list(signed(authority().revoked)), tmp_path)

    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].sub_indication == "REVOKED_NO_POE"


def test_signature_time_stamped_after_the_revocation_fails(tmp_path: Path) -> None:
    stamped = signed_with_time_stamp(
        authority().revoked, stamped_at=NOW - timedelta(days=5), by=authority().time_stamper
    )

    report = verdict_on(with_revocation_list(stamped), tmp_path)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert report.signatures[0].sub_indication == "REVOKED"


def test_certificate_of_the_future_is_out_of_bounds(tmp_path: Path) -> None:
    report = verdict_on(signed_by_leader(), tmp_path, at=NOW - timedelta(days=500))

    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].sub_indication == "OUT_OF_BOUNDS_NO_POE"


def test_trusted_time_stamp_from_its_life_keeps_an_expired_certificate_valid(tmp_path: Path) -> None:
    stamped_at = NOW - timedelta(days=60)
    stamped = signed_with_time_stamp(authority().expired, stamped_at=stamped_at, by=authority().time_stamper)

    report = verdict_on(stamped, tmp_path)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert report.signatures[0].signed_at == stamped_at


def test_untrusted_time_stamp_proves_nothing(tmp_path: Path) -> None:
    stamped = signed_with_time_stamp(
        authority().expired, stamped_at=NOW - timedelta(days=60), by=stranger().time_stamper
    )

    report = verdict_on(stamped, tmp_path)

    assert report.signatures[0].sub_indication == "OUT_OF_BOUNDS_NO_POE"
    assert "time-stamp-not-trusted" in {warning.code for warning in report.warnings}


def test_document_time_stamp_is_nobodys_signature(tmp_path: Path) -> None:
    alone = verdict_on(with_document_time_stamp(plain_pdf()), tmp_path)
    behind = verdict_on(with_document_time_stamp(signed_by_leader()), tmp_path)

    assert alone.verdict is Verdict.UNSIGNED
    assert [each.role for each in behind.signatures] == ["", "time-stamp"]
    assert behind.verdict is Verdict.TOTAL_PASSED


@pytest.mark.parametrize("content", [b"%PDF-1.7\n", b"%PDF-1.4\n1 0 obj\n" * 50, b"?PDF-1.7\n%%EOF\n"])
def test_broken_pdf_gets_a_verdict(tmp_path: Path, content: bytes) -> None:
    report = verdict_on(content, tmp_path)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert report.signatures[0].codes == ("pdf-broken",)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello", b"\x89PNG\r\n\x1a\n"])
def test_what_nobody_signs_is_unreadable(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Unreadable):
        verdict_on(content, tmp_path)


def test_receipt_key_cannot_sign_documents(tmp_path: Path) -> None:
    made = create_receipt_key(now=NOW)
    key = load_pem_private_key(made.private_pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    receipts = Identity(key, load_pem_x509_certificate(made.certificate_pem))
    path = tmp_path / "document.pdf"
    path.write_bytes(signed(receipts))

    report = verify_file(path, basis=Basis(trust_store([receipts.certificate]), NOW))

    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].sub_indication == "CHAIN_CONSTRAINTS_FAILURE"
