"""Document time-stamps: what they prove about the signatures under them, and what about each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signing.report import Verdict
from tests.support.chain_moments import (
    LEADER,
    PASSED,
    SECOND,
    SHORT_STAMPER,
    SIGNED,
    SOON,
    TOO_LATE,
    TRUST,
    said,
)
from tests.support.chain_pki import DAY, NOW, YEAR
from tests.support.chain_stamps import document_stamp, report, signed_by, token


def test_document_time_stamp_from_the_future_is_a_finding() -> None:
    found, _ = report(
        signed_by(LEADER), trust=TRUST, now=SIGNED, proofs=[document_stamp(SIGNED + 5 * SOON + SECOND)]
    )

    assert found.indication is Verdict.INDETERMINATE
    assert found.codes == ("time-stamp-from-the-future",)


def test_broken_document_time_stamp_is_told_and_proves_nothing() -> None:
    forged = replace(document_stamp(SIGNED), has_imprint=False)

    found, judgement = report(signed_by(LEADER), trust=TRUST, now=NOW, proofs=[forged])

    assert said((found, judgement)) == TOO_LATE
    assert "time-stamp-not-trusted" in [warning.code for warning in judgement.warnings]


@pytest.mark.parametrize(("is_weak", "is_bound"), [(True, True), (False, False)])
def test_archive_that_is_weak_or_names_nobody_proves_nothing(is_weak: bool, is_bound: bool) -> None:
    proof = document_stamp(SIGNED)
    flawed = replace(proof, signer=replace(proof.signer, is_weak=is_weak, is_bound=is_bound))

    found, judgement = report(signed_by(LEADER), trust=TRUST, now=NOW, proofs=[flawed])

    assert said((found, judgement)) == TOO_LATE
    assert "time-stamp-not-trusted" in [warning.code for warning in judgement.warnings]


def test_signature_stamp_later_than_the_archive_that_covers_it_is_not_believed() -> None:
    found, judgement = report(
        signed_by(LEADER, stamps=(token(SIGNED + 40 * DAY),)),
        trust=TRUST,
        now=NOW,
        proofs=[document_stamp(SIGNED + 30 * DAY)],
    )

    assert (found.indication, found.signed_at) == (Verdict.TOTAL_PASSED, SIGNED + 30 * DAY)
    assert "time-stamp-not-trusted" in [warning.code for warning in judgement.warnings]


def test_archive_that_nothing_covers_is_judged_by_today_whatever_time_it_claims() -> None:
    genuine = document_stamp(SIGNED + 80 * DAY)
    back_dated = document_stamp(SIGNED + SOON, by=SHORT_STAMPER)

    found = report(signed_by(LEADER), trust=TRUST, now=SIGNED + YEAR, proofs=[genuine, back_dated])

    assert said(found) == TOO_LATE
    assert found[0].signed_at == SIGNED + 80 * DAY


def test_archive_of_an_authority_that_has_ended_counts_under_a_later_one() -> None:
    covered = document_stamp(SIGNED + SOON, by=SHORT_STAMPER)
    covering = document_stamp(SIGNED + 80 * DAY)

    found = report(signed_by(LEADER), trust=TRUST, now=SIGNED + YEAR, proofs=[covered, covering])

    assert said(found) == PASSED
    assert found[0].signed_at == SIGNED + SOON


def test_archive_later_than_the_one_that_covers_it_proves_nothing() -> None:
    covered = document_stamp(SIGNED + 70 * DAY, by=SHORT_STAMPER)
    covering = document_stamp(SIGNED + 50 * DAY)

    found, judgement = report(signed_by(LEADER), trust=TRUST, now=SIGNED + YEAR, proofs=[covered, covering])

    assert (found.indication, found.signed_at) == (Verdict.TOTAL_PASSED, SIGNED + 50 * DAY)
    assert "time-stamp-not-trusted" in [warning.code for warning in judgement.warnings]
