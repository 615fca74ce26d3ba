"""What true answers settle: today, at a moment that is proven, and never too much."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from signing.evidence import AtHand, Evidence
from signing.evidence_keys import crl_issuer_key, crl_key
from tests.support.chain_answers import (
    CRL_URL,
    ISSUING,
    LEADER,
    OCSP_URL,
    TOP,
    TRUST,
    UNDECLARED,
    listed_twice,
    lists,
    reason,
    responder,
    says,
    says_revoked,
)
from tests.support.chain_damage import answering_often, produced_at, signed_anew
from tests.support.chain_lies import CLEARING, CLEARING_LISTS
from tests.support.chain_pki import (
    DAY,
    HOUR,
    NOW,
    authority,
    crl_at,
    signer,
    trusting,
    verdict,
)

_BUSY_SECONDS = 2.0
_HOLD = x509.ReasonFlags.certificate_hold
_SIGNED = NOW - 10 * DAY
"""When a signature is proven to have been made, where a test speaks of one."""


@pytest.mark.parametrize("answer", CLEARING)
def test_answer_clears_a_certificate(answer: str) -> None:
    found = verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=(CLEARING[answer](),)))

    assert (found.sub_indication, found.wanted, found.warnings) == (None, (), ())
    assert [kept.kind for kept in found.evidence if kept.source == "file"] == ["certificate", "ocsp"]


@pytest.mark.parametrize("listing", CLEARING_LISTS)
def test_list_clears_a_certificate(listing: str) -> None:
    found = verdict(LEADER, trust=TRUST, evidence=Evidence(crls=(CLEARING_LISTS[listing](),)))

    assert (found.sub_indication, found.wanted) == (None, ())
    assert [kept.kind for kept in found.evidence if kept.source == "file"] == ["certificate", "crl"]


def test_certificate_that_declares_nothing_passes_with_a_warning() -> None:
    found = verdict(UNDECLARED, trust=TRUST)

    assert found.is_good
    assert [warning.code for warning in found.warnings] == ["revocation-not-checked"]


def test_what_is_wanted_says_what_to_ask_and_where() -> None:
    asked, listed = verdict(LEADER, trust=TRUST).wanted

    request = ocsp.load_der_ocsp_request(asked.request)
    assert (asked.urls, listed.urls) == ((OCSP_URL,), (CRL_URL,))
    assert request.serial_number == LEADER.certificate.serial_number
    assert len(request.extensions) == 0  # no nonce: the answer serves every document
    assert listed.request == b""


@pytest.mark.parametrize("place", [0, 1])
def test_answer_put_where_it_was_wanted_settles_it(place: int) -> None:
    wanted = verdict(LEADER, trust=TRUST).wanted[place]
    store = AtHand({wanted.key: (says(), lists())[place]})

    found = verdict(LEADER, trust=TRUST, store=store)

    assert found.is_good
    assert found.evidence[-1].source == "store"


@pytest.mark.parametrize(
    "identifier", [None, x509.SubjectKeyIdentifier.from_public_key(ISSUING.key.public_key()).digest]
)
def test_list_brought_on_a_disk_is_found_by_its_authority(identifier: bytes | None) -> None:
    store = AtHand({crl_issuer_key(ISSUING.name.public_bytes(), key_identifier=identifier): lists()})

    assert verdict(LEADER, trust=TRUST, store=store).is_good


def test_revoked_by_an_answer() -> None:
    found = verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=(says_revoked(),)))

    assert (found.sub_indication, found.revoked_at) == ("REVOKED_NO_POE", NOW - DAY)


def test_revoked_by_a_list() -> None:
    found = verdict(LEADER, trust=TRUST, evidence=Evidence(crls=(lists((LEADER, NOW - DAY)),)))

    assert (found.sub_indication, found.revoked_at) == ("REVOKED_NO_POE", NOW - DAY)


def test_undeclared_revocation_counts_all_the_same() -> None:
    found = verdict(UNDECLARED, trust=TRUST, evidence=Evidence(crls=(lists((UNDECLARED, NOW - DAY)),)))

    assert found.sub_indication == "REVOKED_NO_POE"


@pytest.mark.parametrize("order", [1, -1])
def test_good_answer_does_not_hide_a_newer_revocation(order: int) -> None:
    answers = (says(since=NOW - 2 * HOUR), says_revoked())[::order]

    assert verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=answers)).sub_indication == "REVOKED_NO_POE"


@pytest.mark.parametrize("order", [1, -1])
def test_newer_good_answer_does_not_undo_a_revocation(order: int) -> None:
    answers = (says(), says_revoked(since=NOW - 5 * HOUR, until=NOW - 4 * HOUR))[::order]

    assert verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=answers)).sub_indication == "REVOKED_NO_POE"


def test_revocation_in_the_store_outweighs_a_replayed_good_answer_in_the_file() -> None:
    wanted = verdict(LEADER, trust=TRUST).wanted[0]
    store = AtHand({wanted.key: says_revoked()})
    evidence = Evidence(ocsps=(says(),))

    assert verdict(LEADER, trust=TRUST, store=store, evidence=evidence).sub_indication == "REVOKED_NO_POE"


def test_stale_revocation_is_still_one() -> None:
    answer = says_revoked(since=NOW - 30 * DAY, until=NOW - 29 * DAY, at=NOW - 40 * DAY)

    assert verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=(answer,))).sub_indication == "REVOKED_NO_POE"


def test_hold_counts_while_it_lasts() -> None:
    evidence = Evidence(ocsps=(says_revoked(reason=_HOLD),))

    assert verdict(LEADER, trust=TRUST, evidence=evidence).sub_indication == "REVOKED_NO_POE"


def test_hold_that_a_newer_answer_lifts_is_over() -> None:
    held = says_revoked(reason=_HOLD, since=NOW - 5 * HOUR, until=NOW + HOUR)

    assert verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=(held, says()))).is_good


def test_hold_that_an_older_answer_did_not_know_counts() -> None:
    held = says_revoked(reason=_HOLD)
    older = says(since=NOW - 5 * HOUR)

    assert (
        verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=(older, held))).sub_indication
        == "REVOKED_NO_POE"
    )


def test_revoked_authority_is_told_as_such() -> None:
    found = verdict(
        LEADER, trust=TRUST, evidence=Evidence(ocsps=(says(),), crls=(lists((ISSUING, NOW - DAY), by=TOP),))
    )

    assert found.sub_indication == "REVOKED_CA_NO_POE"


def test_authority_that_declares_revocation_has_to_be_answered_for() -> None:
    declared = authority("Declared", crl_at("http://crl.top.invalid/top.crl"), by=TOP)
    leaf = signer("Leader", by=declared)
    store = AtHand({crl_key("http://crl.top.invalid/top.crl"): lists(by=TOP)})

    without = verdict(leaf, trust=trusting(TOP, declared))
    with_list = verdict(leaf, trust=trusting(TOP, declared), store=store)

    assert (without.sub_indication, with_list.sub_indication) == ("TRY_LATER", None)


def at_signing(*ocsps: bytes, crls: tuple[bytes, ...] = ()) -> str | None:
    """What is said of the leader's certificate at the moment the signature is proven to have existed."""
    return verdict(LEADER, trust=TRUST, at=_SIGNED, evidence=Evidence(ocsps=ocsps, crls=crls)).sub_indication


