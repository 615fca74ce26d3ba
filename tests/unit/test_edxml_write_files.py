"""Names and types of attachments, as they come out of packets."""

from __future__ import annotations

import unicodedata

import pytest

from adapters.edxml.files import extension_of, is_as_named, media_type_of, shown_name
from gateway.domain.file_types import MAX_NAME

ZIP_HEAD = b"PK\x03\x04\x14\x00"
OLE2_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Quyết định.pdf", "Quyết định.pdf"),
        (unicodedata.normalize("NFD", "Quyết định.pdf"), "Quyết định.pdf"),
        ("  a.pdf ", "a.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\b.doc", "b.doc"),
        ("a\x00b\x1b.pdf", "ab.pdf"),
        ("abc\u202efdp.exe", "abcfdp.exe"),
        ("", "attachment-3"),
        ("/", "attachment-3"),
        ("..", "attachment-3"),
        ("x" * 300 + ".pdf", "x" * (MAX_NAME - 4) + ".pdf"),
        ("x" * 300, "x" * MAX_NAME),
    ],
)
def test_a_name_is_made_fit_for_showing(raw: str, shown: str) -> None:
    assert shown_name(raw, number=3) == shown


@pytest.mark.parametrize(
    ("name", "head", "media_type", "as_named"),
    [
        ("a.pdf", b"%PDF-1.7", "application/pdf", True),
        ("a.doc", b"%PDF-1.7", "application/pdf", False),
        ("a.pdf", ZIP_HEAD, "application/zip", False),
        ("a.zip", ZIP_HEAD, "application/zip", True),
        ("a.DOCX", ZIP_HEAD, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", True),
        ("a.docx", OLE2_HEAD, "application/x-ole-storage", False),
        ("a.xls", OLE2_HEAD, "application/vnd.ms-excel", True),
        ("a.doc", b'<?xml version="1.0"?>', "application/xml", False),
        ("a.xml", b"\xef\xbb\xbf<?xml ", "application/xml", True),
        ("a.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg", True),
        ("a.txt", "Văn bản".encode(), "text/plain", True),
        ("a.txt", "Văn bản".encode()[:-1], "text/plain", True),
        ("a.txt", b"\x00\x01", "application/octet-stream", False),
        ("a.txt", b"\xff\xfe\xfd", "application/octet-stream", False),
        ("a.exe", b"MZ\x90\x00", "application/octet-stream", False),
        ("không đuôi", b"...", "application/octet-stream", False),
    ],
)
def test_the_bytes_tell_the_type(name: str, head: bytes, media_type: str, as_named: bool) -> None:
    assert media_type_of(name, head=head) == media_type
    assert is_as_named(name, media_type=media_type) is as_named


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a.PDF", "pdf"), ("a.tar.gz", "gz"), ("a", ""), (".", ""), ("a.đoc", ""), ("a. b", "")],
)
def test_an_extension_is_plain_letters(name: str, extension: str) -> None:
    assert extension_of(name) == extension
