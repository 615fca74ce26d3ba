"""The life of a document over `/v1`: packets, opening, statuses, changes and their answers, lateness."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from adapters.edxml.packet import NAMESPACE
from tests.support.api import Answer, Api, api, form_of, usual_envelope
from tests.support.exchange import (
    ADMINISTRATOR,
    OTHER_RECIPIENT,
    PUSHED_RECIPIENT,
    RECIPIENT,
    SENDER,
    STRICT_SENDER,
)
from tests.support.sent_packet import PACKET
from tests.support.twins import SIGNED

__all__ = ["api"]

STATUS_PACKET = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NAMESPACE}"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>{RECIPIENT}</OrganId></From>
<ResponseFor><OrganId>{SENDER}</OrganId><DocumentId>{SENDER},2026,7</DocumentId></ResponseFor>
<StatusCode>03</StatusCode><Description>Văn thư: đã vào sổ</Description>
<Timestamp>2026/11/21 09:00:00</Timestamp>
</MessageHeader></edXMLHeader></edXMLEnvelope></edXML>
"""


async def post_packet(api: Api, packet: str = PACKET, *, by: str = SENDER) -> Answer:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("edxml", packet.encode(), filename="7.edxml")
    return await api.post("/v1/documents", by=by, data=form)


async def report(
    api: Api, document: str, status: str, *, by: str = RECIPIENT, description: str = "Văn thư"
) -> Answer:
    body = {"status": status, "description": description}
    return await api.post(f"/v1/documents/{document}/statuses", by=by, body=body)


async def delivery_to(api: Api, document: str, agency: str = RECIPIENT) -> Any:
    found = await api.get(f"/v1/documents/{document}")
    return next(each for each in found.json["deliveries"] if each["to"] == agency)


# --- packets -------------------------------------------------------------------------------------


async def test_packet_is_accepted_like_an_envelope_and_reaches_its_recipient(api: Api) -> None:
    sent = await post_packet(api)
    inbox = await api.get("/v1/inbox", by=RECIPIENT)
    (entry,) = inbox.json["items"]
    file = await api.get(entry["document"]["files"][0]["url"], by=RECIPIENT)
    assert sent.status == 202
    assert entry["document"]["subject"] == "Về việc nghỉ lễ"
    assert (entry["document"]["number"], entry["document"]["issued_on"]) == ("7", "2026-11-20")
    assert file.content == SIGNED


async def test_packet_sent_again_gets_the_first_answer(api: Api) -> None:
    first, again = await post_packet(api), await post_packet(api)
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_packet_is_given_out_as_received_with_our_trace(api: Api) -> None:
    sent = await post_packet(api)
    given = await api.get(f"/v1/documents/{sent.json['id']}/edxml", by=RECIPIENT)
    text = given.content.decode()
    start, _, rest = PACKET.strip().partition("</edXML:TraceHeader>")
    assert given.status == 200
    assert text.startswith(start)
    assert text.endswith(rest)
    assert text.count("<edXML:TraceHeader>") == 2


async def test_document_of_json_is_given_out_as_a_packet(api: Api) -> None:
    sent = await api.submit()
    given = await api.get(f"/v1/documents/{sent.json['id']}/edxml", by=RECIPIENT)
    again = await post_packet(api, given.content.decode().replace("VB-2026-0012", "VB-2026-0013"))
    assert given.content.startswith(b"<?xml")
    assert again.status == 202
    files = (await api.get(again.headers["Location"])).json["files"]
    assert [file["sha256"] for file in files] == [file["sha256"] for file in sent.json["verification"]]


async def test_packet_of_another_agency_is_refused_and_nothing_kept(api: Api) -> None:
    answer = await post_packet(api, by=RECIPIENT)
    assert (answer.status, answer.code) == (422, "not-your-agency")
    assert api.world.kept_nothing()


async def test_broken_packet_is_refused_with_every_mistake_in_both_languages(api: Api) -> None:
    broken = PACKET.replace("<edXML:Subject>Về việc nghỉ lễ</edXML:Subject>", "").replace(
        "2026/11/20", "hôm qua"
    )
    answer = await post_packet(api, broken)
    assert (answer.status, answer.code) == (422, "malformed-packet")
    assert len(answer.json["reasons"]) == 2
    assert all(" / " in reason for reason in answer.json["reasons"])
    assert api.world.kept_nothing()


