"""CMS signatures that hold: what is read out of them, and that other engines read the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto.ocsp import OCSPResponse  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.serialization import Encoding

from signing.cms.der import wrapped
from signing.cms.signed_data import read_signers
from signing.reasons import Refused
from tests.support.cms_findings import Made, finding_of, finding_of_stamp
from tests.support.cms_holders import authority, holder
from tests.support.cms_hostile import FORMS, Make, indefinite, instead
from tests.support.cms_hostile_algorithms import ALGORITHMS
from tests.support.cms_making import (
    ADOBE_REVOCATION,
    COUNTER_SIGNATURE,
    ESS_V2,
    SIGNATURE_TIME_STAMP,
    SIGNING_TIME,
    attribute,
    detached,
    draft,
    null,
    object_id,
    octets,
    sequence,
    signed,
    time_stamped,
    token,
    utc_time,
)
from tests.support.cms_second_opinion import Opinion, pyhanko
from tests.support.cms_valid import GOOD, LENIENT

_BEYOND_PYHANKO = {
    "rsa, sha3_256",
    "ed448, shake_256",
    "ECDSA named as a key",
    # It verifies the attributes as they stand alone; DSS takes both, as we do.
    "attributes unsorted but signed in order",
    # It hands the token on as it stands, and we in DER.
    "open length in its time-stamp",
}


def _made(make: Make) -> Made:
    made = make()
    return made if isinstance(made, Made) else Made(made)


@pytest.mark.parametrize("name", GOOD)
def test_true_signature_is_good(name: str) -> None:
    assert _made(GOOD[name]).finding() == "good"


@pytest.mark.parametrize("name", LENIENT)
def test_true_signature_in_a_looser_form_is_taken_and_said_to_be_loose(name: str) -> None:
    assert _made(LENIENT[name]).finding() == "lenient"


@pytest.mark.parametrize("name", [name for name in GOOD | LENIENT if name not in _BEYOND_PYHANKO])
def test_slow_engine_reads_the_same_out_of_it(name: str) -> None:
    made = _made((GOOD | LENIENT)[name])

    (signer,) = made.signers()

    assert pyhanko(made) == Opinion.ours(signer)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=f"{found}: {name}")
        for groups in (FORMS, ALGORITHMS)
        for found, group in groups.items()
        for name, make in group.items()
    ],
)
def test_what_is_good_here_is_good_to_the_slow_engine(make: Make) -> None:
    made = _made(make)
    opinion = pyhanko(made)
    try:
        (signer,) = made.signers()
    except Refused:
        return

    assert opinion is None or (signer.is_intact, signer.is_genuine) == (opinion.is_intact, opinion.is_genuine)


def test_two_signers_are_told_apart() -> None:
    made = Made(detached(draft(), draft("p256")))

    first, second = made.signers(max_signers=2)

    assert (finding_of(first), finding_of(second)) == ("good", "good")
    assert (first.certificate, second.certificate) == (holder().certificate, holder("p256").certificate)


@pytest.mark.parametrize(
    ("claimed", "read"),
    [
        (utc_time("261121080000Z"), datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (utc_time("2611210800Z"), datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (utc_time("261121150000+0700"), datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (utc_time("700101000000Z"), datetime(1970, 1, 1, tzinfo=UTC)),
        (utc_time("500101000000Z"), datetime(1950, 1, 1, tzinfo=UTC)),
        (wrapped(0x18, b"20501121080000.5Z"), datetime(2050, 11, 21, 8, tzinfo=UTC)),
        (wrapped(0x18, b"00010101000000Z"), datetime(1, 1, 1, tzinfo=UTC)),
        (wrapped(0x18, b"99991231235959-1200"), None),
        (wrapped(0x18, b"22010101000000Z"), datetime(2201, 1, 1, tzinfo=UTC)),
        (wrapped(0x18, b"20261121080000"), None),
        (utc_time("261321080000Z"), None),
        (utc_time("261121086000Z"), None),
        (utc_time("261121080000+9900"), None),
        (utc_time(""), None),
        (utc_time("2" * 100_000), None),
        (wrapped(0x17, "２６１１２１０８００００Z".encode()), None),
        (null(), None),
        (sequence(), None),
    ],
)
def test_claimed_time_is_read_or_passed_over(claimed: bytes, read: datetime | None) -> None:
    (signer,) = Made(instead(SIGNING_TIME, attribute(SIGNING_TIME, claimed))).signers()

    assert (signer.claimed_at, finding_of(signer)) == (read, "good")


def test_signature_without_the_attribute_is_not_bound_to_its_certificate() -> None:
    (loose,) = Made(instead(ESS_V2)).signers()
    (bound,) = Made(signed()).signers()

    assert (loose.is_bound, bound.is_bound) == (False, True)


def test_evidence_is_collected_from_every_place_it_may_stand_in() -> None:
    crl = authority().crl.public_bytes(Encoding.DER)
    basic, answer = sequence(octets(b"basic")), sequence(octets(b"answer"))
    archived = attribute(
        ADOBE_REVOCATION,
        sequence(wrapped(0xA0, sequence(crl)), wrapped(0xA1, sequence(answer))),
    )
    values = [
        attribute("1.2.840.113549.1.9.16.2.23", sequence(holder("p256").certificate)),
        attribute("1.2.840.113549.1.9.16.2.24", sequence(wrapped(0xA1, sequence(basic)))),
    ]
    lists = crl + wrapped(0xA1, object_id("1.3.6.1.5.5.7.16.2") + answer)
    contents = detached(draft(added=(archived,), unsigned=lambda value: values), lists=lists)

    (signer,) = Made(contents).signers()

    assert signer.evidence.crls == (crl, crl)
    assert signer.evidence.certificates[-1] == holder("p256").certificate
    *plain, wrapped_basic = signer.evidence.ocsps
    assert plain == [answer, answer]
    assert OCSPResponse.load(wrapped_basic)["response_bytes"]["response"].contents == basic


def test_counter_signature_is_noticed() -> None:
    counter = attribute(COUNTER_SIGNATURE, draft("p256").made())

    (signer,) = Made(signed(unsigned=lambda value: [counter])).signers()

    assert signer.is_counter_signed


def test_time_stamp_is_handed_on_as_it_stands() -> None:
    (signer,) = Made(time_stamped()).signers()

    (stamp,) = signer.time_stamps
    assert finding_of_stamp(stamp, stamped=signer.value) == "good"


def test_time_stamp_in_ber_is_handed_on_in_der() -> None:
    (signer,) = Made(
        signed(unsigned=lambda value: [attribute(SIGNATURE_TIME_STAMP, indefinite(token(value)))])
    ).signers()

    (stamp,) = signer.time_stamps
    assert finding_of_stamp(stamp, stamped=signer.value) == "good"


def test_unknown_digest_of_the_reader_of_the_content_is_a_refusal() -> None:
    def knows_nothing(name: str) -> bytes:
        raise ValueError(name)

    with pytest.raises(Refused) as refused:
        read_signers(signed(), digest=knows_nothing)
    assert refused.value.reason.code == "algorithm-unknown"
