"""What a signature was made to, and whose name is shown."""

from __future__ import annotations

import pytest

from signing.evidence import Evidence
from tests.support.chain_moments import (
    DECLARED,
    ISSUING,
    LEADER,
    SIGNED,
    TRUST,
    answer,
    own,
)
from tests.support.chain_pki import (
    DAY,
    NOW,
    YEAR,
    crl_at,
    make,
    name,
)
from tests.support.chain_stamps import (
    document_stamp,
    report,
    signed_by,
    time_stamper,
    token,
)

# --- levels (B48): as the signature was made, and never more


LEVELS = {
    "alone": ((), (), (), "PAdES-B-B"),
    "answers without a stamp": ((), (answer(SIGNED),), (), "PAdES-B-B"),
    "a stamp": (own()(), (), (), "PAdES-B-T"),
    "a stamp, and an answer about another": (own()(), (answer(SIGNED, about=LEADER),), (), "PAdES-B-T"),
    "a stamp, and an answer that ended before": (own()(), (answer(SIGNED - 9 * DAY),), (), "PAdES-B-T"),
    "a stamp and the answer": (own()(), (answer(SIGNED),), (), "PAdES-B-LT"),
    "a stamp, and an archive without an answer": (own()(), (), (SIGNED + DAY,), "PAdES-B-T"),
    "all of it": (own()(), (answer(SIGNED),), (SIGNED + DAY,), "PAdES-B-LTA"),
}


@pytest.mark.parametrize("case", LEVELS)
def test_level_is_what_is_there(case: str) -> None:
    stamps, ocsps, archives, expected = LEVELS[case]

    found, _ = report(
        signed_by(DECLARED, claimed_at=SIGNED, stamps=stamps),
        trust=TRUST,
        evidence=Evidence(ocsps=ocsps),
        proofs=[document_stamp(at) for at in archives],
    )

    assert found.level == expected


def test_stamp_whose_authority_is_not_answered_for_is_no_long_term_level() -> None:
    declared = time_stamper(crl_at("http://crl.stamps.invalid"), since=NOW - YEAR)
    evidence = Evidence(ocsps=(answer(SIGNED),))

    found, _ = report(
        signed_by(DECLARED, stamps=(token(SIGNED, by=declared),)), trust=TRUST, evidence=evidence
    )

    assert found.level == "PAdES-B-T"


def test_level_of_another_kind_of_signature_stays() -> None:
    found, _ = report(signed_by(LEADER, is_bound=False), trust=TRUST, now=SIGNED, family="PKCS7")

    assert found.level == "PKCS7"


def test_certificate_that_was_not_signed_with_is_told() -> None:
    _, judgement = report(signed_by(LEADER, is_bound=False), trust=TRUST, now=SIGNED)

    assert "certificate-not-bound" in [warning.code for warning in judgement.warnings]


# --- names (B45)


SHOWN = {
    "Chủ tịch UBND": "Chủ tịch UBND",
    "Leader\u202egpj.exe": "Leadergpj.exe",
    "Le\u200bader": "Leader",
    "Leader\x00Admin": "LeaderAdmin",
    "two\nlines": "twolines",
    "\u2066isolated\u2069": "isolated",
    "\ufeffmark": "mark",
}


@pytest.mark.parametrize("written", SHOWN)
def test_name_is_shown_without_what_cannot_be_seen(written: str) -> None:
    found, _ = report(signed_by(make(name(written), by=ISSUING)), trust=TRUST)

    assert found.signer == SHOWN[written]
