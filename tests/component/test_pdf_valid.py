"""Good PDFs pass, however they are written and whatever of good was added after the first signature."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyhanko.sign.fields import MDPPerm

from ops.dev.pki import Identity
from signing.basis import Basis
from signing.pdf import pictures
from signing.report import FacetState, Verdict, VerificationReport
from signing.trust import load_trust
from signing.verify import verify_file
from tests.support.pdf_files import FIRST_PAGE, FONT, appended, classic, hybrid, paper, streamed
from tests.support.pdf_shadows import certified, once, twice
from tests.support.pdf_signing import (
    LEADER_BOX,
    SEAL_BOX,
    Ink,
    edwards,
    leader_then_seal,
    signed_with,
    with_evidence,
)
from tests.support.pki import (
    NOW,
    agency_seal,
    authority,
    leader,
    plain_pdf,
    verdict_on,
    with_document_time_stamp,
)

_TREE = {30: b"<< /Type /StructTreeRoot /K 31 0 R >>", 31: b"<< /Type /StructElem /S /Document /P 30 0 R >>"}


@cache
def word_like() -> bytes:
    """What a word processor writes: hybrid cross-references, the structure tree for newer readers alone."""
    return hybrid(paper(2, catalog=b"/StructTreeRoot 30 0 R"), _TREE)


@cache
def levels() -> tuple[bytes, bytes, bytes, bytes]:
    """One paper as PAdES B-B, B-T, B-LT and B-LTA."""
    stamped = signed_with(classic(paper(2)), leader(), Ink(is_stamped=True))
    covered = with_evidence(stamped)
    return signed_with(classic(paper(2)), leader()), stamped, covered, with_document_time_stamp(covered)


@cache
def packed() -> bytes:
    return streamed(paper(2), packed=[1, 2, 3, FIRST_PAGE])


@cache
def with_dormant_object() -> bytes:
    return signed_with(classic(paper(2) | {50: b"(nobody leads here)"}), leader(), Ink(box=LEADER_BOX))


VALID: dict[str, Callable[[], bytes]] = {
    "one page from a drawing program": lambda: signed_with(plain_pdf(), leader()),
    "an elliptic key": lambda: signed_with(classic(paper()), agency_seal()),
    "Ed25519": lambda: signed_with(classic(paper()), edwards()),
    "RSA with PSS": lambda: signed_with(classic(paper()), leader(), Ink(prefer_pss=True)),
    "the older format": lambda: signed_with(classic(paper()), leader(), Ink(is_pades=False)),
    "a visible signature": once,
    "a leader, then the seal over the picture": twice,
    "two invisible signatures": lambda: signed_with(levels()[0], agency_seal(), Ink("ConDau")),
    "three signatures": lambda: signed_with(twice(), edwards(), Ink("Ba", box=(60, 60, 160, 120))),
    "signatures on different pages": lambda: signed_with(
        once(), agency_seal(), Ink("Hai", box=SEAL_BOX, page=1)
    ),
    "a seal beside the text": lambda: signed_with(once(), agency_seal(), Ink("Hai", box=(60, 60, 160, 160))),
    "evidence after a signature": lambda: with_evidence(once()),
    "evidence after the seal": lambda: with_evidence(twice()),
    "evidence and a time-stamp after the seal": lambda: with_document_time_stamp(with_evidence(twice())),
    "a time-stamp over a time-stamp": lambda: with_document_time_stamp(with_evidence(levels()[3])),
    "cross-reference streams": lambda: signed_with(streamed(paper(2)), leader()),
    "object streams": lambda: signed_with(packed(), leader()),
    "object streams, leader then seal": lambda: leader_then_seal(packed()),
    "object streams and evidence": lambda: with_evidence(leader_then_seal(packed())),
    "hybrid cross-references": lambda: signed_with(word_like(), leader(), is_strict=False),
    "hybrid, leader then seal": lambda: leader_then_seal(word_like(), is_strict=False),
    "a new object nobody uses": lambda: appended(once(), {990: b"(rest)"}),
    "an object freed that nobody used": lambda: appended(once(), {}, freed=[(990, 1)]),
    "freed and made anew, as some programs do": lambda: appended(
        with_dormant_object(), {990: b"(x)"}, freed=[(50, 1)]
    ),
    "information about the document": lambda: appended(
        once(), {990: b"<< /ModDate (D:20261122) >>"}, members=b"/Info 990 0 R"
    ),
    "white space behind the end": lambda: once() + b"\r\n\n",
    "certified for filling in, then signed": lambda: signed_with(
        certified(MDPPerm.FILL_FORMS), leader(), Ink("Hai")
    ),
    "certified against changes, then evidence": lambda: with_evidence(certified(MDPPerm.NO_CHANGES)),
    "digits in capitals": lambda: with_capital_digits(levels()[0]),
}


def with_capital_digits(pdf: bytes) -> bytes:
    start = pdf.index(b"/Contents <") + len(b"/Contents <")
    end = pdf.index(b">", start)
    return pdf[:start] + pdf[start:end].upper() + pdf[end:]


@pytest.mark.parametrize("name", VALID)
def test_good_file_passes_in_every_facet_of_every_signature(tmp_path: Path, name: str) -> None:
    report = verdict_on(VALID[name](), tmp_path)

    assert report.verdict is Verdict.TOTAL_PASSED, report.reasons
    for signature in report.signatures:
        facets = signature.facets
        assert {facets.integrity, facets.coverage, facets.changes} == {FacetState.OK}
        assert {facets.identity, facets.trust, facets.time} == {FacetState.OK}


def test_level_is_told_by_what_is_there(tmp_path: Path) -> None:
    told = [verdict_on(pdf, tmp_path).signatures[0].level for pdf in levels()]

    assert told == ["PAdES-B-B", "PAdES-B-T", "PAdES-B-LT", "PAdES-B-LTA"]


def test_document_time_stamp_is_listed_as_what_it_is(tmp_path: Path) -> None:
    report = verdict_on(levels()[3], tmp_path)

    signature, stamp = report.signatures
    assert (signature.role, stamp.role, stamp.level) == ("", "time-stamp", "RFC3161")
    assert stamp.signed_at == NOW
    assert stamp.signer == "Dịch vụ cấp dấu thời gian"


def test_document_time_stamp_of_a_day_to_come_is_never_believed(tmp_path: Path) -> None:
    report = verdict_on(with_document_time_stamp(levels()[2], at=NOW + timedelta(days=1)), tmp_path)

    signature, stamp = report.signatures
    assert (stamp.facets.time, stamp.codes) == (FacetState.FAILED, ("time-stamp-from-the-future",))
    assert "time-stamp-from-the-future" in signature.codes
    assert report.verdict is Verdict.INDETERMINATE


def test_document_time_stamp_older_than_the_certificate_of_its_authority_is_not_believed(
    tmp_path: Path,
) -> None:
    report = verdict_on(with_document_time_stamp(levels()[2], at=NOW - timedelta(days=4_000)), tmp_path)

    _, stamp = report.signatures
    assert (stamp.indication, stamp.sub_indication) == (Verdict.INDETERMINATE, "OUT_OF_BOUNDS_NO_POE")


def test_broken_document_time_stamp_is_never_silent(tmp_path: Path) -> None:
    genuine = levels()[3]
    padded = genuine.rindex(b"/Contents <") + len(b"/Contents <")
    last = padded + len(genuine[padded:].split(b">")[0].rstrip(b"0")) - 9
    broken = genuine[:last] + (b"1" if genuine[last : last + 1] == b"0" else b"0") + genuine[last + 1 :]

    report = verdict_on(broken, tmp_path)

    assert [each.indication for each in report.signatures] == [Verdict.TOTAL_PASSED, Verdict.TOTAL_FAILED]
    assert report.verdict is Verdict.TOTAL_FAILED


def test_file_is_read_leniently_with_a_warning(tmp_path: Path) -> None:
    # A section that frees an object for ever may only be the first one, by the strict reading.
    sloppy = appended(with_dormant_object(), {}, freed=[(50, 0)])

    report = verdict_on(sloppy, tmp_path)

    assert report.verdict is Verdict.TOTAL_PASSED, report.reasons
    assert "lenient-parse" in {warning.code for warning in report.warnings}


@pytest.mark.parametrize("finished", [with_evidence, lambda pdf: pdf], ids=["with evidence", "without"])
def test_sloppy_object_seen_only_while_judging_is_read_leniently_too(
    tmp_path: Path, finished: Callable[[bytes], bytes]
) -> None:
    untidy = paper(2)
    untidy[FONT] += b" null"
    signed = finished(leader_then_seal(classic(untidy), is_strict=False))

    report = verdict_on(signed, tmp_path)

    assert report.verdict is Verdict.TOTAL_PASSED, report.reasons
    assert "lenient-parse" in {warning.code for warning in report.warnings}


@pytest.mark.parametrize(("drawings", "verdict"), [(5, Verdict.INDETERMINATE), (6, Verdict.TOTAL_PASSED)])
def test_evidence_too_is_followed_by_a_look_and_each_page_of_today_is_drawn_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawings: int, verdict: Verdict
) -> None:
    monkeypatch.setattr(pictures, "_MAX_DRAWN", drawings)  # two pages, as they are and as two signatures saw
    archived_twice = with_document_time_stamp(with_evidence(levels()[3]))

    assert verdict_on(archived_twice, tmp_path).verdict is verdict


def test_after_a_seal_only_evidence_may_follow(tmp_path: Path) -> None:
    sealed = twice()
    followed = signed_with(sealed, leader(), Ink("Ba"))

    good = with_roles(with_document_time_stamp(with_evidence(sealed)), tmp_path)
    bad = with_roles(followed, tmp_path)

    assert good.verdict is Verdict.TOTAL_PASSED, good.reasons
    assert [each.codes for each in bad.signatures] == [(), ("changed-after-seal",), ()]
    assert bad.verdict is Verdict.TOTAL_FAILED


def with_roles(pdf: bytes, folder: Path) -> VerificationReport:
    """The verdict where the trust folder says whose seal it is."""
    domain = folder / "trust" / "cong-vu"
    authority().write_trust(domain)
    (domain / "domain.toml").write_text(
        f'[[signers]]\nrole = "seal"\nagency = "H26.01"\nspki_sha256 = "{spki_sha256(agency_seal())}"\n'
    )
    path = folder / "sealed.pdf"
    path.write_bytes(pdf)
    return verify_file(path, basis=Basis(load_trust(folder / "trust"), NOW))


def spki_sha256(identity: Identity) -> str:
    key = identity.certificate.public_key()
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
