"""Cross-reference sections in the one form that every reader takes alike.

A reader that cannot take a section searches the file for objects instead, and may come upon one that was
hidden there. What each of them still takes differs; so nothing but the plain form is read here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from mmap import mmap

from signing.pdf.deflated import inflated, rows_of
from signing.pdf.syntax import Dictionary, Name, NotPlain, Reference, Value, read_value

ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
ENTRY_BYTES = 20
HIGHEST_GENERATION = 65_535
HIGHEST_NUMBER = 4_194_304
"""Some readers know no object beyond it, and take its section for broken."""
_OF_SECTION_STREAM = frozenset(
    ("Type", "Size", "Root", "Prev", "Info", "ID", "W", "Index", "Length", "Filter", "DecodeParms")
)
_FREE, _IN_PLACE, _IN_STREAM = 0, 1, 2

_LINE_END = rb"(?:\r\n|\r|\n)"
_SECTION = re.compile(rb"xref *" + _LINE_END)
_SUBSECTION = re.compile(rb"(\d{1,10}) (\d{1,10}) *" + _LINE_END)
_ENTRIES = re.compile(rb"(?>(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*)")
_TRAILER = re.compile(rb"trailer[\r\n ]*(?=<<)")
_WHITE = rb"[\x00\t\n\x0c\r ]"
_STREAM_HEADER = re.compile(rb"(\d{1,10}) (\d{1,5}) obj" + _WHITE + rb"*+(?=<<)")
_STREAM = re.compile(_WHITE + rb"*+stream\r?\n")
_STREAM_END = re.compile(_LINE_END + rb"?endstream" + _WHITE + rb"++endobj")
_COMMENT = rb"%(?!%EOF)[^\r\n]{0,200}+(?=[\r\n])"
_CLOSING = re.compile(
    rb"(?=" + _WHITE + rb")(?>(?:" + _WHITE + rb"|" + _COMMENT + rb")*)"
    rb"startxref" + _LINE_END + rb"(\d{1,12})" + _LINE_END + rb"%%EOF(?![^\r\n])"
)
FILTERS: tuple[Value, ...] = (None, Name("FlateDecode"), [Name("FlateDecode")])
"""What a stream that is plainly written says of its filter."""


@dataclass(frozen=True, slots=True)
class Subsection:
    """A stretch of a cross-reference section: its first object, how many it has, where a table has it."""

    first: int
    count: int
    place: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A cross-reference section: what it lists, its trailer, and where it ends in the file."""

    subsections: Sequence[Subsection]
    trailer: Dictionary
    end: int
    widths: Sequence[int] = ()
    """Of a stream: how many bytes each number of an entry takes."""
    content: bytes = b""
    """Of a stream: its entries."""

    @property
    def is_table(self) -> bool:
        """Return whether it is a table, not a stream."""
        return not self.widths

    @property
    def rows(self) -> int:
        """Return how many objects it lists."""
        return sum(each.count for each in self.subsections)


def read_table(raw: mmap, place: int) -> Section:
    """Return the cross-reference table that stands at a place; its entries are not looked at.

    Raises:
        NotPlain: There is none, or not in the usual form.
    """
    found = _SECTION.match(raw, place)
    if found is None:
        raise NotPlain("no table")
    place = found.end()
    subsections = []
    while subsection := _SUBSECTION.match(raw, place):
        count = int(subsection[2])
        subsections.append(Subsection(int(subsection[1]), count, subsection.end()))
        place = subsection.end() + count * ENTRY_BYTES
    found = _TRAILER.match(raw, place)
    if found is None:
        raise NotPlain("no trailer")
    trailer, end = read_value(raw, found.end())
    if not isinstance(trailer, dict):
        raise NotPlain("no plain trailer")
    return Section(subsections, trailer, end)


def read_added_section(raw: mmap, place: int, *, before: int, least_size: int) -> Section:
    """Return a section that was appended to a file; its end is that of its `%%EOF`.

    Args:
        raw: The file.
        place: Where the section stands.
        before: Where the section before it stands.
        least_size: The `/Size` of that one.

    Raises:
        NotPlain: Some reader might take it otherwise, or not at all.
    """
    if raw[place : place + 4] == b"xref":
        if not raw[before : before + 64].lstrip(b"\x00\t\n\x0c\r ").startswith(b"xref"):
            # Over a reference to no object some readers search the file, if the newest section is a table.
            raise NotPlain("a table after a stream")
        section = read_table(raw, place)
        demand_entries(raw, section)
    else:
        section = _read_stream(raw, place)
    _demand_order(section, before=before, least_size=least_size)
    closing = _CLOSING.match(raw, section.end)
    if closing is None or int(closing[1]) != place:
        raise NotPlain("no end of its own")
    return replace(section, end=closing.end())


