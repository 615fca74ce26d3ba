"""A revocation that was heard of is not taken back by what is older, forged, of another scope or damaged."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from prometheus_client import CollectorRegistry

from gateway.domain.errors import VerificationUnavailable
from ops.dev.pki import Identity
from ops.evidence_naming import editions
from ops.settings import load
from ops.verifying import open_verifier
from signing.evidence_keys import crl_issuer_key, crl_key
from signing.report import Verdict, Wanted
from tests.component.test_evidence_flow import PDF, forged, site, write_trust
from tests.support.chain_answers import (
    CLERK,
    CRL_URL,
    ISSUING,
    LEADER,
    STRANGER,
    TOP,
    lists,
    says,
    says_revoked,
    scope,
)
from tests.support.chain_pki import DAY, HOUR, NOW, YEAR, crl_at, signer
from tests.support.evidence_server import says as server_says
from tests.support.pki import signed

REVOKED = ("revoked-no-proof",)
OPEN = ("revocation-unknown",)
CHANGES = (x509.DeltaCRLIndicator(1), True)


def pem(*contents: bytes) -> bytes:
    """A PEM file with these revocation lists."""
    begin, end = b"-----BEGIN X509 CRL-----\n", b"-----END X509 CRL-----\n"
    return b"".join(begin + base64.encodebytes(content) + end for content in contents)


async def test_older_list_that_is_brought_later_makes_nobody_good_again(tmp_path: Path) -> None:
    older = lists(since=NOW - DAY, until=NOW + 6 * DAY)
    async with site(tmp_path, has_crl=True, within=0.1) as x:
        newer = lists((x.leader, NOW - 2 * HOUR), since=NOW - HOUR)
        assert await x.take_in(newer) == ["new"]
        assert await x.codes() == REVOKED
        (fault,) = await x.take_in(older)
        assert "older than the one at hand" in fault
        assert await x.codes() == REVOKED
        assert await x.take_in(newer) == ["known"]


async def test_older_list_that_a_host_still_serves_makes_nobody_good_again(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True) as x:
        emergency = lists((x.leader, NOW - 2 * HOUR), since=NOW - HOUR, until=NOW + HOUR)
        x.server.behaviour = server_says(emergency)
        assert await x.codes() == REVOKED
        x.clock += timedelta(hours=2)
        x.server.behaviour = server_says(lists(since=NOW - DAY, until=NOW + 6 * DAY))
        colleague = signer("Colleague", crl_at(x.server.url("/issuing.crl")), by=ISSUING)
        path = tmp_path / "colleague.pdf"
        identity = Identity(colleague.key, colleague.certificate, (ISSUING.certificate,))  # type: ignore[arg-type]
        path.write_bytes(await asyncio.to_thread(signed, identity))
        assert (await x.gathering.verify(path, media_type=PDF)).verdict is Verdict.INDETERMINATE
        assert len(x.server.requests) == 2
        assert await x.codes() == REVOKED


async def test_older_answer_of_a_responder_makes_nobody_good_again(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        x.server.behaviour = server_says(says_revoked(x.leader, since=NOW - HOUR, until=NOW + HOUR))
        assert await x.codes() == REVOKED
        (fault,) = await x.take_in(says(x.leader, since=NOW - 2 * HOUR, until=NOW + DAY, made_at=NOW))
        assert "older than the one at hand" in fault
        assert await x.codes() == REVOKED


@pytest.mark.parametrize("has_crl", [True, False])
async def test_forgery_of_a_later_day_keeps_no_genuine_answer_away(tmp_path: Path, has_crl: bool) -> None:
    later, until = NOW + timedelta(minutes=4), NOW + DAY
    async with site(tmp_path, has_crl=has_crl) as x:
        if has_crl:
            lies = [
                lists(by=STRANGER, issuer=ISSUING.name, since=later),
                lists(since=later, extensions=[CHANGES]),
            ]
            truth = lists()
        else:
            lies = [
                says(x.leader, by=STRANGER, since=later, until=until),
                says(CLERK, since=later, until=until),
            ]
            truth = says(x.leader)
        for answer in (*lies, forged(truth)):
            x.server.behaviour = server_says(answer)
            assert await x.codes() == OPEN
            x.clock += timedelta(seconds=61)
        x.server.behaviour = server_says(truth)
        assert await x.codes() == ()


async def test_newer_list_of_another_part_keeps_that_of_the_signer_in_place(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True) as x:
        url = x.server.url("/issuing.crl")
        own = lists(
            (x.leader, NOW - 2 * HOUR), since=NOW - DAY, until=NOW + HOUR, extensions=[scope(urls=[url])]
        )
        x.server.behaviour = server_says(own)
        assert await x.codes() == REVOKED
        x.clock += timedelta(hours=2)
        others = lists(since=NOW, until=NOW + DAY, extensions=[scope(urls=[f"{url}?2"])])
        x.server.behaviour = server_says(others)
        await x.report()
        assert await x.take_in(others) == ["new"]
        assert await x.codes() == REVOKED


@pytest.mark.parametrize("own_is_first", [True, False])
async def test_lists_of_users_and_of_authorities_stand_side_by_side(
    tmp_path: Path, own_is_first: bool
) -> None:
    async with site(tmp_path, has_crl=True, within=0.1) as x:
        users = lists((x.leader, NOW - 2 * DAY), since=NOW - DAY, extensions=[scope(users=True)])
        authorities = lists(since=NOW - HOUR, extensions=[scope(authorities=True)])
        files = (users, authorities) if own_is_first else (authorities, users)
        assert await x.take_in(*files) == ["new", "new"]
        assert await x.codes() == REVOKED


async def test_list_of_one_part_is_found_by_its_address(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True, within=0.1) as x:
        url = x.server.url("/issuing.crl")
        assert await x.take_in(lists(extensions=[scope(urls=[url])])) == ["new"]
        assert await x.codes() == ()


@pytest.mark.parametrize(
    ("listing", "fault"),
    [
        (lists(since=NOW, extensions=[CHANGES]), "not complete"),
        (lists(since=NOW, extensions=[scope(indirect=True)]), "not complete"),
        (
            lists(since=NOW, extensions=[scope(reasons=frozenset({x509.ReasonFlags.key_compromise}))]),
            "not complete",
        ),
        (lists(since=NOW + timedelta(minutes=6)), "not come yet"),
        (says(CLERK, since=NOW + DAY, until=NOW + 2 * DAY), "not come yet"),
        (says(CLERK, status=ocsp.OCSPCertStatus.UNKNOWN), "knows no certificate"),
    ],
    ids=["changes", "others", "reasons", "future list", "future answer", "unknown"],
)
async def test_what_cannot_take_anybodys_place_is_not_taken(
    tmp_path: Path, listing: bytes, fault: str
) -> None:
    async with site(tmp_path, has_crl=True, within=0.1) as x:
        await x.take_in(lists())
        (told,) = await x.take_in(listing)
        assert fault in told
        assert await x.codes() == ()


async def test_one_bad_file_keeps_no_good_one_out(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True, within=0.1) as x:
        broken = [
            b"-----BEGIN X509 CRL-----\nAAA\n-----END X509 CRL-----\n",
            pem(lists())[:-40],
            pem(b"*")[:40],
            b"",
        ]
        *faults, good = await x.take_in(*broken, lists())
        assert [bool(fault) for fault in faults] == [True] * len(broken)
        assert good == "new"
        assert await x.codes() == ()


async def test_every_list_in_a_file_is_taken(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True, within=0.1) as x:
        assert await x.take_in(pem(lists(by=TOP), lists((x.leader, NOW - 2 * DAY)))) == ["new"]
        assert await x.codes() == REVOKED


async def test_file_that_is_not_taken_whole_says_so(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True, within=0.1) as x:
        (told,) = await x.take_in(pem(lists(extensions=[CHANGES]), lists()))
        assert "not complete" in told
        assert await x.codes() == ()


async def test_damaged_list_is_put_right_when_it_is_fetched_again(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True) as x:
        x.server.behaviour = server_says(lists())
        assert await x.codes() == ()
        for kept in (tmp_path / "evidence").rglob("*"):
            if kept.is_file() and kept.name != "epoch":
                kept.write_bytes(kept.read_bytes()[:30])
        x.clock += timedelta(minutes=2)
        assert await x.codes() == ()
        assert len(x.server.requests) == 2


async def test_evidence_that_cannot_be_read_leaves_no_verdict(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True) as x:
        x.server.behaviour = server_says(lists())
        assert await x.codes() == ()
        for name in (tmp_path / "evidence" / "names").iterdir():
            name.unlink()
            name.mkdir()
        with pytest.raises(VerificationUnavailable):
            await x.report()


RENEWED = STRANGER
"""Another key under the authority's name."""


