"""The whole life of documents between two centres, as their unchanged clients live it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.envelope import Dialect
from gateway.domain.model import AgencyCode, DeliveryId, DocumentId
from gateway.domain.states import DeliveryState
from tests.support.exchange import OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT, SENDER
from tests.support.twins import SIGNED, UNSIGNED
from tests.support.vxp_client import short_hex
from tests.support.vxp_world import DOCUMENT_ID, RECIPIENT_102, TwoCentres, centres, packet_of, status_of

__all__ = ["centres"]

RELAYED = b"<edXML:OrganId>000.00.00.H26</edXML:OrganId><edXML:Timestamp>2026/11/21"


async def state_of(centres: TwoCentres, document: str, **more: str) -> Any:
    """Return the row of a sent document that has one recipient."""
    answer = await centres.first.sent(docId=document)
    (row,) = answer.json["data"]
    return row


async def progress_of(centres: TwoCentres, document: str) -> str | None:
    (delivery,) = await centres.api.world.exchange.records.deliveries(DocumentId(document))
    return delivery.life.progress


# --- one document, from end to end ---------------------------------------------------------------


async def test_document_is_sent_listed_fetched_and_taken(centres: TwoCentres) -> None:
    packet = centres.document()
    sent = await centres.first.send(packet, by=SENDER)
    assert sent.is_ok, sent.content
    document = sent.json["DocId"]
    (row,) = await centres.second.waiting()
    assert (row["from"], row["to"], row["status"]) == (SENDER, RECIPIENT_102, "initial")
    assert (row["serviceType"], row["messageType"]) == ("eDoc", "edoc")
    assert row["created_time"] == "2026-11-21 08:02:03"
    fetched = await centres.second.packet(row["docId"])
    assert RELAYED in fetched
    assert (await centres.second.waiting())[0]["status"] == "processing"
    assert (await state_of(centres, document))["receiveStatus"] == "processing"
    assert (await centres.second.update(row["docId"], "done")).is_ok
    assert await centres.second.waiting() == []
    state = await state_of(centres, document)
    assert state["senderDocId"] == document
    assert state["receiverDocId"] == row["docId"]
    assert (state["fromCode"], state["toCode"]) == (SENDER, RECIPIENT_102)
    assert (state["sendStatus"], state["receiveStatus"]) == ("done", "done")
    assert (state["notation"], state["receivedTime"]) == ("12/QĐ-UBND", "2026-11-21 08:02:03")


async def test_forwarded_packet_is_the_received_one_with_a_relay_entry_more(centres: TwoCentres) -> None:
    packet = centres.document()
    await centres.first.send(packet, by=SENDER)
    (row,) = await centres.second.waiting()
    fetched = await centres.second.packet(row["docId"])
    start = fetched.index(b"<edXML:TraceHeader><edXML:OrganId>000.00.00.H26")
    end = fetched.index(b"</edXML:TraceHeader>", start) + len(b"</edXML:TraceHeader>")
    assert fetched[:start] + fetched[end:] == packet.rstrip()


async def test_both_ways_of_fetching_give_the_same_packet_again_and_again(centres: TwoCentres) -> None:
    item = await centres.arrived()
    first = await centres.second.packet(item)
    stream = await centres.second.download(item)
    assert stream.headers["content-type"] == "application/octet-stream"
    assert stream.content == first == await centres.second.packet(item)


async def test_fetching_is_recorded_as_opening(centres: TwoCentres) -> None:
    item = await centres.arrived()
    delivery = await centres.api.world.exchange.records.delivery(DeliveryId(item))
    assert delivery is not None
    assert delivery.delivery.opened_at is None
    await centres.second.fetch(item)
    delivery = await centres.api.world.exchange.records.delivery(DeliveryId(item))
    assert delivery is not None
    assert delivery.delivery.opened_at == centres.api.world.clock()


async def test_document_with_an_attachment_larger_than_many_pieces_arrives_whole(centres: TwoCentres) -> None:
    large = UNSIGNED + bytes(range(256)) * 5000
    item = await centres.arrived(files=(("lớn.pdf", large),))
    fetched = await centres.second.packet(item)
    assert base64.b64encode(large) in b"".join(fetched.split())


async def test_item_marked_as_processing_stays_in_the_list(centres: TwoCentres) -> None:
    item = await centres.arrived()
    assert (await centres.second.update(item, "processing")).is_ok
    assert [row["docId"] for row in await centres.second.waiting()] == [item]


async def test_done_may_be_said_twice(centres: TwoCentres) -> None:
    item = await centres.arrived()
    assert (await centres.second.update(item, "done")).is_ok
    assert (await centres.second.update(item, "done")).is_ok


async def test_failed_item_is_listed_again_until_it_waits_for_a_person(centres: TwoCentres) -> None:
    item = await centres.arrived()
    returns = centres.api.world.exchange.rules.returns_before_parked
    for _ in range(returns):
        assert [row["docId"] for row in await centres.second.waiting()] == [item]
        assert (await centres.second.update(item, "fail")).is_ok
    delivery = await centres.api.world.exchange.records.delivery(DeliveryId(item))
    assert delivery is not None
    assert delivery.delivery.state is DeliveryState.PARKED
    assert await centres.second.waiting() == []
    assert (await centres.second.count()).json["count"] == 0
    assert (await centres.second.update(item, "done")).is_ok


async def test_same_packet_again_gets_the_same_id(centres: TwoCentres) -> None:
    packet = centres.document()
    first = await centres.first.send(packet, by=SENDER)
    again = await centres.first.send(packet, by=SENDER)
    assert first.json["DocId"] == again.json["DocId"]
    assert len(await centres.second.waiting()) == 1


async def test_centre_takes_items_for_all_its_agencies(centres: TwoCentres) -> None:
    await centres.first.send(centres.document(to=(RECIPIENT_102, OTHER_RECIPIENT)), by=SENDER)
    rows = await centres.second.waiting()
    assert sorted(row["to"] for row in rows) == [RECIPIENT_102, OTHER_RECIPIENT]
    assert (await centres.second.count()).json["count"] == 2
    assert (await centres.second.count(method="GET")).json["count"] == 2
    assert (await centres.first.count()).json["count"] == 0


# --- all kinds, all statuses ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("doc_type", "answer"), [("1", "15"), ("1", "16"), ("2", "15"), ("3", "15"), ("3", "16")]
)
async def test_order_is_delivered_and_answered(centres: TwoCentres, doc_type: str, answer: str) -> None:
    document = await centres.sent()
    (row,) = await centres.second.waiting()
    await centres.second.fetch(row["docId"])
    await centres.second.update(row["docId"], "done")
    files = () if doc_type == "1" else (("Bản mới.pdf", SIGNED + b" anew"),)
    order_id = f"000.00.00.H26,2026/11/21,1{doc_type}/QĐ-UBND"
    await centres.sent(document_id=order_id, doc_type=doc_type, about=DOCUMENT_ID, files=files)
    (order,) = await centres.second.waiting()
    assert order_id.encode() in await centres.second.packet(order["docId"])
    await centres.second.update(order["docId"], "done")
    await centres.say(answer)
    (waiting,) = await centres.first.waiting("status")
    assert f"<edXML:StatusCode>{answer}<".encode() in await centres.first.packet(waiting["docId"])
    (delivery,) = await centres.api.world.exchange.records.deliveries(DocumentId(document))
    assert delivery.life.asked is None
    assert (delivery.life.ended_by is not None) is (answer == "15" and doc_type != "2")


async def test_every_status_of_a_document_reaches_its_sender(centres: TwoCentres) -> None:
    document = await centres.sent()
    for code in ("01", "03", "04", "05", "06"):
        said = await centres.say(code)
        (row,) = await centres.first.waiting("status")
        assert (row["docId"], row["from"], row["to"], row["messageType"]) == (
            said,
            RECIPIENT_102,
            SENDER,
            "status",
        )
        assert await centres.first.packet(said) == status_of(code).strip()
        assert (await centres.first.update(said, "done")).is_ok
        assert await centres.first.waiting("status") == []
        assert await progress_of(centres, document) == code


async def test_refusal_of_a_document_reaches_its_sender(centres: TwoCentres) -> None:
    document = await centres.sent()
    said = await centres.say("02", description="Sai nơi nhận")
    assert "Sai nơi nhận".encode() in await centres.first.packet(said)
    assert await progress_of(centres, document) == "02"


async def test_recall_by_status_13_is_asked_and_answered(centres: TwoCentres) -> None:
    document = await centres.sent()
    (row,) = await centres.second.waiting()
    await centres.second.fetch(row["docId"])
    asked = await centres.say("13", by=SENDER, at=RECIPIENT_102)
    assert [each["docId"] for each in await centres.second.waiting("status")] == [asked]
    assert (await centres.second.update(asked, "done")).is_ok
    await centres.say("15")
    assert (await state_of(centres, document))["receiveStatusDesc"].startswith("Đã thu hồi")
    refused = await centres.second.fetch(row["docId"])
    assert refused.refusal[0] == "21"


async def test_recall_of_an_unopened_document_takes_it_out_of_the_list(centres: TwoCentres) -> None:
    document = await centres.sent()
    await centres.say("13", by=SENDER, at=RECIPIENT_102)
    assert await centres.second.waiting() == []
    assert (await state_of(centres, document))["receiveStatus"] == "fail"


async def test_status_waits_until_it_is_done(centres: TwoCentres) -> None:
    await centres.sent()
    said = await centres.say("01")
    for state in ("processing", "fail"):
        assert (await centres.first.update(said, state)).is_ok
        assert [row["docId"] for row in await centres.first.waiting("status")] == [said]
    assert (await centres.first.count("status")).json["count"] == 1
    assert (await centres.first.update(said, "done")).is_ok
    assert (await centres.first.count("status", method="GET")).json["count"] == 0


async def test_same_status_again_gets_the_same_id(centres: TwoCentres) -> None:
    await centres.sent()
    assert await centres.say("01") == await centres.say("01")
    assert len(await centres.first.waiting("status")) == 1


async def test_sender_sees_where_its_status_stands(centres: TwoCentres) -> None:
    await centres.sent()
    said = await centres.say("03")
    (row,) = (await centres.second.sent("status", docId=said)).json["data"]
    assert (row["senderDocId"], row["receiveStatus"]) == (said, "initial")
    await centres.first.update(said, "done")
    (row,) = (await centres.second.sent("status", docId=said)).json["data"]
    assert row["receiveStatus"] == "done"


# --- the client's quirks -------------------------------------------------------------------------


async def test_parameters_leaked_by_earlier_calls_mean_nothing(centres: TwoCentres) -> None:
    item = await centres.arrived()
    await centres.second.fetch(item)
    await centres.second.update(item, "processing")
    leaked = centres.second.parameters
    assert {"docId", "filePath", "status", "messagetype", "servicetype"} <= set(leaked)
    assert [row["docId"] for row in await centres.second.waiting()] == [item]
    assert (await centres.second.send(status_of("01"), by=RECIPIENT_102, kind="status")).is_ok
    assert {"hash-file", "from"} <= set(centres.second.parameters)
    assert [row["docId"] for row in await centres.second.waiting()] == [item]
    assert (await centres.second.agencies()).is_ok


async def test_leaked_id_of_a_received_item_does_not_empty_the_list_of_sent_ones(centres: TwoCentres) -> None:
    item = await centres.arrived()
    document = packet_of(centres.api.world.folder, sender=RECIPIENT_102, to=(SENDER,), document_id="trả lời")
    sent = await centres.second.send(document, by=RECIPIENT_102)
    await centres.second.fetch(item)
    assert centres.second.parameters["docId"] == item
    rows = (await centres.second.sent()).json["data"]
    assert [row["senderDocId"] for row in rows] == [sent.json["DocId"]]


@pytest.mark.parametrize("spelling", ["short", "full", "upper", "with the added bytes", "none"])
async def test_every_spelling_of_the_hash_is_taken(centres: TwoCentres, spelling: str) -> None:
    packet = centres.document()
    digest = hashlib.sha256(packet).digest()
    hashes = {
        "short": short_hex(digest),
        "full": digest.hex(),
        "upper": digest.hex().upper(),
        "with the added bytes": hashlib.sha256(packet + b"\r\n").hexdigest(),
        "none": "",
    }
    answer = await centres.first.send(packet, by=SENDER, hash_file=hashes[spelling])
    assert answer.is_ok, answer.content


async def test_packet_is_kept_without_the_two_bytes_the_client_adds(centres: TwoCentres) -> None:
    x = centres.api.world.exchange
    packet = centres.document()
    document = DocumentId((await centres.first.send(packet, by=SENDER)).json["DocId"])
    kept = await x.records.packet(document)
    assert kept is not None
    assert x.bodies.path(kept.sha256).read_bytes() == packet


async def test_older_client_sends_the_packet_as_a_form_part(centres: TwoCentres) -> None:
    boundary = "----WebKitFormBoundary7MA4YWxk"
    packet = centres.document()
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file_doc"; filename="a.edxml"\r\n\r\n'
    parameters = {"from": SENDER, "servicetype": "eDoc", "messagetype": "edoc"}
    answer = await centres.first.call(
        "POST",
        "/sendEdoc",
        parameters,
        body=head.encode() + packet + f"\r\n--{boundary}--\r\n".encode(),
        content_type=f"multipart/form-data; boundary={boundary}",
    )
    assert answer.is_ok, answer.content
    assert len(await centres.second.waiting()) == 1


# --- with the machine API ------------------------------------------------------------------------


async def test_document_sent_over_vxp_is_received_over_v1(centres: TwoCentres) -> None:
    document = await centres.sent(to=(PUSHED_RECIPIENT,))
    inbox = await centres.api.get("/v1/inbox", by=PUSHED_RECIPIENT)
    (item,) = inbox.json["items"]
    assert item["document"]["id"] == document
    file = await centres.api.get(f"/v1/documents/{document}/files/1", by=PUSHED_RECIPIENT)
    assert file.content == SIGNED
    accepted = await centres.api.post(f"/v1/inbox/{item['delivery']}/accept", by=PUSHED_RECIPIENT, body={})
    assert accepted.status == 200
    assert (await state_of(centres, document))["receiveStatus"] == "done"
    (said,) = await centres.first.waiting("status")
    assert b"<edXML:StatusCode>01<" in await centres.first.packet(said["docId"])


async def test_document_sent_over_v1_is_received_over_vxp(centres: TwoCentres) -> None:
    answer = await centres.api.submit(to=[OTHER_RECIPIENT])
    (row,) = await centres.second.waiting()
    packet = await centres.second.packet(row["docId"])
    assert b"<edXML:DocumentId>VB-2026-0012<" in packet
    assert base64.b64encode(SIGNED) in packet
    await centres.second.update(row["docId"], "done")
    document = await centres.api.get(f"/v1/documents/{answer.json['id']}")
    assert document.json["deliveries"][0]["state"] == "DELIVERED"


async def test_packet_is_given_out_in_the_dialect_of_its_reader(centres: TwoCentres) -> None:
    x = centres.api.world.exchange
    agency = await x.directory.agency(AgencyCode(RECIPIENT))
    assert agency is not None
    await x.directory.upsert([replace(agency, dialect=Dialect.DOTNET)], now=x.clock())
    packet = await centres.second.packet(await centres.arrived())
    # The .NET dialect names its attachments in the manifest by a link too.
    assert b"xlink:href" in packet
    assert b"xlink:href" not in centres.document()
