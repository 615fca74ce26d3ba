"""Signature files: beside their document or around it, in every coding, and never a verdict too good."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.report import FacetState, Verdict
from tests.support.cms_findings import Made
from tests.support.cms_holders import NOW, Holder, another, holder, issued, new_key
from tests.support.cms_hostile import FORMS, Make, indefinite, stripped
from tests.support.cms_hostile_algorithms import ALGORITHMS
from tests.support.cms_lying_stamps import LIES
from tests.support.cms_making import (
    CONTENT,
    COUNTER_SIGNATURE,
    ESS_V2,
    SIGNATURE_TIME_STAMP,
    attribute,
    detached,
    draft,
    enveloping,
    null,
    octets,
    signed,
    stamp_draft,
    stamp_statement,
    time_stamped,
    token,
)
from tests.support.cms_trust import verdict_on

_MOST_SECONDS = 10.0
_YEAR = timedelta(days=365)


def pem(contents: bytes, *, kind: str = "PKCS7") -> bytes:
    lines = base64.encodebytes(contents)
    return f"-----BEGIN {kind}-----\n".encode() + lines + f"-----END {kind}-----\n".encode()


def stamped_by(who: Holder, *, statement: Callable[[bytes], bytes] = stamp_statement) -> bytes:
    """A signature with a time-stamp of somebody's."""
    return signed(
        unsigned=lambda value: [
            attribute(SIGNATURE_TIME_STAMP, enveloping(stamp_draft(statement(value), who=who)))
        ]
    )


@pytest.mark.parametrize(
    "coded",
    [
        signed,
        lambda: pem(signed()),
        lambda: pem(signed(), kind="CMS"),
        lambda: pem(signed(), kind="PKCS #7 SIGNED DATA"),
        lambda: b"\r\n" + pem(signed()).replace(b"\n", b"\r\n") + b"\n",
        lambda: base64.b64encode(signed()),
        lambda: base64.encodebytes(signed()),
    ],
)
def test_signature_beside_its_document_passes_in_every_coding(
    tmp_path: Path, coded: Callable[[], bytes]
) -> None:
    report = verdict_on(coded(), tmp_path, document=CONTENT)

    assert (report.verdict, report.kind) == (Verdict.TOTAL_PASSED, "cms")
    (signature,) = report.signatures
    assert (signature.field, signature.level, signature.signer) == ("1", "CAdES-B-B", "UBND phường Một")
    assert signature.facets.coverage is signature.facets.changes is FacetState.OK


def test_signature_around_its_document_passes(tmp_path: Path) -> None:
    assert verdict_on(enveloping(draft("p256")), tmp_path).verdict is Verdict.TOTAL_PASSED


def test_large_document_is_judged(tmp_path: Path) -> None:
    document = CONTENT * 200_000

    assert verdict_on(signed(content=document), tmp_path, document=document).verdict is Verdict.TOTAL_PASSED
    assert verdict_on(enveloping(draft(content=document)), tmp_path).verdict is Verdict.TOTAL_PASSED


def test_each_signer_has_a_verdict_and_the_worst_is_that_of_the_file(tmp_path: Path) -> None:
    contents = detached(
        draft(), draft("p256", value=b"\x30\x00"), draft("ed25519", has_attributes=False), draft("p384")
    )

    report = verdict_on(contents, tmp_path, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert [(each.field, each.sub_indication) for each in report.signatures] == [
        ("1", None),
        ("2", "SIG_CRYPTO_FAILURE"),
        ("3", "FORMAT_FAILURE"),
        ("4", None),
    ]


def test_many_signers_with_as_much_to_read_as_can_be_are_judged_in_time(tmp_path: Path) -> None:
    heap = attribute("1.2.3", *[null()] * 900)
    wide = draft(unsigned=lambda value: [attribute("1.2.3", b"\x30\x80" + null() * 90_000 + b"\0\0"), heap])
    started = time.process_time()

    report = verdict_on(detached(*[wide] * 50), tmp_path, document=CONTENT)

    assert len(report.signatures) == 50
    assert time.process_time() - started < _MOST_SECONDS


def test_altered_document_is_a_hash_failure(tmp_path: Path) -> None:
    report = verdict_on(signed(), tmp_path, document=CONTENT + b" ")

    assert [each.sub_indication for each in report.signatures] == ["HASH_FAILURE"]


def test_signature_without_its_document_is_indeterminate(tmp_path: Path) -> None:
    report = verdict_on(signed(), tmp_path)

    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].sub_indication == "SIGNED_DATA_NOT_FOUND"


