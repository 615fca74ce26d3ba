"""POST /v1/verifications: a file in, a report out, nothing kept."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from typing import Any

import aiohttp

from tests.support.api import Answer, Api, open_api
from tests.support.api import api as api
from tests.support.exchange import ADMINISTRATOR, RECIPIENT
from tests.support.twins import SIGNED, TAMPERED, UNREADABLE, UNSIGNED

SIGNATURE_FIELDS = {
    *("field", "indication", "sub_indication", "level", "signer", "organisation", "signed_at", "role"),
    *("agency", "domain", "facets", "codes", "reasons", "reasons_vi", "sentence_vi", "sentence_en"),
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
