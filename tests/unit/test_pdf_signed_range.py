"""One pass over what is signed finds whether a word stands there once, and the digest, as two would."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path

import pytest

from signing.cms.der import oid
from signing.pdf.structure import SignedRange

WORD = b"/ByteRange"
CHUNK, PIECE = 256 * 1024, 8 << 20
GAP_START, GAP_END, SIZE = PIECE + 3 * CHUNK + 5, PIECE + 3 * CHUNK + 500, PIECE + 6 * CHUNK + 100
NAMED = b"\x30\x80" + oid("2.16.840.1.101.3.4.2.1")
PLACES = [
    0,
    *(CHUNK + shift for shift in (-10, -9, -5, -1, 0)),
    *(PIECE + shift for shift in (-10, -7, 0)),
    *(GAP_START - 10, GAP_END),
    *(GAP_END + CHUNK + shift for shift in (-9, -1, 0)),
    SIZE - 10,
]


@contextmanager
def mapped(folder: Path, *places: int) -> Iterator[mmap.mmap]:
    """A file of noise that holds the word at these places."""
    content = bytearray(b"/ByteRang /yteRange/" * (SIZE // 20 + 1))[:SIZE]
    content[GAP_START:GAP_END] = b"<%s>" % (b"0" * (GAP_END - GAP_START - 2))
    for place in places:
        content[place : place + len(WORD)] = WORD
    path = folder / "signed"
    path.write_bytes(content)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        yield raw


def covered(contents: bytes = NAMED) -> SignedRange:
    return SignedRange(contents, GAP_START, GAP_END, SIZE)


@pytest.mark.parametrize("place", PLACES)
def test_word_that_stands_once_is_no_hindrance(tmp_path: Path, place: int) -> None:
    with mapped(tmp_path, place) as raw:
        assert covered().with_word_once(raw, WORD) == covered()


@pytest.mark.parametrize("one", PLACES[::4])
def test_word_that_stands_twice_is_seen_wherever_it_is(tmp_path: Path, one: int) -> None:
    for other in (each for each in PLACES if abs(each - one) >= len(WORD)):
        with mapped(tmp_path, one, other) as raw:
            assert covered().with_word_once(raw, WORD) is None


def test_word_twice_in_one_chunk_is_seen(tmp_path: Path) -> None:
    for one, other in combinations((100, 110, 5000), 2):
        with mapped(tmp_path, one, other) as raw:
            assert covered().with_word_once(raw, WORD) is None


def test_digest_is_that_of_what_is_signed(tmp_path: Path) -> None:
    with mapped(tmp_path, 7) as raw:
        expected = hashlib.sha256(raw[:GAP_START] + raw[GAP_END:SIZE]).digest()

        seen = covered().with_word_once(raw, WORD)

        assert seen is not None
        assert seen.known == {"sha256": expected}
        assert seen.digest(raw)("sha256") == covered().digest(raw)("sha256") == expected


def test_digest_that_no_signature_needs_is_not_reckoned(tmp_path: Path) -> None:
    with mapped(tmp_path) as raw:
        seen = covered(b"\x30\x80" + oid("2.16.840.1.101.3.4.2.3")).with_word_once(raw, WORD)

        assert seen is not None
        assert not seen.known
        assert seen.digest(raw)("sha512") == hashlib.sha512(raw[:GAP_START] + raw[GAP_END:]).digest()
