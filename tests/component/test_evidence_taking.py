"""Which of the answers that come are taken, and in whose place."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from signing.report import Wanted
from tests.component.test_evidence_fetching import GOOD, crl, site
from tests.support.evidence_server import says, says_nothing, stops_after


async def test_host_that_is_too_slow_for_a_list_is_asked_about_certificates(tmp_path: Path) -> None:
    async with site(tmp_path, stops_after(GOOD), answer_seconds=0.2) as x:
        assert not await x.fetch(crl(x.server.url()))
        x.server.behaviour = says(GOOD)
        assert await x.fetch(Wanted("ocsp", "ocsp-1", (x.server.url("/ocsp"),), b"request"))


async def test_responder_answers_while_a_long_list_is_under_way(tmp_path: Path) -> None:
    async with site(tmp_path, says_nothing) as x:
        assert not await x.fetch(crl(x.server.url()), within=timedelta(seconds=0.05))
        x.server.behaviour = says(GOOD)
        assert await x.fetch(Wanted("ocsp", "ocsp-1", (x.server.url("/ocsp"),), b"request"))


async def test_older_answer_takes_no_newer_ones_place(tmp_path: Path) -> None:
    async with site(tmp_path, says(b"\x30 2026-11-21")) as x:
        x.namers.edition = bytes.decode
        assert await x.fetch(crl(x.server.url()))
        x.clock += timedelta(minutes=1)
        x.server.behaviour = says(b"\x30 2026-11-20")
        assert not await x.fetch(crl(x.server.url()))
        assert x.evidence.get("crl-1") == b"\x30 2026-11-21"
        assert x.outcomes() == {"fetched": 1, "older": 1}


async def test_next_place_is_asked_when_the_first_answers_with_nonsense(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:

        async def in_turn(writer: asyncio.StreamWriter) -> None:
            await says(b"\x30 nonsense" if len(x.server.requests) == 1 else GOOD)(writer)

        x.server.behaviour = in_turn
        assert await x.fetch(crl(x.server.url("/first"), x.server.url("/second")))
        assert x.outcomes() == {"no-evidence": 1, "fetched": 1}


async def test_what_says_nothing_is_not_left_on_the_disk(tmp_path: Path) -> None:
    async with site(tmp_path, says(b"\x30 nonsense")) as x:
        await x.fetch(crl(x.server.url()))
    assert [path for path in (tmp_path / "evidence").rglob("*") if path.is_file()] == []


async def test_answer_that_nobody_could_read_is_not_kept(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        x.namers.is_busy = True
        assert not await x.fetch(crl(x.server.url()))
        assert x.evidence.get("crl-1") is None
        assert x.outcomes() == {"not-kept": 1}


async def test_signers_of_one_authority_leave_room_for_others(tmp_path: Path) -> None:
    async with site(tmp_path, says(GOOD)) as x:
        same = [Wanted("crl", "crl-1", (x.server.url(),), about=(b"%d" % n,)) for n in range(30)]
        await x.fetch(*same, crl(x.server.url("/other"), key="crl-2"))
        assert [request.path for request in x.server.requests] == ["/list.crl", "/other"]
