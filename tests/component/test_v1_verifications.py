"""POST /v1/verifications: a file in, a report out, nothing kept."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.bodies import open_bodies
from adapters.edxml.packets import EdxmlPackets
from gateway.domain.packets import ReceivedFile
from gateway.service.judge import judge
from signing.report import Verdict, VerificationReport
from tests.support.api import Answer, Api, open_api
from tests.support.api import api as api
from tests.support.edxml_packets import Sent, java_document
from tests.support.exchange import ADMINISTRATOR, RECIPIENT
from tests.support.packets import HereReader
from tests.support.twins import SIGNED, TAMPERED, UNREADABLE, UNSIGNED, HandClock, ReadingVerifier

SIGNATURE_FIELDS = {
    *("field", "indication", "sub_indication", "level", "signer", "organisation", "signed_at", "role"),
    *("agency", "domain", "facets", "codes", "reasons", "reasons_vi", "sentence_vi", "sentence_en"),
    *("signed_at_proven", "details"),
}


def form(*parts: tuple[str, bytes]) -> aiohttp.FormData:
    """A form with these parts, each with a file name."""
    made = aiohttp.FormData()
    for name, content in parts:
        made.add_field(name, io.BytesIO(content), filename="tệp.bin")
    return made


async def judged(api: Api, *parts: tuple[str, bytes], **more: Any) -> Answer:
    return await api.post("/v1/verifications", data=form(*parts), **more)


async def test_report_says_everything_of_each_signature(api: Api) -> None:
    answer = await judged(api, ("file", SIGNED))
    assert answer.status == 200
    assert set(answer.json) == {
        "verdict", "kind", "signatures", "warnings", "trust_version", "policy_version"
    }  # fmt: skip
    (signature,) = answer.json["signatures"]
    assert set(signature) == SIGNATURE_FIELDS
    assert set(signature["facets"]) == {"integrity", "coverage", "changes", "identity", "trust", "time"}
    assert (answer.json["verdict"], signature["indication"]) == ("TOTAL-PASSED", "TOTAL-PASSED")
    assert signature["signed_at"] == "2026-11-20T10:00:00+07:00"


async def test_bad_signature_is_an_answer_and_no_error(api: Api) -> None:
    tampered, unsigned = await judged(api, ("file", TAMPERED)), await judged(api, ("file", UNSIGNED))
    assert (tampered.status, tampered.json["verdict"]) == (200, "TOTAL-FAILED")
    assert tampered.json["signatures"][0]["sub_indication"] == "HASH_FAILURE"
    assert (unsigned.status, unsigned.json["verdict"]) == (200, "UNSIGNED")


async def test_documents_show_the_same_of_a_signature(api: Api) -> None:
    sent = await api.submit()
    (verification,) = sent.json["verification"]
    alone = await judged(api, ("file", SIGNED))
    assert verification["signatures"] == alone.json["signatures"]
    assert set(verification) == {*alone.json, "name", "sha256"}


async def test_detached_signature_is_judged_with_what_it_signs_in_any_order(api: Api) -> None:
    for parts in ((("file", b"0\x80"), ("content", SIGNED)), (("content", SIGNED), ("file", b"0\x80"))):
        answer = await judged(api, *parts)
        assert answer.json["verdict"] == "TOTAL-PASSED"


async def test_detached_signature_in_a_document_is_judged_with_the_file_it_is_named_after(api: Api) -> None:
    sent = await api.submit(("Quyết định.txt", SIGNED), ("QUYẾT ĐỊNH.txt.p7s", b"0\x80"))
    verdicts = [each["verdict"] for each in sent.json["verification"]]
    assert (verdicts, sent.json["label"]) == (["UNSIGNED", "TOTAL-PASSED"], "signed")


async def test_nothing_of_it_is_kept(api: Api) -> None:
    await judged(api, ("file", SIGNED), ("content", UNSIGNED))
    assert api.world.kept_nothing()


async def test_client_that_goes_away_leaves_nothing_behind(api: Api) -> None:
    api.world.verifier.gate.clear()
    asking = asyncio.create_task(judged(api, ("file", SIGNED)))
    await api.world.verifier.is_busy.wait()
    asking.cancel()
    await asyncio.wait([asking])
    api.world.verifier.gate.set()
    assert (await judged(api, ("file", SIGNED))).status == 200
    assert api.world.kept_nothing()


async def test_file_without_a_verdict_is_unprocessable(api: Api) -> None:
    answer = await judged(api, ("file", UNREADABLE))
    assert (answer.status, answer.code) == (422, "malformed-document")
    assert api.world.kept_nothing()


async def test_empty_file_is_unprocessable(api: Api) -> None:
    answer = await judged(api, ("file", b""))
    assert (answer.status, answer.code) == (422, "malformed-document")


async def test_file_without_a_verdict_is_counted_as_such(api: Api) -> None:
    for content in (SIGNED, UNREADABLE, UNREADABLE):
        await judged(api, ("file", content))
    counts = api.world.meter.counts
    assert (counts["verified TOTAL-PASSED"], counts["verified None"]) == (1, 2)


def packet(*files: tuple[str, bytes]) -> bytes:
    sent = [Sent(str(number), name, content) for number, (name, content) in enumerate(files, start=1)]
    return java_document(*sent).encode()


async def test_packet_is_judged_with_the_files_in_it(api: Api) -> None:
    good, bad = ("tờ trình.pdf", SIGNED), ("sửa.pdf", TAMPERED)
    passed, failed, unsigned = [
        await judged(api, ("file", packet(*files)))
        for files in ([good], [good, bad, ("phụ lục.pdf", UNSIGNED)], [("a.pdf", UNSIGNED), good])
    ]
    assert [each.json["verdict"] for each in (passed, failed, unsigned)] == [
        *("TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE")
    ]
    fields = [each["field"] for each in failed.json["signatures"]]
    assert fields == ["tờ trình.pdf/Signature1", "sửa.pdf/Signature1"]
    assert [(each["code"], each["detail"]) for each in failed.json["warnings"]] == [
        ("attachment-unsigned", "phụ lục.pdf")
    ]
    assert api.world.kept_nothing()


async def test_detached_signature_in_a_packet_is_judged_with_the_file_it_is_named_after(api: Api) -> None:
    answer = await judged(api, ("file", packet(("Quyết định.docx", SIGNED), ("QUYẾT ĐỊNH.docx.P7S", b"0"))))
    assert answer.json["verdict"] == "TOTAL-PASSED"


async def test_file_without_a_verdict_in_a_packet_is_named(api: Api) -> None:
    answer = await judged(api, ("file", packet(("a.pdf", SIGNED), ("b.pdf", UNREADABLE))))
    assert answer.json["verdict"] == "INDETERMINATE"
    assert answer.json["warnings"][0]["code"] == "attachment-unreadable"


async def test_packet_that_is_cut_off_is_out_of_order(api: Api) -> None:
    answer = await judged(api, ("file", packet(("a.pdf", SIGNED))[:-40]))
    assert answer.json["verdict"] == "INDETERMINATE"
    assert answer.json["warnings"][0]["code"] == "packet-mistake"
    assert api.world.kept_nothing()


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@asynccontextmanager
async def judging(
    folder: Path, content: bytes, **more: Any
) -> AsyncIterator[asyncio.Task[VerificationReport]]:
    """Judge a file with nobody who asks over HTTP; a verdict on `SIGNED` is never found."""
    bodies = await open_bodies(folder, free_floor_bytes=0, now=HandClock()())
    verifier = ReadingVerifier(holds_up=SIGNED)
    async with bodies.receiving() as draft:
        await draft.write(content)
        file = ReceivedFile("file", "application/octet-stream", draft)
        packets = EdxmlPackets(bodies, HereReader(), relay="")
        asked = asyncio.create_task(judge(file, verifier=verifier, packets=packets, **more))
        if more.get("within") != timedelta(0):
            await verifier.is_held_up.wait()
        yield asked


async def test_judging_that_is_ended_leaves_nothing_of_a_packet_behind(tmp_path: Path) -> None:
    async with judging(tmp_path, packet(("a.pdf", UNSIGNED), ("b.pdf", SIGNED))) as asked:
        assert left_in(tmp_path / "unpack")
        asked.cancel()
        await asyncio.wait([asked])
    assert left_in(tmp_path / "tmp") == left_in(tmp_path / "unpack") == []


@pytest.mark.parametrize("within", [timedelta(0), timedelta(milliseconds=500)])
async def test_packet_has_one_deadline_for_all_its_files(tmp_path: Path, within: timedelta) -> None:
    content = packet(("a.pdf", SIGNED), ("b.pdf", SIGNED), ("c.pdf", TAMPERED))
    async with judging(tmp_path, content, within=within) as asked:
        report = await asked
    assert report.verdict is Verdict.INDETERMINATE
    assert [(each.code, each.detail) for each in report.warnings] == [
        *(("attachment-too-costly", name) for name in ("a.pdf", "b.pdf", "c.pdf"))
    ]


async def test_administrator_may_ask_and_nobody_may_not(api: Api) -> None:
    assert (await judged(api, ("file", SIGNED), by=ADMINISTRATOR)).status == 200
    nobody = await judged(api, ("file", SIGNED), by=None)
    assert (nobody.status, nobody.code) == (401, "not-authenticated")


async def test_form_is_taken_as_described_and_no_other_way(api: Api) -> None:
    wrong = [
        (),
        (("content", SIGNED),),
        (("file", SIGNED), ("file", SIGNED)),
        (("file", SIGNED), ("content", SIGNED), ("content", SIGNED)),
        (("file", SIGNED), ("envelope", b"{}")),
        (("File", SIGNED),),
    ]
    for parts in wrong:
        made = form(*parts) if parts else b""
        answer = await api.post("/v1/verifications", data=made)
        assert (answer.status, answer.code) == (400, "malformed-request"), parts
    assert api.world.kept_nothing()


async def test_limits_are_those_of_documents(tmp_path: Any) -> None:
    async with open_api(tmp_path, max_file_bytes=1000) as api:
        for parts in ((("file", bytes(1001)),), (("file", SIGNED), ("content", bytes(1001)))):
            answer = await judged(api, *parts)
            assert (answer.status, answer.code) == (413, "too-large")
        assert api.world.kept_nothing()


async def test_one_agency_cannot_hold_what_judges_for_all(tmp_path: Any) -> None:
    async with open_api(tmp_path, judgements_at_once=1, judgement_wait_max=timedelta(0)) as api:
        verifier = api.world.verifier
        verifier.gate.clear()
        first = asyncio.create_task(judged(api, ("file", SIGNED)))
        await verifier.is_busy.wait()
        second = await judged(api, ("file", SIGNED))
        assert (second.status, second.code) == (429, "throttled")
        assert int(second.headers["Retry-After"]) > 0
        verifier.is_busy.clear()
        other = asyncio.create_task(judged(api, ("file", SIGNED), by=RECIPIENT))
        await verifier.is_busy.wait()
        verifier.gate.set()
        assert [(await each).status for each in (first, other)] == [200, 200]
        assert (await judged(api, ("file", SIGNED))).status == 200


async def test_rates_are_those_of_documents(tmp_path: Any) -> None:
    async with open_api(tmp_path, requests_burst=3, requests_per_second=1) as api:
        statuses = [(await judged(api, ("file", SIGNED))).status for _ in range(5)]
    assert statuses[-1] == 429
