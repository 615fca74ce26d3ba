"""A leader who signed half a year ago: his certificates, answers about them, stamps on what he signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from signing.report import Verdict
from tests.support.chain_answers import CRL_URL, OCSP_URL, says
from tests.support.chain_pki import DAY, NOW, YEAR, Made, access, authority, crl_at, root, signer, trusting
from tests.support.chain_stamps import STAMP_ROOT, time_stamper, token

SIGNED = datetime(2026, 3, 2, 8, 0, tzinfo=NOW.tzinfo)
SECOND = timedelta(seconds=1)
TOP = root("Long Root", since=NOW - 20 * YEAR, until=NOW + 30 * YEAR)
ISSUING = authority("Long Issuing", by=TOP, since=NOW - 10 * YEAR, until=NOW + 20 * YEAR)
LEADER = signer("Leader", by=ISSUING, since=SIGNED - 30 * DAY, until=SIGNED + 60 * DAY)
DECLARED = signer(
    "Declared",
    access(ocsp=[OCSP_URL]),
    crl_at(CRL_URL),
    by=ISSUING,
    since=SIGNED - 30 * DAY,
    until=SIGNED + 2 * YEAR,
)
TRUST = trusting(TOP, ISSUING, STAMP_ROOT)
END = LEADER.certificate.not_valid_after_utc


SHORT_STAMPER = time_stamper(label="Short", since=SIGNED - 30 * DAY, until=SIGNED + 90 * DAY)
SOON = timedelta(minutes=1)
PASSED = (Verdict.TOTAL_PASSED, None)
TOO_LATE = (Verdict.INDETERMINATE, "OUT_OF_BOUNDS_NO_POE")


def answer(since: datetime, *, about: Made = DECLARED, **rest: object) -> bytes:
    """An OCSP answer of a day."""
    return says(about, issuer=ISSUING, by=ISSUING, since=since, until=since + DAY, **rest)  # type: ignore[arg-type]


def said(found: tuple[object, object]) -> tuple[Verdict, str | None]:
    """Indication and sub-indication of a report."""
    return found[0].indication, found[0].sub_indication  # type: ignore[attr-defined]


def own(at: datetime = SIGNED + SOON, *, by: Made | None = None) -> Callable[[], tuple[bytes, ...]]:
    """A signature time-stamp, when it is asked for."""
    return lambda: (token(at, by=by),)