async def test_status_packet_is_no_document(api: Api) -> None:
    answer = await post_packet(api, STATUS_PACKET, by=RECIPIENT)
    assert answer.code == "malformed-packet"
    assert "/v1/statuses" in answer.json["detail"]


# --- statuses ------------------------------------------------------------------------------------


async def test_status_of_a_packet_reaches_the_sender_until_it_takes_it(api: Api) -> None:
    sent = await post_packet(api)
    said = await api.post("/v1/statuses", by=RECIPIENT, data=STATUS_PACKET.encode())
    waiting = await api.get("/v1/statuses")
    taken = await api.post(f"/v1/statuses/{said.json['items'][0]['id']}/take")
    after = await api.get("/v1/statuses")
    (line,) = waiting.json["items"]
    assert (line["status"], line["document"], line["from"]) == ("03", sent.json["id"], RECIPIENT)
    assert line["said_at"] == "2026-11-21T09:00:00+07:00"
    assert (taken.status, after.json["items"]) == (200, [])


async def test_sender_waiting_for_statuses_hears_at_once(api: Api) -> None:
    sent = await api.submit()
    waiting = asyncio.ensure_future(api.get("/v1/statuses?wait=30"))
    await report(api, sent.json["id"], "01")
    async with asyncio.timeout(5):
        assert [line["status"] for line in (await waiting).json["items"]] == ["01"]


async def test_status_is_shown_with_the_delivery_and_in_the_history(api: Api) -> None:
    sent = await api.submit(to=[RECIPIENT, OTHER_RECIPIENT])
    for status in ("01", "03", "05", "06"):
        assert (await report(api, sent.json["id"], status)).status == 200
    await report(api, sent.json["id"], "01", by=OTHER_RECIPIENT)
    history = await api.get(f"/v1/documents/{sent.json['id']}/statuses")
    own = await api.get(f"/v1/documents/{sent.json['id']}/statuses", by=RECIPIENT)
    assert (await delivery_to(api, sent.json["id"]))["status"] == "06"
    assert [line["status"] for line in history.json["items"]] == ["01", "03", "05", "06", "01"]
    assert [line["status"] for line in own.json["items"]] == ["01", "03", "05", "06"]