@pytest.mark.parametrize("is_addressed", [True, False])
def test_list_by_another_key_takes_the_place_of_none_by_the_own_one(
    tmp_path: Path, is_addressed: bool
) -> None:
    listed_at = scope(urls=[CRL_URL])
    listing = lists(by=RENEWED, issuer=ISSUING.name, extensions=[listed_at] if is_addressed else [])
    path = tmp_path / "list.crl"
    path.write_bytes(listing)
    about = (LEADER.der, ISSUING.der, RENEWED.der)
    wanted = Wanted("crl", crl_key(CRL_URL), (CRL_URL,), about=about)
    by_name = crl_issuer_key(ISSUING.name.public_bytes(), key_identifier=None)
    assert list(editions(path, at=NOW, wanted=wanted)) == [wanted.key if is_addressed else by_name]


async def test_file_that_is_being_written_is_left_alone_by_who_judges_by_a_later_day(tmp_path: Path) -> None:
    being_written = tmp_path / "evidence" / "tmp" / "half"
    being_written.parent.mkdir(parents=True)
    being_written.write_bytes(b"half")
    write_trust(tmp_path / "trust", TOP)
    settings = load(None, {"LIENTHONG_DATA_DIR": str(tmp_path)})
    settings.bodies_dir.mkdir(parents=True)
    async with open_verifier(settings, CollectorRegistry(), clock=lambda: NOW + 1000 * YEAR):
        assert being_written.exists()