def test_answer_from_around_the_signature_counts_for_its_moment() -> None:
    assert at_signing(says(since=_SIGNED - HOUR, until=_SIGNED + HOUR)) is None


def test_answer_from_after_the_signature_counts_for_its_moment() -> None:
    assert at_signing(says(since=_SIGNED + DAY, until=_SIGNED + 2 * DAY)) is None


def test_answer_from_the_future_does_not() -> None:
    assert at_signing(says(since=NOW + DAY, until=NOW + 2 * DAY)) == "TRY_LATER"


def test_answer_that_had_ended_before_the_signature_does_not() -> None:
    assert at_signing(says(since=_SIGNED - 3 * DAY, until=_SIGNED - 2 * DAY)) == "TRY_LATER"


def test_answer_given_after_the_certificate_had_expired_does_not() -> None:
    leaf = signer("Retired", crl_at(CRL_URL), by=ISSUING, until=NOW - 2 * DAY)
    late = Evidence(crls=(lists(since=NOW - DAY),))

    assert verdict(leaf, trust=TRUST, at=_SIGNED, evidence=late).sub_indication == "TRY_LATER"


def test_revoked_before_the_signature_was_made() -> None:
    assert at_signing(says_revoked(at=_SIGNED - DAY)) == "REVOKED"


def test_revoked_the_second_the_signature_was_made() -> None:
    assert at_signing(says_revoked(at=_SIGNED)) == "REVOKED"


def test_hold_that_may_still_be_lifted_settles_nothing_about_the_past() -> None:
    assert at_signing(says_revoked(at=_SIGNED - DAY, reason=_HOLD)) == "TRY_LATER"


