"""The objects of a PDF as a graph, read without a parser's repairs: what is defined, what points to what.

For looking at a file from outside (`signing/scan.py`), never for a verdict: it is quick, works on broken
files too, and takes every definition in the bytes, also those that no cross-reference section names any more.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from mmap import mmap

Number = int

_MAX_OBJECTS = 200_000
_MAX_INFLATED_BYTES = 32 * 1024 * 1024

# One definition: its number, its text up to its end, its stream or the next definition, whatever comes first.
# Nothing in it can match in two ways, so hostile bytes take linear time.
_DEFINITION = re.compile(
    rb"(\d{1,8})[\0\t\n\f\r ]{1,20}\d{1,5}[\0\t\n\f\r ]{1,20}obj(?![A-Za-z])"
    rb"([^eso]*+(?:(?:e(?!ndobj)|s(?!tream\r?\n)|o(?!bj(?![A-Za-z])))[^eso]*+)*+)(endobj|stream\r?\n)?"
)
_HEADER_BYTES = 60
_STREAM_END = b"endstream"
_LENGTH = re.compile(rb"/Length\s+(\d{1,10})\b(?!\s+\d+\s+R)")
_TRAILER = re.compile(rb"trailer[\0\t\n\f\r ]*<<")
_TRAILER_BYTES = 4096
# Their length is bounded, or a row of opening brackets would take quadratic time.
_STRINGS = re.compile(
    rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.){0,1024}+\)){0,4096}+\)|%[^\r\n]*|<[0-9A-Fa-f\0\t\n\f\r ]{64,}+>",
    re.DOTALL,
)
_REFERENCE = re.compile(rb"(\d{1,8})[\0\t\n\f\r ]+\d{1,5}[\0\t\n\f\r ]+R(?![A-Za-z])")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_NUMBER_PAIR = re.compile(rb"(\d+)[\0\t\n\f\r ]+(\d+)")


@dataclass(frozen=True, slots=True)
class PdfObject:
    """The newest definition of one object, as text before any stream."""

    number: Number
    text: bytes
    """With `#xx` in names undone."""
    stream_at: int | None = None
    """Where the bytes of its stream begin in the file."""
    at: int | None = None
    """Where it stands in the file; none when it is packed into a stream."""
    revision: int = 0
    """How many ends of revisions stand before it."""

    def has(self, pattern: re.Pattern[bytes]) -> bool:
        """Return whether the text holds what the pattern describes."""
        return pattern.search(self.text) is not None


@dataclass(slots=True)
class ObjectGraph:
    """All objects of a file and the trailers they hang on."""

    objects: dict[Number, PdfObject] = field(default_factory=dict)
    """The newest definition of each."""
    replaced: list[PdfObject] = field(default_factory=list)
    """Definitions that a newer one stands for."""
    trailers: list[bytes] = field(default_factory=list)
    """Dictionaries of trailers and cross-reference streams."""
    is_complete: bool = True
    """False when the file has more than is looked at."""

    @property
    def every(self) -> Iterator[PdfObject]:
        """Yield all definitions, those of older revisions too."""
        yield from self.objects.values()
        yield from self.replaced

    def define(self, found: PdfObject) -> None:
        """Take a definition that stands behind all others so far."""
        before = self.objects.get(found.number)
        if before is not None:
            self.replaced.append(before)
        self.objects[found.number] = found

    def reachable(self) -> set[Number]:
        """Return the numbers of all objects that a viewer can come to."""
        waiting = [number for trailer in self.trailers for number in references(trailer)]
        seen: set[Number] = set()
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            found = self.objects.get(number)
            if found is not None:
                waiting += references(found.text)
        return seen


_IS_OBJECT_STREAM = re.compile(rb"/Type\s*/ObjStm\b")
_IS_CROSS_REFERENCE = re.compile(rb"/Type\s*/XRef\b")
_FIRST = re.compile(rb"/First\s+(\d+)")
_IS_DEFLATED = re.compile(rb"/Filter\s*\[?\s*/(?:FlateDecode|Fl)\b")


def read_graph(raw: mmap | bytes) -> ObjectGraph:
    """Return the graph of a file's objects. Never raises on hostile bytes."""
    graph = ObjectGraph()
    budget = _MAX_INFLATED_BYTES
    for count, found in enumerate(_definitions(raw, graph.trailers)):
        if count >= _MAX_OBJECTS or budget <= 0:
            graph.is_complete = False
            break
        if b"/XRef" in found.text and found.has(_IS_CROSS_REFERENCE):
            graph.trailers.append(found.text)
        elif b"/ObjStm" in found.text and found.has(_IS_OBJECT_STREAM):
            content = inflated(raw, found, limit=budget)
            budget -= len(content)
            for packed in _packed_objects(found, content):
                graph.define(packed)
        else:
            graph.define(found)
    return graph


