"""What stands behind a signed revision: every byte of it must belong to a revision that our parser sees.

What it does not see might be the document that another viewer shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from mmap import mmap
from typing import BinaryIO

from pyhanko.pdf_utils import generic

from signing.pdf import reasons
from signing.pdf.deflated import inflated
from signing.pdf.packed import packed_values
from signing.pdf.reader import BoundedReader
from signing.pdf.sections import Section, demand_rows, read_added_section
from signing.pdf.structure import WHITE_SPACE
from signing.pdf.syntax import NotPlain, Reference, read_indirect
from signing.reasons import Reason, Refused

_WS = rb"[\x00\t\n\x0c\r ]"
_SPACE = re.compile(_WS + rb"*+")
_OBJECT_HEADER = re.compile(
    _WS + rb"*+\d{1,10}" + _WS + rb"++\d{1,5}" + _WS + rb"++obj(?![A-Za-z0-9])" + _WS + rb"*+"
)
_OF_SECTION = re.compile(rb"trailer|startxref|%%EOF|(?<![A-Za-z])xref(?=" + _WS + rb")")
_OBJECT_WORD = re.compile(rb"(?<!end)obj")
_BLANKS = b"\x00\t\n\v\x0c\r "
_TO_LINE_END = re.compile(rb"\x00[^\r\n]*+[\r\n]")
_MAX_HEADER_BYTES = 4096
"""Longer ones are none: white space alone before the word is taken for one that hides its numbers."""
_NUMBERS = re.compile(rb"(?<!\d)\d{1,10}" + _WS + rb"++\d{1,5}" + _WS + rb"++\Z")
_END_OF_OBJECT = re.compile(_WS + rb"*+endobj")
_POINTER = re.compile(rb"startxref" + _WS + rb"++(\d{1,12})" + _WS + rb"++%%EOF")
_END_OF_FILE = re.compile(_POINTER.pattern + _WS + rb"*+\Z")
_COMMENT = re.compile(rb"%(?!%EOF)[^\r\n]{0,200}(?=[\r\n])")
_OTHER_FILTERS = {"/F", "/FFilter", "/FDecodeParms", "/DP"}
"""A stream outside the file; or short names of its filters (§8.9.7), which some readers take anywhere."""
_OF_OBJECT_STREAM = {"/Type", "/Length", "/N", "/First", "/Filter"}
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
    sections = [*_sections(raw, reader, later)]
    tiles = sorted({*_objects(raw, stream, reader, later, end=end), *sections})
    place = end
    for start, stop in tiles:
        if start < place:
            raise Refused(reasons.OVERLAPPING)
        _demand_nothing(raw, place, start, reader=reader)
        place = stop
    _demand_nothing(raw, place, len(raw), reader=reader)
    _demand_no_other_object(raw, {start for start, _ in tiles}, end=end)
    _demand_no_other_section(raw, sections, end=end)


def _objects(
    raw: mmap, stream: BinaryIO, reader: BoundedReader, later: range, *, end: int
) -> Iterator[tuple[int, int]]:
    """Yield where each cross-referenced object of the later revisions begins and ends."""
    for number in later:
        section = reader.xrefs.get_xref_data(number)
        own = reader.xrefs.get_xref_container_info(number).stream_ref
        try:
            _demand_plain_streams(reader, number)
        except NotPlain as strange:
            raise Refused(_strange(str(strange))) from strange
        for named, (generation, place) in section.standard_xrefs.items():
            if place < end:
                # Nothing that only adds points back there; a reader that took it would see what was replaced.
                raise Refused(_strange("an object from before"))
            if own is None or named != own.idnum:
                yield _extent(raw, stream, reader, place, known=Reference(named, generation))


def _demand_plain_streams(reader: BoundedReader, revision: int) -> None:
    """Pass when no object in the object streams of a later revision can be read in two ways."""
    section = reader.xrefs.get_xref_data(revision)
    listed: dict[int, list[tuple[int, int]]] = {}
    for number, place in section.xrefs_in_objstm.items():
        listed.setdefault(place.obj_stream_id, []).append((place.ix_in_stream, number))
    for container, rows in listed.items():
        if container not in section.standard_xrefs:
            raise Refused(_strange("an object in another revision's stream"))
        stream = reader.get_historical_resolver(revision)(generic.Reference(container, 0))
        if not isinstance(stream, generic.StreamObject) or not stream.keys() <= _OF_OBJECT_STREAM:
            raise Refused(_strange("an object stream of another form"))
        filters = stream.get("/Filter")
        content = stream.encoded_data if filters is None else inflated(stream.encoded_data)
        if filters not in (None, "/FlateDecode", ["/FlateDecode"]) or content != stream.data:
            raise Refused(_strange("an object stream of another form"))
        for _ in packed_values(
            content, count=_number(stream, "/N"), first=_number(stream, "/First"), listed=dict(rows)
        ):
            reader.count()


def _number(stream: generic.StreamObject, key: str) -> int | None:
    number = stream.get(key)
    return int(number) if isinstance(number, generic.NumberObject) else None


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
    value = generic.read_object(stream, generic.Reference(known.number, known.generation, reader))
    if isinstance(value, generic.StreamObject) and not _OTHER_FILTERS.isdisjoint(value):
        raise Refused(_strange("a stream that is elsewhere, or filtered for some readers alone"))
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
            if not section.is_table:
                _demand_rows(raw, reader, section, revision=number)
        except NotPlain as strange:
            raise Refused(_strange(str(strange))) from strange
        yield place, section.end


def _demand_rows(raw: mmap, reader: BoundedReader, section: Section, *, revision: int) -> None:
    own = reader.xrefs.get_xref_container_info(revision).stream_ref
    stream = reader.get_object(own)
    if not isinstance(stream, generic.StreamObject):
        raise NotPlain("no cross-reference stream")
    demand_rows(section, read=stream.data, file_bytes=len(raw))


def _strange(how: str) -> Reason:
    return reasons.STRANGE_SECTION.about(how)


def _demand_nothing(raw: mmap, start: int, stop: int, *, reader: BoundedReader) -> None:
    """Pass when a stretch holds nothing but comments and space."""
    while (start := _SPACE.match(raw, start, stop).end()) < stop:  # type: ignore[union-attr]
        reader.count()
        found = _COMMENT.match(raw, start, stop)
        if found is None or _IN_NO_COMMENT.search(found[0]):
            raise Refused(reasons.UNKNOWN_OBJECT)
        start = found.end()


def _demand_no_other_object(raw: mmap, known: set[int], *, end: int) -> None:
    """Refuse what reads like an object inside another one, to any reader: one that searches would take it.

    Readers differ in how long a number may be, in what is white space, and in what may follow the word.
    """
    for word in _OBJECT_WORD.finditer(raw, end):
        before = raw[max(end, word.start() - _MAX_HEADER_BYTES) : word.start()]
        header = _NUMBERS.search(before)
        if header and word.start() - len(before) + header.start() in known:
            continue
        last = _TO_LINE_END.sub(b" ", before).rstrip(_BLANKS)[-1:]
        if not last or last.isdigit():
            raise Refused(reasons.UNKNOWN_OBJECT)


def _demand_no_other_section(raw: mmap, known: Sequence[tuple[int, int]], *, end: int) -> None:
    """Refuse what reads like a cross-reference or a trailer inside something else, for the same reason."""
    for word in _OF_SECTION.finditer(raw, end):
        if not any(start <= word.start() < stop for start, stop in known):
            raise Refused(reasons.UNKNOWN_OBJECT)
