"""Row B22: an archive has one listing, and nothing besides it, or it is refused."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.containers.findings import BadContainer
from tests.support.looking import Looking
from tests.support.zips import End, Member, archive, deflated, described, extra, office, zipped

TWICE = "same name"
BENEATH = "name of a file for a folder"
DISAGREE = "disagree"
BEFORE = "stands before"
NO_END = "does not end with its end record"
ENCRYPTED = "encrypted"
UNKNOWN_WAY = "cannot be looked through"
HIDDEN = "hidden between"


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


A, B = Member(name="a"), Member(name="b")
TEXT = b"noi dung"


def crc_extra(name: str, *, of: bytes) -> bytes:
    return extra(0x7075, struct.pack("<BL", 1, zlib.crc32(of)) + name.encode())


TWO_LISTINGS = {
    # two entries of one name
    "the same name": (archive(A, A), TWICE),
    "the same name, other content": (archive(A, Member(name="a", content=b"other")), TWICE),
    "other case": (archive(A, Member(name="A")), TWICE),
    "other slash": (archive(Member(name="a/b"), Member(name="a\\b")), TWICE),
    "accents apart": (archive(Member(name="\u1ebf"), Member(name="e\u0302\u0301")), TWICE),
    "dot at the end": (archive(A, Member(name="a.")), TWICE),
    "space at the end": (archive(A, Member(name="a ")), TWICE),
    "file and folder": (archive(A, Member(name="a/", content=b"")), TWICE),
    "folder and file": (archive(Member(name="a/", content=b""), A), TWICE),
    "two folders": (archive(*[Member(name="a/", content=b"")] * 2), TWICE),
    "file as a folder": (archive(A, Member(name="a/b")), BENEATH),
    "other name of an entry": (archive(A, replace(B, extra=crc_extra("a", of=b"b"))), TWICE),
    "main part of a document": (
        archive(Member(name="word/document.xml"), Member(name="Word/Document.xml")),
        TWICE,
    ),
    # both lists disagree
    "name": (archive(replace(A, local_name=b"b")), DISAGREE),
    "length of the name": (archive(replace(A, local_name=b"a.exe")), DISAGREE),
    "method": (archive(replace(A, local_method=0)), DISAGREE),
    "checksum": (archive(replace(A, local_crc=1)), DISAGREE),
    "size": (archive(replace(A, local_size_bytes=1)), DISAGREE),
    "packed size": (archive(replace(A, local_packed_bytes=1)), DISAGREE),
    "encryption": (archive(replace(A, local_flags=0x801)), DISAGREE),
    "letters of the name": (archive(replace(A, local_flags=0)), DISAGREE),
    "descriptor": (archive(replace(A, local_flags=0x808)), DISAGREE),
    "other name": (archive(replace(A, local_extra=crc_extra("b", of=b"a"))), DISAGREE),
    "checksum behind the entry": (archive(replace(described(A), after=b"PK\x07\x08" + bytes(12))), DISAGREE),
    "no descriptor where one is said to be": (archive(replace(described(A), after=b"")), DISAGREE),
    "broken name": (archive(Member(name=b"\xff\xfe", flags=0x800)), "UTF-8"),
    "broken extra field": (archive(replace(A, extra=b"\x01\x00\xff\x00ab")), "extra fields"),
    # content that is not what both say
    "checksum of the content": (archive(replace(A, crc=1)), "is not what"),
    "content too long": (archive(replace(A, size_bytes=3)), "is not what"),
    "content too short": (archive(replace(A, size_bytes=30)), "is not what"),
    "bytes behind the packed content": (
        archive(replace(A, packed=deflated(TEXT) + b"hidden")),
        "too early or too late",
    ),
    "packed content cut off": (archive(replace(A, packed=deflated(TEXT)[:-2])), "too early or too late"),
    "packed content broken": (archive(replace(A, packed=b"\xff" * 20)), "cannot be unpacked"),
    # something besides
    "before": (archive(A, prefix=b"MZ\x90\0"), "begin like"),
    "before, like an entry": (archive(A, prefix=b"PK\x03\x04 hidden"), BEFORE),
    "behind": (archive(A, end=End(behind=b"hidden")), NO_END),
    "an end behind the end": (archive(A) + archive(B)[-22:], "not where it should be"),
    "another archive behind": (archive(A) + archive(B), "not where it should be"),
    "comment": (archive(A, end=End(comment=b"hidden")), NO_END),
    "comment that is an end record": (archive(A, end=End(comment=archive()[-22:])), "not where it should be"),
    "comment longer than the file": (archive(A, end=End(comment_bytes=9)), NO_END),
    "between entries": (archive(A, replace(B, before=b"hidden")), HIDDEN),
    "behind the last entry": (archive(A, end=End(before_list=b"hidden")), HIDDEN),
    "an entry nobody lists": (archive(A, replace(B, is_listed=False)), HIDDEN),
    "behind the list": (archive(A, end=End(after_list=b"hidden")), "not where it should be"),
    "within the list": (
        archive(A, end=End(after_list=b"hidden", size_bytes=47 + 6)),
        "more than its entries",
    ),
    "fewer entries than listed": (archive(A, B, end=End(count=1)), "more than its entries"),
    "more entries than listed": (archive(A, B, end=End(count=3)), "is broken"),
    "a listed entry that is not there": (archive(A, replace(B, is_there=False)), "not where"),
    "list elsewhere": (archive(A, end=End(at=0)), "not where it should be"),
    "a volume of several": (archive(A, end=End(disk=1)), "volumes"),
    "an entry on another volume": (archive(replace(A, disk=2)), "volumes"),
    "a folder with content": (archive(Member(name="a/")), "has content"),
    "no end": (archive(A)[:-22], NO_END),
    # what cannot be looked at
    "encrypted": (archive(replace(A, flags=0x801)), ENCRYPTED),
    "strongly encrypted": (archive(replace(A, flags=0x841)), ENCRYPTED),
    "masked list": (archive(replace(A, flags=0x2800)), ENCRYPTED),
    "encrypted with AES": (archive(replace(A, method=99, flags=0x801)), ENCRYPTED),
    "one of two encrypted": (archive(A, replace(B, flags=0x801)), ENCRYPTED),
    "packed by bzip2": (archive(replace(A, method=12)), UNKNOWN_WAY),
    "packed by LZMA": (archive(replace(A, method=14)), UNKNOWN_WAY),
    "patch": (archive(replace(A, flags=0x820)), UNKNOWN_WAY),
}


@pytest.mark.parametrize(("content", "reason"), TWO_LISTINGS.values(), ids=TWO_LISTINGS.keys())
def test_b22_archive_that_could_be_listed_in_two_ways_is_refused(
    looking: Looking, content: bytes, reason: str
) -> None:
    assert reason in looking.refusal(content)


def test_b22_nested_archive_and_office_file_are_listed_as_strictly(looking: Looking) -> None:
    assert TWICE in looking.refusal(zipped({"a.zip": archive(A, A)}))
    assert NO_END in looking.refusal(office() + b"hidden", "docx")


def test_b22_any_cut_of_an_archive_is_refused(looking: Looking) -> None:
    whole = archive(A, described(B))
    for length in range(4, len(whole)):
        assert looking.refusal(whole[:length])


def test_b22_any_changed_byte_leads_to_a_verdict(looking: Looking) -> None:
    whole = archive(A, described(B))
    for at in range(4, len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        with suppress(BadContainer):
            looking.codes(changed)
