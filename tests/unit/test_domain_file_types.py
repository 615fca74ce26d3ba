from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import MalformedDocument, UnsupportedFileType
from gateway.domain.file_types import check_content, is_signature_of, shown_name, type_by_name


def test_name_is_shown_in_one_normal_form() -> None:
    decomposed = unicodedata.normalize("NFD", " Quyết định số 12.pdf ")
    assert shown_name(decomposed) == "Quyết định số 12.pdf"


@given(st.text())
def test_whatever_is_shown_is_short_printable_and_no_path(raw: str) -> None:
    try:
        name = shown_name(raw)
    except MalformedDocument:
        return
    assert 0 < len(name) <= 255
    assert not set(name) & {"/", "\\", "\x00", "\r", "\n", "\u202e"}


@pytest.mark.parametrize(
    ("name", "head", "media_type"),
    [
        ("a.PDF", b"%PDF-1.4", "application/pdf"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
        ("a.zip", b"PK\x03\x04", "application/zip"),
        ("a.xml", b'\xef\xbb\xbf\r\n<?xml version="1.0"?>', "application/xml"),
        ("a.txt", "Kính gửi".encode()[:-1], "text/plain"),
        ("a.tar.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.tif", b"MM\x00*", "image/tiff"),
        ("a.rtf", b"{\\rtf1", "application/rtf"),
    ],
)
def test_file_is_taken_for_what_name_and_bytes_agree_on(name: str, head: bytes, media_type: str) -> None:
    kind = type_by_name(name)
    check_content(name, kind, head=head)
    assert kind.media_type == media_type


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.pdf", b"\n%PDF-"),
        ("a.xml", b"{}"),
        ("a.txt", b"\x00"),
        ("a.txt", b"\xff"),
        ("a.txt", b""),
        ("a.png", b""),
    ],
)
def test_bytes_that_contradict_the_name_are_refused(name: str, head: bytes) -> None:
    with pytest.raises(UnsupportedFileType):
        check_content(name, type_by_name(name), head=head)


@pytest.mark.parametrize("name", ["a", "a.exe", ".pdf", "...pdf", "a.pdf.exe", "a."])
def test_names_without_an_accepted_extension_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedFileType):
        type_by_name(name)


@pytest.mark.parametrize(
    ("name", "signed", "is_it"),
    [
        ("7.docx.p7s", "7.docx", True),
        ("7.DOCX.P7S", "7.docx", True),
        ("QUYẾT ĐỊNH.docx.p7s", "Quyết định.docx", True),
        (unicodedata.normalize("NFD", "Quyết định.docx.p7s"), "Quyết định.docx", True),
        ("7.p7s", "7.docx", False),
        ("7.docx.p7m", "7.docx", False),
        ("7.docx", "7.docx", False),
    ],
)
def test_detached_signature_has_the_name_of_what_it_signs(name: str, signed: str, is_it: bool) -> None:
    assert is_signature_of(name, of=signed) is is_it
