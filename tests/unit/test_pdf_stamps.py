"""Document time-stamps of a PDF: each counts today, or by the moment that those covering it prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from signing.basis import Basis
from signing.cms.facts import Stamp
from signing.evidence import Evidence
from signing.judgement import Judgement
from signing.pdf.stamps import DocumentStamp, judge_document_stamp
from tests.support.chain_pki import DAY, NOW, YEAR, trusting
from tests.support.chain_stamps import STAMP_ROOT, document_stamp, time_stamper

ENDED = time_stamper(label="Ended", since=NOW - 5 * YEAR, until=NOW - YEAR)
ENDED_SINCE = time_stamper(label="Ended since", since=NOW - 5 * YEAR, until=NOW - 200 * DAY)


def judged(stamp: Stamp, *, under: Sequence[Stamp], now: datetime = NOW) -> str | None:
    """What is said of a time-stamp under others, each covered by the next."""
    judgement = Judgement()
    judge_document_stamp(
        DocumentStamp(1, stamp),
        basis=Basis(trusting(STAMP_ROOT), now),
        evidence=Evidence(),
        judgement=judgement,
        later=[DocumentStamp(end, each) for end, each in enumerate(under, start=2)],
    )
    return judgement.sub_indication


def test_stamp_of_an_ended_authority_holds_under_one_from_before_its_end() -> None:
    assert judged(document_stamp(NOW - 3 * YEAR, by=ENDED), under=[document_stamp(NOW - 2 * YEAR)]) is None


def test_stamp_of_an_ended_authority_holds_no_more_under_one_from_after_its_end() -> None:
    found = judged(document_stamp(NOW - 3 * YEAR, by=ENDED), under=[document_stamp(NOW - 100 * DAY)])

    assert found == "OUT_OF_BOUNDS_NO_POE"


def test_back_dated_stamp_that_nothing_covers_proves_nothing_for_those_below_it() -> None:
    below = document_stamp(NOW - 3 * YEAR, by=ENDED)
    genuine, back_dated = document_stamp(NOW - 300 * DAY), document_stamp(NOW - 2 * YEAR, by=ENDED_SINCE)

    assert judged(below, under=[genuine, back_dated]) == "OUT_OF_BOUNDS_NO_POE"
    assert judged(below, under=[back_dated, genuine]) is None


@pytest.mark.parametrize("flaw", [{"is_weak": True}, {"is_bound": False}, {"is_genuine": False}])
def test_flawed_stamp_proves_nothing_for_those_below_it(flaw: dict[str, bool]) -> None:
    good = document_stamp(NOW - 2 * YEAR)
    flawed = replace(good, signer=replace(good.signer, **flaw))  # type: ignore[arg-type]

    assert judged(document_stamp(NOW - 3 * YEAR, by=ENDED), under=[flawed]) == "OUT_OF_BOUNDS_NO_POE"
