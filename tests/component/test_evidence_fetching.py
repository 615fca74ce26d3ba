"""Fetching evidence from hosts that lie, drag their feet or are none of ours (F61, B46, B85 to B88)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from adapters.egress import EgressRules, open_egress
from adapters.evidence_fetching import Fetcher, FetchRules, open_fetcher
from adapters.evidence_store import EvidenceFolder, open_evidence
from ops.evidence_metrics import FetchCollector
from signing.report import Wanted
from tests.support.evidence_server import (
    Behaviour,
    EasyNamers,
    EvidenceServer,
    Request,
    evidence_server,
    never_ends,
    says,
    says_nothing,
    says_raw,
    stops_after,
)
from tests.support.twins import HandClock

GOOD = b"\x30\x03\x0a\x01\x00"
LOOPBACK = (ip_network("127.0.0.0/8"),)
PATIENCE = timedelta(seconds=5)


@dataclass
class Site:
    """A fetcher with its store and clock, and a host it may ask."""

    fetcher: Fetcher
    evidence: EvidenceFolder
    clock: HandClock
    server: EvidenceServer
    namers: EasyNamers

    async def fetch(self, *wanted: Wanted, within: timedelta = PATIENCE) -> bool:
        """Return whether something came."""
        return await self.fetcher.fetch(wanted, since=self.clock(), within=within)

    def outcomes(self) -> dict[str, int]:
        """Return how fetches ended, by outcome."""
        return {outcome: count for (_, outcome), count in self.fetcher.outcomes.items()}


@asynccontextmanager
async def site(
    folder: Path,
    behaviour: Behaviour,
    *,
    hosts: Sequence[str] | None = None,
    crl_bytes: int = 100_000,
    answer_seconds: float = 5,
) -> AsyncIterator[Site]:
    clock, namers = HandClock(), EasyNamers()
    evidence = open_evidence(folder / "evidence", now=clock())
    rules = EgressRules(allowed=LOOPBACK, plain=True, total=timedelta(seconds=answer_seconds))
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(evidence_server(behaviour))
        egress = await stack.enter_async_context(open_egress(rules))
        chosen = FetchRules(frozenset([server.host] if hosts is None else hosts), crl_bytes=crl_bytes)
        fetcher = await stack.enter_async_context(
            open_fetcher(egress, evidence, chosen, namers=namers, clock=clock)
        )
        yield Site(fetcher, evidence, clock, server, namers)


def crl(*urls: str, key: str = "crl-1") -> Wanted:
    return Wanted("crl", key, urls)


async def test_list_is_got_and_kept_under_its_key(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        assert await x.fetch(crl(x.server.url()))
        assert x.evidence.get("crl-1") == GOOD
        assert x.server.requests == [Request("GET", "/list.crl", b"")]


async def test_responder_is_posted_the_request(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        assert await x.fetch(Wanted("ocsp", "ocsp-1", (x.server.url("/ocsp"),), b"request"))
        assert x.server.requests == [Request("POST", "/ocsp", b"request")]


async def test_next_place_is_asked_when_the_first_has_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        assert await x.fetch(crl("http://unlisted.example/a.crl", x.server.url()))
        assert x.outcomes() == {"not-listed": 1, "fetched": 1}


REDIRECTS = [
    says(GOOD, status=f"{status} Elsewhere", headers="Location: /other.crl\r\n")
    for status in (301, 302, 303, 307, 308)
]
LIES = [
    *REDIRECTS,
    says(GOOD, status="404 Not Found"),
    says(GOOD, status="503 Service Unavailable"),
    says(GOOD, status="206 Partial Content"),
    says(b"<html>Please log in</html>"),
    says(b""),
    says(b"\x30 and then nonsense"),
    says(b"\x30" + bytes(100_000)),
    says(b"\x30" + bytes(200_000), length=10**12),
    says(GOOD, length=1000),
    says_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n\x30\r\n0\r\n\r\n"),
    says_raw(b"HTTP/1.1 200 OK\r\nX: " + bytes(100_000)),
    says_raw(b"\x15\x03\x01\x00\x02\x02\x0a"),
    says_raw(b""),
    never_ends,
]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
async def test_lie_is_not_kept_and_not_asked_for_again_within_a_minute(
    tmp_path: Path, lie: Behaviour
) -> None:
    async with site(tmp_path, lie) as x:
        assert not await x.fetch(crl(x.server.url()))
        assert x.evidence.get("crl-1") is None
        asked = list(x.server.requests)
        assert {request.path for request in asked} == {"/list.crl"}

        x.clock += timedelta(seconds=59)
        assert not await x.fetch(crl(x.server.url()))
        assert x.server.requests == asked

        x.clock += timedelta(seconds=1)
        x.server.behaviour = says(GOOD)
        assert await x.fetch(crl(x.server.url()))


@pytest.mark.parametrize("silence", [says_nothing, stops_after(GOOD)], ids=["silent", "stops"])
async def test_host_that_is_too_slow_is_left_alone_for_a_minute(tmp_path: Path, silence: Behaviour) -> None:
    async with site(tmp_path, silence, answer_seconds=0.2) as x:
        assert not await x.fetch(crl(x.server.url()))
        assert not await x.fetch(crl(x.server.url("/another.crl"), key="crl-2"))
        assert len(x.server.requests) == 1
        assert x.outcomes() == {"no-answer": 1, "silent": 1}


@pytest.mark.parametrize(("kind", "room"), [("ocsp", 65_536), ("issuer", 65_536), ("crl", 100_000)])
async def test_answer_has_the_room_of_its_kind_and_no_byte_more(tmp_path: Path, kind: str, room: int) -> None:
    async with site(tmp_path, says(b"\x30" + bytes(room - 1))) as x:
        assert await x.fetch(Wanted(kind, "fits", (x.server.url(),)))
        x.server.behaviour = says(b"\x30" + bytes(room))
        assert not await x.fetch(Wanted(kind, "too long", (x.server.url(),)))
    assert x.outcomes() == {"fetched": 1, "too-long": 1}


async def test_thousand_at_once_cost_one_request(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        x.server.gate.clear()
        waiting = [asyncio.create_task(x.fetch(crl(x.server.url()))) for _ in range(1000)]
        await x.server.asked.wait()
        x.server.gate.set()
        assert await asyncio.gather(*waiting) == [True] * 1000
        # One more whose verdict was begun before the answer came, and who only asks now.
        assert await x.fetch(crl(x.server.url()))
        assert len(x.server.requests) == 1


async def test_authority_is_asked_one_thing_at_a_time(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        wanted = [Wanted("ocsp", f"ocsp-{n}", (x.server.url("/ocsp"),), b"%d" % n) for n in range(15)]
        assert await x.fetch(*wanted)
        assert len(x.server.requests) == 15
        assert x.server.at_once == 1


async def test_caller_waits_no_longer_than_it_may_and_the_next_has_the_answer(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        x.server.gate.clear()
        assert not await x.fetch(crl(x.server.url()), within=timedelta(seconds=0.05))
        x.server.gate.set()
        assert await x.fetch(crl(x.server.url()))
        assert len(x.server.requests) == 1


async def test_caller_that_goes_away_takes_nobodys_answer_along(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        x.server.gate.clear()
        impatient = asyncio.create_task(x.fetch(crl(x.server.url())))
        patient = asyncio.create_task(x.fetch(crl(x.server.url())))
        await x.server.asked.wait()
        impatient.cancel()
        x.server.gate.set()
        assert await patient


async def test_file_that_names_a_thousand_places_gets_few_of_them(tmp_path: Path) -> None:
    async with site(tmp_path, says(b"nothing")) as x:
        many = [crl(*(x.server.url(f"/{n}/{m}") for m in range(30)), key=f"crl-{n}") for n in range(50)]
        await x.fetch(*many)
        assert len(x.server.requests) == 20 * 4


async def test_list_is_got_only_when_the_responder_says_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        wanted = [crl(x.server.url()), Wanted("ocsp", "ocsp-1", (x.server.url("/ocsp"),), b"request")]
        assert await x.fetch(*wanted)
        assert [request.path for request in x.server.requests] == ["/ocsp"]
        # The answer settled nothing, or they would not be wanted again.
        x.clock += timedelta(seconds=1)
        assert await x.fetch(*wanted)
        assert [request.path for request in x.server.requests] == ["/ocsp", "/list.crl"]


async def test_site_that_lists_no_host_fetches_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD), hosts=[]) as x:
        assert not await x.fetch(crl(x.server.url()))
        assert x.server.requests == []
        assert x.outcomes() == {"not-listed": 1}


async def test_host_that_would_have_to_be_listed_is_named_once_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(tmp_path, says(GOOD), hosts=[]) as x:
        await x.fetch(crl(x.server.url()))
        x.clock += timedelta(hours=1)
        await x.fetch(crl(x.server.url("/another"), key="crl-2"))

    told = [vars(record)["host"] for record in caplog.records if record.message == "evidence.host_not_listed"]
    assert [f"http://{host}/another" for host in told] == [x.server.url("/another")]


async def test_fault_of_a_part_below_costs_an_answer_and_nothing_else(tmp_path: Path) -> None:
    async def broken(host: str) -> Sequence[str]:
        raise RecursionError(host)

    clock = HandClock()
    evidence = open_evidence(tmp_path / "evidence", now=clock())
    rules = FetchRules(frozenset({"listed.example"}))
    async with (
        open_egress(EgressRules(plain=True), look_up=broken) as egress,
        open_fetcher(egress, evidence, rules, namers=EasyNamers(), clock=clock) as fetcher,
    ):
        wanted = [crl("http://listed.example/list.crl")]
        assert not await fetcher.fetch(wanted, since=clock(), within=PATIENCE)
        assert dict(fetcher.outcomes) == {("crl", "broken"): 1}


async def test_what_became_of_fetches_is_a_metric(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    async with site(tmp_path, says(GOOD)) as x:
        FetchCollector(registry, x.fetcher)
        await x.fetch(crl("http://unlisted.example/a.crl", x.server.url()))
    for outcome in ("fetched", "not-listed"):
        labels = {"kind": "crl", "outcome": outcome}
        assert registry.get_sample_value("lienthong_evidence_fetches_total", labels) == 1


async def test_answer_that_cannot_be_kept_is_none(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        (tmp_path / "evidence" / "tmp").rmdir()
        assert not await x.fetch(crl(x.server.url()))
        assert x.outcomes() == {"not-kept": 1}


async def test_what_is_under_way_ends_with_the_fetcher(tmp_path: Path) -> None:
    async with site(tmp_path, says_nothing) as x:
        assert not await x.fetch(crl(x.server.url()), within=timedelta(seconds=0.05))
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("fetch ")] == []


PORT = "{port}"
FORBIDDEN = [
    # hosts that are not listed, however they are spelled
    *(
        f"{scheme}://{host}:{PORT}/list.crl"
        for scheme in ("http", "https")
        for host in (
            "127.0.0.2",
            "127.1",
            "0x7f.1",
            "2130706433",
            "017700000001",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
            "localhost.",
            "LOCALHOST",
            "0",
            "0.0.0.0",
            "10.0.0.1",
            "169.254.169.254",
            "192.168.0.1",
            "[fe80::1]",
            "[fc00::1]",
            "listed.example.evil.example",
            "evil-listed.example",
            "listed.example%00.evil.example",
        )
    ),
    # a listed name on another port, or as something that is not the host
    "http://listed.example:{port}/",
    "http://listed.example:0/",
    "http://listed.example:99999/",
    "http://listed.example:port/",
    "http://listed.example@127.0.0.1:{port}/",
    "http://listed.example:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@listed.example/",
    "http://listed.example\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@listed.example/",
    "http://127.0.0.1:{port}?@listed.example/",
    "http://127.0.0.1:{port}/@listed.example/",
    "http://127.0.0.1:{port};listed.example/",
    "http:// listed.example@127.0.0.1:{port}/",
    "http://listed.example\t@127.0.0.1:{port}/",
    "http://listed.example\r\nHost: x@127.0.0.1:{port}/",
    # a listed name that leads inside
    "http://listed.example/",
    "https://listed.example/",
    "http://LISTED.example/",
    "http://user:password@listed.example/",
    # other schemes and no schemes
    "ldap://127.0.0.1:{port}/cn=x?certificateRevocationList",
    "ldaps://listed.example/",
    "file:///etc/passwd",
    "file://127.0.0.1:{port}/etc/passwd",
    "ftp://listed.example/list.crl",
    "gopher://127.0.0.1:{port}/",
    "ws://listed.example/",
    "data:text/plain,0",
    "jar:http://listed.example!/",
    "http+unix://%2Frun%2Fdocker.sock/",
    "unix:///run/docker.sock",
    "//127.0.0.1:{port}/",
    "/list.crl",
    "127.0.0.1:{port}",
    "http:127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http://",
    "https://:{port}/",
    "http://[::1/",
    "",
    "http://" + "a" * 100_000,
]
NAMES = {"listed.example": ["10.0.0.1"]}


async def test_no_packet_goes_where_it_may_not(tmp_path: Path) -> None:
    assert len(FORBIDDEN) >= 80

    async def look_up(host: str) -> Sequence[str]:
        return NAMES.get(host, ["127.0.0.1"])

    clock = HandClock()
    evidence = open_evidence(tmp_path / "evidence", now=clock())
    rules = FetchRules(frozenset({"listed.example"}))
    async with AsyncExitStack() as stack:
        trap = await stack.enter_async_context(evidence_server(says(GOOD)))
        egress = await stack.enter_async_context(
            open_egress(EgressRules(LOOPBACK, plain=True), look_up=look_up)
        )
        fetcher = await stack.enter_async_context(
            open_fetcher(egress, evidence, rules, namers=EasyNamers(), clock=clock)
        )
        for number, url in enumerate(FORBIDDEN):
            wanted = [crl(url.replace(PORT, str(trap.port)), key=f"crl-{number}")]
            assert not await fetcher.fetch(wanted, since=clock(), within=PATIENCE), url
    assert trap.requests == []
    assert {outcome for _, outcome in fetcher.outcomes} == {"not-listed", "forbidden"}


def test_listed_name_means_the_usual_ports_and_no_other() -> None:
    rules = FetchRules(frozenset({"listed.example", "other.example:8080"}))
    assert rules.origin("http://listed.example/a.crl") == "listed.example:80"
    assert rules.origin("https://LISTED.example/a.crl") == "listed.example:443"
    assert rules.origin("http://listed.example:443/a.crl") is None
    assert rules.origin("http://other.example:8080/a.crl") == "other.example:8080"
    assert rules.origin("http://other.example/a.crl") is None
