"""Row B21: no entry may lead out of the folder it is unpacked to, or be anything but a file or a folder."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from tests.support.looking import Looking
from tests.support.zips import Member, archive, extra, office, zipped

OUT = "leads out"
UNSHOWABLE = "cannot be shown"
LINK = "link or a device"
EMPTY = "empty or too long"


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


NAMES: list[tuple[str | bytes, str]] = [
    # up
    ("../a.txt", OUT),
    ("../../etc/cron.d/a", OUT),
    ("../" * 40 + "etc/passwd", OUT),
    ("a/../../b", OUT),
    ("a/..", OUT),
    ("..", OUT),
    ("../", OUT),
    ("a/b/c/../../../../d", OUT),
    ("./../a", OUT),
    ("a//../../b", OUT),
    (b"../a.txt", OUT),
    ("word/../../a.xml", OUT),
    # up, for Windows
    ("..\\a.txt", OUT),
    ("..\\..\\Windows\\System32\\a.dll", OUT),
    ("a\\..\\..\\b", OUT),
    ("a/..\\../b", OUT),
    ("..\\/a", OUT),
    ("... /a", OUT),
    (".. /a", OUT),
    ("..  ./a", OUT),
    ("a/.../b", OUT),
    # up, once letters are made plain
    ("\uff0e\uff0e/a", OUT),
    ("..\uff0fa", OUT),
    ("..\uff3ca", OUT),
    ("\u2025/a", OUT),
    # absolute
    ("/etc/passwd", OUT),
    ("//server/share/a", OUT),
    ("/", OUT),
    ("///a", OUT),
    ("\\Windows\\a", OUT),
    ("\\\\server\\share\\a", OUT),
    ("\\\\?\\C:\\a", OUT),
    ("\\\\.\\PhysicalDrive0", OUT),
    ("\uff0fetc", OUT),
    # drives and streams
    ("C:\\Windows\\a.dll", OUT),
    ("C:a.txt", OUT),
    ("c:/a", OUT),
    ("Z:", OUT),
    ("a/C:/b", OUT),
    ("a.txt:hidden.exe", OUT),
    ("a.txt::$DATA", OUT),
    ("file:///etc/passwd", OUT),
    ("C\uff1a\\a", OUT),
    # devices
    ("con", LINK),
    ("NUL.txt", LINK),
    ("a/aux", LINK),
    ("COM1", LINK),
    ("lpt9.docx", LINK),
    ("CLOCK$", LINK),
    # letters that end a name, or turn it around
    ("a.txt\0.exe", UNSHOWABLE),
    ("\0", UNSHOWABLE),
    (b"a\0../../b", UNSHOWABLE),
    ("a\nb", UNSHOWABLE),
    ("a\x1b[2Jb", UNSHOWABLE),
    ("a\x7f", UNSHOWABLE),
    ("cong-van-\u202efdp.exe", UNSHOWABLE),
    ("a\u2028b", UNSHOWABLE),
    # nothing, and too much
    ("", EMPTY),
    ("a" * 1_025, EMPTY),
    ("a/" * 600, EMPTY),
]


@pytest.mark.parametrize(("name", "reason"), NAMES, ids=[repr(name)[:40] for name, _ in NAMES])
def test_b21_name_that_leads_elsewhere_is_refused(looking: Looking, name: str | bytes, reason: str) -> None:
    assert reason in looking.refusal(archive(Member(name="a-true-one"), Member(name=name)))


KINDS = {
    "symbolic link": Member(content=b"/etc/passwd", attributes=0o120777 << 16),
    "symbolic link by its extra field": Member(extra=extra(0x000D, bytes(12) + b"/etc/passwd")),
    "hard link by its extra field": Member(extra=extra(0x000D, bytes(12) + b"other.txt")),
    "character device": Member(attributes=0o020666 << 16),
    "block device": Member(attributes=0o060666 << 16),
    "pipe": Member(attributes=0o010666 << 16),
    "socket": Member(attributes=0o140666 << 16),
    "DOS device": Member(attributes=0x40),
    "volume label": Member(attributes=0x08),
    "reparse point": Member(attributes=0x400),
}


@pytest.mark.parametrize("member", KINDS.values(), ids=KINDS.keys())
def test_b21_entry_that_is_no_file_is_refused(looking: Looking, member: Member) -> None:
    assert LINK in looking.refusal(archive(member))


def test_b21_name_in_a_nested_archive_or_an_office_file_counts_too(looking: Looking) -> None:
    slip = archive(Member(name="../a"))
    assert OUT in looking.refusal(zipped({"a.zip": slip}))
    assert OUT in looking.refusal(office(parts={"../a.xml": b"<a/>"}), "docx")


def test_b21_other_name_in_an_extra_field_counts_too(looking: Looking) -> None:
    member = Member(name="a.txt", extra=other_name("../a.txt", of=b"a.txt"))
    assert OUT in looking.refusal(archive(member))


def other_name(name: str, *, of: bytes) -> bytes:
    """Return the extra field that gives an entry another name."""
    return extra(0x7075, struct.pack("<BL", 1, zlib.crc32(of)) + name.encode())


def test_nothing_is_ever_written(looking: Looking, tmp_path: Path) -> None:
    looking.codes(zipped({"a.txt": b"a", "b/c.txt": b"c"}))
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
