"""Whether a PDF shows no text at all, as scanned paper does: then nothing can lie over any.

To lay out the pages of a large file only to find that takes pdfium as long as its signature takes us. So the
streams that pages draw are looked at instead, and whatever is not plainly one of them counts as text.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from mmap import mmap
from pathlib import Path

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]

from signing.pdf.plain import read_plain_sections
from signing.pdf.sections import ENTRY, ENTRY_BYTES, FILTERS, demand_entries
from signing.pdf.syntax import NotPlain, Reference, Value, read_indirect, read_stream

_MAX_OBJECTS = 500
_MAX_CONTENT_BYTES = 256 * 1024
_WRITES = re.compile(rb"[T'\"]")
"""One of them is in each operator that shows text: Tj, TJ, ' and "."""
_PLAIN_KEYS = {"Length", "Filter"}


def is_wordless(path: Path, raw: mmap) -> bool:
    """Return whether it is certain that no page of a file draws text."""
    try:
        _Drawn(raw).demand_no_text()
    except NotPlain:
        return False
    return _is_read_by_its_tables(path)


class _Drawn:
    """What the pages of a file draw, in any of its revisions."""

    def __init__(self, raw: mmap) -> None:
        self._raw = raw
        self._places = _places(raw)
        self._seen: set[int] = set()

    def demand_no_text(self) -> None:
        """Pass when none of it can be text.

        Raises:
            NotPlain: Some can, or is not plainly written.
        """
        for number, places in self._places.items():
            for place in places:
                found, value = read_indirect(self._raw, place)
                if found.number != number:
                    raise NotPlain("another object than the one listed")
                for drawn in _drawn_by(value):
                    self._demand_no_text_in(drawn)

    def _demand_no_text_in(self, number: int) -> None:
        for place in self._places.get(number, set()) - self._seen:
            self._seen.add(place)
            _, value = read_indirect(self._raw, place)
            # An array names streams that are drawn one after the other.
            streams = _named(value) if isinstance(value, list) else [number]
            for each in streams:
                self._demand_plain_streams(each)

    def _demand_plain_streams(self, number: int) -> None:
        for place in self._places.get(number, ()):
            described, content = read_stream(self._raw, place, limit=_MAX_CONTENT_BYTES)
            if not described.keys() <= _PLAIN_KEYS or described.get("Filter") not in FILTERS:
                raise NotPlain("a stream that is not plainly written")
            if _WRITES.search(_inflated(content) if "Filter" in described else content):
                raise NotPlain("text")


def _places(raw: mmap) -> dict[int, set[int]]:
    """Return where all sections of a file together say that each object stands.

    Raises:
        NotPlain: They are not in the one form that all readers take alike, or too many.
    """
    found: dict[int, set[int]] = {}
    for section in read_plain_sections(raw):
        if section.rows > _MAX_OBJECTS:
            raise NotPlain("too many objects")
        demand_entries(raw, section)
        for table in section.subsections:
            entries = ENTRY.findall(raw, table.place, table.place + table.count * ENTRY_BYTES)
            for number, (place, _, kind) in enumerate(entries, start=table.first):
                if kind == b"n":
                    found.setdefault(number, set()).add(int(place))
    return found


def _drawn_by(value: Value) -> Iterator[int]:
    """Yield the objects that a value, or one inside it, names as what a page draws."""
    if isinstance(value, dict):
        drawn = value.get("Contents")
        yield from _named(drawn if isinstance(drawn, list) else [drawn])
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inside:
        yield from _drawn_by(each)


def _named(values: Iterable[Value]) -> set[int]:
    return {each.number for each in values if isinstance(each, Reference)}


def _inflated(content: bytes) -> bytes:
    """Return what was deflated, all of it.

    Raises:
        NotPlain: It is damaged, or too large: another reader may read more of it.
    """
    inflating = zlib.decompressobj()
    try:
        found = inflating.decompress(content, _MAX_CONTENT_BYTES)
    except zlib.error as damaged:
        raise NotPlain("a damaged stream") from damaged
    if not inflating.eof:
        raise NotPlain("a stream without its end")
    return found


def _is_read_by_its_tables(path: Path) -> bool:
    """Return whether pdfium takes a file as its tables have it, and does not search it for other objects."""
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError:
        return False
    try:
        return bool(pdfium_c.FPDF_DocumentHasValidCrossReferenceTable(document.raw))
    finally:
        document.close()
