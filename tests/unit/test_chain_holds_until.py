"""Until when a verdict holds: the first certificate or answer it rests on that ends, or one that begins."""

from __future__ import annotations

from datetime import datetime

import pytest

from signing.evidence import Evidence
from tests.support.chain_answers import (
    ISSUING,
    LEADER,
    TOP,
    TRUST,
    UNDECLARED,
    lists,
    responder,
    says,
    says_revoked,
)
from tests.support.chain_pki import DAY, HOUR, NOW, YEAR, Made, signer, trusting, verdict
from tests.support.chain_stamps import STAMP_ROOT, document_stamp, report, signed_by, time_stamper, token

_MINUTES = HOUR / 12
_END = UNDECLARED.certificate.not_valid_after_utc
_SHORT = signer("Short", by=ISSUING, until=NOW + 5 * DAY)
_SOON = signer("Soon", by=ISSUING, since=NOW + 5 * DAY)
_ENDED = signer("Ended", by=ISSUING, until=NOW - DAY)
_APPOINTED = responder(until=NOW + HOUR / 2)

CASES: dict[str, tuple[Made, Evidence, datetime | None]] = {
    "the certificates alone": (UNDECLARED, Evidence(), _END),
    "a certificate that ends first": (_SHORT, Evidence(), NOW + 5 * DAY),
    "a certificate that has not begun": (_SOON, Evidence(), NOW + 5 * DAY),
    "a certificate that has ended": (_ENDED, Evidence(), _END),
    "an answer that ends first": (LEADER, Evidence(ocsps=(says(until=NOW + HOUR),)), NOW + HOUR),
    "an answer by somebody who ends first": (LEADER, Evidence(ocsps=(says(by=_APPOINTED),)), NOW + HOUR / 2),
    "a list that ends first": (LEADER, Evidence(crls=(lists(),)), NOW + DAY),
    "a list that begins first": (
        LEADER,
        Evidence(crls=(lists(), lists((LEADER, NOW), since=NOW + 2 * HOUR))),
        NOW + 2 * HOUR - _MINUTES,
    ),
    "a revocation": (LEADER, Evidence(ocsps=(says_revoked(),)), _END),
}


@pytest.mark.parametrize("case", CASES)
def test_verdict_on_a_chain_holds_until_the_first_end(case: str) -> None:
    leaf, evidence, expected = CASES[case]

    assert verdict(leaf, trust=TRUST, evidence=evidence).holds_until == expected


def test_verdict_by_a_proven_moment_holds_as_long_as_the_proof() -> None:
    stamps = time_stamper(label="Two days more", since=NOW - YEAR, until=NOW + 2 * DAY)
    trust = trusting(TOP, ISSUING, STAMP_ROOT)

    _, judgement = report(signed_by(_ENDED, stamps=(token(NOW - 2 * DAY, by=stamps),)), trust=trust, now=NOW)

    assert judgement.holds_until == NOW + 2 * DAY


def test_verdict_is_another_when_a_time_stamp_is_from_the_future_no_more() -> None:
    trust = trusting(TOP, ISSUING, STAMP_ROOT)

    _, judgement = report(signed_by(UNDECLARED), trust=trust, proofs=[document_stamp(NOW + HOUR)])

    assert judgement.holds_until == NOW + HOUR - _MINUTES
