"""The objects of a PDF as a graph, read without a parser's repairs: what is defined, what points to what.

For looking at a file from outside (`signing/scan.py`), never for a verdict: it is quick, works on broken
files too, and takes every definition in the bytes, also those that no cross-reference section names any more.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from mmap import mmap
from typing import NamedTuple

Number = int

_MAX_OBJECTS = 200_000
_MAX_INFLATED_BYTES = 32 * 1024 * 1024
_MAX_LOOKED_AT_BYTES = 256 * 1024 * 1024
_MAX_SECONDS = 2.0
"""Of the processor; the judging of a file takes up to seven, and a worker has ten for both."""

# One definition: its number, its text up to its end, its stream or the next definition, whatever comes first.
# Nothing in it can match in two ways, so hostile bytes take linear time.
_DEFINITION = re.compile(
    rb"([0-9][0-9]{0,7}+)[\0\t\n\f\r ]{1,20}+\d{1,5}+[\0\t\n\f\r ]{1,20}+obj(?![A-Za-z])"
    rb"((?>[^eso]*(?:(?:e(?!ndobj)|s(?!tream\r?\n)|o(?!bj(?![A-Za-z])))[^eso]*)*))(endobj|stream\r?\n)?"
)
_HEADER_BYTES = 60
_ENDSTREAM = b"endstream"
_STREAM_END = re.compile(rb"[\t-\r ]{0,2}" + _ENDSTREAM)
_LENGTH = re.compile(rb"/Length\s+(\d{1,10})\b(?!\s+\d+\s+R)")
_TRAILER = re.compile(rb"trailer[\0\t\n\f\r ]*<<")
_TRAILER_BYTES = 4096
_LEAST_BETWEEN = len(b"trailer<<")
"""Between two definitions nothing shorter matters."""
# Their length is bounded, or a row of opening brackets would take quadratic time.
_STRINGS = re.compile(
    rb"\((?>(?:[^()\\]|\\.|\((?>(?:[^()\\]|\\.){0,1024})\)){0,4096})\)|%[^\r\n]*"
    rb"|<[0-9A-Fa-f\0\t\n\f\r ]{64,}+>",
    re.DOTALL,
)
_LONG_HEX = re.compile(rb"<[0-9A-Fa-f\0\t\n\f\r ]{64}")
# Backwards: nothing but a reference has an R before two numbers, but numbers are everywhere.
_REFERENCE_REVERSED = re.compile(rb"R(?<![A-Za-z]R)[\0\t\n\f\r ]++\d{1,5}+[\0\t\n\f\r ]++(\d{1,8})")
_APART = b"|"
"""Is part of no reference."""
_AT_ONCE = 200
# Not white space and brackets: undone they would end the name.
_ESCAPED = re.compile(rb"#(?!2[05089Ff]|3[CEce]|[57][BDbd])([2-7][0-9A-Fa-f])")
_NUMBER_PAIR = re.compile(rb"(\d+)[\0\t\n\f\r ]+(\d+)")


class PdfObject(NamedTuple):
    """The newest definition of one object, as text before any stream."""

    number: Number
    text: bytes
    """With `#xx` in names undone, where it stands for a letter."""
    stream_at: int | None = None
    """Where the bytes of its stream begin in the file."""
    at: int | None = None
    """Where it stands in the file; none when it is packed into a stream."""
    revision: int = 0
    """How many ends of revisions stand before it."""
    stream_end: int = 0
    """Where the bytes of its stream end."""

    def has(self, pattern: re.Pattern[bytes]) -> bool:
        """Return whether the text holds what the pattern describes."""
        return pattern.search(self.text) is not None


class TooCostly(Exception):
    """To look further would take too long."""


@dataclass(slots=True)
class ObjectGraph:
    """All objects of a file and the trailers they hang on, and what looking at them may still cost."""

    objects: dict[Number, PdfObject] = field(default_factory=dict)
    """The newest definition of each."""
    replaced: list[PdfObject] = field(default_factory=list)
    """Definitions that a newer one stands for."""
    trailers: list[bytes] = field(default_factory=list)
    """Dictionaries of trailers and cross-reference streams."""
    containers: set[Number] = field(default_factory=set)
    """The numbers of object streams and cross-reference streams."""
    streams: list[PdfObject] = field(default_factory=list)
    """Whatever has a stream, containers too."""
    is_complete: bool = True
    """False when the file has more than is looked at."""
    until: float = field(default_factory=lambda: time.process_time() + _MAX_SECONDS)
    """Processor time of this process up to which there may be looked."""
    unpacked_bytes: int = 0

    @property
    def every(self) -> Iterator[PdfObject]:
        """Yield all definitions, those of older revisions too."""
        yield from self.objects.values()
        yield from self.replaced

    def define(self, found: PdfObject) -> None:
        """Take a definition that stands behind all others so far."""
        if found.number in self.objects:
            self.replaced.append(self.objects[found.number])
        self.objects[found.number] = found

    def content(self, raw: mmap | bytes, found: PdfObject, *, limit: int) -> bytes:
        """Return the bytes of an object's stream, at most `limit` of them; empty when they cannot be had.

        Raises:
            TooCostly: All that were asked for together are too many, or the time is up.
        """
        self.demand_time()
        content = inflated(raw, found, limit=limit)
        self.unpacked_bytes += len(content)
        if self.unpacked_bytes > _MAX_LOOKED_AT_BYTES:
            raise TooCostly
        return content

    def demand_time(self) -> None:
        """Pass while there is time left.

        Raises:
            TooCostly: It is up.
        """
        if time.process_time() > self.until:
            raise TooCostly

    def reachable(self) -> set[Number]:
        """Return the numbers of all objects that a viewer can come to."""
        waiting = references(self.trailers)
        seen: set[Number] = set()
        while waiting:
            some = [waiting.pop() for _ in range(min(len(waiting), _AT_ONCE))]
            seen.update(some)
            found = [self.objects[number].text for number in some if number in self.objects]
            waiting |= references(found) - seen
        return seen


_IS_SPECIAL = re.compile(rb"/Type\s*/(?:ObjStm|XRef)\b")
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
        if found.stream_at is not None:
            graph.streams.append(found)
        if not _IS_SPECIAL.search(found.text):
            graph.define(found)
            continue
        graph.containers.add(found.number)
        if found.has(_IS_CROSS_REFERENCE):
            graph.trailers.append(found.text)
        else:
            content = inflated(raw, found, limit=budget)
            budget -= len(content)
            for packed in _packed_objects(found, content):
                graph.define(packed)
    return graph


def _definitions(raw: mmap | bytes, trailers: list[bytes]) -> Iterator[PdfObject]:
    """Yield every definition in the order of the bytes; what looks like one inside a stream is none.

    Trailers stand between definitions, and are put into the list.
    """
    position, revision = 0, 0
    last_end = raw.rfind(_ENDSTREAM)
    while match := _DEFINITION.search(raw, position):
        start, behind = match.span()
        if start - position >= _LEAST_BETWEEN:
            between = raw[position:start]
            if b"trailer" in between:
                trailers += _trailers(between)
            revision += b"startxref" in between and b"%%EOF" in between
        number, text, end = match.groups()
        stream_at, stream_end = None, 0
        if end == b"endobj":
            position = behind
        elif end is None:  # the number of the next definition is still in the text
            position = max(behind - _HEADER_BYTES, match.end(1) + 1)
        else:
            stream_at = behind
            stream_end, position = _ends_of_stream(raw, text, behind, last=last_end)
        if b"#" in text:
            text = names_undone(text)
        yield PdfObject(int(number), text, stream_at, start, revision, stream_end)
    trailers += _trailers(raw[position:])


def _trailers(between: bytes) -> Iterator[bytes]:
    for trailer in _TRAILER.split(between)[1:]:
        text, pointer, _ = trailer.partition(b"startxref")
        yield names_undone(text if pointer else text[:_TRAILER_BYTES])


def _ends_of_stream(raw: mmap | bytes, text: bytes, start: int, *, last: int) -> tuple[int, int]:
    """Return where the bytes of a stream end, and where the keyword behind them does: by its length where
    that is true, for searching a large one takes long. Behind the last keyword nothing is searched for it.
    """
    length = _LENGTH.search(text)
    told = start + int(length[1]) if length else start
    closing = _STREAM_END.match(raw, told) if length else None
    if closing is not None:
        return told, closing.end()
    found = raw.find(_ENDSTREAM, start) if start <= last else -1
    return (found, found + len(_ENDSTREAM)) if found >= 0 else (start, start)


def references(texts: Sequence[bytes]) -> set[Number]:
    """Return the objects that texts point to; not those in strings and comments."""
    together = _APART.join(texts)
    if b"(" in together or b"%" in together or _LONG_HEX.search(together):
        together = _APART.join(map(_bare, texts))
    found = set(_REFERENCE_REVERSED.findall(together[::-1]))
    return set(map(int, b" ".join(found)[::-1].split()))


def _bare(text: bytes) -> bytes:
    """Return a text without what could look like a reference and is none."""
    if b"(" in text or b"%" in text or (b"/Contents" in text and _LONG_HEX.search(text)):
        return _STRINGS.sub(b" ", text)
    return text


def names_undone(text: bytes) -> bytes:
    """Return a text with `#xx` in its names undone, where it stands for a letter."""
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), text)


def _packed_objects(stream: PdfObject, content: bytes) -> Iterator[PdfObject]:
    first = _FIRST.search(stream.text)
    if first is None:
        return
    start = int(first[1])
    places = [(int(number), start + int(offset)) for number, offset in _NUMBER_PAIR.findall(content[:start])]
    ends = [place for _, place in places[1:]] + [len(content)]
    for (number, place), end in zip(places, ends, strict=False):  # none, in an empty stream
        yield PdfObject(number, names_undone(content[place:end]), revision=stream.revision)


def inflated(raw: mmap | bytes, found: PdfObject, *, limit: int) -> bytes:
    """Return the bytes of an object's stream, at most `limit` of them; empty when they cannot be had."""
    if found.stream_at is None:
        return b""
    if not found.has(_IS_DEFLATED):
        return raw[found.stream_at : min(found.stream_end, found.stream_at + limit)]
    content = raw[found.stream_at : found.stream_end]
    try:
        return zlib.decompressobj().decompress(content, limit)
    except zlib.error:
        return b""
