"""What centres must not get away with: refused with the axis's code and ours, and nothing changed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.model import AgencyCode, System, SystemId
from tests.support.exchange import CLOSED, OTHER_RECIPIENT, RECIPIENT, SENDER, STRICT_SENDER
from tests.support.twins import SIGNED, UNREADABLE, UNSIGNED
from tests.support.vxp_refusals import kept_in, refused
from tests.support.vxp_world import (
    RECIPIENT_102,
    TwoCentres,
    centres,
    open_two_centres,
    packet_of,
    status_of,
)

__all__ = ["centres"]

# --- who sends -----------------------------------------------------------------------------------


async def test_from_that_is_no_agency_of_the_system_is_refused(centres: TwoCentres) -> None:
    for by in (RECIPIENT, RECIPIENT_102, "H26.nobody", "", "H26.00.", "*"):
        packet = centres.document(sender=by or SENDER)
        await refused(centres, centres.first.send(packet, by=by), "19", "not-your-agency")


async def test_sender_in_the_packet_that_is_not_the_from_is_refused(centres: TwoCentres) -> None:
    packet = packet_of(centres.api.world.folder, sender=RECIPIENT_102, to=(SENDER,))
    await refused(centres, centres.first.send(packet, by=SENDER), "19", "not-your-agency")
    # Another agency of the same centre is not the one that sends either.
    await refused(centres, centres.second.send(packet, by=OTHER_RECIPIENT), "19", "not-your-agency")


async def test_from_without_a_header_is_refused(centres: TwoCentres) -> None:
    call = centres.first.call("POST", "/sendEdoc", {"messagetype": "edoc"}, body=centres.document())
    await refused(centres, call, "19", "not-your-agency")


SENDERS = [
    "",
    " ",
    "H26.01",
    "000.00.01.H26",
    "H26.02",
    "H26.nobody",
    "h26.00",
    "H26.00.",
    ".H26.00",
    "H26",
    "H26.0",
    "H26.000",
    "H26.00/H26.01",
    "H26.00,H26.01",
    "H26.00;H26.01",
    "H26.00\u200b",
    "Η26.00",
    "H26․00",
    "%48%32%36.00",
    "*",
]


@pytest.mark.parametrize("sender", SENDERS)
async def test_b18_sender_that_is_not_the_authenticated_agency_is_refused(
    centres: TwoCentres, sender: str
) -> None:
    packet = packet_of(centres.api.world.folder, sender=sender)
    # Without a sender, or with one that nobody can read, it is no packet at all.
    is_readable = bool(sender.strip()) and sender.isprintable()
    axis, code = ("19", "not-your-agency") if is_readable else ("22", "malformed-packet")
    await refused(centres, centres.first.send(packet, by=SENDER), axis, code)


RECIPIENTS = [
    ("H26.nobody",),
    ("H26.01.nobody",),
    ("h26.01",),
    ("H26.0１",),
    ("000.00.02.H26",),
    ("000.00.1.H26",),
    ("000.00.01.H26\u0301",),
    ("*",),
    ("%",),
    ("H26.%",),
    ("H26.01,H26.02",),
    ("' OR 1=1 --",),
    (RECIPIENT_102, "H26.nobody"),
    (CLOSED, "H26.nobody"),
    ("../H26.01",),
    ("x" * 60,),
]


@pytest.mark.parametrize("to", RECIPIENTS, ids=lambda to: "+".join(to)[:20])
async def test_b18_recipient_that_is_not_in_the_directory_is_refused(
    centres: TwoCentres, to: tuple[str, ...]
) -> None:
    answer = await refused(
        centres, centres.first.send(centres.document(to=to), by=SENDER), "18", "unknown-agency"
    )
    assert answer.json["reasons"]


@pytest.mark.parametrize("to", [(CLOSED,), (RECIPIENT_102, CLOSED)])
async def test_b18_closed_recipient_is_refused(centres: TwoCentres, to: tuple[str, ...]) -> None:
    await refused(centres, centres.first.send(centres.document(to=to), by=SENDER), "23", "unknown-agency")


async def test_b18_document_sent_round_in_a_circle_is_a_document_of_its_own_each_time(
    centres: TwoCentres,
) -> None:
    item = await centres.arrived()
    packet = await centres.second.packet(item)
    # Sent back as it came: its sender is not who sends it.
    await refused(centres, centres.second.send(packet, by=RECIPIENT_102), "19", "not-your-agency")
    # Brought back by its own sender: the same document, no second one.
    again = await centres.first.send(packet, by=SENDER)
    assert again.is_ok
    assert len(await centres.second.waiting()) == 1


async def test_b18_document_to_its_own_sender_ends_there(centres: TwoCentres) -> None:
    assert (await centres.first.send(centres.document(to=(SENDER,)), by=SENDER)).is_ok
    (row,) = await centres.first.waiting()
    assert (row["from"], row["to"]) == (SENDER, SENDER)
    assert (await centres.first.update(row["docId"], "done")).is_ok
    assert await centres.first.waiting() == []


# --- what is sent --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hash_file",
    ["0" * 64, "abc", "không", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
)
async def test_hash_that_is_of_other_bytes_is_refused(centres: TwoCentres, hash_file: str) -> None:
    call = centres.first.send(centres.document(), by=SENDER, hash_file=hash_file)
    await refused(centres, call, "10", "hash-mismatch")


async def test_stale_hash_leaked_by_an_earlier_call_is_refused(centres: TwoCentres) -> None:
    await centres.sent()
    centres.first.parameters |= {"messagetype": "edoc", "from": SENDER}
    other = centres.document(document_id="khác")
    call = centres.first.call(
        "POST", "/sendEdoc", body=other + b"\r\n", content_type="application/octet-stream"
    )
    await refused(centres, call, "10", "hash-mismatch")


PACKETS = {
    "nothing": b"",
    "no XML": b"%PDF-1.7",
    "half a packet": b'<?xml version="1.0"?><edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">',
    "another XML": b'<?xml version="1.0"?><html/>',
    "entities": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><edXML>&a;</edXML>',
}


@pytest.mark.parametrize("kind", ["edoc", "status"])
@pytest.mark.parametrize("packet", PACKETS)
async def test_packet_that_is_no_edxml_is_refused(centres: TwoCentres, packet: str, kind: str) -> None:
    call = centres.first.send(PACKETS[packet], by=SENDER, kind=kind)
    answer = await refused(centres, call, "22", "malformed-packet")
    assert answer.json["reasons"]
    assert "edXML" in answer.json["ErrorDesc"]


async def test_packet_of_another_kind_than_announced_is_refused(centres: TwoCentres) -> None:
    await centres.sent()
    status = centres.second.send(status_of("01"), by=RECIPIENT_102, kind="edoc")
    await refused(centres, status, "22", "malformed-packet")
    document = centres.first.send(centres.document(document_id="khác"), by=SENDER, kind="status")
    await refused(centres, document, "22", "malformed-packet")
    neither = centres.first.send(centres.document(document_id="khác"), by=SENDER, kind="letter")
    await refused(centres, neither, "21", "request-rejected")


async def test_state_secret_is_refused_and_not_kept(centres: TwoCentres) -> None:
    for subject in ("TUYỆT MẬT: kế hoạch", "Kế hoạch (MẬT)", "TỐI  MẬT"):
        call = centres.first.send(centres.document(subject=subject), by=SENDER)
        await refused(centres, call, "21", "state-secret")


async def test_unsigned_document_of_an_agency_that_must_sign_is_refused(centres: TwoCentres) -> None:
    strict = await connected(centres, STRICT_SENDER)
    packet = packet_of(centres.api.world.folder, sender=STRICT_SENDER, files=(("a.pdf", UNSIGNED),))
    await refused(centres, strict.send(packet, by=STRICT_SENDER), "21", "signature-rejected")


async def connected(centres: TwoCentres, agency: str) -> Any:
    """Connect a third centre for an agency and return its client."""
    x = centres.api.world.exchange
    sealed = centres.box.seal("third", owner="H26.third")
    await x.systems.add(
        System(SystemId("H26.third"), "third", sealed, x.clock(), frozenset({AgencyCode(agency)}))
    )
    return centres.client("H26.third", "third")


async def test_file_that_cannot_be_judged_is_refused(centres: TwoCentres) -> None:
    call = centres.first.send(centres.document(files=(("a.pdf", UNREADABLE),)), by=SENDER)
    await refused(centres, call, "10", "malformed-document")


async def test_packet_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    async with open_two_centres(tmp_path, max_request_bytes=20_000) as centres:
        large = centres.document(files=(("a.pdf", SIGNED * 2000),))
        await refused(centres, centres.first.send(large, by=SENDER), "10", "too-large", http=413)


async def test_status_packet_larger_than_a_status_is_refused(centres: TwoCentres) -> None:
    large = status_of("03", description="x" * 200_000)
    await refused(
        centres, centres.second.send(large, by=RECIPIENT_102, kind="status"), "10", "too-large", http=413
    )


async def test_nearly_full_store_is_answered_as_an_outage(tmp_path: Path) -> None:
    async with open_two_centres(tmp_path) as centres:
        packet = centres.document()
        centres.api.world.exchange.bodies._free_floor_bytes = 1 << 62  # type: ignore[attr-defined]
        answer = await refused(
            centres, centres.first.send(packet, by=SENDER), "20", "store-unavailable", http=503
        )
        assert answer.headers["retry-after"]


FORMS = {
    "another part": b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n<x/>\r\n--b--\r\n',
    "two parts": b'--b\r\nContent-Disposition: form-data; name="file_doc"\r\n\r\n<x/>\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file_doc"\r\n\r\n<x/>\r\n--b--\r\n',
    "no part": b"--b--\r\n",
    "no end": b'--b\r\nContent-Disposition: form-data; name="file_doc"\r\n\r\n<x/>\r\n',
}


@pytest.mark.parametrize("form", FORMS)
async def test_form_that_is_not_the_one_part_is_refused(centres: TwoCentres, form: str) -> None:
    parameters = {"from": SENDER, "servicetype": "eDoc", "messagetype": "edoc"}
    kind = "multipart/form-data; boundary=b"
    call = centres.first.call("POST", "/sendEdoc", parameters, body=FORMS[form], content_type=kind)
    await refused(centres, call, "20", "malformed-request")


# --- quotas --------------------------------------------------------------------------------------


async def test_b25_uploads_that_break_off_leave_nothing(centres: TwoCentres) -> None:
    before = kept_in(centres)
    for cut in range(20):
        packet = centres.document(document_id=f"dở dang {cut}")
        centres.first.parameters |= {"from": SENDER, "messagetype": "edoc", "hash-file": ""}
        headers = centres.first.signed("application/octet-stream") | {"Content-Length": str(len(packet))}
        request = centres.first.head("POST", "/sendEdoc", headers) + packet[: len(packet) * cut // 20]
        _, writer = await asyncio.open_connection(centres.first.endpoint.host, centres.first.endpoint.port)
        writer.write(request)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert (await centres.first.agencies()).is_ok
    async with asyncio.timeout(5):
        while kept_in(centres) != before:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_b25_bytes_of_a_centre_count_against_its_limit(tmp_path: Path) -> None:
    async with open_two_centres(tmp_path, bytes_burst=20_000, bytes_per_second=100) as centres:
        large = centres.document(files=(("a.pdf", SIGNED * 1000),))
        assert (await centres.first.send(large, by=SENDER)).is_ok
        answer = await centres.first.received()
        assert (answer.http_status, answer.refusal) == (429, ("20", "throttled"))
        assert (await centres.second.received()).is_ok
