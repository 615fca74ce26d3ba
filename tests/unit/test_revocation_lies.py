"""Answers that are no answers: none of them clears a certificate whose revocation has to be known."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from signing.evidence import AtHand, Evidence
from signing.evidence_keys import crl_key
from tests.support.chain_answers import (
    CRL_URL,
    ISSUING,
    LEADER,
    TOP,
    TRUST,
    lists,
    says,
)
from tests.support.chain_lies import CRL_LIES, LIST_OF_RESPONDER, OCSP_LIES
from tests.support.chain_pki import (
    access,
    authority,
    crl_at,
    signer,
    trusting,
    usage,
    verdict,
)


def test_there_are_as_many_lies_as_promised() -> None:
    assert len(OCSP_LIES) + len(CRL_LIES) >= 60


@pytest.mark.parametrize("lie", OCSP_LIES)
def test_lie_of_an_ocsp_responder_clears_nobody(lie: str) -> None:
    evidence = Evidence(ocsps=(OCSP_LIES[lie](),), crls=(LIST_OF_RESPONDER,))

    found = verdict(LEADER, trust=TRUST, evidence=evidence)

    assert found.sub_indication == "TRY_LATER"
    assert [wanted.kind for wanted in found.wanted] == ["ocsp", "crl"]


@pytest.mark.parametrize("lie", OCSP_LIES)
def test_lie_of_an_ocsp_responder_in_the_store_clears_nobody(lie: str) -> None:
    asked = verdict(LEADER, trust=TRUST).wanted[0]
    store = AtHand({asked.key: OCSP_LIES[lie]()})
    evidence = Evidence(crls=(LIST_OF_RESPONDER,))

    assert verdict(LEADER, trust=TRUST, store=store, evidence=evidence).sub_indication == "TRY_LATER"


@pytest.mark.parametrize("lie", CRL_LIES)
def test_lie_in_a_revocation_list_clears_nobody(lie: str) -> None:
    found = verdict(LEADER, trust=TRUST, evidence=Evidence(crls=(CRL_LIES[lie](),)))

    assert found.sub_indication == "TRY_LATER"


@pytest.mark.parametrize("lie", CRL_LIES)
def test_lie_in_a_revocation_list_of_the_store_clears_nobody(lie: str) -> None:
    store = AtHand({crl_key(CRL_URL): CRL_LIES[lie]()})

    assert verdict(LEADER, trust=TRUST, store=store).sub_indication == "TRY_LATER"


def test_list_of_an_authority_that_may_not_sign_lists_clears_nobody() -> None:
    mute = authority("Mute", usage("key_cert_sign"), by=TOP)
    leaf = signer("Leader", crl_at(CRL_URL), by=mute)

    found = verdict(leaf, trust=trusting(TOP, mute), evidence=Evidence(crls=(lists(by=mute),)))

    assert found.sub_indication == "TRY_LATER"


def test_answer_of_an_authority_with_a_new_key_does_not_speak_for_the_old_one() -> None:
    renewed = authority("Issuing", by=TOP, key=ec.generate_private_key(ec.SECP256R1()))

    found = verdict(LEADER, trust=TRUST, evidence=Evidence(ocsps=(says(issuer=renewed, by=renewed),)))

    assert found.sub_indication == "TRY_LATER"


def test_declared_place_that_cannot_be_fetched_from_still_has_to_be_answered() -> None:
    leaf = signer("Leader", access(ocsp=["ldap://directory.invalid"]), by=ISSUING)

    found = verdict(leaf, trust=TRUST)

    assert (found.sub_indication, found.wanted) == ("TRY_LATER", ())
