"""What is brought on a disk takes no genuine answer's place unless it is genuine itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import AuthorityKeyIdentifier

from adapters.evidence_store import Taken, open_evidence
from ops.evidence_naming import UNPROVEN, editions
from signing.evidence_keys import crl_key
from signing.report import Wanted
from signing.trust import TrustStore
from tests.component.test_evidence_flow import forged, site
from tests.support.chain_answers import (
    CLERK,
    CRL_URL,
    ISSUING,
    LEADER,
    OTHER_ISSUING,
    STRANGER,
    TOP,
    TRUST,
    lists,
    responder,
    says,
    says_revoked,
    scope,
)
from tests.support.chain_pki import (
    AUTHORITY,
    DAY,
    HOUR,
    NOW,
    Made,
    curve_key,
    limits,
    make,
    trusting,
)
from tests.support.evidence_server import says as server_says

REVOKED = ("revoked-no-proof",)
NOT_SIGNED = "not signed by that authority"
RENEWED = make(ISSUING.name, *AUTHORITY, by=TOP, key=curve_key("Issuing, renewed"))
FOREIGN_KEY = AuthorityKeyIdentifier(b"another key", None, None), False


def edition(tmp_path: Path, content: bytes, *, trust: TrustStore = TRUST, fetched: Made | None = None) -> str:
    """The edition of what is brought to a site that fetched this certificate before."""
    kept = open_evidence(tmp_path / "evidence", now=NOW)
    if fetched:
        kept.keep("issuer-1", fetched.der)
    path = tmp_path / "brought"
    path.write_bytes(content)
    (found,) = editions(path, at=NOW, trust=trust, kept=kept).values()
    return found


async def test_list_that_a_stranger_signed_silences_no_authority(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True, within=0.1) as x:
        genuine = lists((x.leader, NOW - 2 * DAY), since=NOW - HOUR, until=NOW + 6 * DAY)
        assert await x.take_in(genuine) == ["new"]
        (fault,) = await x.take_in(lists(by=STRANGER, issuer=ISSUING.name, since=NOW))
        assert NOT_SIGNED in fault
        assert await x.codes() == REVOKED
        assert await x.take_in(genuine) == ["known"]


async def test_answer_that_a_stranger_signed_silences_no_responder(tmp_path: Path) -> None:
    async with site(tmp_path, within=0.1) as x:
        revoked = says_revoked(x.leader)
        lies = [says(x.leader, by=STRANGER, since=NOW), forged(says(x.leader, since=NOW))]
        first, *faults = await x.take_in(revoked, *lies)
        assert first == "new"
        assert all(NOT_SIGNED in fault for fault in faults)
        assert await x.codes() == REVOKED


async def test_list_of_an_authority_unknown_here_serves_until_a_genuine_one_comes(tmp_path: Path) -> None:
    async with site(tmp_path, trusted=(TOP,), within=5) as x:
        x.server.behaviour = server_says(ISSUING.der)
        lie = says(x.leader, by=STRANGER, since=NOW, until=NOW + DAY)
        assert await x.take_in(lie) == ["new"]
        assert await x.codes() == ("revocation-unknown",)
        (told,) = await x.take_in(lie)
        assert NOT_SIGNED in told  # the authority was fetched meanwhile
        assert await x.take_in(says_revoked(x.leader)) == ["new"]
        assert await x.codes() == REVOKED


async def test_fetched_list_replaces_a_later_one_that_nobody_could_check(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True, trusted=(TOP, OTHER_ISSUING)) as x:
        at = scope(urls=[x.server.url("/issuing.crl")])
        lie = lists(by=STRANGER, issuer=ISSUING.name, since=NOW, until=NOW + 9 * DAY, extensions=[at])
        assert await x.take_in(lie) == ["new"]

        listing = lists(extensions=[at])
        (x.path.parent / "trust" / "9.pem").write_bytes(ISSUING.certificate.public_bytes(Encoding.PEM))
        x.clock += timedelta(minutes=2)
        x.server.behaviour = server_says(listing)
        assert await x.codes() == ()


@pytest.mark.parametrize(
    "content",
    [
        lists(),
        lists(extensions=[scope(urls=["http://lists.invalid/1"])]),
        lists(extensions=[FOREIGN_KEY]),
        lists(by=RENEWED),
        lists(by=TOP),
        says(),
        says(by=responder()),
        says(by=RENEWED),
    ],
    ids=["list", "addressed", "odd key", "renewed", "anchor", "answer", "appointed", "renewed answer"],
)
def test_what_is_genuine_comes_before_what_nobody_could_check(tmp_path: Path, content: bytes) -> None:
    known = trusting(TOP, ISSUING, RENEWED)
    assert edition(tmp_path, content, trust=known) > edition(tmp_path, content, trust=trusting(OTHER_ISSUING))


@pytest.mark.parametrize("content", [lists(), says()], ids=["list", "answer"])
def test_authority_that_was_fetched_before_is_known(tmp_path: Path, content: bytes) -> None:
    assert edition(tmp_path, content, trust=trusting(TOP)).startswith(UNPROVEN)
    assert not edition(tmp_path, content, trust=trusting(TOP), fetched=ISSUING).startswith(UNPROVEN)


def test_authority_that_leads_to_nobody_trusted_vouches_for_nothing(tmp_path: Path) -> None:
    lie = lists(by=STRANGER, issuer=ISSUING.name)
    assert edition(tmp_path, lie, trust=trusting(TOP), fetched=STRANGER).startswith(UNPROVEN)


def test_signer_with_the_name_of_an_authority_vouches_for_nothing(tmp_path: Path) -> None:
    namesake = make(ISSUING.name, limits(ca=False), by=TOP)
    lie = lists(by=namesake, issuer=ISSUING.name)
    assert edition(tmp_path, lie, trust=trusting(TOP, namesake)).startswith(UNPROVEN)


def test_list_by_a_key_that_is_not_known_here_may_be_by_a_renewed_one(tmp_path: Path) -> None:
    assert edition(tmp_path, lists(by=RENEWED, extensions=[FOREIGN_KEY])).startswith(UNPROVEN)


@pytest.mark.parametrize("is_list", [True, False])
async def test_older_answer_of_an_authority_that_became_known_makes_nobody_good(
    tmp_path: Path, is_list: bool
) -> None:
    said: Callable[[Made], bytes] = (
        (lambda leader: lists((leader, NOW - 2 * DAY), since=NOW - HOUR)) if is_list else says_revoked
    )
    async with site(tmp_path, has_crl=is_list, trusted=(TOP, OTHER_ISSUING), within=0.1) as x:
        assert await x.take_in(said(x.leader)) == ["new"]
        (tmp_path / "trust" / "9.pem").write_bytes(ISSUING.certificate.public_bytes(Encoding.PEM))
        older = lists() if is_list else says(x.leader, since=NOW - DAY, until=NOW + DAY)
        (fault,) = await x.take_in(older)
        assert "older than the one at hand" in fault
        x.clock += timedelta(minutes=2)
        assert await x.codes() == REVOKED
        assert await x.take_in(says(CLERK)) == ["new"]


def test_older_list_that_is_fetched_stands_behind_a_later_one_that_proves_genuine(tmp_path: Path) -> None:
    later = lists((LEADER, NOW - 2 * DAY), since=NOW - HOUR, extensions=[scope(urls=[CRL_URL])])
    kept = open_evidence(tmp_path / "evidence", now=NOW)
    kept.keep(crl_key(CRL_URL), later, edition=f"{UNPROVEN}{NOW - HOUR}")
    wanted = Wanted("crl", crl_key(CRL_URL), (CRL_URL,), about=(LEADER.der, ISSUING.der))
    path = tmp_path / "fetched"
    path.write_bytes(lists())
    (found,) = editions(path, at=NOW, wanted=wanted, trust=trusting(TOP), kept=kept).values()
    assert kept.keep(wanted.key, lists(), edition=found) is Taken.OLDER
