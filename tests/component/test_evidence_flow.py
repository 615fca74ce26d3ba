"""From a signed file over a real worker to an authority and back: what liars say is never believed (F61)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from adapters.egress import EgressRules, open_egress
from adapters.evidence_fetching import FetchRules, open_fetcher
from adapters.evidence_gathering import Gathering
from adapters.evidence_store import EvidenceFolder, open_evidence
from adapters.sandbox import open_sandbox
from ops.dev.pki import Identity
from ops.evidence_import import import_files
from ops.settings import load
from ops.worker_commands import parsing_worker_command
from signing.report import Verdict, VerificationReport
from tests.support.chain_answers import (
    CLERK,
    ISSUING,
    OTHER_ISSUING,
    STRANGER,
    TOP,
    lists,
    refuses,
    responder,
    says,
    says_revoked,
)
from tests.support.chain_pki import DAY, HOUR, NOW, YEAR, Made, access, crl_at, purposes, signer
from tests.support.evidence_server import EvidenceServer, evidence_server, says_nothing
from tests.support.evidence_server import says as server_says
from tests.support.pki import signed
from tests.support.twins import HandClock

PDF = "application/pdf"
MEMORY_BYTES = 512 * 1024 * 1024


@dataclass
class Site:
    """A leader whose certificate names the server, a document by that leader, and what judges it."""

    leader: Made
    path: Path
    gathering: Gathering
    evidence: EvidenceFolder
    server: EvidenceServer
    clock: HandClock

    async def report(self) -> VerificationReport:
        """Return the verdict on the document."""
        return await self.gathering.verify(self.path, media_type=PDF)

    async def codes(self) -> tuple[str, ...]:
        """Return what is said against the document's signature; nothing when it passes."""
        report = await self.report()
        assert (report.verdict is Verdict.TOTAL_PASSED) == (report.signatures[0].codes == ())
        return report.signatures[0].codes

    async def take_in(self, *contents: bytes) -> list[str]:
        """Import files of these contents, in order; return what became of each."""
        folder = self.path.parent
        settings = load(
            None,
            {
                "LIENTHONG_DATA_DIR": str(folder / "data"),
                "LIENTHONG_EVIDENCE__DIR": str(folder / "evidence"),
                "LIENTHONG_TRUST__DIR": str(folder / "trust"),
            },
        )
        files = [folder / f"{number}.crl" for number in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        imported = await import_files(settings, files, clock=self.clock)
        return [each.fault or ("new" if each.is_new else "known") for each in imported]


def write_trust(folder: Path, *certificates: Made) -> Path:
    folder.mkdir(parents=True)
    for number, made in enumerate(certificates):
        (folder / f"{number}.pem").write_bytes(made.certificate.public_bytes(Encoding.PEM))
    return folder


@asynccontextmanager
async def site(
    folder: Path, *, within: float = 5, trusted: tuple[Made, ...] = (TOP, ISSUING), has_crl: bool = False
) -> AsyncIterator[Site]:
    clock = HandClock(NOW)
    evidence = open_evidence(folder / "evidence", now=NOW)
    trust = write_trust(folder / "trust", *trusted)
    command = parsing_worker_command(
        trust, bodies_dir=folder, memory_bytes=MEMORY_BYTES, evidence_dir=folder / "evidence"
    )
    rules = EgressRules(allowed=(ip_network("127.0.0.0/8"),), total=timedelta(seconds=5))
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(open_sandbox(command, clock=clock, workers=1))
        server = await stack.enter_async_context(evidence_server(says_nothing))
        egress = await stack.enter_async_context(open_egress(rules))
        hosts = FetchRules(frozenset({server.host}))
        fetcher = await stack.enter_async_context(
            open_fetcher(egress, evidence, hosts, namers=sandbox, clock=clock)
        )
        ways = access(ocsp=[] if has_crl else [server.url("/ocsp")], issuer=[server.url("/issuing.crt")])
        lists_at = [crl_at(server.url("/issuing.crl"))] if has_crl else []
        leader = signer("Leader", ways, *lists_at, by=ISSUING)
        path = folder / "document.pdf"
        chain = (ISSUING.certificate,) if ISSUING in trusted else ()
        identity = Identity(leader.key, leader.certificate, chain)  # type: ignore[arg-type]
        path.write_bytes(await asyncio.to_thread(signed, identity))
        gathering = Gathering(sandbox, clock, timedelta(seconds=within), evidence, fetcher)
        yield Site(leader, path, gathering, evidence, server, clock)


def forged(answer: bytes) -> bytes:
    """The answer with another signature value."""
    return answer[:-1] + bytes([answer[-1] ^ 1])


Lie = Callable[[Made], bytes]
LIES: dict[str, Lie] = {
    **{
        f"refuses: {status.name}": lambda _, status=status: refuses(status)  # type: ignore[misc]
        for status in ocsp.OCSPResponseStatus
        if status is not ocsp.OCSPResponseStatus.SUCCESSFUL
    },
    "forged": lambda leader: forged(says(leader)),
    "by a stranger with the authority's name": lambda leader: says(leader, by=STRANGER),
    "by a stranger who does not show itself": lambda leader: says(leader, by=STRANGER, certificates=[]),
    "by another authority under the same root": lambda leader: says(leader, by=OTHER_ISSUING),
    "by the signer itself": lambda leader: says(leader, by=leader),
    "by another signer": lambda leader: says(leader, by=CLERK),
    "by one appointed for something else": lambda leader: says(
        leader, by=responder(purposes(ExtendedKeyUsageOID.CLIENT_AUTH))
    ),
    "by one appointed by another authority": lambda leader: says(leader, by=responder(by=OTHER_ISSUING)),
    "by one whose time is over": lambda leader: says(
        leader, by=responder(since=NOW - 2 * YEAR, until=NOW - YEAR)
    ),
    "about somebody else": lambda _: says(CLERK),
    "about that number of another authority": lambda leader: says(leader, issuer=OTHER_ISSUING),
    "of last week": lambda leader: says(leader, since=NOW - 8 * DAY, until=NOW - 7 * DAY),
    "old and without an end": lambda leader: says(leader, since=NOW - 8 * DAY, until=None),
    "of tomorrow": lambda leader: says(leader, since=NOW + DAY, until=NOW + 2 * DAY),
    "does not know it": lambda leader: says(leader, status=ocsp.OCSPCertStatus.UNKNOWN),
    "cut off": lambda leader: says(leader)[:-20],
    "with something behind": lambda leader: says(leader) + b"\x00",
    "a list instead": lambda _: lists(),
    "a certificate instead": lambda leader: leader.der,
    "an empty sequence": lambda _: b"\x30\x00",
    "a length without end": lambda _: b"\x30\x84\x7f\xff\xff\xff" + bytes(1000),
    "nested without end": lambda _: b"\x30\x80" * 20_000,
    "a web page": lambda _: b"<html>good</html>",
    "nothing": lambda _: b"",
}


async def test_lying_responder_is_never_believed_and_an_honest_one_is(tmp_path: Path) -> None:
    assert len(LIES) >= 25
    async with site(tmp_path) as x:
        believed = []
        for name, lie in LIES.items():
            x.server.behaviour = server_says(lie(x.leader))
            x.clock += timedelta(seconds=61)
            report = await x.report()
            if report.verdict is not Verdict.INDETERMINATE:
                believed.append(name)
            assert report.signatures[0].sub_indication == "TRY_LATER", name
        assert believed == []
        assert len(x.server.requests) == len(LIES)

        x.server.behaviour = server_says(says(x.leader))
        x.clock += timedelta(seconds=61)
        assert (await x.report()).verdict is Verdict.TOTAL_PASSED


async def test_answer_is_used_until_its_end_and_then_asked_for_again(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        x.server.behaviour = server_says(says(x.leader))
        assert (await x.report()).verdict is Verdict.TOTAL_PASSED
        x.clock += timedelta(minutes=59)
        assert (await x.report()).verdict is Verdict.TOTAL_PASSED
        assert len(x.server.requests) == 1

        x.clock += timedelta(minutes=2)
        x.server.behaviour = server_says(says_revoked(x.leader, since=x.clock(), until=x.clock() + HOUR))
        report = await x.report()
        assert len(x.server.requests) == 2
        assert (report.verdict, report.signatures[0].codes) == (Verdict.INDETERMINATE, ("revoked-no-proof",))


async def test_verdict_names_the_answer_it_rests_on_and_the_store_has_it(tmp_path: Path) -> None:
    async with site(tmp_path) as x:
        answer = says(x.leader)
        x.server.behaviour = server_says(answer)
        report = await x.report()
        (kept,) = [each for each in report.evidence if each.source == "store"]
        assert kept.kind == "ocsp"
        assert x.evidence.read(kept.sha256) == answer
        assert x.evidence.has(report.trust_version)
        trusted = [each.sha256 for each in report.evidence if each.source == "trust"]
        assert trusted
        assert all(x.evidence.has(each) for each in trusted)


async def test_missing_authority_is_fetched_and_then_what_it_says_of_the_signer(tmp_path: Path) -> None:
    async with site(tmp_path, trusted=(TOP,)) as x:
        answers = [ISSUING.der, says(x.leader)]

        async def in_turn(writer: asyncio.StreamWriter) -> None:
            await server_says(answers[min(len(x.server.requests), len(answers)) - 1])(writer)

        x.server.behaviour = in_turn
        assert (await x.report()).verdict is Verdict.TOTAL_PASSED
        assert [request.path for request in x.server.requests] == ["/issuing.crt", "/ocsp"]


async def test_silent_authority_costs_its_time_and_leaves_a_verdict(tmp_path: Path) -> None:
    async with site(tmp_path, within=0.2) as x:
        report = await x.report()
    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[0].sub_indication == "TRY_LATER"
    assert report.wanted == ()


async def test_list_that_was_imported_settles_what_could_not_be_fetched(tmp_path: Path) -> None:
    async with site(tmp_path, has_crl=True, within=0.1) as x:
        assert (await x.report()).signatures[0].sub_indication == "TRY_LATER"
        authority = ISSUING.certificate.public_bytes(Encoding.PEM)
        listing = lists()
        taken = await x.take_in(listing, says(CLERK), authority, listing)
        assert taken[:2] == ["new", "new"]
        assert "trust folder" in taken[2]
        assert taken[3] == "known"

        assert (await x.report()).verdict is Verdict.TOTAL_PASSED


async def test_newer_list_that_revokes_counts_once_the_older_is_over(tmp_path: Path) -> None:
    others = [signer(f"Clerk {number}", by=ISSUING) for number in range(3)]
    async with site(tmp_path, has_crl=True) as x:
        x.server.behaviour = server_says(lists(*((each, NOW - DAY) for each in others)))
        assert (await x.report()).verdict is Verdict.TOTAL_PASSED
        x.clock += timedelta(days=2)
        x.server.behaviour = server_says(
            lists((x.leader, NOW - DAY), since=x.clock() - HOUR, until=x.clock() + DAY)
        )
        assert (await x.report()).signatures[0].codes == ("revoked-no-proof",)