def test_document_inside_and_the_same_beside_passes(tmp_path: Path) -> None:
    report = verdict_on(enveloping(draft()), tmp_path, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_PASSED, report.reasons


def test_altered_document_inside_and_the_same_beside_is_a_hash_failure(tmp_path: Path) -> None:
    altered = CONTENT + b" "

    report = verdict_on(enveloping(draft(), content=octets(altered)), tmp_path, document=altered)

    assert [each.sub_indication for each in report.signatures] == ["HASH_FAILURE"]


@pytest.mark.parametrize("beside", [CONTENT + b" ", CONTENT[:-1], b""])
def test_document_inside_and_another_beside_is_refused(tmp_path: Path, beside: bytes) -> None:
    report = verdict_on(enveloping(draft()), tmp_path, document=beside)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert report.signatures[0].codes == ("two-contents",)


def test_attributes_handed_in_as_the_document_are_refused(tmp_path: Path) -> None:
    forged = stripped("rsa")

    report = verdict_on(forged.contents, tmp_path, document=forged.content)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert report.signatures[0].codes == ("attributes-as-content",)


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"\x30",
        b"\n",
        b"no signature",
        pem(b"no signature"),
        pem(b""),
        b"-----BEGIN PKCS7-----\n",
        b"-----BEGIN PKCS7-----\n????\n-----END PKCS7-----\n",
        b"-----BEGIN CMS-----\nAAAA\n-----END PKCS7-----\n",
        bytes(100_000),
        b"\x30" * 100_000,
        b"MII" * 100_000,
    ],
)
def test_what_is_no_signature_gets_a_verdict(tmp_path: Path, contents: bytes) -> None:
    report = verdict_on(contents, tmp_path, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert report.signatures[0].sub_indication == "FORMAT_FAILURE"


def test_two_signatures_in_one_pem_file_are_refused(tmp_path: Path) -> None:
    report = verdict_on(pem(signed()) + pem(signed("p256")), tmp_path, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_FAILED


def test_missing_files_are_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verdict_on(signed(), tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("contents", "level"),
    [
        (signed, "CAdES-B-B"),
        (lambda: signed(left_out=frozenset({ESS_V2})), "PKCS7"),
        (time_stamped, "CAdES-B-T"),
    ],
)
def test_level_is_that_it_was_made_to(tmp_path: Path, contents: Callable[[], bytes], level: str) -> None:
    report = verdict_on(contents(), tmp_path, document=CONTENT)

    assert (report.verdict, report.signatures[0].level) == (Verdict.TOTAL_PASSED, level)


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        (lambda: indefinite(signed()), "lenient-parse"),
        (
            lambda: signed(unsigned=lambda value: [attribute(COUNTER_SIGNATURE, draft("p256").made())]),
            "counter-signature",
        ),
        (
            lambda: signed(unsigned=lambda value: [attribute("0.4.0.1733.2.4", octets(b"x"))]),
            "archive-time-stamp",
        ),
    ],
)
def test_what_was_not_judged_or_is_loose_is_said(
    tmp_path: Path, contents: Callable[[], bytes], code: str
) -> None:
    report = verdict_on(contents(), tmp_path, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert code in {warning.code for warning in report.warnings}


def test_weak_signature_is_not_valid(tmp_path: Path) -> None:
    report = verdict_on(signed(hash="sha1"), tmp_path, document=CONTENT)

    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].codes[0] == "weak-algorithm"


