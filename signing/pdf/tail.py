"""What stands behind a signed revision: every byte of it must belong to a revision that our parser sees.

What it does not see might be the document that another viewer shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from mmap import mmap
from typing import BinaryIO

from pyhanko.pdf_utils import generic

from signing.pdf import reasons
from signing.pdf.reader import BoundedReader
from signing.pdf.sections import Section, read_added_section
from signing.pdf.structure import WHITE_SPACE
from signing.pdf.syntax import NotPlain, Reference, read_indirect
from signing.reasons import Reason, Refused

_WS = rb"[\x00\t\n\x0c\r ]"
_OBJECT_HEADER = re.compile(
    _WS + rb"*+\d{1,10}" + _WS + rb"++\d{1,5}" + _WS + rb"++obj(?![A-Za-z0-9])" + _WS + rb"*+"
)
_ANY_OBJECT = re.compile(rb"(?<!\d)\d{1,10}" + _WS + rb"++\d{1,5}" + _WS + rb"++obj(?![A-Za-z0-9])")
_END_OF_OBJECT = re.compile(_WS + rb"*+endobj")
_POINTER = re.compile(rb"startxref" + _WS + rb"++(\d{1,12})" + _WS + rb"++%%EOF")
_END_OF_FILE = re.compile(_POINTER.pattern + _WS + rb"*+\Z")
_COMMENT = re.compile(rb"%(?!%EOF)[^\r\n]{0,200}(?=[\r\n])")
_IN_NO_COMMENT = re.compile(rb"obj|xref|trailer|stream|%EOF")


def revision_signed(reader: BoundedReader, *, end: int) -> int:
    """Return the number of the revision that ends where a signature's range does.

    Raises:
        Refused: None does.
    """
    xrefs = reader.xrefs
    within = [
        number
        for number in range(xrefs.total_revisions)
        if xrefs.get_xref_container_info(number).end_location <= end
    ]
    # Sections are in the order of their making: one beyond the end, and a later one before it, is a trick.
    if not within or within != list(range(len(within))):
        raise Refused(reasons.NOT_WHOLE_REVISION)
    return within[-1]


def demand_whole_revision(raw: mmap, reader: BoundedReader, *, end: int, revision: int) -> None:
    """Pass when the signed bytes end as a file with this newest revision does.

    Raises:
        Refused: They do not.
    """
    closing = raw[max(0, end - 1024) : end]
    found = _END_OF_FILE.search(closing)
    if found is None or int(found[1]) != reader.xrefs.get_startxref_for_revision(revision):
        raise Refused(reasons.NOT_WHOLE_REVISION)


def demand_explained_tail(
    raw: mmap, stream: BinaryIO, reader: BoundedReader, *, end: int, revision: int
) -> None:
    """Pass when everything after `end` is an object, a cross-reference or the end of a later revision.

    Raises:
        Refused: Something there is not.
    """
    if not raw[end:].strip(WHITE_SPACE):
        return
    later = range(revision + 1, reader.xrefs.total_revisions)
    if not _END_OF_FILE.search(raw, max(end, len(raw) - 1024)):
        raise Refused(reasons.AFTER_END)
    if any(not reader.xrefs.explicit_refs_in_revision(number) for number in later):
        raise Refused(reasons.EMPTY_SECTION)
    tiles = sorted({*_objects(raw, stream, reader, later, end=end), *_sections(raw, reader, later)})
    place = end
    for start, stop in tiles:
        if start < place:
            raise Refused(reasons.OVERLAPPING)
        _demand_nothing(raw, place, start)
        place = stop
    _demand_nothing(raw, place, len(raw))
    _demand_no_other_object(raw, {start for start, _ in tiles}, end=end)


def _objects(
    raw: mmap, stream: BinaryIO, reader: BoundedReader, later: range, *, end: int
) -> Iterator[tuple[int, int]]:
    """Yield where each cross-referenced object of the later revisions begins and ends."""
    for number in later:
        section = reader.xrefs.get_xref_data(number)
        own = reader.xrefs.get_xref_container_info(number).stream_ref
        if any(
            place.obj_stream_id not in section.standard_xrefs for place in section.xrefs_in_objstm.values()
        ):
            raise Refused(_strange("an object in another revision's stream"))
        for named, (generation, place) in section.standard_xrefs.items():
            if place < end:
                # Nothing that only adds points back there; a reader that took it would see what was replaced.
                raise Refused(_strange("an object from before"))
            if own is None or named != own.idnum:
                yield _extent(raw, stream, reader, place, known=Reference(named, generation))


def _extent(
    raw: mmap, stream: BinaryIO, reader: BoundedReader, place: int, *, known: Reference
) -> tuple[int, int]:
    reader.count()
    stream.seek(place)
    header = _OBJECT_HEADER.match(stream.read(64))
    if header is None:
        raise Refused(reasons.UNKNOWN_OBJECT)
    try:
        found, _ = read_indirect(raw, place)
    except NotPlain as strange:
        raise Refused(_strange(str(strange))) from strange
    if found != known:
        raise Refused(reasons.UNKNOWN_OBJECT)
    stream.seek(place + header.end())
    generic.read_object(stream, generic.Reference(known.number, known.generation, reader))
    behind = stream.tell()
    closing = _END_OF_OBJECT.match(stream.read(64))
    if closing is None:
        raise Refused(reasons.UNKNOWN_OBJECT)
    leading = len(header[0]) - len(header[0].lstrip(WHITE_SPACE))
    return place + leading, behind + closing.end()


def _sections(raw: mmap, reader: BoundedReader, later: range) -> Iterator[tuple[int, int]]:
    """Yield where each cross-reference section of the later revisions begins, and where its `%%EOF` ends."""
    for number in later:
        place = reader.xrefs.get_startxref_for_revision(number)
        try:
            section = read_added_section(
                raw,
                place,
                before=reader.xrefs.get_startxref_for_revision(number - 1),
                least_size=reader.xrefs.get_xref_container_info(number - 1).size,
            )
        except NotPlain as strange:
            raise Refused(_strange(str(strange))) from strange
        if not section.is_table:
            _demand_all_rows(reader, number, section)
        yield place, section.end


def _demand_all_rows(reader: BoundedReader, revision: int, section: Section) -> None:
    own = reader.xrefs.get_xref_container_info(revision).stream_ref
    stream = reader.get_object(own)
    if not isinstance(stream, generic.StreamObject) or len(stream.data) < section.rows * section.row_bytes:
        raise Refused(_strange("fewer entries than it says"))


def _strange(how: str) -> Reason:
    return reasons.STRANGE_SECTION.about(how)


def _demand_nothing(raw: mmap, start: int, stop: int) -> None:
    """Pass when a stretch holds nothing but comments and space."""
    while start < stop:
        if raw[start] in WHITE_SPACE:
            start += 1
            continue
        found = _COMMENT.match(raw, start, stop)
        if found is None or _IN_NO_COMMENT.search(found[0]):
            raise Refused(reasons.UNKNOWN_OBJECT)
        start = found.end()


def _demand_no_other_object(raw: mmap, known: set[int], *, end: int) -> None:
    """Refuse what reads like an object inside another one: a reader that searches would take it."""
    if any(found.start() not in known for found in _ANY_OBJECT.finditer(raw, end)):
        raise Refused(reasons.UNKNOWN_OBJECT)
