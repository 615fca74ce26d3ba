"""Objects of a PDF that stand in it twice, one of them where no cross-reference leads.

A reader that has to repair the file takes such a one, and shows what nobody saw before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from mmap import mmap

from signing.pdf.objects import ObjectGraph, PdfObject
from signing.pdf.sections import ENTRY, ENTRY_BYTES, read_table
from signing.pdf.syntax import NotPlain, Value

_MAX_SECTIONS = 200
_POINTER_BYTES = 1024
_POINTER = re.compile(rb"startxref\s{1,20}(\d{1,12})\s")
_SPACE_BEFORE = range(3)
"""How many bytes of white space an entry may point before its object."""


def doubled_objects(raw: mmap, graph: ObjectGraph) -> Iterator[str]:
    """Yield what is to be said about each object with a hidden second definition."""
    standing: dict[int, list[PdfObject]] = {}
    for found in graph.every:
        if found.at is not None:
            standing.setdefault(found.number, []).append(found)
    twice = [each for each in standing.values() if len(each) > 1]
    named = _named_places(raw) if twice else None
    for each in twice:
        if _has_hidden(each, named):
            yield f"Object {each[0].number} stands in the file twice, once where nothing leads."


def _has_hidden(definitions: list[PdfObject], named: set[int] | None) -> bool:
    if named is None:
        return len({found.revision for found in definitions}) < len(definitions)
    places = (found.at for found in definitions if found.at is not None)
    # When none is named, the entries are wrong altogether: a badly written file, and nothing hidden.
    return {any(place - before in named for before in _SPACE_BEFORE) for place in places} == {True, False}


def _named_places(raw: mmap) -> set[int] | None:
    """Return where all tables of the file say that objects stand; none when it has more than tables."""
    pointers = _POINTER.findall(raw, max(0, len(raw) - _POINTER_BYTES))
    place: Value = int(pointers[-1]) if pointers else None
    named: set[int] = set()
    for _ in range(_MAX_SECTIONS):
        if type(place) is not int:
            return named if place is None else None
        try:
            section = read_table(raw, place)
        except NotPlain:
            return None
        if "XRefStm" in section.trailer:
            return None
        for table in section.subsections:
            entries = ENTRY.findall(raw, table.place, table.place + table.count * ENTRY_BYTES)
            named.update(int(entry[0]) for entry in entries if entry[2] == b"n")
        place = section.trailer.get("Prev")
    return None
