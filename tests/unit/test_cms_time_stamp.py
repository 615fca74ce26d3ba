"""Time-stamp tokens: true ones are read, and no lie of an authority or a forger is believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from asn1crypto import cms, x509  # type: ignore[import-untyped]
from pyhanko.sign.validation.generic_cms import validate_sig_integrity

from signing.cms.der import wrapped
from signing.cms.time_stamp import read_document_stamp, read_stamp
from signing.reasons import Refused
from tests.support.cms_findings import finding_of_stamp
from tests.support.cms_holders import holder, issued, time_stamper
from tests.support.cms_hostile import indefinite
from tests.support.cms_lying_stamps import LIES, STAMPED
from tests.support.cms_making import ESS_V2, digest, enveloping, ess_v1, stamp_draft, stamp_statement, token


@pytest.mark.parametrize(
    ("made", "found"),
    [
        pytest.param(make, found, id=f"{found}: {name}")
        for found, group in LIES.items()
        for name, make in group.items()
    ],
)
def test_lie_about_time_is_found_out(made: Callable[[bytes], bytes], found: str) -> None:
    assert finding_of_stamp(made(STAMPED), stamped=STAMPED) == found


@pytest.mark.parametrize(
    "make",
    [
        lambda: token(STAMPED),
        lambda: token(STAMPED, hash="sha512"),
        lambda: token(STAMPED, nonce=None, accuracy=None),
        lambda: token(STAMPED, ordering=wrapped(0x01, b"\xff")),
        lambda: enveloping(stamp_draft(stamp_statement(STAMPED), who=holder("p256"))),
        lambda: enveloping(stamp_draft(stamp_statement(STAMPED), hash="sha512")),
        lambda: enveloping(
            stamp_draft(
                stamp_statement(STAMPED),
                left_out=frozenset({ESS_V2}),
                added=(ess_v1(time_stamper().certificate),),
            )
        ),
    ],
)
def test_true_time_stamp_is_good(make: Callable[[], bytes]) -> None:
    assert finding_of_stamp(make(), stamped=STAMPED) == "good"


def test_true_time_stamp_in_ber_is_lenient() -> None:
    assert finding_of_stamp(indefinite(token(STAMPED)), stamped=STAMPED) == "lenient"


def test_time_and_authority_are_read() -> None:
    stamp = read_stamp(token(STAMPED), stamped=STAMPED)

    assert stamp.generated_at == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    assert stamp.signer.certificate == time_stamper().certificate


def test_slow_engine_reads_the_same_out_of_it() -> None:
    stamp = read_stamp(token(STAMPED), stamped=STAMPED)

    parts = cms.ContentInfo.load(token(STAMPED))["content"]
    said = parts["encap_content_info"]["content"].parsed
    assert said["gen_time"].native == stamp.generated_at
    assert said["message_imprint"]["hashed_message"].native == digest(STAMPED)("sha256")
    is_intact, is_genuine = validate_sig_integrity(
        parts["signer_infos"][0],
        x509.Certificate.load(stamp.signer.certificate),
        "tst_info",
        digest(parts["encap_content_info"]["content"].contents)("sha256"),
    )
    assert (stamp.signer.is_intact, stamp.signer.is_genuine) == (is_intact, is_genuine) == (True, True)


def test_document_time_stamp_is_compared_with_the_digest_of_the_document() -> None:
    assert read_document_stamp(token(STAMPED), digest=digest(STAMPED)).has_imprint
    assert not read_document_stamp(token(STAMPED), digest=digest(b"else")).has_imprint


def test_token_without_certificates_is_read_with_the_authoritys_own_at_hand() -> None:
    bare = enveloping(stamp_draft(stamp_statement(STAMPED)), version=3, certificates=[])
    others = (holder().certificate, *time_stamper().chain)

    stamp = read_stamp(bare, stamped=STAMPED, at_hand=(*others, time_stamper().certificate))

    assert stamp.signer.certificate == time_stamper().certificate
    assert stamp.has_imprint
    assert (stamp.signer.is_intact, stamp.signer.is_genuine) == (True, True)
    assert stamp.signer.evidence.certificates == ()


@pytest.mark.parametrize(
    "at_hand", [(), (holder().certificate,), (issued(time_stamper().key, name="TSA").certificate,)]
)
def test_token_whose_authority_is_not_at_hand_is_said_to_be_so(at_hand: tuple[bytes, ...]) -> None:
    bare = enveloping(stamp_draft(stamp_statement(STAMPED)), version=3, certificates=[])

    with pytest.raises(Refused) as refused:
        read_stamp(bare, stamped=STAMPED, at_hand=at_hand)

    assert refused.value.reason.code == "time-stamp-authority-missing"


def test_other_certificate_of_the_authority_at_hand_is_not_taken() -> None:
    own = time_stamper()
    twin = issued(own.key, name="TSA", serial=own.x509.serial_number)
    bare = enveloping(stamp_draft(stamp_statement(STAMPED)), version=3, certificates=[])

    with pytest.raises(Refused) as refused:
        read_stamp(bare, stamped=STAMPED, at_hand=(twin.certificate,))

    assert refused.value.reason.code == "other-signing-certificate"
