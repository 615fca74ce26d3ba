"""An authority that renewed its key: what it says with the new one about those it issued with the old."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from ops.evidence_naming import editions
from signing.chain.judge import ChainVerdict
from signing.evidence import AtHand, Evidence
from signing.evidence_keys import crl_issuer_key, crl_key
from tests.support.chain_answers import (
    CRL_URL,
    ISSUING,
    LEADER,
    STRANGER,
    TOP,
    TRUST,
    lists,
    reason,
    responder,
    says,
    scope,
)
from tests.support.chain_pki import (
    AUTHORITY,
    DAY,
    HOUR,
    NOW,
    Made,
    authority,
    crl_at,
    curve_key,
    limits,
    make,
    root,
    trusting,
    usage,
    verdict,
)

_KEY = curve_key("Issuing, renewed")
NEW = make(ISSUING.name, *AUTHORITY, by=TOP, key=_KEY)
RENEWED = trusting(TOP, ISSUING, NEW)
OTHER_TOP = root("Other Top")
OTHER_ISSUING = authority("Other Issuing", by=TOP)
BARRED = authority("Barred", limits(ca=True, length=0), by=TOP)
"""An authority that may certify no other."""
TOP_BY_BARRED = authority("Top", by=BARRED, key=curve_key("Top, by barred"))
_WEEK_OLD = lists(since=NOW - 6 * DAY)
"""By the old key, and still in force."""


def revoking(*, by: Made = NEW, since: datetime = NOW - HOUR) -> bytes:
    return lists((LEADER, NOW - DAY), by=by, since=since)


def at_its_address(listing: bytes) -> AtHand:
    return AtHand({crl_key(CRL_URL): listing})


def _identifier(made: Made) -> bytes:
    return made.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def brought_on_a_disk(listing: bytes) -> AtHand:
    return AtHand({crl_issuer_key(NEW.name.public_bytes(), key_identifier=_identifier(NEW)): listing})


# --- it is the same authority


def test_revocation_by_the_new_key_outweighs_an_older_list_by_the_old_one() -> None:
    found = verdict(LEADER, trust=RENEWED, evidence=Evidence(crls=(revoking(), _WEEK_OLD)))

    assert (found.sub_indication, found.revoked_at) == ("REVOKED_NO_POE", NOW - DAY)


def test_revocation_by_the_new_key_counts_with_its_certificate_from_the_file_alone() -> None:
    found = verdict(LEADER, NEW, trust=TRUST, evidence=Evidence(crls=(_WEEK_OLD, revoking())))

    assert found.sub_indication == "REVOKED_NO_POE"


@pytest.mark.parametrize("kept", [at_its_address, brought_on_a_disk])
def test_revocation_by_the_new_key_in_the_store_outweighs_a_list_in_the_file(kept: object) -> None:
    found = verdict(LEADER, trust=RENEWED, store=kept(revoking()), evidence=Evidence(crls=(_WEEK_OLD,)))  # type: ignore[operator]

    assert found.sub_indication == "REVOKED_NO_POE"


@pytest.mark.parametrize("kept", [at_its_address, brought_on_a_disk])
def test_list_by_the_new_key_in_the_store_clears(kept: object) -> None:
    assert verdict(LEADER, trust=RENEWED, store=kept(lists(by=NEW))).is_good  # type: ignore[operator]


def test_list_by_the_new_key_in_the_file_clears_when_it_names_the_address_of_the_certificate() -> None:
    listing = lists(by=NEW, extensions=[scope(urls=[CRL_URL])])

    assert verdict(LEADER, trust=RENEWED, evidence=Evidence(crls=(listing,))).is_good


def test_root_that_certified_its_new_key_speaks_with_it() -> None:
    link = make(TOP.name, *AUTHORITY, by=TOP, key=curve_key("Top, renewed"))
    gone = lists((ISSUING, NOW - DAY), by=link)

    found = verdict(LEADER, trust=trusting(TOP, ISSUING, link), evidence=Evidence(crls=(lists(), gone)))

    assert found.sub_indication == "REVOKED_CA_NO_POE"


# --- OCSP


def test_answer_by_the_new_key_clears() -> None:
    assert verdict(LEADER, trust=RENEWED, evidence=Evidence(ocsps=(says(by=NEW, certificates=[]),))).is_good


def test_revocation_in_an_answer_by_the_new_key_counts() -> None:
    revoked = says(by=NEW, certificates=[], status=ocsp.OCSPCertStatus.REVOKED, revoked_at=NOW - DAY)

    found = verdict(LEADER, trust=RENEWED, evidence=Evidence(ocsps=(says(since=NOW - 2 * HOUR), revoked)))

    assert found.sub_indication == "REVOKED_NO_POE"


def test_responder_appointed_by_the_new_key_clears_nobody_of_the_old() -> None:
    answer = says(by=responder(by=NEW))

    assert verdict(LEADER, trust=RENEWED, evidence=Evidence(ocsps=(answer,))).sub_indication == "TRY_LATER"


def test_responder_that_the_new_key_revoked_is_not_believed() -> None:
    appointed = responder()
    gone = lists((appointed, NOW - DAY), by=NEW)

    found = verdict(LEADER, trust=RENEWED, evidence=Evidence(ocsps=(says(by=appointed),), crls=(gone,)))

    assert found.sub_indication == "TRY_LATER"


# --- some authorities keep a list for each of their keys


def test_list_by_the_new_key_in_the_file_that_names_no_address_clears_nobody() -> None:
    found = verdict(LEADER, trust=RENEWED, evidence=Evidence(crls=(lists(by=NEW),)))

    assert (found.sub_indication, [each.kind for each in found.wanted]) == ("TRY_LATER", ["ocsp", "crl"])


def test_list_by_the_new_key_that_names_no_address_lifts_no_hold() -> None:
    hold = lists((LEADER, NOW - DAY), of_entries=[reason(x509.ReasonFlags.certificate_hold)], since=NOW - DAY)
    newer = lists(by=NEW, since=NOW - HOUR)

    found = verdict(LEADER, trust=RENEWED, evidence=Evidence(crls=(hold, newer)))

    assert found.sub_indication == "REVOKED_NO_POE"


# --- somebody else of the same name

_KEY_OF_ANOTHER = curve_key("Issuing, of another")
IMPOSTORS = {
    "nobody's": (STRANGER, ()),
    "under another anchor": (make(ISSUING.name, *AUTHORITY, by=OTHER_TOP, key=_KEY_OF_ANOTHER), (OTHER_TOP,)),
    "by another authority under the anchor": (
        make(ISSUING.name, *AUTHORITY, by=OTHER_ISSUING, key=_KEY_OF_ANOTHER),
        (OTHER_ISSUING,),
    ),
    "on a path against the rules": (
        make(ISSUING.name, *AUTHORITY, by=TOP_BY_BARRED, key=_KEY_OF_ANOTHER),
        (BARRED, TOP_BY_BARRED),
    ),
    "an anchor itself": (make(ISSUING.name, *AUTHORITY, key=_KEY_OF_ANOTHER), ()),
    "no authority": (
        make(ISSUING.name, limits(ca=False), usage("crl_sign"), by=TOP, key=_KEY_OF_ANOTHER),
        (),
    ),
    "without the right to sign lists": (
        make(ISSUING.name, limits(ca=True), usage("key_cert_sign"), by=TOP, key=_KEY_OF_ANOTHER),
        (),
    ),
    "signed by another of the root's name": (
        make(ISSUING.name, *AUTHORITY, by=root("Top", key=curve_key("Top, forged")), key=_KEY_OF_ANOTHER),
        (),
    ),
}


@pytest.mark.parametrize("impostor", IMPOSTORS)
def test_list_of_somebody_else_of_the_name_says_nothing(impostor: str) -> None:
    other, above = IMPOSTORS[impostor]
    trust = trusting(TOP, ISSUING, *above, *([other] if impostor != "nobody's" else []))

    clearing = verdict(LEADER, other, *above, trust=trust, store=at_its_address(lists(by=other)))
    accusing = verdict(
        LEADER, other, *above, trust=trust, evidence=Evidence(crls=(_WEEK_OLD, revoking(by=other)))
    )

    assert (clearing.sub_indication, accusing.sub_indication) == ("TRY_LATER", None)


# --- the new key has to hold itself


def _new(**rest: object) -> Made:
    return make(ISSUING.name, *AUTHORITY, by=TOP, key=_KEY, **rest)  # type: ignore[arg-type]


def test_revoked_key_says_nothing() -> None:
    gone = lists((NEW, NOW - DAY), by=TOP)

    clearing = verdict(
        LEADER, trust=RENEWED, store=at_its_address(lists(by=NEW)), evidence=Evidence(crls=(gone,))
    )
    accusing = verdict(LEADER, trust=RENEWED, evidence=Evidence(crls=(gone, _WEEK_OLD, revoking())))

    assert (clearing.sub_indication, accusing.sub_indication) == ("TRY_LATER", None)


def _with_ended(listing: bytes, *, until: datetime) -> ChainVerdict:
    trust = trusting(TOP, ISSUING, _new(until=until))
    return verdict(LEADER, trust=trust, store=at_its_address(listing))


def test_key_that_has_ended_clears_nobody() -> None:
    listing = lists(by=NEW, since=NOW - 3 * DAY)

    assert _with_ended(listing, until=NOW - 2 * DAY).sub_indication == "TRY_LATER"
    assert _with_ended(listing, until=NOW + DAY).is_good


def test_revocation_by_a_key_that_has_ended_since_is_not_forgotten() -> None:
    listing = revoking(since=NOW - 3 * DAY)

    assert _with_ended(listing, until=NOW - 2 * DAY).sub_indication == "REVOKED_NO_POE"


def test_key_whose_own_standing_is_open_revokes_and_does_not_clear() -> None:
    declared = make(ISSUING.name, *AUTHORITY, crl_at("http://crl.top.invalid/top.crl"), by=TOP, key=_KEY)
    trust = trusting(TOP, ISSUING, declared)

    clearing = verdict(LEADER, trust=trust, store=at_its_address(lists(by=NEW)))
    accusing = verdict(LEADER, trust=trust, store=at_its_address(revoking()))
    answered = verdict(
        LEADER, trust=trust, store=at_its_address(lists(by=NEW)), evidence=Evidence(crls=(lists(by=TOP),))
    )

    assert clearing.sub_indication == "TRY_LATER"
    assert "http://crl.top.invalid/top.crl" in {url for each in clearing.wanted for url in each.urls}
    assert accusing.sub_indication == "REVOKED_NO_POE"
    assert answered.is_good


def test_crowd_of_strangers_of_the_name_does_not_hide_the_new_key() -> None:
    strangers = [
        make(name, *AUTHORITY, key=curve_key(f"crowd {number}"))
        for name in (TOP.name, NEW.name)
        for number in range(100)
    ]

    found = verdict(LEADER, *strangers, trust=RENEWED, evidence=Evidence(crls=(_WEEK_OLD, revoking())))

    assert found.sub_indication == "REVOKED_NO_POE"


def test_verdict_on_the_word_of_the_new_key_holds_until_that_ends() -> None:
    found = _with_ended(lists(by=NEW, until=NOW + 3 * DAY), until=NOW + 2 * DAY)

    assert (found.sub_indication, found.holds_until) == (None, NOW + 2 * DAY)


def test_what_is_wanted_names_the_keys_that_may_sign_it() -> None:
    asked, listed = verdict(LEADER, trust=RENEWED).wanted

    assert asked.about == listed.about == (LEADER.der, ISSUING.der, NEW.der)


_FETCHED = {"crl": lists(by=NEW), "ocsp": says(by=NEW, certificates=[])}


@pytest.mark.parametrize("kind", _FETCHED)
def test_answer_by_the_new_key_is_taken_when_it_was_fetched(kind: str, tmp_path: Path) -> None:
    (wanted,) = (each for each in verdict(LEADER, trust=RENEWED).wanted if each.kind == kind)
    path = tmp_path / "answer"
    path.write_bytes(_FETCHED[kind])

    store = AtHand(dict.fromkeys(editions(path, at=NOW, wanted=wanted), _FETCHED[kind]))

    assert verdict(LEADER, trust=RENEWED, store=store).is_good
