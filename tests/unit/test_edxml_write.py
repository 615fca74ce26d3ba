"""Packets as they are written: the golden files, and what no golden file can show."""

from __future__ import annotations

import base64
import io
import re
import tracemalloc
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from adapters.edxml.packet import NAMESPACE, Attachment, PacketSignature, Trace
from adapters.edxml.write import PIECE_BYTES, document_packet, relay_entry, status_packet
from gateway.domain.envelope import Dialect
from tests.support.edxml_samples import (
    DOCUMENTS,
    GOLDEN,
    NEW,
    PDF,
    STATUSES,
    WORKBOOK,
    attachments,
    golden_packets,
    packet,
)

SPACE = f"{{{NAMESPACE}}}"


def parsed(written: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(written)


def attachment(folder: Path, name: str, content: bytes, *, content_id: str = "file-1") -> Attachment:
    path = folder / "content"
    path.write_bytes(content)
    return Attachment(content_id=content_id, name=name, path=str(path))


def encoded(written: bytes) -> bytes:
    found = parsed(written).find(f".//{SPACE}ContentTransferEncoded")
    assert found is not None
    return base64.b64decode(found.text or "", validate=True)


def test_every_golden_file_is_written_byte_for_byte(tmp_path: Path) -> None:
    written = dict(golden_packets(tmp_path))
    assert written == {path.name: path.read_bytes() for path in GOLDEN.glob("*.edxml")}


def test_golden_files_cover_four_kinds_and_nine_statuses() -> None:
    names = {path.stem for path in GOLDEN.glob("*.edxml")}
    assert names >= {f"java-{kind}" for kind in DOCUMENTS} | {f"dotnet-{kind}" for kind in DOCUMENTS}
    assert names >= {f"java-status-{code}" for code in STATUSES}
    assert (len(DOCUMENTS), len(STATUSES)) == (4, 9)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.edxml")), ids=lambda path: path.stem)
def test_every_element_is_in_the_namespace_of_the_standard(path: Path) -> None:
    assert {each.tag.split("}")[0] for each in parsed(path.read_bytes()).iter()} == {f"{{{NAMESPACE}"}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.edxml")), ids=lambda path: path.stem)
def test_everything_in_the_envelope_has_the_literal_prefix(path: Path) -> None:
    envelope = path.read_bytes().split(b"<edXML:edXMLEnvelope")[1].split(b"</edXML:edXMLEnvelope>")[0]
    assert re.findall(rb"</?(?!edXML:)[A-Za-z]\w*", envelope) == []


@pytest.mark.parametrize("dialect", [Dialect.JAVA, Dialect.DOTNET])
@pytest.mark.parametrize(
    "nasty",
    [
        "<&>\"'",
        "]]>",
        "<!--<![CDATA[",
        "&amp;&lt;",
        "Quyết định",
        "Quyê\u0301t đi\u0323nh",
        "a\nb\tc",
        "a\rb",
        "a\r\nb",
        "\U0001f4c4",
    ],
)
def test_a_text_comes_back_as_it_was(nasty: str, dialect: Dialect) -> None:
    header = msgspec.structs.replace(
        NEW, subject=nasty, sender=msgspec.structs.replace(NEW.sender, name=nasty)
    )
    root = parsed(packet(header, (), dialect=dialect))
    assert root.findtext(f".//{SPACE}Subject") == nasty
    assert root.findtext(f".//{SPACE}From/{SPACE}OrganName") == nasty


@pytest.mark.parametrize("nasty", ["\"><&'", "a\nb", "a\tb", "a\rb"])
def test_an_attribute_comes_back_as_it_was(nasty: str) -> None:
    assert NEW.trace is not None
    header = msgspec.structs.replace(NEW, trace=msgspec.structs.replace(NEW.trace, id=nasty))
    found = parsed(packet(header, (), dialect=Dialect.JAVA)).find(f".//{SPACE}TraceHeaderList")
    assert found is not None
    assert found.get("id") == nasty


@pytest.mark.parametrize("impossible", ["\x00", "\x07", "\x1b", "\ud800", "\ufffe", "\uffff"])
def test_a_letter_that_xml_cannot_hold_is_replaced_and_refuses_nothing(impossible: str) -> None:
    header = msgspec.structs.replace(NEW, subject=f"a{impossible}b")
    written = packet(header, (), dialect=Dialect.JAVA)
    assert parsed(written).findtext(f".//{SPACE}Subject") == "a\ufffdb"


@pytest.mark.parametrize("dialect", [Dialect.JAVA, Dialect.DOTNET])
@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.pdf", "application/pdf"),
        ("A.PDF", "application/pdf"),
        ("a.doc", "application/msword"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.zip", "application/zip"),
    ],
)
def test_pdf_word_and_zip_are_written_as_they_are(
    tmp_path: Path, name: str, media_type: str, dialect: Dialect
) -> None:
    written = packet(NEW, (attachment(tmp_path, name, PDF),), dialect=dialect)
    assert encoded(written) == PDF
    said = {each.text for each in parsed(written).iter(f"{SPACE}ContentType")}
    assert said == {media_type}


