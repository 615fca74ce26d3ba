"""A small strict reader of DER: it decodes nothing before it is asked for, and never recurses.

So depth, lengths and numbers in a stranger's structure cost nothing until a rule looks at them.
"""

from __future__ import annotations

from mmap import mmap
from typing import NamedTuple

INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

_MAX_MEMBERS = 1_000
"""More than anything has that is taken apart here."""

Source = bytes | mmap
"""A file's bytes; slices of either are bytes."""


class Malformed(ValueError):
    """The bytes are not what DER, or the type that was asked for, demands."""


class Element(NamedTuple):
    """One tag, length and value inside `source`; the numbers are offsets."""

    source: Source
    tag: int
    start: int
    body: int
    end: int

    @property
    def content(self) -> bytes:
        """Return the value without tag and length."""
        return self.source[self.body : self.end]

    @property
    def encoded(self) -> bytes:
        """Return tag, length and value as they stand."""
        return self.source[self.start : self.end]

    def members(self) -> list[Element]:
        """Return the elements inside.

        Raises:
            Malformed: The value is not a sequence of elements, or of more than anything true has.
        """
        source, at, end = self.source, self.body, self.end
        found = []
        while at < end:
            member = element(source, at, end)
            found.append(member)
            at = member.end
            if len(found) > _MAX_MEMBERS:
                raise Malformed("too many members")
        return found

    def only(self, tag: int) -> Element:
        """Return the one element inside, which has this tag.

        Raises:
            Malformed: There is none, another, or more than one.
        """
        fields = Fields(self)
        member = fields.take(tag)
        fields.finish()
        return member


class Fields:
    """The members of a SEQUENCE, taken one after the other."""

    __slots__ = ("_at", "_end", "_source")

    def __init__(self, of: Element) -> None:
        self._source, self._at, self._end = of.source, of.body, of.end

    def take(self, tag: int) -> Element:
        """Return the next member.

        Raises:
            Malformed: It has another tag, or there is none.
        """
        member = element(self._source, self._at, self._end)
        if member.tag != tag:
            raise Malformed("another type was expected")
        self._at = member.end
        return member

    def maybe(self, tag: int) -> Element | None:
        """Return the next member if it has this tag.

        Raises:
            Malformed: The next member breaks the rules of DER.
        """
        if self._at >= self._end or self._source[self._at] != tag:
            return None
        return self.take(tag)

    def finish(self) -> None:
        """Pass when every member was taken.

        Raises:
            Malformed: One is left.
        """
        if self._at != self._end:
            raise Malformed("more members than the type has")


def element(source: Source, at: int, end: int) -> Element:
    """Return the element that begins at an offset and ends before another.

    Raises:
        Malformed: It does not, or its length is indefinite or longer written than it has to be.
    """
    body = at + 2
    if body > end:
        raise Malformed("cut off")
    tag = source[at]
    if tag & 0x1F == 0x1F:
        raise Malformed("a tag of more than one byte")
    length = source[at + 1]
    if length >= 0x80:
        width = length & 0x7F
        body += width
        length = int.from_bytes(source[at + 2 : body], "big")
        if not 1 <= width <= 4 or length < 0x80 or length >> 8 * (width - 1) == 0:
            raise Malformed("a length that is not DER")
    stop = body + length
    if stop > end:
        raise Malformed("cut off")
    return Element(source, tag, at, body, stop)


def whole(encoded: bytes, tag: int) -> Element:
    """Return the element that these bytes are.

    Raises:
        Malformed: They are another, or more than one.
    """
    found = element(encoded, 0, len(encoded))
    if found.tag != tag or found.end != len(encoded):
        raise Malformed("another type was expected")
    return found


def number(of: Element) -> int:
    """Return the value of an INTEGER of at most eight bytes.

    Raises:
        Malformed: It is longer, or empty.
    """
    content = of.content
    if not 1 <= len(content) <= 8:
        raise Malformed("a number out of bounds")
    return int.from_bytes(content, "big", signed=True)


def wrapped(tag: int, content: bytes) -> bytes:
    """Return an element with this value in DER."""
    return head(tag, len(content)) + content


def head(tag: int, size: int) -> bytes:
    """Return tag and length of an element whose value has that many bytes."""
    if size < 0x80:
        return bytes((tag, size))
    width = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | width)) + size.to_bytes(width, "big")


def oid(dotted: str) -> bytes:
    """Return the value of an OBJECT IDENTIFIER as it stands in DER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    encoded = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        encoded += bytes(reversed(groups))
    return bytes(encoded)
