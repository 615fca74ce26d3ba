"""What a verdict tells: proven from claimed time, and what was judged from what was not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ops.dev.pki import Identity
from signing.basis import Basis
from signing.report import Facets, FacetState, SignatureReport, Verdict
from signing.trust import trust_store
from signing.verify import verify_file
from tests.support import cms_making, pki
from tests.support.xml_packets import PACKET, with_dialect

LATER = pki.NOW + timedelta(days=30)
CLOCK_VI, CLOCK_EN = "(theo giờ máy của người ký)", "(by the signer's own clock)"


def stamped(by: Identity) -> bytes:
    return pki.signed_with_time_stamp(pki.leader(), stamped_at=pki.NOW - timedelta(hours=1), by=by)


def test_time_of_a_trusted_stamp_is_proven(tmp_path: Path) -> None:
    (signature,) = pki.verdict_on(stamped(pki.authority().time_stamper), tmp_path, at=LATER).signatures

    assert signature.indication is Verdict.TOTAL_PASSED
    assert signature.signed_at_proven
    assert CLOCK_VI not in signature.sentence_vi
    assert CLOCK_EN not in signature.sentence_en


def test_time_of_a_strangers_stamp_is_no_more_than_claimed(tmp_path: Path) -> None:
    (signature,) = pki.verdict_on(stamped(pki.stranger().time_stamper), tmp_path, at=LATER).signatures

    assert (signature.indication, signature.level) == (Verdict.TOTAL_PASSED, "PAdES-B-T")
    assert not signature.signed_at_proven
    assert CLOCK_VI in signature.sentence_vi
    assert CLOCK_EN in signature.sentence_en


def test_time_without_a_stamp_is_no_more_than_claimed(tmp_path: Path) -> None:
    (signature,) = pki.verdict_on(pki.signed_by_leader(), tmp_path).signatures

    assert not signature.signed_at_proven
    assert CLOCK_VI in signature.sentence_vi


def test_document_time_stamp_proves_its_own_time_and_that_of_the_signature(tmp_path: Path) -> None:
    report = pki.verdict_on(pki.with_document_time_stamp(pki.signed_by_leader()), tmp_path, at=LATER)

    assert [each.signed_at_proven for each in report.signatures] == [True, True]
    assert not any("clock" in each.sentence_en for each in report.signatures)


def only(path: Path, content: bytes) -> SignatureReport:
    path.write_bytes(content)
    report = verify_file(path, basis=Basis(trust_store([]), pki.NOW))
    return report.signatures[0]


def test_signature_without_its_document_is_held_against_nothing(tmp_path: Path) -> None:
    signature = only(tmp_path / "a.p7s", cms_making.signed())

    assert signature.sub_indication == "SIGNED_DATA_NOT_FOUND"
    assert signature.facets == Facets()


def test_dialect_of_packets_fails_no_facet(tmp_path: Path) -> None:
    signature = only(tmp_path / "a.edxml", with_dialect(PACKET).encode())

    assert (signature.indication, signature.codes) == (Verdict.INDETERMINATE, ("edxml-dialect",))
    assert signature.facets == Facets()


@pytest.mark.parametrize("sub_filter", [b"/adbe.x509.rsa_sha1", b"/Unheard.Of"])
def test_format_that_is_not_supported_fails_no_facet(tmp_path: Path, sub_filter: bytes) -> None:
    pdf = pki.signed_by_leader()
    named = b"/ETSI.CAdES.detached"
    signature = only(tmp_path / "a.pdf", pdf.replace(named, sub_filter.ljust(len(named)), 1))

    assert signature.codes == ("format-not-supported",)
    assert signature.facets.integrity is FacetState.UNKNOWN


def test_seal_after_the_leaders_signature_is_told(tmp_path: Path) -> None:
    pdf = pki.signed(pki.agency_seal(), pki.signed_by_leader(), field="ConDau")
    leader, seal = pki.verdict_on(pdf, tmp_path).signatures

    assert leader.sentence_vi.endswith(
        "; sau đó văn bản chỉ được thêm chữ ký số hoặc con dấu khác, nội dung không thay đổi."
    )
    assert seal.sentence_vi.endswith("; từ đó văn bản không bị thay đổi.")


def test_evidence_and_time_stamps_after_a_signature_are_no_further_signatures(tmp_path: Path) -> None:
    pdf = pki.with_document_time_stamp(pki.with_revocation_list(pki.signed_by_leader()))
    signature, _ = pki.verdict_on(pdf, tmp_path, at=LATER).signatures

    assert signature.sentence_vi.endswith("; từ đó văn bản không bị thay đổi.")
