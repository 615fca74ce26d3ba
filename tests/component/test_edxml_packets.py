"""Packets in and out: real bodies, the real reader in this process, both dialects."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from adapters.edxml.packet import NAMESPACE, Fault, Read
from adapters.edxml.packets import MAX_STATUS_BYTES
from gateway.domain.envelope import Dialect, DocumentKind, Staff
from gateway.domain.errors import MalformedDocument, MalformedPacket
from gateway.domain.model import (
    AgencyCode,
    Alias,
    AliasScheme,
    DeliveryId,
    DocumentId,
    Status,
    StatusId,
)
from gateway.domain.packets import DocumentPacket, Outgoing, StatusPacket
from gateway.domain.states import BusinessStatus
from tests.support.edxml_desk import Desk, golden, open_desk
from tests.support.edxml_samples import (
    DOCUMENTS,
    FILES,
    FIRST_ID,
    NEW,
    PDF,
    SENDER,
    STATUSES,
    attachments,
    packet,
)
from tests.support.exchange_samples import NOW, agency, document, envelope

ENTRY = (
    b"<edXML:TraceHeader><edXML:OrganId>000.00.00.H26</edXML:OrganId>"
    b"<edXML:Timestamp>2026/11/22 03:00:00</edXML:Timestamp></edXML:TraceHeader>"
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [Dialect.JAVA, Dialect.DOTNET])
@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_a_document_is_read_with_its_files(desk: Desk, kind: str, dialect: Dialect) -> None:
    read = await desk.read(golden(f"{dialect}-{kind}"))
    assert isinstance(read, DocumentPacket)
    assert (read.sender, read.dialect, read.envelope.kind) == (SENDER.organ_id, dialect, DocumentKind(kind))
    assert (read.files[0].name, read.files[0].media_type) == ("Thông báo số 12.pdf", "application/pdf")
    assert read.files[0].draft.path.read_bytes() == PDF
    assert read.warnings == ()


async def test_a_zipped_workbook_comes_out_as_it_went_in(desk: Desk) -> None:
    read = await desk.read(golden("java-new"))
    assert isinstance(read, DocumentPacket)
    assert {file.name: file.draft.path.read_bytes() for file in read.files} == FILES
    assert read.files[1].media_type.endswith("spreadsheetml.sheet")


async def test_files_are_hashed_here_and_gone_with_the_context_unless_kept(desk: Desk) -> None:
    draft = await desk.draft(golden("java-new"))
    async with desk.packets.reading(draft) as read:
        assert isinstance(read, DocumentPacket)
        kept, dropped = (file.draft for file in read.files)
        assert kept.sha256 == hashlib.sha256(PDF).hexdigest()
        await desk.bodies.keep([kept])
        dropped_at = dropped.path
    assert desk.bodies.path(kept.sha256).read_bytes() == PDF
    assert not dropped_at.exists()


@pytest.mark.parametrize("code", STATUSES)
async def test_a_status_is_read_with_its_bytes(desk: Desk, code: str) -> None:
    read = await desk.read(b"\xef\xbb\xbf" + golden(f"java-status-{code}") + b"\r\n")
    assert isinstance(read, StatusPacket)
    assert (read.notice.status, read.notice.about.document_id) == (BusinessStatus(code), FIRST_ID)
    assert read.content == golden(f"java-status-{code}").rstrip()


async def test_every_mistake_is_named_in_both_languages(desk: Desk) -> None:
    faults = (
        Fault(element="MessageHeader/Subject", rule="QCVN 102:2016 1.6", vi="thiếu", en="is missing"),
        Fault(element="MessageHeader/To", rule="QCVN 102:2016 1.2", vi="không có", en="there is none"),
    )
    desk.reader.bend = lambda read, _: msgspec.structs.replace(read, faults=faults)
    with pytest.raises(MalformedPacket) as refused:
        await desk.read(golden("java-new"))
    assert refused.value.reasons == (
        "MessageHeader/Subject: thiếu / is missing [QCVN 102:2016 1.6]",
        "MessageHeader/To: không có / there is none [QCVN 102:2016 1.2]",
    )


async def test_a_real_mistake_refuses_the_packet(desk: Desk) -> None:
    with pytest.raises(MalformedPacket):
        await desk.read(golden("java-new").replace(b"<edXML:Priority>1<", b"<edXML:Priority>high<"))


@pytest.mark.parametrize("elsewhere", ["/etc/passwd", "../../outside", "missing"])
async def test_a_file_outside_the_folder_is_never_adopted(desk: Desk, tmp_path: Path, elsewhere: str) -> None:
    (tmp_path / "bodies" / "outside").write_text("secret")

    def bend(read: Read, _: Path) -> Read:
        return msgspec.structs.replace(
            read, attachments=(msgspec.structs.replace(read.attachments[0], path=elsewhere),)
        )

    desk.reader.bend = bend
    with pytest.raises(MalformedDocument):
        await desk.read(golden("java-new"))


async def test_a_file_of_a_packet_read_at_the_same_time_is_never_adopted(desk: Desk) -> None:
    neighbour = await desk.stack.enter_async_context(desk.bodies.unpacking())
    (neighbour / "9").write_text("of somebody else")

    def bend(read: Read, _: Path) -> Read:
        stolen = msgspec.structs.replace(read.attachments[0], path=str(neighbour / "9"))
        return msgspec.structs.replace(read, attachments=(stolen,))

    desk.reader.bend = bend
    with pytest.raises(MalformedDocument):
        await desk.read(golden("java-new"))


async def test_a_status_that_is_too_large_to_keep_is_refused(desk: Desk) -> None:
    desk.reader.bend = lambda read, _: msgspec.structs.replace(
        read, ends_at=read.starts_at + MAX_STATUS_BYTES + 1
    )
    with pytest.raises(MalformedPacket):
        await desk.read(golden("java-status-03"))


# --- forwarding ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [Dialect.JAVA, Dialect.DOTNET])
@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_a_forwarded_packet_is_the_received_one_with_one_relay_more(
    desk: Desk, kind: str, dialect: Dialect
) -> None:
    received = golden(f"{dialect}-{kind}")
    outgoing = await desk.outgoing(b"\xef\xbb\xbf  " + received + b"\r\n")
    forwarded = await desk.written(outgoing, dialect)
    assert forwarded.count(ENTRY) == 1
    assert forwarded.replace(ENTRY, b"") == received.rstrip()
    assert outgoing.original is not None
    assert outgoing.original.read_bytes() == b"\xef\xbb\xbf  " + received + b"\r\n"


async def test_our_relay_stands_after_those_before_it(desk: Desk) -> None:
    forwarded = await desk.written(await desk.outgoing(golden("java-new")), Dialect.JAVA)
    again = await desk.read(forwarded)
    assert isinstance(again, DocumentPacket)
    header = msgspec.json.decode(again.header)["document"]
    assert [each["organ_id"] for each in header["trace"]["traces"]] == ["000.00.01.H26", "000.00.00.H26"]


async def test_a_packet_of_the_other_dialect_is_written_anew_and_says_the_same(desk: Desk) -> None:
    outgoing = await desk.outgoing(golden("java-new"))
    rewritten = await desk.read(await desk.written(outgoing, Dialect.DOTNET))
    assert isinstance(rewritten, DocumentPacket)
    assert rewritten.dialect is Dialect.DOTNET
    assert rewritten.envelope == outgoing.document.envelope
    assert [file.draft.sha256 for file in rewritten.files] == [
        file.sha256 for file in outgoing.document.files
    ]
    header = msgspec.json.decode(rewritten.header)["document"]
    assert header["other"]["sphere"] == "Liên thông văn bản"
    assert [each["organ_id"] for each in header["trace"]["traces"]] == ["000.00.01.H26", "000.00.00.H26"]


async def test_a_packet_without_a_list_of_relays_is_written_anew_with_one(desk: Desk, tmp_path: Path) -> None:
    header = msgspec.structs.replace(NEW, trace=None)
    outgoing = await desk.outgoing(packet(header, attachments(tmp_path), dialect=Dialect.JAVA))
    written = await desk.written(outgoing, Dialect.JAVA)
    assert b"000.00.00.H26" in written
    again = await desk.read(written)
    assert isinstance(again, DocumentPacket)
    assert again.envelope == outgoing.document.envelope


async def test_without_the_original_a_packet_is_written_anew(desk: Desk) -> None:
    outgoing = replace(await desk.outgoing(golden("java-recall")), original=None)
    again = await desk.read(await desk.written(outgoing, Dialect.JAVA))
    assert isinstance(again, DocumentPacket)
    assert again.envelope == outgoing.document.envelope


@pytest.mark.parametrize("dialect", [Dialect.JAVA, Dialect.DOTNET])
async def test_a_document_that_came_as_json_is_written_from_its_envelope(
    desk: Desk, tmp_path: Path, dialect: Dialect
) -> None:
    file = tmp_path / "content"
    file.write_bytes(PDF)
    said = envelope(to=("H26.01",), issued_on=date(2026, 11, 20), staff=Staff(name="Người Soạn Thử"))
    sender = replace(agency("H26.00"), aliases=(Alias(AliasScheme.QCVN102, "000.00.09.H26"),))
    outgoing = Outgoing(document(envelope=said), sender, [agency("H26.01")], [file], None, None)
    read = await desk.read(await desk.written(outgoing, dialect))
    assert isinstance(read, DocumentPacket)
    assert (read.envelope, read.sender, read.dialect) == (said, "000.00.09.H26", dialect)
    assert read.warnings == ()
    assert [(each.name, each.draft.path.read_bytes()) for each in read.files] == [
        (outgoing.document.files[0].name, PDF)
    ]


# --- statuses ------------------------------------------------------------------------------------


def said(received: bytes | None = None) -> Status:
    return Status(
        id=StatusId("1"),
        document=DocumentId("document-1"),
        delivery=DeliveryId("delivery-1"),
        author=AgencyCode("H26.01"),
        addressee=AgencyCode("H26.00"),
        status=BusinessStatus.RECEIVED,
        at=NOW,
        said_at=datetime(2026, 11, 21, 1, 0, 0, tzinfo=UTC),
        description="Đã vào sổ",
        packet=received,
    )


@pytest.mark.parametrize("dialect", [Dialect.JAVA, Dialect.DOTNET])
def test_a_received_status_is_forwarded_byte_for_byte(desk: Desk, dialect: Dialect) -> None:
    received = golden("java-status-03")
    status = said(received)
    packets = desk.packets
    assert packets.status(status, document=document(), author=agency("H26.01"), dialect=dialect) == received


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"OrganizationInCharge>", b"OrganInCharge>"),
        (b"edXML:", b"ed:"),
        (NAMESPACE.encode(), b"http://www.e-doc.vn/Schema/"),
    ],
)
async def test_a_status_in_another_spelling_is_written_anew(desk: Desk, before: bytes, after: bytes) -> None:
    received = golden("java-status-03").replace(before, after)
    packets = desk.packets
    written = packets.status(
        said(received), document=document(), author=agency("H26.01"), dialect=Dialect.JAVA
    )
    read = await desk.read(written)
    assert isinstance(read, StatusPacket)
    assert (read.sender, read.notice.description) == ("H26.01", "Đã vào sổ")


async def test_a_status_names_its_addressee_by_the_code_its_system_knows(desk: Desk) -> None:
    addressee = replace(agency("H26.00"), aliases=(Alias(AliasScheme.QCVN102, "000.00.09.H26"),))
    written = desk.packets.status(
        said(), document=document(), author=agency("H26.01"), dialect=Dialect.JAVA, addressee=addressee
    )
    read = await desk.read(written)
    assert isinstance(read, StatusPacket)
    assert read.notice.about.agency == "000.00.09.H26"
    assert read.notice.about.document_id == document().envelope.document_id
    assert read.notice.said_at == said().said_at


def test_a_status_without_its_addressee_names_it_by_our_own_code(desk: Desk) -> None:
    written = desk.packets.status(said(), document=document(), author=agency("H26.01"), dialect=Dialect.JAVA)
    assert b"<edXML:OrganId>H26.00</edXML:OrganId>" in written
