"""A PDF reader with bounds: on what streams unpack to, on objects, on revisions and on time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from pyhanko.pdf_utils import generic, xref
from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget, StreamDecodeLimits
from pyhanko.pdf_utils.misc import PdfError, PdfReadError
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from signing.faults import TOO_COSTLY
from signing.pdf import reasons
from signing.pdf.hex_strings import read_at_once
from signing.pdf.texts import text
from signing.reasons import Refused

_MIB = 1024 * 1024
_LIMITS = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=32 * _MIB),
    document_budget=DocumentDecodeBudget(base_allowance=128 * _MIB, max_ratio=4),
)
_MAX_REVISIONS = 200
_MAX_ENTRIES = 1_000_000
_MAX_LOOKS = 120_000
_MOST_DEFLATED = 1_100
"""How many bytes one byte can be unpacked to."""
_MAX_SECONDS = 7.0
_MAX_TRAILING_BYTES = 1024
_END_OF_FILE = b"%%EOF"

_entries_unbounded = xref.parse_xref_stream
_MISREADINGS = (PdfError, AssertionError, ValueError, KeyError, TypeError, IndexError, AttributeError)


class BoundedReader(PdfFileReader):
    """pyHanko's reader, stopping with `Refused` when a file asks for more than any document needs."""

    def __init__(self, stream: BinaryIO, *, strict: bool, until: float) -> None:
        self.until = until
        self._looks = 0
        self.entries = 0
        super().__init__(stream, strict=strict, decode_limits=_LIMITS)
        if self.xrefs.total_revisions > _MAX_REVISIONS:
            raise Refused(reasons.TOO_MANY_REVISIONS.about(str(_MAX_REVISIONS)), "GENERIC")

    def count(self) -> None:
        """Count one more object looked at.

        Raises:
            Refused: Too many were, or the time is up.
        """
        self._looks += 1
        if self._looks > _MAX_LOOKS or (self._looks % 64 == 0 and time.process_time() > self.until):
            raise Refused(TOO_COSTLY, "GENERIC")

    def get_object(self, ref: Any, *arguments: Any, **named: Any) -> Any:  # the signature is pyHanko's
        """Return an object, as pyHanko's reader does."""
        self.count()
        found = super().get_object(ref, *arguments, **named)  # type: ignore[no-untyped-call]
        _name_as_text(found)
        return found

    def get_historical_resolver(self, revision: int) -> HistoricalResolver:
        """Return the file as it was in a revision, as pyHanko's reader does."""
        known = self._historical_resolver_cache
        if revision not in known:
            known[revision] = _BoundedResolver(self, revision)
        return known[revision]


def _name_as_text(found: Any) -> None:
    """Make the name of a field a text where its bytes are in no encoding for text: pyHanko takes no other."""
    name = dict.get(found, "/T") if isinstance(found, generic.DictionaryObject) else None
    if isinstance(name, generic.ByteStringObject):
        found[generic.NameObject("/T")] = generic.TextStringObject(text(name))


class _BoundedResolver(HistoricalResolver):
    """The file in one revision; paths through it multiply, so every step counts."""

    def get_object(self, ref: generic.Reference, *arguments: Any, **named: Any) -> Any:
        reader = self.reader
        assert isinstance(reader, BoundedReader)
        reader.count()
        if reader.xrefs.get_historical_ref(ref, self.revision) is None:
            # ISO 32000-1, 7.3.10: what a reference leads to that does not exist is null, and no error.
            nothing = generic.NullObject()
            nothing.container_ref = generic.Reference(ref.idnum, ref.generation, self)
            return nothing
        return super().get_object(ref, *arguments, **named)


@dataclass(frozen=True, slots=True)
class Opened:
    """A parsed PDF, and whether it had to be read leniently."""

    reader: BoundedReader
    is_lenient: bool


def open_pdf(stream: BinaryIO) -> Opened:
    """Return the parsed PDF: strictly where that works, else leniently.

    Raises:
        Refused: It is too much.
        Exception: It cannot be read even leniently.
    """
    _demand_end(stream)
    xref.parse_xref_stream = entries_bounded
    read_at_once()
    until = time.process_time() + _MAX_SECONDS
    try:
        return Opened(BoundedReader(stream, strict=True, until=until), is_lenient=False)
    except _MISREADINGS:
        return open_leniently(stream, until=until)


def open_leniently(stream: BinaryIO, *, until: float) -> Opened:
    """Return the PDF, parsed leniently; what is wrong with it may only be seen when more of it is read.

    Raises:
        Refused: It is too much.
        Exception: It cannot be read.
    """
    return Opened(BoundedReader(stream, strict=False, until=until), is_lenient=True)


def _demand_end(stream: BinaryIO) -> None:
    """Pass when the end of the file is where readers look for it; pyHanko looks for it byte by byte.

    Raises:
        Refused: Too much follows the end.
        PdfReadError: There is none.
    """
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - _MAX_TRAILING_BYTES - len(_END_OF_FILE)))
    if _END_OF_FILE in stream.read():
        return
    stream.seek(0)
    if not any(_END_OF_FILE in line for line in stream):
        raise PdfReadError("a file without an end")
    raise Refused(reasons.TRAILING_BYTES.about(f"{_MAX_TRAILING_BYTES:,}"), "GENERIC")


def entries_bounded(xref_stream: generic.StreamObject, strict: bool = True) -> Iterator[xref.XRefEntry]:
    """Yield the entries of a cross-reference stream, as pyHanko does, but not for ever.

    An entry may be declared without a byte to stand in, so that a short file could list billions.
    """
    container = xref_stream.container_ref
    reader = container.pdf if isinstance(container, generic.Reference) else None
    if isinstance(reader, BoundedReader):
        reader.entries += _declared_entries(xref_stream)
        if reader.entries > _MAX_ENTRIES:
            raise Refused(TOO_COSTLY, "GENERIC")
    yield from _entries_unbounded(xref_stream, strict)


def _declared_entries(stream: generic.StreamObject) -> int:
    """Return how many entries a cross-reference stream says it has.

    Raises:
        PdfReadError: That is more than its bytes can be unpacked to, or nothing that can be counted.
    """
    sizes = stream.get("/Index", [0, stream.get("/Size")])
    widths = stream.get("/W")
    if not isinstance(sizes, list) or not isinstance(widths, list):
        raise PdfReadError("a cross-reference stream without sizes")
    sizes, widths = list(sizes), list(widths)
    if any(not isinstance(number, int) or number < 0 for number in sizes + widths):
        raise PdfReadError("a cross-reference stream with other sizes than numbers")
    count, row_bytes = int(sum(sizes[1::2])), int(sum(widths))
    if not row_bytes or count * row_bytes > _MOST_DEFLATED * max(len(stream.encoded_data), 1):
        raise PdfReadError("a cross-reference stream that is too short")
    return count
