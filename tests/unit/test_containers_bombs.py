"""Row B20: archives that become too large are refused while they are measured, whatever they say."""

from __future__ import annotations

import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.containers.bounds import Limits
from tests.support.looking import Looking
from tests.support.zips import MAX_32, End, Member, archive, deflated, described, extra, office, zipped

MIB = 1024 * 1024
TOO_LARGE = "becomes too large"
DISAGREE = "is not what the list of entries says"
TOO_MANY = "entries"
OVERLAP = "overlap"
WIDE_END = "wide end record"
WIDE = "wide sizes"


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


def zeros(megabytes: int, *, name: str = "a") -> Member:
    return Member(name=name, content=bytes(megabytes * MIB))


def small(count: int) -> list[Member]:
    return [Member(name=str(number), content=b"") for number in range(count)]


def overlapping(count: int) -> bytes:
    """Many names for one content: each entry of the list is the first."""
    kernel = Member(name="kernel", content=bytes(1_000), method=0)
    return archive(kernel, *[replace(kernel, at=0, is_there=False)] * (count - 1))


def quoted(count: int) -> bytes:
    """Fifield's bomb: the content of each entry is the header and content of the next."""
    members: list[Member] = []
    within = bytes(1_000)
    for number in reversed(range(count)):
        member = Member(name=f"{number:02}", content=within, method=0, at=32 * number)
        members.insert(0, member)
        within = archive(member)[:32] + within
    return archive(members[0], *(replace(each, is_there=False) for each in members[1:]))


def bombs_in_archives(levels: int, width: int) -> bytes:
    content = zipped({str(number): bytes(MIB) for number in range(width)})
    for _ in range(levels):
        content = zipped({f"{number}.zip": content for number in range(width)})
    return content


def lying(size_bytes: int) -> bytes:
    return archive(replace(zeros(5), size_bytes=size_bytes))


BOMBS = {
    # one entry beyond the ratio
    "2 MiB of zeros": (archive(zeros(2)), TOO_LARGE),
    "5 MiB of zeros": (archive(zeros(5)), TOO_LARGE),
    "20 MiB of zeros": (archive(zeros(20)), TOO_LARGE),
    "100 MiB of zeros": (archive(zeros(100)), TOO_LARGE),
    "a repeated word": (archive(Member(content=b"bomb" * MIB)), TOO_LARGE),
    "packed without much care": (
        archive(Member(content=bytes(9 * MIB), packed=deflated(bytes(9 * MIB), level=1))),
        TOO_LARGE,
    ),
    "written in one go": (archive(described(zeros(5))), TOO_LARGE),
    "written in one go, wide": (archive(described(zeros(5), wide=True)), TOO_LARGE),
    "behind an innocent entry": (archive(Member(), zeros(5, name="b")), TOO_LARGE),
    "beside much that is innocent": (
        archive(Member(content=bytes(range(256)) * 4_000, method=0), zeros(5, name="b")),
        "an entry of the archive becomes too large",
    ),
    "in a docx": (office(parts={"word/media/image1.png": bytes(5 * MIB)}), TOO_LARGE),
    "in the XML of a docx": (
        office(parts={"word/document.xml": b"<a>" + b" " * (5 * MIB) + b"</a>"}),
        TOO_LARGE,
    ),
    # no entry alone, all together
    "2 entries of 1 MiB": (archive(*(zeros(1, name=str(n)) for n in range(2))), TOO_LARGE),
    "20 entries of 1 MiB": (archive(*(zeros(1, name=str(n)) for n in range(20))), TOO_LARGE),
    "200 entries of 1 MiB": (archive(*(zeros(1, name=str(n)) for n in range(200))), TOO_LARGE),
    # headers that lie about sizes
    "says 10 bytes": (lying(10), DISAGREE),
    "says nothing": (lying(0), DISAGREE),
    "says 4 GiB": (lying(MAX_32 - 1), TOO_LARGE),
    "says 1 MiB": (lying(MIB), TOO_LARGE),
    "says 10 bytes behind itself": (archive(replace(described(zeros(5)), size_bytes=10)), "what follows it"),
    # too many entries
    "1,001 entries": (archive(*small(1_001)), TOO_MANY),
    "5,000 entries": (archive(*small(5_000)), TOO_MANY),
    "65,535 entries, few there": (archive(*small(3), end=End(count=0xFFFF)), TOO_MANY),
    "a million entries, few there": (
        archive(*small(3), end=End(wide=True, wide_count=10**6, count=0xFFFF)),
        TOO_MANY,
    ),
    "1,001 entries in a nested archive": (zipped({"a.zip": archive(*small(1_001))}), TOO_MANY),
    "10,001 entries in all": (zipped({str(n): archive(*small(999)) for n in range(11)}), TOO_MANY),
    # overlapping entries
    "2 names for one content": (overlapping(2), OVERLAP),
    "500 names for one content": (overlapping(500), OVERLAP),
    "entries that begin in another": (
        archive(
            Member(name="a", content=archive(Member(name="b")), method=0),
            Member(name="b", at=31, is_there=False),
        ),
        OVERLAP,
    ),
    "quoted headers": (quoted(5), OVERLAP),
    "many quoted headers": (quoted(40), OVERLAP),
    # wide fields that lie
    "wide count": (archive(*small(3), end=End(wide=True, wide_count=2)), "disagree"),
    "wide place of the list": (archive(*small(3), end=End(wide=True, wide_list_at=0)), "disagree"),
    "wide end elsewhere": (archive(*small(3), end=End(wide=True, wide_at=0)), WIDE_END),
    "wide end beyond the file": (archive(*small(3), end=End(wide=True, wide_at=2**63)), WIDE_END),
    "wide end of a wrong size": (archive(*small(3), end=End(wide=True, wide_size_bytes=2**40)), WIDE_END),
    "wide size missing": (archive(Member(size_bytes=MAX_32)), WIDE),
    "wide size of 8 EiB": (
        archive(Member(size_bytes=MAX_32, extra=extra(1, struct.pack("<Q", 2**63)))),
        WIDE,
    ),
    "wide size beside another": (archive(Member(extra=extra(1, struct.pack("<2Q", 2**40, 8)))), WIDE),
    "two wide sizes": (archive(Member(size_bytes=MAX_32, extra=2 * extra(1, struct.pack("<Q", 8)))), WIDE),
    # archives in archives
    "archives of archives": (bombs_in_archives(1, 8), TOO_LARGE),
    "archives of archives of archives": (bombs_in_archives(2, 8), TOO_LARGE),
}


@pytest.mark.parametrize(("content", "reason"), BOMBS.values(), ids=BOMBS.keys())
def test_b20_bomb_is_refused(looking: Looking, content: bytes, reason: str) -> None:
    assert reason in looking.refusal(content)


def test_b20_bomb_is_measured_in_little_memory(looking: Looking) -> None:
    content = archive(zeros(100))
    tracemalloc.start()
    try:
        looking.refusal(content)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * MIB


def test_b20_archive_within_a_sites_bounds_passes_and_beyond_is_refused(looking: Looking) -> None:
    content = archive(Member(content=bytes(range(256)) * 8_000, method=0))
    assert looking.codes(content, limits=Limits(total_bytes=3 * MIB)) == []
    assert TOO_LARGE in looking.refusal(content, limits=Limits(total_bytes=MIB))


def test_b20_nested_archive_too_large_for_the_worker_is_to_be_sent_by_itself(looking: Looking) -> None:
    content = zipped({"a.zip": archive(Member(content=bytes(range(256)) * 500, method=0))})
    assert "send it by itself" in looking.refusal(content, limits=Limits(nested_bytes=100_000))
