"""Judging again with what was fetched, and remembering verdicts for as long as they hold."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from adapters.edxml.packet import Read
from adapters.egress import EgressRules, open_egress
from adapters.evidence_fetching import FetchRules, open_fetcher
from adapters.evidence_gathering import Gathering
from adapters.evidence_store import EvidenceFolder, open_evidence
from adapters.sandbox import TrustTold
from gateway.domain.errors import VerificationUnavailable
from gateway.domain.model import Sha256
from signing.report import Verdict, VerificationReport, Wanted
from tests.support.evidence_server import (
    Behaviour,
    EasyNamers,
    EvidenceServer,
    evidence_server,
    says,
    says_nothing,
)
from tests.support.twins import HandClock

PDF = "application/pdf"
FILE = Path("document.pdf")
SHA256 = Sha256("ab" * 32)
OTHER_SHA256 = Sha256("cd" * 32)
GOOD = b"\x30\x03good"


@dataclass
class Workers:
    """Judges every file: TOTAL-PASSED once every key of `needs` has a good answer in the store, one after
    the other."""

    evidence: EvidenceFolder
    server: EvidenceServer
    needs: list[str] = field(default_factory=list)
    manifest: bytes = b"the first manifest"
    judges_by: bytes = b""
    """The manifest as a worker knows it that has not read the folder again yet."""
    policy: str = "1"
    judged: int = 0
    is_busy: bool = False
    holds_until: datetime | None = None

    async def verify(
        self, path: Path, *, media_type: str, sha256: Sha256 | None = None, content: Path | None = None
    ) -> VerificationReport:
        """Return the verdict, and the first thing that it lacks."""
        self.judged += 1
        missing = [key for key in self.needs if self.evidence.get(key) != GOOD]
        wanted = tuple(Wanted("crl", key, (self.server.url(f"/{key}"),)) for key in missing[:1])
        return VerificationReport(
            Verdict.INDETERMINATE if wanted else Verdict.TOTAL_PASSED,
            trust_version=hashlib.sha256(self.judges_by or self.manifest).hexdigest(),
            policy_version=self.policy,
            wanted=wanted,
            holds_until=self.holds_until,
        )

    async def trust(self) -> TrustTold:
        """Return the manifest, and the one certificate it names; nobody has the time when it is busy."""
        if self.is_busy:
            raise VerificationUnavailable
        return TrustTold(hashlib.sha256(self.manifest).hexdigest(), self.manifest, [b"a certificate"])

    async def read_packet(self, path: Path, *, into: Path) -> Read:
        """Return a packet that says nothing."""
        return Read()


@dataclass
class Site:
    """What judges, and what is around it."""

    gathering: Gathering
    workers: Workers
    evidence: EvidenceFolder
    server: EvidenceServer
    clock: HandClock

    async def verdict(self, sha256: Sha256 | None = SHA256, content: Path | None = None) -> Verdict:
        """Return the verdict on a file."""
        report = await self.gathering.verify(FILE, media_type=PDF, sha256=sha256, content=content)
        assert report.wanted == ()
        return report.verdict


@asynccontextmanager
async def site(
    folder: Path, *, needs: tuple[str, ...] = (), behaviour: Behaviour | None = None, within: float = 5
) -> AsyncIterator[Site]:
    clock = HandClock()
    evidence = open_evidence(folder / "evidence", now=clock())
    loopback = (ip_network("127.0.0.0/8"),)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(evidence_server(behaviour or says(GOOD)))
        egress = await stack.enter_async_context(open_egress(EgressRules(allowed=loopback)))
        rules = FetchRules(frozenset({server.host}))
        fetcher = await stack.enter_async_context(
            open_fetcher(egress, evidence, rules, namers=EasyNamers(), clock=clock)
        )
        workers = Workers(evidence, server, list(needs))
        gathering = Gathering(workers, clock, timedelta(seconds=within), evidence, fetcher)
        yield Site(gathering, workers, evidence, server, clock)


async def test_verdict_that_lacked_an_answer_is_judged_again_with_it(tmp_path: Path) -> None:
    async with site(tmp_path, needs=("crl-1",)) as x:
        assert await x.verdict() is Verdict.TOTAL_PASSED
        assert x.workers.judged == 2


async def test_what_was_fetched_may_name_what_else_to_fetch(tmp_path: Path) -> None:
    async with site(tmp_path, needs=("issuer-1", "issuer-2", "crl-1")) as x:
        assert await x.verdict() is Verdict.TOTAL_PASSED
        assert [request.path for request in x.server.requests] == ["/issuer-1", "/issuer-2", "/crl-1"]


async def test_chain_of_wants_has_an_end(tmp_path: Path) -> None:
    async with site(tmp_path, needs=tuple(f"issuer-{n}" for n in range(100))) as x:
        assert await x.verdict() is Verdict.INDETERMINATE
        assert x.workers.judged == 4


@pytest.mark.parametrize("answer", [says(b"\x30nonsense"), says(b"busy", status="503 Busy")])
async def test_answer_that_settles_nothing_leaves_the_verdict(tmp_path: Path, answer: Behaviour) -> None:
    async with site(tmp_path, needs=("crl-1",), behaviour=answer) as x:
        assert await x.verdict() is Verdict.INDETERMINATE
        assert await x.verdict() is Verdict.INDETERMINATE
        assert {request.path for request in x.server.requests} == {"/crl-1"}
        assert len(x.server.requests) == 1


async def test_silent_authority_holds_nobody_up_longer_than_it_may(tmp_path: Path) -> None:
    async with site(tmp_path, needs=("crl-1",), behaviour=says_nothing, within=0.1) as x:
        assert await x.verdict() is Verdict.INDETERMINATE
        assert x.workers.judged == 1


async def test_same_file_is_judged_once(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        assert [await x.verdict() for _ in range(3)] == [Verdict.TOTAL_PASSED] * 3
        assert x.workers.judged == 1
        await x.verdict(OTHER_SHA256)
        assert x.workers.judged == 2


async def test_verdict_is_found_anew_after_ten_minutes(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        await x.verdict()
        x.clock += timedelta(minutes=9)
        await x.verdict()
        assert x.workers.judged == 1
        x.clock += timedelta(minutes=1)
        await x.verdict()
        assert x.workers.judged == 2


async def test_verdict_is_given_again_no_longer_than_what_it_rests_on_holds(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        x.workers.holds_until = x.clock() + timedelta(minutes=3)
        await x.verdict()
        x.clock += timedelta(minutes=2)
        await x.verdict()
        assert x.workers.judged == 1
        x.clock += timedelta(minutes=1)
        await x.verdict()
        assert x.workers.judged == 2


async def test_verdict_on_what_holds_for_years_is_found_anew_after_ten_minutes_too(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        x.workers.holds_until = x.clock() + timedelta(days=1000)
        await x.verdict()
        x.clock += timedelta(minutes=10)
        await x.verdict()
        assert x.workers.judged == 2


async def test_store_that_cannot_be_read_leaves_no_verdict(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        (tmp_path / "evidence" / "epoch").mkdir()
        with pytest.raises(VerificationUnavailable):
            await x.verdict()


async def test_new_evidence_ends_every_verdict_before_it(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        await x.verdict()
        x.workers.needs = ["crl-1"]
        x.server.behaviour = says(b"away", status="503 Away")
        x.evidence.keep("crl-1", b"\x30revoked", edition="2026-11-22")
        assert await x.verdict() is Verdict.INDETERMINATE
        assert x.workers.judged == 2


@pytest.mark.parametrize("changed", [{"manifest": b"the second manifest"}, {"policy": "2"}])
async def test_new_trust_and_new_rules_end_every_verdict_before_them(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    async with site(tmp_path) as x:
        await x.verdict()
        for name, value in changed.items():
            setattr(x.workers, name, value)
        await x.verdict(OTHER_SHA256)  # by which the new rules are noticed
        await x.verdict()
        assert x.workers.judged == 3
        await x.verdict()
        assert x.workers.judged == 3


async def test_anchor_that_is_withdrawn_ends_verdicts_within_a_minute(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        await x.verdict()
        x.workers.manifest = b"the second manifest"  # and no other file is judged
        x.clock += timedelta(minutes=1)
        await x.verdict()
        assert x.workers.judged == 2


async def test_verdict_by_a_worker_that_is_behind_is_not_given_again(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        x.workers.judges_by = b"the first manifest"
        x.workers.manifest = b"the second manifest"
        await x.verdict()
        await x.verdict()
        assert x.workers.judged == 2


async def test_no_verdict_is_given_again_while_nobody_says_what_is_trusted(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        await x.verdict()
        x.workers.is_busy = True
        x.clock += timedelta(minutes=1)
        await x.verdict()
        assert x.workers.judged == 2
        x.workers.is_busy = False
        await x.verdict()
        await x.verdict()
        assert x.workers.judged == 3


async def test_verdict_that_still_lacks_something_is_not_remembered(tmp_path: Path) -> None:
    async with site(tmp_path, needs=("crl-1",), behaviour=says(b"away", status="503 Away")) as x:
        assert await x.verdict() is Verdict.INDETERMINATE
        x.server.behaviour = says(GOOD)
        x.clock += timedelta(minutes=1)
        assert await x.verdict() is Verdict.TOTAL_PASSED


async def test_detached_signature_is_not_remembered_by_its_own_hash(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        await x.verdict(content=Path("one.pdf"))
        await x.verdict(content=Path("another.pdf"))
        assert x.workers.judged == 2


async def test_trust_that_a_verdict_rests_on_is_kept_with_the_evidence(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        report = await x.gathering.verify(FILE, media_type=PDF, sha256=SHA256)
        assert x.evidence.read(report.trust_version) == b"the first manifest"
        assert x.evidence.has(hashlib.sha256(b"a certificate").hexdigest())


async def test_trust_is_kept_with_a_later_verdict_when_workers_were_busy(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        x.workers.is_busy = True
        report = await x.gathering.verify(FILE, media_type=PDF, sha256=SHA256)
        assert not x.evidence.has(report.trust_version)
        x.workers.is_busy = False
        await x.verdict(OTHER_SHA256)
        assert x.evidence.has(report.trust_version)


async def test_trust_that_cannot_be_kept_costs_no_verdict(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        (tmp_path / "evidence" / "tmp").rmdir()
        assert await x.verdict() is Verdict.TOTAL_PASSED


async def test_packets_are_read_as_they_are(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        assert await x.gathering.read_packet(FILE, into=tmp_path) == Read()