def test_revocation_that_was_only_published_later_counts_when_the_past_is_asked_about() -> None:
    published = says_revoked(at=NOW - DAY, since=NOW + DAY, until=NOW + 2 * DAY)
    then_good = says()

    found = verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=(then_good, published)))

    assert found.sub_indication == "REVOKED_NO_POE"


def test_revocation_to_come_does_not_count_yet() -> None:
    to_come = says_revoked(at=NOW + HOUR, since=NOW + DAY, until=NOW + 2 * DAY)

    assert verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=(says(), to_come))).is_good


def test_revoked_after_the_signature_was_made() -> None:
    assert at_signing(says_revoked(at=_SIGNED + DAY)) is None


def test_revoked_after_by_one_answer_and_before_by_another_is_before() -> None:
    listed = lists((LEADER, _SIGNED - DAY))

    assert at_signing(says_revoked(at=_SIGNED + DAY), crls=(listed,)) == "REVOKED"


def test_key_that_was_unsafe_before_the_revocation_counts_from_then() -> None:
    unsafe = (x509.InvalidityDate((_SIGNED - DAY).replace(tzinfo=None)), False)
    listed = lists((LEADER, _SIGNED + DAY), of_entries=[unsafe, reason(x509.ReasonFlags.key_compromise)])

    assert at_signing(crls=(listed,)) == "REVOKED"


# --- several statements in one answer, and who may say it for how long


TWICE_IN_AN_ANSWER = {
    "good, then revoked": lambda: answering_often(says(), says_revoked(), key=ISSUING.key),
    "revoked, then good": lambda: answering_often(says_revoked(), says(), key=ISSUING.key),
    "held, then revoked": lambda: answering_often(
        says_revoked(reason=_HOLD), says_revoked(), key=ISSUING.key
    ),
    "revoked, then unknown": lambda: answering_often(
        says_revoked(), says(status=ocsp.OCSPCertStatus.UNKNOWN), key=ISSUING.key
    ),
}


@pytest.mark.parametrize("answer", TWICE_IN_AN_ANSWER)
def test_worst_statement_of_an_answer_counts(answer: str) -> None:
    said_since = says(since=NOW - HOUR / 2)  # a newer answer takes a hold back, and nothing else
    evidence = Evidence(ocsps=(said_since, TWICE_IN_AN_ANSWER[answer]()))

    assert verdict(LEADER, trust=TRUST, evidence=evidence).sub_indication == "REVOKED_NO_POE"


@pytest.mark.parametrize("first", [_HOLD, x509.ReasonFlags.remove_from_crl])
def test_worst_entry_of_a_list_counts(first: x509.ReasonFlags) -> None:
    twice = listed_twice((first, NOW - 3 * DAY), (x509.ReasonFlags.key_compromise, NOW - 2 * DAY))
    evidence = Evidence(crls=(twice,), ocsps=(says(),))

    found = verdict(LEADER, trust=TRUST, evidence=evidence)

    assert (found.sub_indication, found.revoked_at) == ("REVOKED_NO_POE", NOW - 2 * DAY)


def test_hold_beside_its_lifting_in_one_list_stays_a_hold() -> None:
    twice = listed_twice((x509.ReasonFlags.remove_from_crl, NOW - 3 * DAY), (_HOLD, NOW - 2 * DAY))

    found = verdict(LEADER, trust=TRUST, evidence=Evidence(crls=(twice,)))

    assert found.sub_indication == "REVOKED_NO_POE"


@pytest.mark.parametrize("until", [None, NOW + 3000 * DAY])
def test_answer_of_a_delegate_counts_no_longer_than_the_delegate(until: datetime | None) -> None:
    short = responder(until=NOW + HOUR)
    answer = signed_anew(produced_at(says(by=short, until=until), NOW), short.key)
    evidence = Evidence(ocsps=(answer,))

    before = verdict(LEADER, trust=TRUST, evidence=evidence, now=NOW + HOUR)
    after = verdict(LEADER, trust=TRUST, evidence=evidence, now=NOW + HOUR + timedelta(seconds=1))

    assert (before.sub_indication, after.sub_indication) == (None, "TRY_LATER")


def test_long_lists_that_every_signer_carries_are_hashed_once() -> None:
    long = tuple(bytes(4_000_000 + number) for number in range(5))

    began = time.process_time()
    for number in range(300):
        verdict(signer(f"Leader {number}", by=ISSUING), trust=TRUST, evidence=Evidence(crls=long))

    assert time.process_time() - began < _BUSY_SECONDS
