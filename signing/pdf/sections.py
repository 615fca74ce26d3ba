"""Cross-reference sections in the one form that every reader takes alike.

A reader that cannot take a section searches the file for objects instead, and may come upon one that was
hidden there. What each of them still takes differs; so nothing but the plain form is read here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from mmap import mmap

from signing.pdf.syntax import Dictionary, Name, NotPlain, Reference, Value, read_value

ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
ENTRY_BYTES = 20
HIGHEST_NUMBER = 4_194_304
"""Some readers know no object beyond it, and take its section for broken."""

_LINE_END = rb"(?:\r\n|\r|\n)"
_SECTION = re.compile(rb"xref *" + _LINE_END)
_SUBSECTION = re.compile(rb"(\d{1,10}) (\d{1,10}) *" + _LINE_END)
_ENTRIES = re.compile(rb"(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*+")
_TRAILER = re.compile(rb"trailer[\r\n ]*(?=<<)")
_WHITE = rb"[\x00\t\n\x0c\r ]"
_STREAM_HEADER = re.compile(rb"(\d{1,10}) (\d{1,5}) obj" + _WHITE + rb"*+(?=<<)")
_STREAM = re.compile(_WHITE + rb"*+stream\r?\n")
_STREAM_END = re.compile(_LINE_END + rb"?endstream" + _WHITE + rb"++endobj")
_COMMENT = rb"%(?!%EOF)[^\r\n]{0,200}+(?=[\r\n])"
_CLOSING = re.compile(
    rb"(?=" + _WHITE + rb")(?>" + _WHITE + rb"|" + _COMMENT + rb")*+"
    rb"startxref" + _LINE_END + rb"(\d{1,12})" + _LINE_END + rb"%%EOF(?![^\r\n])"
)
_FILTERS: tuple[Value, ...] = (None, Name("FlateDecode"), [Name("FlateDecode")])


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
    row_bytes: int
    is_table: bool

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
    return Section(subsections, trailer, end, ENTRY_BYTES, is_table=True)


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
        section = read_table(raw, place)
        _demand_entries(raw, section)
    else:
        section = _read_stream(raw, place)
    _demand_order(section, before=before, least_size=least_size)
    closing = _CLOSING.match(raw, section.end)
    if closing is None or int(closing[1]) != place:
        raise NotPlain("no end of its own")
    return Section(
        section.subsections, section.trailer, closing.end(), section.row_bytes, is_table=section.is_table
    )


def _demand_entries(raw: mmap, section: Section) -> None:
    for each in section.subsections:
        end = each.place + each.count * ENTRY_BYTES
        entries = _ENTRIES.match(raw, each.place, end)
        if entries is None or entries.end() != end:
            raise NotPlain("entries in another form")
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
    length = trailer.get("Length")
    closing = _STREAM_END.match(raw, begin.end() + length) if type(length) is int and length > 0 else None
    if closing is None or trailer.get("Filter") not in _FILTERS:
        raise NotPlain("a cross-reference stream of another length")
    widths, index = _numbers(trailer.get("W")), _numbers(trailer.get("Index", [0, trailer.get("Size")]))
    if len(widths) != 3 or widths[0] != 1 or not 0 < widths[1] <= 8 or widths[2] > 8 or len(index) % 2:
        raise NotPlain("a cross-reference stream of another form")
    subsections = [Subsection(first, count) for first, count in zip(index[::2], index[1::2], strict=True)]
    return Section(subsections, trailer, closing.end(), sum(widths), is_table=False)


def _numbers(value: Value) -> list[int]:
    """Return the numbers of an array.

    Raises:
        NotPlain: It is none, or holds something else.
    """
    numbers = [each for each in value if type(each) is int and each >= 0] if isinstance(value, list) else []
    if not isinstance(value, list) or len(numbers) != len(value):
        raise NotPlain("no array of numbers")
    return numbers
