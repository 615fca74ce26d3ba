"""The fast readers of hex strings and white space say whatever pyHanko's own readers say."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic, misc

from signing.pdf.hex_strings import read_hex_string, read_non_whitespace

_SLOWLY = generic.read_hex_string_from_stream
_BYTE_BY_BYTE = misc.read_non_whitespace

_ODD_STRINGS = [
    b"<>",
    b"<4>",
    b"<414>tail",
    b"< 41 42\r\n43\x00 >",
    b"<41zz42>",
    b"<41%comment\n42>",
    b"<4142",
    b"<",
    b"<<41>>",
    b"<41<42>",
    b"<feff0041>rest",
    b"<" + b"30" * 200_000 + b">x",
    b"<" + b"30" * 200_000,
]


def outcome(read: Callable[[io.BytesIO], object], raw: bytes) -> tuple[str, object, int]:
    stream = io.BytesIO(raw)
    try:
        value = read(stream)
    except Exception as error:
        return "raised", type(error), 0
    return type(value).__name__, value, stream.tell()


@pytest.mark.parametrize("raw", _ODD_STRINGS, ids=range(len(_ODD_STRINGS)))
def test_odd_string_is_read_as_pyhanko_reads_it(raw: bytes) -> None:
    assert outcome(read_hex_string, raw) == outcome(_SLOWLY, raw)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="0123456789abcdefABCDEF <>\n\r\t\0%xg~", max_size=60))
def test_any_string_is_read_as_pyhanko_reads_it(inner: str) -> None:
    raw = b"<" + inner.encode()
    assert outcome(read_hex_string, raw) == outcome(_SLOWLY, raw)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from([" ", "\n", "\r", "\0", "%", "% a", "x", "<", " " * 70, "%" + "a" * 70])),
    st.booleans(),
    st.booleans(),
)
def test_any_white_space_is_passed_as_pyhanko_passes_it(
    pieces: list[str], seek_back: bool, allow_eof: bool
) -> None:
    raw = "".join(pieces).encode()
    slowly, fast = (
        outcome(lambda stream, read=read: read(stream, seek_back, allow_eof), raw)  # type: ignore[misc]
        for read in (_BYTE_BY_BYTE, read_non_whitespace)
    )
    assert fast == slowly


def test_long_white_space_takes_few_reads() -> None:
    stream = CountingReads(b" \n" * 500_000 + b"%" + b"a" * 500_000 + b"\rx")

    assert read_non_whitespace(stream) == b"x"
    assert stream.reads < 50


class CountingReads(io.BytesIO):
    """A stream that knows how often it was read."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().read(size)