@pytest.mark.parametrize(
    ("name", "content_id", "entry"),
    [
        ("a.xlsx", "file-1", "file-1.xlsx"),
        ("a.xls", "209", "209.xls"),
        ("Ảnh.JPEG", "a/../b", "a----b.jpeg"),
        ("không đuôi", "file-1", "file-1"),
        ("a.b/c", "file-1", "file-1"),
    ],
)
def test_any_other_file_is_written_as_a_zip_with_one_entry(
    tmp_path: Path, name: str, content_id: str, entry: str
) -> None:
    file = attachment(tmp_path, name, WORKBOOK, content_id=content_id)
    written = packet(NEW, (file,), dialect=Dialect.JAVA)
    assert {each.text for each in parsed(written).iter(f"{SPACE}ContentType")} == {"application/zip"}
    with zipfile.ZipFile(io.BytesIO(encoded(written))) as archive:
        assert archive.namelist() == [entry]
        assert archive.read(entry) == WORKBOOK


@pytest.mark.parametrize(
    "size", [0, 1, 2, 3, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 2]
)
def test_a_file_of_any_size_is_one_piece_of_base64(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert encoded(packet(NEW, (attachment(tmp_path, "a.pdf", content),), dialect=Dialect.JAVA)) == content


def test_a_large_file_is_never_whole_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(32 * 1024 * 1024)
    files = [
        Attachment(content_id=f"{n}", name=name, path=str(path)) for n, name in enumerate(["a.pdf", "a.odt"])
    ]
    tracemalloc.start()
    try:
        for piece in document_packet(NEW, files, dialect=Dialect.JAVA):
            assert len(piece) < 8 * PIECE_BYTES
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_references_of_the_dotnet_dialect_are_links_and_only_they_have_cid(tmp_path: Path) -> None:
    written = packet(NEW, attachments(tmp_path)[:1], dialect=Dialect.DOTNET).decode()
    assert written.count("cid:file-1") == 2
    assert 'xlink:href="cid:file-1" xlink:role="XLinkRole" xlink:type="simple"' in written


def test_a_carried_signature_stays_in_the_default_namespace_in_java() -> None:
    signed = PacketSignature(
        method="http://www.w3.org/2000/09/xmldsig#rsa-sha1", value="AAAA", subjects=("CN=a",)
    )
    header = msgspec.structs.replace(NEW, signature=signed)
    assert b"<SignatureValue>AAAA</SignatureValue>" in packet(header, (), dialect=Dialect.JAVA)
    assert b"<edXML:SignatureValue>AAAA</edXML:SignatureValue>" in packet(header, (), dialect=Dialect.DOTNET)


def test_a_status_has_neither_recipients_nor_trace_nor_body() -> None:
    written = status_packet(STATUSES["03"], dialect=Dialect.JAVA)
    for absent in (b"edXML:To>", b"TraceHeader", b"edXMLBody", b"Attachment", b"Signature"):
        assert absent not in written


@pytest.mark.parametrize("prefix", ["edXML:", "", "q1:"])
def test_a_relay_entry_is_one_line_in_the_prefix_of_the_packet(prefix: str) -> None:
    entry = relay_entry(Trace(organ_id="H<26>", timestamp="2026/11/21 08:02:03"), prefix=prefix).decode()
    assert entry == (
        f"<{prefix}TraceHeader><{prefix}OrganId>H&lt;26&gt;</{prefix}OrganId>"
        f"<{prefix}Timestamp>2026/11/21 08:02:03</{prefix}Timestamp></{prefix}TraceHeader>"
    )