def test_signer_beyond_its_certificate_passes_with_a_time_stamp_alone(tmp_path: Path) -> None:
    later = NOW + timedelta(days=300)

    assert verdict_on(signed(), tmp_path, document=CONTENT, at=later).verdict is Verdict.INDETERMINATE
    report = verdict_on(time_stamped(), tmp_path, document=CONTENT, at=later)
    assert report.verdict is Verdict.TOTAL_PASSED, report.reasons


def _tsa(
    *, purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,), years: int = 5
) -> Holder:
    return issued(
        new_key("time-stamper"),
        name="TSA",
        purposes=purposes,
        ends=NOW + years * _YEAR,
        starts=NOW - 3 * _YEAR,
    )


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(lambda: stamped_by(another()), id="by a certificate for documents"),
        pytest.param(lambda: stamped_by(_tsa(purposes=())), id="by a certificate for anything"),
        pytest.param(
            lambda: stamped_by(_tsa(purposes=(ExtendedKeyUsageOID.CODE_SIGNING,))), id="for another purpose"
        ),
        pytest.param(
            lambda: stamped_by(
                _tsa(purposes=(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION))
            ),
            id="for time-stamps among others",
        ),
        pytest.param(lambda: stamped_by(_tsa(years=-1)), id="by an expired authority"),
        pytest.param(
            lambda: stamped_by(Holder(new_key("another rsa"), holder().certificate)), id="with another key"
        ),
        pytest.param(
            lambda: stamped_by(_tsa(), statement=lambda value: stamp_statement(b"else")),
            id="of another signature",
        ),
        pytest.param(
            lambda: stamped_by(_tsa(), statement=lambda value: stamp_statement(value, hash="sha1")),
            id="over a weak digest",
        ),
        pytest.param(
            lambda: stamped_by(
                _tsa(),
                statement=lambda value: stamp_statement(value, generated_at=b"\x18\x0f20281121083000Z"),
            ),
            id="from the future",
        ),
        pytest.param(
            lambda: signed(unsigned=lambda value: [attribute(SIGNATURE_TIME_STAMP, null())]), id="of nothing"
        ),
        pytest.param(
            lambda: signed(unsigned=lambda value: [attribute(SIGNATURE_TIME_STAMP, octets(token(value)))]),
            id="in a string",
        ),
    ],
)
def test_lying_time_stamp_proves_nothing_for_an_expired_signer(
    tmp_path: Path, contents: Callable[[], bytes]
) -> None:
    report = verdict_on(contents(), tmp_path, document=CONTENT, at=NOW + timedelta(days=300))

    assert report.verdict in {Verdict.INDETERMINATE, Verdict.TOTAL_FAILED}
    assert report.signatures[0].facets.time is FacetState.FAILED


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=f"{found}: {name}")
        for found, group in LIES.items()
        for name, make in group.items()
    ],
)
def test_lying_token_proves_nothing_for_an_expired_signer(
    tmp_path: Path, make: Callable[[bytes], bytes]
) -> None:
    contents = signed(unsigned=lambda value: [attribute(SIGNATURE_TIME_STAMP, make(value))])

    report = verdict_on(contents, tmp_path, document=CONTENT, at=NOW + timedelta(days=300))

    assert report.verdict is not Verdict.TOTAL_PASSED


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=f"{found}: {name}")
        for groups in (FORMS, ALGORITHMS)
        for found, group in groups.items()
        for name, make in group.items()
        if found != "not-one-signer"
    ],
)
def test_no_forged_signature_file_passes(tmp_path: Path, make: Make) -> None:
    made = make()
    made = made if isinstance(made, Made) else Made(made)

    report = verdict_on(made.contents, tmp_path, document=made.content)

    assert report.verdict in {Verdict.TOTAL_FAILED, Verdict.INDETERMINATE}
    assert all(each.codes and each.sentence_vi for each in report.signatures)
