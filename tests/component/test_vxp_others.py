"""What belongs to others, or comes out of turn: refused with the axis's code and ours; nothing changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.exchange import OTHER_RECIPIENT, SENDER
from tests.support.vxp_client import VxpAnswer
from tests.support.vxp_refusals import refused
from tests.support.vxp_world import DOCUMENT_ID, RECIPIENT_102, TwoCentres, centres, packet_of, status_of

__all__ = ["centres"]

NO_SUCH_ID = "00000000-0000-7000-8000-000000000000"


# --- statuses and orders -------------------------------------------------------------------------


async def test_status_of_somebody_elses_document_is_refused(centres: TwoCentres) -> None:
    await centres.sent()
    stranger = status_of("03", by=OTHER_RECIPIENT)
    call = centres.second.send(stranger, by=OTHER_RECIPIENT, kind="status")
    await refused(centres, call, "21", "unknown-document")
    unknown = status_of("03", about="không có")
    await refused(
        centres, centres.second.send(unknown, by=RECIPIENT_102, kind="status"), "21", "unknown-document"
    )


async def test_status_of_its_recipients_said_by_the_sender_is_refused(centres: TwoCentres) -> None:
    await centres.sent()
    for code in ("01", "03", "06", "15"):
        call = centres.first.send(status_of(code, by=SENDER, at=SENDER), by=SENDER, kind="status")
        answer = await call
        assert answer.refusal[0] == "21"


@pytest.mark.parametrize(
    ("said", "then"),
    [((), "04"), ((), "06"), (("01",), "05"), (("03", "06"), "03"), (("02",), "03"), (("03",), "01")],
)
async def test_status_out_of_turn_is_refused(centres: TwoCentres, said: tuple[str, ...], then: str) -> None:
    await centres.sent()
    for code in said:
        await centres.say(code)
    call = centres.second.send(status_of(then, description="sau"), by=RECIPIENT_102, kind="status")
    await refused(centres, call, "21", "illegal-transition")


@pytest.mark.parametrize("code", ["15", "16"])
async def test_answer_that_nobody_asked_for_is_refused(centres: TwoCentres, code: str) -> None:
    await centres.sent()
    call = centres.second.send(status_of(code), by=RECIPIENT_102, kind="status")
    await refused(centres, call, "21", "illegal-transition")


@pytest.mark.parametrize("doc_type", ["1", "2", "3"])
async def test_order_about_somebody_elses_document_is_refused(centres: TwoCentres, doc_type: str) -> None:
    await centres.sent()
    order = packet_of(
        centres.api.world.folder,
        sender=OTHER_RECIPIENT,
        to=(RECIPIENT_102,),
        document_id="lệnh",
        doc_type=doc_type,
        about=DOCUMENT_ID,
    )
    call = centres.second.send(order, by=OTHER_RECIPIENT)
    await refused(centres, call, "21", "unknown-document")


async def test_recall_by_status_13_of_somebody_elses_document_is_refused(centres: TwoCentres) -> None:
    await centres.sent()
    asked = status_of("13", by=OTHER_RECIPIENT, at=RECIPIENT_102)
    call = centres.second.send(asked, by=OTHER_RECIPIENT, kind="status")
    await refused(centres, call, "21", "unknown-document")


# --- items of others -----------------------------------------------------------------------------

Asking = Callable[[Any, str], Awaitable[VxpAnswer]]
ASKING: dict[str, Asking] = {
    "fetch": lambda client, item: client.fetch(item),
    "download": lambda client, item: client.download(item),
    "processing": lambda client, item: client.update(item, "processing"),
    "done": lambda client, item: client.update(item, "done"),
    "fail": lambda client, item: client.update(item, "fail"),
}


@pytest.mark.parametrize("asking", ASKING)
async def test_item_of_another_centre_is_like_one_that_does_not_exist(
    centres: TwoCentres, asking: str
) -> None:
    item = await centres.arrived()
    said = await centres.say("01")
    foreign = await refused(centres, ASKING[asking](centres.first, item), "21", "unknown-document")
    status = await refused(centres, ASKING[asking](centres.second, said), "21", "unknown-document")
    nothing = await refused(centres, ASKING[asking](centres.first, NO_SUCH_ID), "21", "unknown-document")
    assert foreign.json == status.json == nothing.json


@pytest.mark.parametrize("doc_id", ["", "1", "../../etc/passwd", "' OR 1=1", "0" * 4000])
async def test_item_id_of_another_form_is_refused(centres: TwoCentres, doc_id: str) -> None:
    await refused(centres, centres.first.fetch(doc_id), "21", "unknown-document")


@pytest.mark.parametrize("status", ["", "DONE!", "03", "initial"])
async def test_transport_state_of_another_name_is_refused(centres: TwoCentres, status: str) -> None:
    item = await centres.arrived()
    await refused(centres, centres.second.update(item, status), "21", "request-rejected")


async def test_sent_list_shows_only_what_the_centre_sent(centres: TwoCentres) -> None:
    document = await centres.sent()
    assert (await centres.second.sent()).json["data"] == []
    assert (await centres.second.sent(docId=document)).json["data"] == []


async def test_item_whose_bytes_are_gone_is_answered_as_an_outage(centres: TwoCentres) -> None:
    item = await centres.arrived()
    for body in centres.api.world.bodies():
        body.unlink()
    answer = await centres.second.fetch(item)
    assert (answer.http_status, answer.refusal) == (503, ("20", "store-unavailable"))