@pytest.mark.parametrize(
    "said_at",
    ["2026-11-21T10:00:00", "2026-11-21", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", 0],
)
async def test_moment_of_a_status_without_a_zone_or_of_no_calendar_is_refused_by_its_name(
    api: Api, said_at: object
) -> None:
    sent = await api.submit()
    path = f"/v1/documents/{sent.json['id']}/statuses"
    answer = await api.post(path, by=RECIPIENT, body={"status": "01", "said_at": said_at})
    assert (answer.status, answer.code) == (400, "malformed-request")
    assert "said_at" in answer.json["reasons"][0]
    assert api.world.rows("statuses") == 0


async def test_status_out_of_turn_is_refused_and_changes_nothing(api: Api) -> None:
    sent = await api.submit()
    answer = await report(api, sent.json["id"], "06")
    assert (answer.status, answer.code) == (409, "illegal-transition")
    assert api.world.rows("statuses") == 0


async def test_answer_without_a_request_is_refused(api: Api) -> None:
    sent = await api.submit()
    answers = [await report(api, sent.json["id"], status) for status in ("15", "16")]
    assert {answer.code for answer in answers} == {"illegal-transition"}
    assert api.world.rows("statuses") == 0


async def test_stranger_learns_nothing_of_a_document_by_reporting_on_it(api: Api) -> None:
    sent = await api.submit()
    foreign = await report(api, sent.json["id"], "01", by=OTHER_RECIPIENT)
    unknown = await report(api, "01a1fb9f-e6f8-7919-b6c8-1860e29e8994", "01", by=OTHER_RECIPIENT)
    assert (foreign.status, foreign.code) == (unknown.status, unknown.code) == (422, "unknown-document")
    assert foreign.json["detail"] == unknown.json["detail"]


async def test_foreign_status_cannot_be_taken(api: Api) -> None:
    sent = await api.submit()
    said = await report(api, sent.json["id"], "01")
    answer = await api.post(f"/v1/statuses/{said.json['items'][0]['id']}/take", by=OTHER_RECIPIENT)
    assert answer.status == 404
    assert len((await api.get("/v1/statuses")).json["items"]) == 1


async def test_accepting_reports_the_arrival_and_refusing_says_why(api: Api) -> None:
    sent = await api.submit(to=[RECIPIENT, OTHER_RECIPIENT])
    for agency, verb, body in (
        (RECIPIENT, "accept", {}),
        (OTHER_RECIPIENT, "refuse", {"reason": "không thuộc thẩm quyền"}),
    ):
        inbox = await api.get("/v1/inbox", by=agency)
        await api.post(f"/v1/inbox/{inbox.json['items'][0]['delivery']}/{verb}", by=agency, body=body)
    lines = (await api.get(f"/v1/documents/{sent.json['id']}/statuses")).json["items"]
    assert [(line["from"], line["status"], line["description"]) for line in lines] == [
        (RECIPIENT, "01", ""),
        (OTHER_RECIPIENT, "02", "không thuộc thẩm quyền"),
    ]


# --- changes -------------------------------------------------------------------------------------


async def test_recalled_circular_shows_who_had_opened_it(api: Api) -> None:
    sent = await api.submit(to=[RECIPIENT, OTHER_RECIPIENT, PUSHED_RECIPIENT])
    path = f"/v1/documents/{sent.json['id']}"
    await api.get(f"{path}/files/1", by=RECIPIENT)
    api.world.clock += timedelta(minutes=10)
    recalled = await api.post(f"{path}/recall", body={"reason": "sai số văn bản"})
    document = (await api.get(path)).json
    states = {each["to"]: (each["state"], each["asked"]) for each in document["deliveries"]}
    changes = {each["to"]: (each["state"], each["opened_at"]) for each in document["changes"]}
    assert len(recalled.json["recalled"]) == 2
    assert [each["to"] for each in recalled.json["asked"]] == [RECIPIENT]
    assert states == {
        RECIPIENT: ("QUEUED", "recall"),
        OTHER_RECIPIENT: ("RECALLED", None),
        PUSHED_RECIPIENT: ("RECALLED", None),
    }
    assert changes == {
        RECIPIENT: ("asked", "2026-11-21T08:02:03+07:00"),
        OTHER_RECIPIENT: ("unopened", None),
        PUSHED_RECIPIENT: ("unopened", None),
    }


async def test_agreed_recall_closes_the_document_and_keeps_its_record(api: Api) -> None:
    sent = await api.submit()
    path = f"/v1/documents/{sent.json['id']}"
    await api.get(f"{path}/files/1", by=RECIPIENT)
    await api.post(f"{path}/recall", body={"reason": "sai số văn bản"})
    await report(api, sent.json["id"], "15", description="Đã hủy văn bản")
    file = await api.get(f"{path}/files/1", by=RECIPIENT)
    packet = await api.get(f"{path}/edxml", by=RECIPIENT)
    record = await api.get(path, by=RECIPIENT)
    (change,) = (await api.get(path)).json["changes"]
    assert (file.status, packet.status, record.status) == (403, 403, 200)
    assert (change["state"], change["kind"]) == ("accepted", "recall")
    assert (await delivery_to(api, sent.json["id"]))["state"] == "RECALLED"


async def test_refused_recall_leaves_the_document_with_its_recipient(api: Api) -> None:
    sent = await api.submit()
    path = f"/v1/documents/{sent.json['id']}"
    await api.get(f"{path}/files/1", by=RECIPIENT)
    await api.post(f"{path}/recall", body={"reason": "sai số văn bản"})
    await report(api, sent.json["id"], "16", description="Đã xử lý xong")
    delivery = await delivery_to(api, sent.json["id"])
    assert (await api.get(f"{path}/files/1", by=RECIPIENT)).status == 200
    assert (delivery["state"], delivery["asked"], delivery["ended_by"]) == ("QUEUED", None, None)


async def test_replaced_document_stays_readable_and_names_what_replaced_it(api: Api) -> None:
    first = await api.submit(document_id="VB-1")
    about = [{"document_id": "VB-1"}]
    second = await api.submit(document_id="VB-2", kind="replace", about=about, reason="sai thể thức")
    await report(api, second.json["id"], "15", description="Đồng ý")
    path = f"/v1/documents/{first.json['id']}"
    (change,) = (await api.get(path)).json["changes"]
    assert (change["kind"], change["state"], change["order"]) == ("replace", "accepted", second.json["id"])
    assert (await api.get(f"{path}/files/1", by=RECIPIENT)).status == 200
    assert (await delivery_to(api, first.json["id"]))["ended_by"] == "replace"


async def test_recall_by_an_order_needs_no_file_even_of_a_strict_sender(api: Api) -> None:
    sent = await api.submit(by=STRICT_SENDER, document_id="VB-1")
    about = [{"document_id": "VB-1"}]
    envelope = usual_envelope(document_id="VB-2", kind="recall", about=about, reason="nhầm")
    form = form_of(envelope, files=())
    order = await api.post("/v1/documents", by=STRICT_SENDER, data=form)
    document = await api.get(f"/v1/documents/{sent.json['id']}", by=STRICT_SENDER)
    assert order.status == 202
    assert document.json["deliveries"][0]["state"] == "RECALLED"


async def test_order_about_a_foreign_document_is_refused_and_changes_nothing(api: Api) -> None:
    await api.submit(document_id="VB-1")
    answer = await api.submit(
        by=STRICT_SENDER, document_id="VB-2", kind="recall", about=[{"document_id": "VB-1"}], reason="nhầm"
    )
    assert (answer.status, answer.code) == (422, "unknown-document")
    assert (api.world.rows("documents"), api.world.rows("changes")) == (1, 0)


async def test_every_field_of_an_envelope_is_kept(api: Api) -> None:
    sent = await api.submit(
        type_name="Công văn",
        content="Trích yếu dài",
        place="Hà Nội",
        issued_on="2026-11-20",
        signer={"competence": "TM. UBND", "position": "Chủ tịch", "name": "Nguyễn Văn A"},
        pages=3,
        copies=2,
        replies_to=[{"agency": "000.00.01.H26", "code": "9/SNV"}],
        places=["Như trên", "Lưu: VT"],
        staff={"department": "Văn phòng", "name": "Trần Thị B"},
        paper_follows=True,
    )
    packet = (await api.get(f"/v1/documents/{sent.json['id']}/edxml")).content.decode()
    kept = ["Công văn", "Trích yếu dài", "2026/11/20", "TM. UBND", "9/SNV", "Lưu: VT", "Trần Thị B"]
    assert sent.status == 202
    assert [text for text in kept if text not in packet] == []


# --- lateness ------------------------------------------------------------------------------------


async def test_late_list_names_what_an_agency_has_not_answered_in_time(api: Api) -> None:
    # Saturday 21/11/2026: to be acknowledged by Monday's close of business.
    sent = await api.submit()
    urgent = await api.submit(document_id="VB-2", number="13", urgency="urgent")
    api.wait(timedelta(hours=1))
    early = await api.get("/v1/late", by=RECIPIENT)
    api.wait(timedelta(days=3))
    late = await api.get("/v1/late", by=RECIPIENT)
    everybody = await api.get("/v1/late", by=ADMINISTRATOR)
    others = await api.get("/v1/late", by=OTHER_RECIPIENT)
    assert [each["document"] for each in early.json["unacknowledged"]] == [urgent.json["id"]]
    assert {each["document"] for each in late.json["unacknowledged"]} == {sent.json["id"], urgent.json["id"]}
    assert everybody.json["unacknowledged"] == late.json["unacknowledged"]
    assert others.json == {"unacknowledged": [], "unanswered": [], "sent_late": [], "more": False}


async def test_late_list_names_what_was_sent_late_and_answers_owed(api: Api) -> None:
    sent = await api.submit(issued_on="2026-11-16")
    path = f"/v1/documents/{sent.json['id']}"
    await api.get(f"{path}/files/1", by=RECIPIENT)
    await api.post(f"{path}/recall", body={"reason": "nhầm"})
    api.wait(timedelta(days=4))
    senders = (await api.get("/v1/late")).json
    recipients = (await api.get("/v1/late", by=RECIPIENT)).json
    assert [each["document"] for each in senders["sent_late"]] == [sent.json["id"]]
    assert [each["kind"] for each in recipients["unanswered"]] == ["recall"]
