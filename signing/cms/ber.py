"""From BER to DER, as far as readers in the field are tolerant: lengths, and strings in pieces.

BouncyCastle and OpenSSL write CMS with indefinite lengths when they stream. What has a value of its own
(numbers, times, the order of a SET) stays as it is, so that nothing signed changes its meaning.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from signing.cms.der import OCTET_STRING, Malformed, Source, head

_MAX_DEPTH = 40
_MAX_ELEMENTS = 100_000
_CONSTRUCTED = 0x20
_OCTET_STRING_IN_PIECES = _CONSTRUCTED | OCTET_STRING
_END_OF_CONTENTS = b"\0\0"
_COPIED_BYTES = 1 << 20


def to_der(source: Source, *, max_elements: int = _MAX_ELEMENTS) -> tuple[bytes, int]:
    """Return the first element with definite, shortest lengths, and where it ended in the source.

    Args:
        source: What begins with the element.
        max_elements: Out of how many elements it may be made: each costs microseconds.

    Raises:
        Malformed: It is cut off, nested deeper than any signature, or made of too many elements.
    """
    reader = _Reader(source, max_elements)
    found = reader.element(0, len(source), depth=0)
    written = io.BytesIO()
    for part in found.parts:
        if isinstance(part, bytes):
            written.write(part)
            continue
        for at in range(part.start, part.stop, _COPIED_BYTES):
            written.write(source[at : min(at + _COPIED_BYTES, part.stop)])
    return written.getvalue(), reader.at


@dataclass(frozen=True, slots=True)
class _Found:
    """An element: its head, then its value, whose primitive parts still stand in the source."""

    parts: list[bytes | range]
    size: int

    @staticmethod
    def around(tag: int, members: list[_Found]) -> _Found:
        value_size = sum(member.size for member in members)
        beginning = head(tag, value_size)
        parts = [beginning, *(part for member in members for part in member.parts)]
        return _Found(parts, len(beginning) + value_size)

    def without_head(self) -> _Found:
        first, *parts = self.parts
        return _Found(parts, self.size - len(first))


class _Reader:
    """Reads elements one inside the other; `at` is behind the last one."""

    __slots__ = ("_left", "_source", "at")

    def __init__(self, source: Source, max_elements: int) -> None:
        self._source = source
        self._left = max_elements
        self.at = 0

    def element(self, start: int, end: int, *, depth: int) -> _Found:
        """Return the element at `start`, which ends at `end` or before."""
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            raise Malformed("nested too deep, or too many elements")
        tag, length = self._header(start, end)
        stop = end if length is None else self.at + length
        if stop > end or tag == 0:
            raise Malformed("cut off")
        if tag & _CONSTRUCTED:
            members = self._members(stop, is_open=length is None, depth=depth)
            return _joined(members) if tag == _OCTET_STRING_IN_PIECES else _Found.around(tag, members)
        if length is None:
            raise Malformed("a value without an end")
        value = range(self.at, stop)
        self.at = stop
        beginning = head(tag, length)
        return _Found([beginning, value], len(beginning) + length)

    def _members(self, stop: int, *, is_open: bool, depth: int) -> list[_Found]:
        members = []
        while is_open or self.at < stop:
            if is_open and self._source[self.at : min(self.at + 2, stop)] == _END_OF_CONTENTS:
                self.at += 2
                break
            members.append(self.element(self.at, stop, depth=depth + 1))
        return members

    def _header(self, start: int, end: int) -> tuple[int, int | None]:
        """Return tag and length (None: indefinite), and go on behind them."""
        if start + 2 > end:
            raise Malformed("cut off")
        tag, first = self._source[start], self._source[start + 1]
        self.at = start + 2
        if tag & 0x1F == 0x1F:
            raise Malformed("a tag of more than one byte")
        if first < 0x80:
            return tag, first
        width = first & 0x7F
        if width == 0:
            return tag, None
        if width > 8:
            raise Malformed("a length beyond all files")
        self.at += width
        return tag, int.from_bytes(self._source[start + 2 : self.at], "big")


def _joined(pieces: list[_Found]) -> _Found:
    """Return the one string that was written in pieces."""
    if any(not isinstance(first := piece.parts[0], bytes) or first[0] != OCTET_STRING for piece in pieces):
        raise Malformed("a string in pieces of another type")
    return _Found.around(OCTET_STRING, [piece.without_head() for piece in pieces])
