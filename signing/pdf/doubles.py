"""Objects of a PDF that stand in it twice, one of them where no cross-reference leads, or inside a stream.

A reader that has to repair the file takes such a one, and shows what nobody saw before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from mmap import mmap

from signing.pdf.objects import ObjectGraph, PdfObject
from signing.pdf.sections import ENTRY_BYTES, read_table
from signing.pdf.structure import pieces
from signing.pdf.syntax import NotPlain, Value

_MAX_SECTIONS = 200
_POINTER_BYTES = 1024
_POINTER = re.compile(rb"startxref\s{1,20}(\d{1,12})\s")
_USED_ENTRY = re.compile(rb"(\d{10}) \d{5} n(?: \r| \n|\r\n)")
_SPACE_BEFORE = range(3)
"""How many bytes of white space an entry may point before its object."""
# Readers that rebuild a file ask for no more than this.
_HEADER = re.compile(rb"([0-9]{1,8}+)[\0\t\n\f\r ]{1,20}+[0-9]{1,5}+[\0\t\n\f\r ]{1,20}+obj")
_PICTURE = re.compile(rb"/Subtype\s*/Image\b")
_MAX_SHOWN = 3
_APART = b"|"
_LITTLE_BYTES = 4096
_PIECE_BYTES = 256 * 1024
_LONGEST_HEADER_BYTES = 64
_MAX_PICTURE_BYTES = 1024 * 1024
"""In all pictures of a file together; to search 20 MB of scans would make its verdict cost a third more."""


def doubled_objects(raw: mmap, graph: ObjectGraph) -> Iterator[str]:
    """Yield what is to be said about each object with a hidden second definition."""
    replaced = {found.number for found in graph.replaced}
    standing: dict[int, list[PdfObject]] = {}
    for found in graph.every:
        if found.number in replaced:
            standing.setdefault(found.number, []).append(found)
    twice = [each for each in standing.values() if len(each) > 1]
    named = _named_places(raw) if twice else None
    for each in twice:
        if _has_hidden(each, named):
            yield f"Object {each[0].number} stands in the file twice, once where nothing leads."
    inside = sorted(_in_streams(raw, graph))
    if inside:
        shown = ", ".join(map(str, inside[:_MAX_SHOWN])) + (" …" if len(inside) > _MAX_SHOWN else "")
        yield f"A stream defines objects ({shown}) again, as a PDF that is attached uncompressed does."


def _in_streams(raw: mmap, graph: ObjectGraph) -> set[int]:
    """Return the numbers of the file's own objects that are defined once more in the bytes of a stream."""
    found: set[int] = set()
    for content in _stream_bytes(raw, graph):
        if content.rfind(b"obj") >= 0:  # much faster than `in`
            found.update(map(int, _HEADER.findall(content)))
    return found & (graph.objects.keys() | graph.containers)


def _stream_bytes(raw: mmap, graph: ObjectGraph) -> Iterator[bytes]:
    """Yield the bytes of all streams as they stand: the little ones together, which is quicker, and the large
    ones in pieces, which overlap by a header."""
    places = [(stream.stream_at or 0, stream.stream_end, stream) for stream in graph.streams]
    yield _APART.join([raw[start:end] for start, end, _ in places if end - start <= _LITTLE_BYTES])
    left = _MAX_PICTURE_BYTES
    for start, end, stream in places:
        if end - start <= _LITTLE_BYTES:
            continue
        if stream.has(_PICTURE):
            end = min(end, start + left)
            left -= end - start
        before = b""
        for piece in pieces(raw, start=start, end=end, each=_PIECE_BYTES):
            yield before + piece
            before = bytes(piece[-_LONGEST_HEADER_BYTES:])


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
            end = table.place + table.count * ENTRY_BYTES
            named.update(map(int, _USED_ENTRY.findall(raw, table.place, end)))
        place = section.trailer.get("Prev")
    return None
