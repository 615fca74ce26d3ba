"""`/v1/reports` and `lienthong report`: who sees which figures, in which form."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.errors import MalformedRequest, NotFound
from tests.component.test_ops_commands import run
from tests.support.api import Api, open_api
from tests.support.exchange import ADMINISTRATOR, AGENCIES, OTHER_RECIPIENT, RECIPIENT, SENDER
from tests.support.twins import UNSIGNED
from tests.unit.test_spreadsheet import HOSTILE

MONTH = "2026-11"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with open_api(tmp_path, token_life=timedelta(days=30)) as opened:
        yield opened


async def lines_of(api: Api, by: str, query: str = "") -> dict[str, dict[str, dict[str, float]]]:
    answer = await api.get(f"/v1/reports?month={MONTH}{query}", by=by)
    assert answer.status == 200, answer.content
    return {line["code"]: line for line in answer.json["months"][0]["agencies"]}


async def accept(api: Api, document: str, *, by: str) -> None:
    (delivery,) = [
        each.id
        for each in await api.world.exchange.records.deliveries(document)  # type: ignore[arg-type]
        if each.recipient == by
    ]
    assert (await api.post(f"/v1/inbox/{delivery}/accept", by=by)).status == 200


async def test_figures_are_those_of_the_way_of_a_document(api: Api) -> None:
    signed = await api.submit(document_id="1", number=None, to=[RECIPIENT, OTHER_RECIPIENT])
    await api.submit(("a.pdf", UNSIGNED), document_id="2", number=None)
    api.world.clock += timedelta(minutes=10)
    await accept(api, signed.json["id"], by=RECIPIENT)
    lines = await lines_of(api, ADMINISTRATOR)
    assert lines[SENDER]["own"]["sent"] == 2
    assert lines[SENDER]["own"]["sent_unsigned_share"] == 0.5
    own = lines[RECIPIENT]["own"]
    assert (own["received"], own["on_time"], own["late"], own["mean_accept_seconds"]) == (1, 1, 0, 600)
    assert lines[SENDER]["total"]["received"] == 1
    assert lines[SENDER]["own"]["received"] == 0


async def test_what_nobody_accepted_is_late_after_its_working_day(api: Api) -> None:
    await api.submit()
    api.world.clock += timedelta(days=5)
    lines = await lines_of(api, ADMINISTRATOR)
    assert (lines[RECIPIENT]["own"]["late"], lines[RECIPIENT]["own"]["late_rate"]) == (1, 1.0)


async def test_agency_sees_itself_and_those_beneath_it(api: Api) -> None:
    assert list(await lines_of(api, SENDER)) == sorted(each.code for each in AGENCIES)
    assert list(await lines_of(api, RECIPIENT)) == [RECIPIENT]
    assert list(await lines_of(api, SENDER, f"&agency={RECIPIENT}")) == [RECIPIENT]
    for agency in (SENDER, OTHER_RECIPIENT, "nobody", "%00"):
        refused = await api.get(f"/v1/reports?month={MONTH}&agency={agency}", by=RECIPIENT)
        assert (refused.status, refused.code) == (404, "not-found")


async def test_months_come_one_after_the_other(api: Api) -> None:
    await api.submit()
    answer = await api.get("/v1/reports?month=2026-11&months=3", by=SENDER)
    months = answer.json["months"]
    assert [month["month"] for month in months] == ["2026-11", "2026-12", "2027-01"]
    assert [month["agencies"][0]["own"]["sent"] for month in months] == [1, 0, 0]


@pytest.mark.parametrize(
    "query",
    ["", "month=", "month=2026-13", "month=9999-12", "month=2026-11&format=xls", "month=2026-11&months=x"],
)
async def test_report_refuses_what_it_does_not_know(api: Api, query: str) -> None:
    refused = await api.get(f"/v1/reports?{query}")
    assert (refused.status, refused.code) == (400, "malformed-request")


async def test_csv_has_a_row_for_each_agency_and_month(api: Api) -> None:
    await api.submit()
    answer = await api.get(f"/v1/reports?month={MONTH}&months=2&format=csv", by=SENDER)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "report-2026-11.csv" in answer.headers["Content-Disposition"]
    assert len(rows) == 2 * len(AGENCIES)
    assert (rows[0]["month"], rows[0]["code"], rows[0]["sent"], rows[0]["late_rate"]) == (
        MONTH,
        SENDER,
        "1",
        "",
    )
    assert rows[0]["total_sent"] == "1"


@pytest.mark.parametrize("name", HOSTILE)
async def test_name_of_an_agency_never_becomes_a_formula(api: Api, name: str) -> None:
    x = api.world.exchange
    await x.directory.upsert([replace(AGENCIES[0], name=name)], now=x.clock())
    answer = await api.get(f"/v1/reports?month={MONTH}&format=csv", by=SENDER)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert rows[0]["name"].startswith("'")
    as_json = await api.get(f"/v1/reports?month={MONTH}", by=SENDER)
    assert as_json.json["months"][0]["agencies"][0]["name"] == name


async def test_command_says_the_same_as_the_api(api: Api) -> None:
    await api.submit()
    answer = await api.get(f"/v1/reports?month={MONTH}", by=ADMINISTRATOR)
    assert await run(api, "report", month=MONTH) == answer.json
    as_csv = await api.get(f"/v1/reports?month={MONTH}&format=csv", by=ADMINISTRATOR)
    assert (await run(api, "report", month=MONTH, csv=True))["csv"].encode() == as_csv.content


async def test_command_refuses_unknown_months_and_agencies(api: Api) -> None:
    with pytest.raises(MalformedRequest, match="2026-11"):
        await run(api, "report", month="November")
    with pytest.raises(NotFound, match="nobody"):
        await run(api, "report", month=MONTH, agency="nobody")
