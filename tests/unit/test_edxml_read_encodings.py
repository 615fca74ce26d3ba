"""Packets that are not UTF-8, whatever they say: row B07."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from tests.support.edxml_packets import (
    DECLARATION,
    SUBJECT,
    between,
    java_document,
    mistakes,
    read,
)

ROOT = Path(__file__).resolve().parents[2]
BARE = java_document().removeprefix(DECLARATION)


# --- B07 ------------------------------------------------------------------------------------------

OTHER_ENCODINGS = [
    "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp037", "cp500",
    "cp1026", "cp1140", "cp273",
]  # fmt: skip
DECLARED = [
    "UTF-7", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UCS-4", "ISO-10646-UCS-2", "ISO-8859-1", "US-ASCII",
    "windows-1258", "windows-1252", "TCVN", "VISCII", "EBCDIC-CP-US", "cp037", "Shift_JIS", "GB18030", "x",
    "utf_8", "UTF-8x",
]  # fmt: skip
BROKEN = [
    b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xe0\x9f\xbf", b"\xf0\x80\x80\xaf", b"\xf0\x8f\xbf\xbf",
    b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf",
    b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf", b"\x80", b"\xbf", b"\xfe", b"\xff",
    b"\xe1\xbb", b"\xe1", b"\xf0\x9f\x98", b"\xef\xbf\xbe", b"\xef\xbf\xbf",
]  # fmt: skip
CONTROLS = [bytes([code]) for code in range(32) if code not in b"\t\r\n"]
REFERENCES = [
    "&#0;", "&#1;", "&#8;", "&#x1F;", "&#xD800;", "&#xDFFF;", "&#xFFFE;", "&#xFFFF;", "&#x110000;",
]  # fmt: skip


def encodings() -> dict[str, bytes]:
    variants = {}
    for encoding in OTHER_ENCODINGS:
        ascii_only = java_document().encode("ascii", "xmlcharrefreplace").decode()
        variants[f"written in {encoding}"] = ascii_only.encode(encoding)
        variants[f"written and declared in {encoding}"] = ascii_only.replace("UTF-8", encoding).encode(
            encoding
        )
    for encoding in DECLARED:
        variants[f"declared {encoding}"] = java_document().replace("UTF-8", encoding, 1).encode()
    variants |= {
        f"BOM and {encoding}": codecs.BOM_UTF8 + java_document().replace("UTF-8", encoding, 1).encode()
        for encoding in ("UTF-16", "ISO-8859-1", "US-ASCII")
    }
    value = java_document().encode()
    for junk in [*BROKEN, *CONTROLS, *(reference.encode() for reference in REFERENCES)]:
        variants[f"with {junk!r}"] = value.replace(SUBJECT.encode(), b"ab" + junk + b"cd")
    for bom in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, b"+/v8"):
        variants[f"UTF-8 behind {bom!r}"] = bom + value
    for first in (
        b"\0",
        b"x",
        b"\xef\xbb\xbf\xef\xbb\xbf",
        b"\xef\xbb",
        b" \xef\xbb\xbf",
        b"<!-- -->",
        b"\x1a",
    ):
        variants[f"behind {first!r}"] = first + value
    variants["UTF-7"] = value.replace(b"<", b"+ADw-").replace(b">", b"+AD4-")
    variants["a name that is not UTF-8"] = value.replace(b"<edXML:Content>", b"<edXML:\xc0\xaf>")
    variants["an attribute that is not UTF-8"] = value.replace(
        b"<edXML:Content>", b'<edXML:Content a="\xff">'
    )
    variants["a comment that is not UTF-8"] = between("<!-- X -->").encode().replace(b"-- X", b"-- \xe1\xbb ")
    variants["a letter cut at the end"] = value.rstrip() + b"\xe1"
    variants["NUL behind"] = value + b"\0"
    variants["Latin-1"] = java_document().replace(SUBJECT, "Café").encode().replace("é".encode(), b"\xe9")
    variants["XML 1.1"] = value.replace(b'version="1.0"', b'version="1.1"', 1)
    return variants


ENCODINGS = encodings()


@pytest.mark.parametrize("name", ENCODINGS)
def test_b07_nothing_but_utf8_is_read(name: str, tmp_path: Path) -> None:
    found = read(ENCODINGS[name], tmp_path)
    assert len(found.faults) == 1
    assert found.document is None


def test_b07_has_its_number_of_variants() -> None:
    assert len(ENCODINGS) >= 120


@pytest.mark.parametrize("declared", ["UTF-8", "utf-8", "Utf-8"])
def test_b07_utf8_may_be_declared_in_any_case_and_behind_a_bom(declared: str, tmp_path: Path) -> None:
    text = java_document().replace("UTF-8", declared, 1)
    assert mistakes(codecs.BOM_UTF8 + text.encode(), tmp_path) == []
    assert mistakes(BARE, tmp_path) == []


@pytest.mark.parametrize("declared", ["UTF8", "utf8"])
def test_utf8_without_its_hyphen_is_read_with_a_warning(declared: str, tmp_path: Path) -> None:
    found = read(java_document().replace("UTF-8", declared, 1), tmp_path)
    assert found.faults == ()
    (warning,) = found.warnings
    assert 'the encoding is to be written "UTF-8"' in warning
