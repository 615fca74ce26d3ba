"""`/v1/dossiers`: who sees what of a dossier, and which are late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.dossiers import ComponentFile
from gateway.domain.model import Sha256
from tests.support.api import Answer, Api, open_api
from tests.support.exchange import ADMINISTRATOR, OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT, SENDER
from tests.support.twins import SIGNED, UNSIGNED

CODE = "H26-261121-0001"
STRANGER = PUSHED_RECIPIENT


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with open_api(tmp_path, token_life=timedelta(days=30)) as opened:
        yield opened


def about(code: str = CODE, **more: Any) -> dict[str, Any]:
    stages = [{"agency": RECIPIENT, "due_on": "2026-11-25"}, {"agency": OTHER_RECIPIENT}]
    return {"code": code, "procedure": "1.001193", "components": ["TP1"], "stages": stages} | more


async def open_dossier(api: Api, code: str = CODE, **more: Any) -> Answer:
    answer = await api.submit(document_id=f"to {code}", number=None, dossier=about(code, **more))
    assert answer.status == 202, answer.content
    return answer


# --- joining ---------------------------------------------------------------------------------------


async def test_document_opens_a_dossier_that_its_parties_see(api: Api) -> None:
    await open_dossier(api)
    for by in (SENDER, RECIPIENT, OTHER_RECIPIENT, ADMINISTRATOR):
        seen = (await api.get(f"/v1/dossiers/{CODE}", by=by)).json
        assert [stage["agency"] for stage in seen["stages"]] == [RECIPIENT, OTHER_RECIPIENT]
        assert seen["procedure"] == "1.001193"
    assert (seen["stages"][0]["due_on"], seen["stages"][0]["done_at"]) == ("2026-11-25", None)
    assert seen["stages"][1]["begun_at"] is None


async def test_dossier_of_others_looks_like_none(api: Api) -> None:
    await open_dossier(api)
    for path in ("", "/timeline", "/components/TP1"):
        foreign = await api.get(f"/v1/dossiers/{CODE}{path}", by=STRANGER)
        missing = await api.get(f"/v1/dossiers/none{path}", by=STRANGER)
        assert (foreign.status, foreign.code, missing.status, missing.code) == (
            404,
            "not-found",
            404,
            "not-found",
        )


@pytest.mark.parametrize("code", ["%00", "%0A", "%ED%A0%80", "x" * 101, "%20", "%2E%2E"])
async def test_code_that_cannot_be_is_not_found(api: Api, code: str) -> None:
    assert (await api.get(f"/v1/dossiers/{code}", by=ADMINISTRATOR)).status == 404


async def test_code_with_a_slash_can_be_asked_for(api: Api) -> None:
    await open_dossier(api, "12/2026/HS")
    assert (await api.get("/v1/dossiers/12%2F2026%2FHS")).json["code"] == "12/2026/HS"


async def test_stranger_cannot_add_to_a_dossier(api: Api) -> None:
    await open_dossier(api)
    refused = await api.submit(("b.pdf", UNSIGNED), by=STRANGER, to=[SENDER], dossier=about(stages=[]))
    assert (refused.status, refused.code) == (422, "not-your-dossier")
    assert len(api.world.bodies()) == 1, "refused before its file was kept"
    assert api.world.rows("documents") == 1


async def test_refusal_of_a_code_that_is_taken_says_so(api: Api) -> None:
    await open_dossier(api, "12")
    refused = await api.submit(by=STRANGER, to=[SENDER], dossier=about("12", stages=[]))
    assert refused.json["reasons"] == ["dossier.code: another dossier has the code 12"]


async def test_whose_stage_it_is_may_add_and_is_done_then(api: Api) -> None:
    await open_dossier(api)
    api.world.clock += timedelta(hours=1)
    sent = await api.submit(by=RECIPIENT, to=[OTHER_RECIPIENT], dossier=about(stages=[]))
    assert sent.status == 202
    first, second = (await api.get(f"/v1/dossiers/{CODE}")).json["stages"]
    assert first["done_at"] == second["begun_at"] != first["begun_at"]


@pytest.mark.parametrize(
    ("part", "word"),
    [
        (about(""), "dossier"),
        (about("HS\u202e"), "dossier"),
        (about(components=["TP1", "TP1"]), "twice"),
        (about(components=[".."]), "components"),
        (about(components=[f"TP{n}" for n in range(501)]), "dossier"),
        (about(stages=[{"agency": "nobody"}]), "nobody"),
    ],
)
async def test_dossier_that_cannot_be_is_refused_and_nothing_kept(api: Api, part: Any, word: str) -> None:
    refused = await api.submit(dossier=part)
    assert refused.status == 422
    assert word in " ".join(refused.json["reasons"])
    assert api.world.kept_nothing()
    assert api.world.rows("dossiers") == 0


# --- taking back -----------------------------------------------------------------------------------


async def take_in(api: Api, code: str = "TP 9") -> None:
    """Keep a component of the dossier from an existing store."""
    x = api.world.exchange
    async with x.bodies.receiving() as draft:
        await draft.write(UNSIGNED)
        await x.bodies.keep([draft])
        file = ComponentFile(CODE, code, "Đơn.pdf", "application/pdf", len(UNSIGNED), Sha256(draft.sha256))
    await x.dossiers.take_in([file], agency=SENDER, at=x.clock())


async def ask_back(api: Api, document: str, *, consent: bool) -> None:
    """Take a document back from RECIPIENT, who has accepted it first where it must consent."""
    if consent:
        (delivery,) = await api.world.exchange.records.deliveries(document)  # type: ignore[arg-type]
        assert (await api.post(f"/v1/inbox/{delivery.id}/accept", by=RECIPIENT)).status == 200
    assert (await api.post(f"/v1/documents/{document}/recall", body={"reason": "sai"})).status == 200
    if consent:
        agreed = await api.post(f"/v1/documents/{document}/statuses", by=RECIPIENT, body={"status": "15"})
        assert agreed.status == 200


@pytest.mark.parametrize("consent", [False, True])
async def test_wrong_recipient_sees_no_more_of_the_dossier_after_the_recall(api: Api, consent: bool) -> None:
    sent = await open_dossier(api, stages=[{"agency": RECIPIENT}, {"agency": OTHER_RECIPIENT}])
    await take_in(api)
    assert (await api.get(f"/v1/dossiers/{CODE}/components/TP%209", by=RECIPIENT)).status == 200
    await ask_back(api, sent.json["id"], consent=consent)
    for path in ("", "/timeline", "/components/TP%209", "/components/TP1"):
        assert (await api.get(f"/v1/dossiers/{CODE}{path}", by=RECIPIENT)).status == 404
    assert (await api.get("/v1/dossiers", by=RECIPIENT)).json["dossiers"] == []
    onward = await api.submit(by=RECIPIENT, to=[STRANGER], dossier=about(stages=[{"agency": STRANGER}]))
    assert (onward.status, onward.code) == (422, "not-your-dossier")
    for by in (SENDER, OTHER_RECIPIENT):
        assert (await api.get(f"/v1/dossiers/{CODE}/components/TP%209", by=by)).status == 200


async def test_version_before_the_one_given_back_is_read(api: Api) -> None:
    first = (await open_dossier(api)).json["id"]
    api.world.clock += timedelta(hours=1)
    second = (await api.submit(document_id="2", number=None, dossier=about(stages=[]))).json["id"]
    await ask_back(api, second, consent=True)
    answer = await api.get(f"/v1/dossiers/{CODE}/components/TP1", by=RECIPIENT, allow_redirects=False)
    assert answer.headers["Location"] == f"/v1/documents/{first}/files/1"


async def test_stage_whose_only_document_was_given_back_has_not_begun(api: Api) -> None:
    sent = await open_dossier(api)
    await ask_back(api, sent.json["id"], consent=True)
    api.world.clock += timedelta(days=20)
    stage = (await api.get(f"/v1/dossiers/{CODE}")).json["stages"][0]
    assert (stage["begun_at"], stage["late"]) == (None, False)
    assert (await api.get("/v1/dossiers?late=true")).json["dossiers"] == []


# --- components ------------------------------------------------------------------------------------


async def test_component_of_a_document_leads_to_its_file(api: Api) -> None:
    document = (await open_dossier(api)).json["id"]
    for by in (SENDER, RECIPIENT):
        answer = await api.get(f"/v1/dossiers/{CODE}/components/TP1", by=by, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, f"/v1/documents/{document}/files/1")
    assert (await api.get(f"/v1/dossiers/{CODE}/components/TP1", by=RECIPIENT)).content == SIGNED


async def test_reading_a_component_is_opening_its_document(api: Api) -> None:
    document = (await open_dossier(api)).json["id"]
    await api.get(f"/v1/dossiers/{CODE}/components/TP1", by=RECIPIENT)
    (delivery,) = await api.world.exchange.records.deliveries(document)
    assert delivery.opened_at is not None


async def test_party_that_was_sent_no_document_reads_no_component_of_it(api: Api) -> None:
    await open_dossier(api)
    refused = await api.get(f"/v1/dossiers/{CODE}/components/TP1", by=OTHER_RECIPIENT)
    assert (refused.status, refused.code) == (403, "not-allowed")
    seen = (await api.get(f"/v1/dossiers/{CODE}", by=OTHER_RECIPIENT)).json
    assert seen["components"] == [{"code": "TP1", "documents": [seen["documents"][0]["id"]], "url": None}]


async def test_component_taken_in_is_read_by_every_party_and_no_administrator(api: Api) -> None:
    await open_dossier(api)
    await take_in(api)
    for by in (SENDER, RECIPIENT, OTHER_RECIPIENT):
        seen = (await api.get(f"/v1/dossiers/{CODE}", by=by)).json
        (url,) = (each["url"] for each in seen["components"] if each["code"] == "TP 9")
        answer = await api.get(url, by=by)
        assert (answer.content, answer.headers["Content-Type"]) == (UNSIGNED, "application/pdf")
        assert "attachment" in answer.headers["Content-Disposition"]
    refused = await api.get(f"/v1/dossiers/{CODE}/components/TP%209", by=ADMINISTRATOR)
    assert refused.status == 403


async def test_unknown_component_is_not_found(api: Api) -> None:
    await open_dossier(api)
    assert (await api.get(f"/v1/dossiers/{CODE}/components/TP7")).status == 404


# --- timeline and lists ----------------------------------------------------------------------------


async def test_timeline_tells_who_had_the_dossier_when(api: Api) -> None:
    await open_dossier(api)
    api.world.clock += timedelta(hours=1)
    await api.submit(by=RECIPIENT, to=[OTHER_RECIPIENT], dossier=about(stages=[]))
    lines = (await api.get(f"/v1/dossiers/{CODE}/timeline", by=OTHER_RECIPIENT)).json["timeline"]
    told = [(line["event"], line["agency"]) for line in lines]
    assert told == [
        ("opened", SENDER),
        ("sent", SENDER),
        ("stage-begun", RECIPIENT),
        ("sent", RECIPIENT),
        ("stage-done", RECIPIENT),
        ("stage-begun", OTHER_RECIPIENT),
    ]


async def test_list_has_the_callers_own_dossiers_page_by_page(api: Api) -> None:
    for number in range(3):
        await open_dossier(api, f"HS/{number}")
    first = (await api.get("/v1/dossiers?limit=2", by=RECIPIENT)).json
    second = (await api.get("/v1/dossiers", by=RECIPIENT, params={"limit": 2, "cursor": first["next"]})).json
    assert [each["code"] for each in first["dossiers"]] == ["HS/0", "HS/1"]
    assert ([each["code"] for each in second["dossiers"]], second["next"]) == (["HS/2"], None)
    assert (await api.get("/v1/dossiers", by=STRANGER)).json["dossiers"] == []
    assert len((await api.get("/v1/dossiers", by=ADMINISTRATOR)).json["dossiers"]) == 3


async def test_late_list_has_those_somebody_holds_up(api: Api) -> None:
    await open_dossier(api)
    assert (await api.get("/v1/dossiers?late=true")).json["dossiers"] == []
    api.world.clock += timedelta(days=5)
    (late,) = (await api.get("/v1/dossiers?late=true")).json["dossiers"]
    assert (late["code"], late["late"], [stage["late"] for stage in late["stages"]]) == (
        CODE,
        True,
        [True, False],
    )
    assert (await api.get("/v1/dossiers?late=true", by=STRANGER)).json["dossiers"] == []


@pytest.mark.parametrize("query", ["late=maybe", "late=", "limit=x", "cursor=%00", "cursor="])
async def test_list_refuses_what_it_does_not_know(api: Api, query: str) -> None:
    refused = await api.get(f"/v1/dossiers?{query}")
    assert (refused.status, refused.code) == (400, "malformed-request")