def demand_rows(section: Section, *, read: bytes, file_bytes: int) -> None:
    """Pass when every entry of a cross-reference stream says what it may, each number within its bounds.

    Args:
        section: The stream.
        read: Its entries as the parser has them.
        file_bytes: The length of the file.

    Raises:
        NotPlain: The parser has others; there are fewer than said; or one is of an unknown kind, which some
            readers pass over while others take the whole section for broken and search the file themselves.
    """
    content, row_bytes = section.content, sum(section.widths)
    if len(content) < section.rows * row_bytes:
        raise NotPlain("fewer entries than it says")
    if content != read:
        raise NotPlain("entries that can be read in two ways")
    for start in range(0, section.rows * row_bytes, row_bytes):
        middle = start + 1 + section.widths[1]
        place = int.from_bytes(content[start + 1 : middle])
        last = int.from_bytes(content[middle : start + row_bytes])
        _demand_entry(content[start], place, last, file_bytes=file_bytes)


def _demand_entry(kind: int, place: int, last: int, *, file_bytes: int) -> None:
    highest = {_FREE: HIGHEST_NUMBER, _IN_PLACE: file_bytes, _IN_STREAM: HIGHEST_NUMBER}
    if place > highest.get(kind, -1) or last > HIGHEST_GENERATION:
        raise NotPlain("an entry that says what no entry can")


def demand_entries(raw: mmap, section: Section) -> None:
    """Pass when all entries of a table are in the usual form.

    Raises:
        NotPlain: One is not, or the table is no longer all there is to the section.
    """
    for each in section.subsections:
        end = each.place + each.count * ENTRY_BYTES
        entries = _ENTRIES.match(raw, each.place, end)
        if entries is None or entries.end() != end:
            raise NotPlain("entries in another form")
        if each.first == 1 and raw[each.place + ENTRY_BYTES - 3 : each.place + ENTRY_BYTES - 2] == b"f":
            # Some programs count wrongly from 1, so some readers take this row for object 0.
            raise NotPlain("entries that may be one number off")
        for row in ENTRY.finditer(raw, each.place, end):
            kind = _IN_PLACE if row[3] == b"n" else _FREE
            _demand_entry(kind, int(row[1]), int(row[2]), file_bytes=len(raw))
    if "XRefStm" in section.trailer or "Type" in section.trailer:
        raise NotPlain("a table that can be read in two ways")


def _demand_order(section: Section, *, before: int, least_size: int) -> None:
    """Pass when no object is listed twice, and each lies within a size that never shrinks."""
    size, previous = section.trailer.get("Size"), section.trailer.get("Prev")
    end = 0
    for each in sorted(section.subsections, key=lambda one: one.first):
        if each.first < end or each.count < 1:
            raise NotPlain("an object that is listed twice")
        end = each.first + each.count
    if type(size) is not int or not max(least_size, end) <= size <= HIGHEST_NUMBER:
        raise NotPlain("a size that does not hold all objects")
    if type(previous) is not int or previous != before:
        raise NotPlain("no section before it")
    if not isinstance(section.trailer.get("Root"), Reference):
        raise NotPlain("no root")


def _read_stream(raw: mmap, place: int) -> Section:
    header = _STREAM_HEADER.match(raw, place)
    if header is None:
        raise NotPlain("no cross-reference stream")
    trailer, end = read_value(raw, header.end())
    begin = _STREAM.match(raw, end)
    if not isinstance(trailer, dict) or begin is None or trailer.get("Type") != "XRef":
        raise NotPlain("no cross-reference stream")
    if not trailer.keys() <= _OF_SECTION_STREAM:
        raise NotPlain("a cross-reference stream with more entries than it needs")
    length = trailer.get("Length")
    closing = _STREAM_END.match(raw, begin.end() + length) if type(length) is int and length > 0 else None
    if closing is None or trailer.get("Filter") not in FILTERS:
        raise NotPlain("a cross-reference stream of another length")
    widths, index = _numbers(trailer.get("W")), _numbers(trailer.get("Index", [0, trailer.get("Size")]))
    if len(widths) != 3 or widths[0] != 1 or not 0 < widths[1] <= 8 or widths[2] > 8 or len(index) % 2:
        raise NotPlain("a cross-reference stream of another form")
    subsections = [Subsection(first, count) for first, count in zip(index[::2], index[1::2], strict=True)]
    content = raw[begin.end() : begin.end() + length] if type(length) is int else b""
    if trailer.get("Filter") is not None:
        content = rows_of(inflated(content), trailer.get("DecodeParms"), row_bytes=sum(widths))
    return Section(subsections, trailer, closing.end(), widths, content)


def _numbers(value: Value) -> list[int]:
    """Return the numbers of an array.

    Raises:
        NotPlain: It is none, or holds something else.
    """
    numbers = [each for each in value if type(each) is int and each >= 0] if isinstance(value, list) else []
    if not isinstance(value, list) or len(numbers) != len(value):
        raise NotPlain("no array of numbers")
    return numbers
