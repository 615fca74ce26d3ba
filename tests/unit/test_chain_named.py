"""Authorities that are missing or silent are named to the clerk."""

from __future__ import annotations

from signing.chain.judge import ChainVerdict
from tests.support.chain_answers import LEADER, TRUST
from tests.support.chain_pki import authority, crl_at, root, signer, trusting, verdict


def told(found: ChainVerdict) -> tuple[str, str, str]:
    assert found.reason is not None
    return found.reason.code, found.reason.vi, found.reason.en


def test_authority_at_which_the_path_ends_is_named() -> None:
    far = root("Xa")
    between = authority("Trung gian", by=far)
    leader = signer("Leader", by=between)
    alone, with_pool = verdict(leader, trust=TRUST), verdict(leader, between, trust=TRUST)

    assert told(alone)[0] == "no-path"
    assert "“Trung gian”" in told(alone)[1]
    assert "“Trung gian”" in told(alone)[2]
    assert "“Xa”" in told(with_pool)[1]


def test_authority_that_was_not_heard_is_named() -> None:
    found = verdict(LEADER, trust=TRUST)

    assert (found.sub_indication, told(found)[0]) == ("TRY_LATER", "revocation-unknown")
    assert "do “Issuing” cấp" in told(found)[1]


def test_authority_of_an_authority_that_was_not_heard_is_named() -> None:
    top = root("Top")
    between = authority("Between", crl_at("http://ca.example/top.crl"), by=top)
    found = verdict(signer("Leader", by=between), between, trust=trusting(top))

    assert "do “Top” cấp" in told(found)[1]