def _definitions(raw: mmap | bytes, trailers: list[bytes]) -> Iterator[PdfObject]:
    """Yield every definition in the order of the bytes; what looks like one inside a stream is none.

    Trailers stand between definitions, and are put into the list.
    """
    position, revision = 0, 0
    while match := _DEFINITION.search(raw, position):
        if match.start() - position > len(b"trailer"):
            between = raw[position : match.start()]
            trailers += _trailers(between)
            revision += b"startxref" in between and b"%%EOF" in between
        number, text, end = match.groups()
        if end is None:  # the number of the next definition is still in the text
            position = max(match.end() - _HEADER_BYTES, match.end(1) + 1)
        elif end == b"endobj":
            position = match.end()
        else:
            position = _behind_stream(raw, text, match.end())
        stream_at = match.end() if end and end != b"endobj" else None
        yield PdfObject(int(number), _names_undone(text), stream_at, match.start(), revision)
    trailers += _trailers(raw[position:])


def _trailers(between: bytes) -> Iterator[bytes]:
    if b"trailer" not in between:
        return
    for match in _TRAILER.finditer(between):
        end = between.find(b"startxref", match.end())
        yield _names_undone(between[match.end() : end if end > 0 else match.end() + _TRAILER_BYTES])


def _behind_stream(raw: mmap | bytes, text: bytes, start: int) -> int:
    """Return where a stream ends: by its length where that is true, for searching a large one takes long."""
    length = _LENGTH.search(text)
    told = start + int(length[1]) if length else 0
    if told and raw[told : told + len(_STREAM_END) + 2].strip().startswith(_STREAM_END):
        return told
    return max(raw.find(_STREAM_END, start), start)


def references(text: bytes) -> Iterator[Number]:
    """Yield the objects that a text points to; not those in strings and comments."""
    if b"(" in text or b"%" in text or b"/Contents" in text:
        text = _STRINGS.sub(b" ", text)
    return map(int, _REFERENCE.findall(text))


def _names_undone(text: bytes) -> bytes:
    if b"#" not in text:
        return text
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), text)


def _packed_objects(stream: PdfObject, content: bytes) -> Iterator[PdfObject]:
    first = _FIRST.search(stream.text)
    if first is None:
        return
    start = int(first[1])
    places = [(int(number), start + int(offset)) for number, offset in _NUMBER_PAIR.findall(content[:start])]
    ends = [place for _, place in places[1:]] + [len(content)]
    for (number, place), end in zip(places, ends, strict=False):  # none, in an empty stream
        yield PdfObject(number, _names_undone(content[place:end]))


def inflated(raw: mmap | bytes, found: PdfObject, *, limit: int) -> bytes:
    """Return the bytes of an object's stream, at most `limit` of them; empty when they cannot be had."""
    if found.stream_at is None:
        return b""
    content = raw[found.stream_at : _behind_stream(raw, found.text, found.stream_at)]
    if not found.has(_IS_DEFLATED):
        return content[:limit]
    try:
        return zlib.decompressobj().decompress(content, limit)
    except zlib.error:
        return b""
