"""What kinds of files a packet may bring."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from adapters.edxml.packet import Attachment, Read
from gateway.domain.errors import MalformedDocument, StateSecret, UnsupportedFileType
from gateway.domain.packets import DocumentPacket
from tests.support.edxml_desk import Desk, golden, open_desk
from tests.support.edxml_samples import PDF


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


async def test_a_file_that_is_not_what_its_name_says_is_taken_with_a_warning(desk: Desk) -> None:
    def bend(read: Read, into: Path) -> Read:
        (into / "odd").write_bytes(b"\x89PNG\r\n\x1a\n...")
        odd = Attachment(content_id="1", name="Tờ trình.pdf", path=str(into / "odd"))
        return msgspec.structs.replace(read, attachments=(odd,))

    desk.reader.bend = bend
    read = await desk.read(golden("java-new"))
    assert isinstance(read, DocumentPacket)
    assert (read.files[0].name, read.files[0].media_type) == ("Tờ trình.pdf", "image/png")
    (warning,) = read.warnings
    assert "Tờ trình.pdf" in warning
    assert "image/png" in warning


def renamed(name: str, *, head: bytes = PDF, number: int = 0) -> Callable[[Read, Path], Read]:
    """Give one file of a packet another name and content."""

    def bend(read: Read, into: Path) -> Read:
        (into / "other").write_bytes(head)
        other = msgspec.structs.replace(read.attachments[number], name=name, path=str(into / "other"))
        rest = read.attachments[:number] + read.attachments[number + 1 :]
        return msgspec.structs.replace(read, attachments=(*rest, other))

    return bend


@pytest.mark.parametrize(
    "name", ["a.exe", "a.js", "a.LNK", "a.svg", "a.html", "a.pdf.exe", "a", ".pdf", "a.pdf."]
)
async def test_only_files_of_types_that_the_exchange_takes_are_taken(desk: Desk, name: str) -> None:
    desk.reader.bend = renamed(name)
    with pytest.raises(UnsupportedFileType):
        await desk.read(golden("java-new"))


PROGRAMS = {
    "Windows": b"MZ\x90\x00",
    "Linux": b"\x7fELF\x02",
    "a script": b"#!/bin/sh\n",
    "Java": b"\xca\xfe\xba\xbe",
    "macOS": b"\xcf\xfa\xed\xfe",
    "a shortcut": b"L\0\0\0\x01\x14\x02\0",
    "a page": b"<!DOCTYPE html><p>",
    "a page in capitals": b"\r\n <HTML>",
    "a script of a page": b"<script>alert(1)",
    "a page behind a comment": b"\xef\xbb\xbf<!-- > --><html>",
    "a picture that acts": b"<?xml version='1.0'?>\n<svg>",
}


@pytest.mark.parametrize("head", PROGRAMS.values(), ids=PROGRAMS.keys())
@pytest.mark.parametrize("name", ["a.pdf", "a.xml", "a.txt"])
async def test_program_or_web_page_is_refused_whatever_its_name(desk: Desk, name: str, head: bytes) -> None:
    desk.reader.bend = renamed(name, head=head)
    with pytest.raises(UnsupportedFileType):
        await desk.read(golden("java-new"))


async def test_two_files_of_one_name_are_refused(desk: Desk) -> None:
    desk.reader.bend = renamed("THÔNG BÁO SỐ 12.pdf", number=1)
    with pytest.raises(MalformedDocument) as refused:
        await desk.read(golden("java-new"))
    assert "two files have this name" in refused.value.reasons[0]


@pytest.mark.parametrize("field", [b"SphereOfPromulgation", b"Appendix"])
async def test_secrecy_stamp_is_seen_where_an_envelope_has_no_place_for_it(desk: Desk, field: bytes) -> None:
    stamp = "TỐI MẬT".encode()
    stamped, count = re.subn(rb"(?<=<edXML:%s>)[^<]*" % field, lambda _: stamp, golden("java-new"))
    assert count
    with pytest.raises(StateSecret):
        await desk.read(stamped)
