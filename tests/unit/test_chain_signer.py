"""Who signed, when, and whether that holds: the flow of EN 319 102-1 on a fixed clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.evidence import Evidence
from signing.report import FacetState, Verdict
from tests.support.chain_answers import CRL_URL, lists
from tests.support.chain_moments import (
    DECLARED,
    END,
    ISSUING,
    LEADER,
    PASSED,
    SECOND,
    SHORT_STAMPER,
    SIGNED,
    SOON,
    TOO_LATE,
    TOP,
    TRUST,
    answer,
    own,
    said,
)
from tests.support.chain_pki import (
    DAY,
    HOUR,
    NOW,
    YEAR,
    Made,
    crl_at,
    purposes,
    root,
    rsa_key,
    signer,
    trusting,
    usage,
)
from tests.support.chain_stamps import (
    STAMP_ROOT,
    document_stamp,
    facets,
    report,
    signed_by,
    stamper,
    time_stamper,
    token,
)


@dataclass(frozen=True)
class Instant:
    """When a signature is judged, what proves its time, and what is to be said then."""

    now: datetime
    expected: tuple[Verdict, str | None]
    leaf: Made = LEADER
    stamps: Callable[[], tuple[bytes, ...]] = tuple
    archives: tuple[datetime, ...] = ()


ISSUING_IMPOSTOR = root("Time Stamp Root", key=root("Impostor").key)


# F62: certificates that end while a document is on its way, or after it has arrived.
INSTANTS = {
    "while everything is valid": Instant(SIGNED + HOUR, PASSED),
    "the last second of the signer": Instant(END, PASSED),
    "the second after, unstamped": Instant(END + SECOND, TOO_LATE),
    "the second after, stamped": Instant(END + SECOND, PASSED, stamps=own()),
    "the signer expired between submission and judgement": Instant(END + 2 * DAY, TOO_LATE),
    "stamped a second before the signer ended": Instant(END + DAY, PASSED, stamps=own(END - SECOND)),
    "stamped a second after the signer ended": Instant(END + DAY, TOO_LATE, stamps=own(END + SECOND)),
    "the second before the signer begins": Instant(SIGNED - 30 * DAY - SECOND, TOO_LATE),
    "stamped before the signer begins": Instant(
        SIGNED, (Verdict.TOTAL_FAILED, "NOT_YET_VALID"), stamps=own(SIGNED - 31 * DAY)
    ),
    "the stamper expired, the signer not": Instant(
        SIGNED + YEAR, PASSED, leaf=DECLARED, stamps=own(by=SHORT_STAMPER), archives=()
    ),
    "the signer expired, then the stamper": Instant(SIGNED + YEAR, TOO_LATE, stamps=own(by=SHORT_STAMPER)),
    "the same, archived before the stamper expired": Instant(
        SIGNED + YEAR, PASSED, stamps=own(by=SHORT_STAMPER), archives=(SIGNED + 80 * DAY,)
    ),
    "the same, archived too late": Instant(
        SIGNED + YEAR, TOO_LATE, stamps=own(by=SHORT_STAMPER), archives=(SIGNED + 100 * DAY,)
    ),
    "ten years later, stamped by an authority that lasts": Instant(NOW + 4 * YEAR, PASSED, stamps=own()),
    "an archive alone proves the time": Instant(NOW, PASSED, archives=(SIGNED + HOUR,)),
}


@pytest.mark.parametrize("instant", INSTANTS)
def test_verdict_at_an_instant(instant: str) -> None:
    asked = INSTANTS[instant]
    crl = lists(by=ISSUING, since=asked.now - HOUR, until=asked.now + HOUR)

    found = report(
        signed_by(asked.leaf, claimed_at=SIGNED, stamps=asked.stamps()),
        trust=TRUST,
        now=asked.now,
        evidence=Evidence(crls=(crl,)),
        proofs=[document_stamp(at) for at in asked.archives],
    )

    assert said(found) == asked.expected


def test_proven_time_is_shown_in_place_of_the_claimed_one() -> None:
    found, _ = report(
        signed_by(LEADER, claimed_at=SIGNED - DAY, stamps=own()()), trust=TRUST, now=SIGNED + DAY
    )

    assert found.signed_at == SIGNED + SOON


@pytest.mark.parametrize("year", [1, 1600, 9999])
def test_nonsense_is_not_shown_as_a_claimed_time(year: int) -> None:
    claimed = datetime(year, 1, 1, tzinfo=NOW.tzinfo)

    found, _ = report(signed_by(LEADER, claimed_at=claimed), trust=TRUST, now=SIGNED)

    assert found.signed_at is None


@pytest.mark.parametrize(
    ("claimed_at", "stamps", "is_told"),
    [(NOW + DAY, (), True), (NOW + SOON, (), False), (NOW + DAY, own()(), False)],
    ids=["a day ahead", "within the skew of clocks", "but a time-stamp proves another"],
)
def test_claimed_time_that_has_not_come_yet_is_told(
    claimed_at: datetime, stamps: tuple[bytes, ...], is_told: bool
) -> None:
    _, judgement = report(signed_by(LEADER, claimed_at=claimed_at, stamps=stamps), trust=TRUST)

    assert ("claimed-time-in-future" in [warning.code for warning in judgement.warnings]) is is_told


def test_earliest_of_several_stamps_counts() -> None:
    stamps = (token(END + DAY), token(END - DAY), token(END + HOUR))

    found, _ = report(signed_by(LEADER, stamps=stamps), trust=TRUST, now=NOW)

    assert (found.indication, found.signed_at) == (Verdict.TOTAL_PASSED, END - DAY)


# What a time-stamp must not be trusted for, and must not be passed over in silence for either.
UNTRUSTED: dict[str, Callable[[], bytes]] = {
    "of a stranger": lambda: token(SIGNED, by=time_stamper(by=root("Stranger"), label="Strange")),
    "of a self-made authority": lambda: token(SIGNED, by=time_stamper(by=ISSUING_IMPOSTOR, label="Fake")),
    "of a signer": lambda: token(SIGNED, by=signer("Clerk", by=ISSUING, key=rsa_key(2048))),
    "with purposes beside time-stamping": lambda: token(
        SIGNED,
        by=time_stamper(
            purposes(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH, critical=True)
        ),
    ),
    "with a purpose that is not critical": lambda: token(
        SIGNED, by=time_stamper(purposes(ExtendedKeyUsageOID.TIME_STAMPING))
    ),
    "with a key that may not sign": lambda: token(SIGNED, by=time_stamper(usage("key_encipherment"))),
    "of an authority that has expired": lambda: token(SIGNED, by=time_stamper(until=NOW - DAY)),
    "from before its authority was": lambda: token(SIGNED, by=time_stamper(since=NOW - DAY)),
    "of an authority whose revocation is unknown": lambda: token(
        SIGNED, by=time_stamper(crl_at(CRL_URL), since=NOW - YEAR)
    ),
}


@pytest.mark.parametrize("stamp", UNTRUSTED)
def test_time_stamp_that_proves_nothing_is_told(stamp: str) -> None:
    found, judgement = report(signed_by(LEADER, claimed_at=SIGNED, stamps=(UNTRUSTED[stamp](),)), trust=TRUST)

    assert found.indication is not Verdict.TOTAL_PASSED
    assert "time-stamp-not-trusted" in [warning.code for warning in judgement.warnings]


BROKEN: dict[str, Callable[[], bytes]] = {
    "over another signature": lambda: token(SIGNED, over=b"another signature value"),
    "forged": lambda: _flipped(token(SIGNED)),
    "no token at all": lambda: b"\x30\x03\x02\x01\x01",
    "cut off": lambda: token(SIGNED)[:-9],
}


def _flipped(encoded: bytes) -> bytes:
    return encoded[:-1] + bytes([encoded[-1] ^ 1])


@pytest.mark.parametrize("stamp", BROKEN)
def test_broken_time_stamp_is_a_finding(stamp: str) -> None:
    found, _ = report(signed_by(LEADER, stamps=(BROKEN[stamp](),)), trust=TRUST, now=SIGNED)

    assert found.indication is Verdict.INDETERMINATE
    assert found.codes == ("time-stamp-broken",)
    assert facets(found)["time"] is FacetState.FAILED


@pytest.mark.parametrize("family", ["PAdES", "CAdES", "XAdES"])
def test_time_stamp_from_the_future_is_a_finding(family: str) -> None:
    late = (token(SIGNED + 5 * SOON + SECOND),)

    found, _ = report(signed_by(LEADER, stamps=late), trust=TRUST, now=SIGNED, family=family)

    assert found.indication is Verdict.INDETERMINATE
    assert found.codes == ("time-stamp-from-the-future",)
    assert (facets(found)["time"], found.level) == (FacetState.FAILED, f"{family}-B-B")


def test_time_stamp_of_a_clock_a_little_ahead_is_believed() -> None:
    found = report(signed_by(LEADER, stamps=(token(SIGNED + 5 * SOON),)), trust=TRUST, now=SIGNED)

    assert said(found) == PASSED


# --- revocation and the moment of signing


REVOKED = {
    "revoked before, stamped": (SIGNED - DAY, True, (Verdict.TOTAL_FAILED, "REVOKED")),
    "revoked after, stamped": (SIGNED + DAY, True, PASSED),
    "revoked before, unstamped": (SIGNED - DAY, False, (Verdict.INDETERMINATE, "REVOKED_NO_POE")),
    "revoked after, unstamped": (SIGNED + DAY, False, (Verdict.INDETERMINATE, "REVOKED_NO_POE")),
}


@pytest.mark.parametrize("case", REVOKED)
def test_revocation_is_held_against_the_moment_that_is_proven(case: str) -> None:
    revoked_at, is_stamped, expected = REVOKED[case]
    listed = lists((DECLARED, revoked_at), by=ISSUING)
    stamps = (token(SIGNED),) if is_stamped else ()

    found = report(
        signed_by(DECLARED, claimed_at=SIGNED, stamps=stamps), trust=TRUST, evidence=Evidence(crls=(listed,))
    )

    assert said(found) == expected


def test_stamp_of_a_stranger_does_not_save_a_revoked_signature() -> None:
    listed = lists((DECLARED, SIGNED + DAY), by=ISSUING)
    stamps = (token(SIGNED, by=time_stamper(by=root("Stranger"))),)

    found = report(signed_by(DECLARED, stamps=stamps), trust=TRUST, evidence=Evidence(crls=(listed,)))

    assert said(found) == (Verdict.INDETERMINATE, "REVOKED_NO_POE")


def test_stamp_of_an_authority_that_was_revoked_since_proves_nothing() -> None:
    listed = (lists((DECLARED, SIGNED + DAY), by=ISSUING), lists((stamper(), NOW - DAY), by=STAMP_ROOT))

    found = report(signed_by(DECLARED, stamps=(token(SIGNED),)), trust=TRUST, evidence=Evidence(crls=listed))

    assert said(found) == (Verdict.INDETERMINATE, "REVOKED_NO_POE")


def test_unknown_revocation_is_not_valid_and_says_what_to_fetch() -> None:
    found, judgement = report(signed_by(DECLARED, claimed_at=SIGNED), trust=TRUST)

    assert said((found, judgement)) == (Verdict.INDETERMINATE, "TRY_LATER")
    assert [wanted.kind for wanted in judgement.wanted] == ["ocsp", "crl"]


def test_answer_kept_from_the_signature_counts_years_later_with_a_stamp_alone() -> None:
    evidence = Evidence(ocsps=(answer(SIGNED + SOON),))
    stamped = signed_by(DECLARED, stamps=(token(SIGNED),))

    with_stamp = report(stamped, trust=TRUST, evidence=evidence)
    without = report(signed_by(DECLARED, claimed_at=SIGNED), trust=TRUST, evidence=evidence)

    assert said(with_stamp) == PASSED
    assert said(without) == (Verdict.INDETERMINATE, "TRY_LATER")


# --- cryptography, and what it leaves to say


def test_key_that_did_not_sign_ends_the_judgement() -> None:
    found, judgement = report(signed_by(LEADER, is_genuine=False), trust=TRUST, now=SIGNED)

    assert said((found, judgement)) == (Verdict.TOTAL_FAILED, "SIG_CRYPTO_FAILURE")
    assert facets(found)["identity"] is FacetState.UNKNOWN


def test_altered_content_is_told_with_whose_signature_it_was() -> None:
    found, judgement = report(signed_by(LEADER, is_intact=False), trust=TRUST, now=SIGNED)

    assert said((found, judgement)) == (Verdict.TOTAL_FAILED, "HASH_FAILURE")
    assert (facets(found)["integrity"], found.signer) == (FacetState.FAILED, "Leader")


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [((), "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"), (own()(), "CRYPTO_CONSTRAINTS_FAILURE")],
)
def test_weak_algorithm_is_never_valid(stamps: tuple[bytes, ...], expected: str) -> None:
    found = report(signed_by(LEADER, stamps=stamps, is_weak=True), trust=TRUST, now=SIGNED + DAY)

    assert said(found) == (Verdict.INDETERMINATE, expected)


def test_everything_good_makes_every_facet_good() -> None:
    found, _ = report(signed_by(LEADER), trust=TRUST, now=SIGNED)

    assert set(facets(found).values()) == {FacetState.OK}


FACETS = {
    "unknown root": ((), "trust", {"identity": FacetState.UNKNOWN, "time": FacetState.UNKNOWN}),
    "expired": ((TOP,), "time", {"identity": FacetState.OK, "trust": FacetState.UNKNOWN}),
}


@pytest.mark.parametrize("case", FACETS)
def test_only_what_was_established_is_called_good(case: str) -> None:
    trusted, failed, others = FACETS[case]

    found, _ = report(signed_by(LEADER, ISSUING), trust=trusting(*trusted), now=NOW)

    assert facets(found) == {"integrity": FacetState.OK, failed: FacetState.FAILED, **others}
