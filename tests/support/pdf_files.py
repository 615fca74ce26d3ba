"""PDFs made by hand, in each way that programs write them: every byte is known and can be attacked."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from functools import cache

Objects = dict[int, bytes]
"""The value of each object by its number."""

CATALOG, PAGES, FONT, FIRST_PAGE = 1, 2, 3, 10
_POINTER = re.compile(rb"startxref\s+(\d+)")
_SIZE = re.compile(rb"/Size (\d+)")
_ROOT = re.compile(rb"/Root (\d+ \d+ R)")


def stream(content: bytes, members: bytes = b"", *, packed: bool = False) -> bytes:
    """The value of a stream object."""
    if packed:
        content, members = zlib.compress(content), members + b" /Filter /FlateDecode"
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), members, content)


def shown(text: str, *, at: tuple[int, int] = (72, 720), size: int = 14) -> bytes:
    """What draws a line of text."""
    return b"BT /F1 %d Tf %d %d Td (%s) Tj ET\n" % (size, *at, text.encode("latin-1"))


@cache
def paper_texts(pages: int = 1) -> tuple[bytes, ...]:
    """What is drawn on each page of the usual paper: lines above, the place for signatures free below."""
    return tuple(
        b"".join(
            shown(f"Trang {page + 1} dong {line + 1}: 100 dong", at=(72, 760 - 20 * line))
            for line in range(10)
        )
        for page in range(pages)
    )


def paper(pages: int = 1, *, catalog: bytes = b"", page: bytes = b"") -> Objects:
    """The objects of an unsigned paper; more members for its catalog and its first page."""
    texts = paper_texts(pages)
    numbers = [FIRST_PAGE + 2 * number for number in range(pages)]
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    found = {
        CATALOG: b"<< /Type /Catalog /Pages %d 0 R %s >>" % (PAGES, catalog),
        PAGES: b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, kids),
        FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    for number, text in zip(numbers, texts, strict=True):
        found[number] = (
            b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 %d 0 R >> >> %s >>"
            % (PAGES, number + 1, FONT, page if number == FIRST_PAGE else b"")
        )
        found[number + 1] = stream(text)
    return found


def classic(objects: Mapping[int, bytes]) -> bytes:
    """A file with one cross-reference table."""
    return appended(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", objects, first=True)


def appended(
    pdf: bytes,
    objects: Mapping[int, bytes],
    *,
    freed: Iterable[tuple[int, int]] = (),
    members: bytes = b"",
    first: bool = False,
) -> bytes:
    """The file with an incremental update under a cross-reference table.

    Args:
        pdf: The file.
        objects: What is made or replaced.
        freed: Numbers of objects that are freed, each with the generation for its next use.
        members: More members of the trailer.
        first: Whether it is no update but the first section.
    """
    written, places = _written(pdf, objects)
    entries = {number: b"%010d 00000 n \n" % place for number, place in places.items()}
    entries |= {number: b"%010d %05d f \n" % (0, generation) for number, generation in freed}
    entries[0] = b"0000000000 65535 f \n"
    size = max([*entries, *([] if first else [_size(pdf) - 1])]) + 1
    root = b"%d 0 R" % CATALOG if first else _ROOT.findall(pdf)[-1]
    previous = b"" if first else b"/Prev %d" % pointer(pdf)
    table = b"".join(b"%d 1\n%s" % (number, entries[number]) for number in sorted(entries))
    trailer = b"<< /Size %d /Root %s %s %s >>" % (size, root, previous, members)
    return written + b"xref\n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (table, trailer, len(written))


def streamed(
    objects: Mapping[int, bytes], *, pdf: bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", packed: Iterable[int] = ()
) -> bytes:
    """A file, or an update of one, with a cross-reference stream; `packed` go into an object stream."""
    is_update = b"startxref" in pdf
    container = max([*objects, *([_size(pdf)] if is_update else [])]) + 1
    inside = [number for number in packed if number in objects]
    loose = {number: value for number, value in objects.items() if number not in inside}
    if inside:
        loose[container] = object_stream({number: objects[number] for number in inside})
    written, places = _written(pdf, loose)
    own = container + 1
    entries = {number: (1, place, 0) for number, place in places.items()}
    entries |= {number: (2, container, index) for index, number in enumerate(inside)}
    entries[own] = (1, len(written), 0)
    if not is_update:
        entries[0] = (0, 0, 65535)
    previous = b"/Prev %d" % pointer(pdf) if is_update else b""
    members = b"/Size %d /Root %d 0 R %s" % (own + 1, CATALOG, previous)
    section = cross_reference_stream(entries, members)
    return written + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (own, section, len(written))


def hybrid(
    objects: Mapping[int, bytes], hidden: Mapping[int, bytes], *, moved: Mapping[int, bytes] | None = None
) -> bytes:
    """A file as a word processor writes it: a table for old readers, a stream that knows hidden objects too.

    Args:
        objects: What every reader sees.
        hidden: What only newer readers see.
        moved: What newer readers see in another place than old ones: no word processor does that.
    """
    container = max([*objects, *hidden]) + 1
    own = container + 1
    loose = dict(objects) | {container: object_stream(hidden)}
    written, places = _written(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", loose)
    extra = {}
    for number, value in (moved or {}).items():
        extra[number] = len(written)
        written += b"%d 0 obj\n%s\nendobj\n" % (number, value)
    table = [b"0000000000 65535 f \n"] * (own + 1)
    for number, place in places.items():
        table[number] = b"%010d 00000 n \n" % place
    table_place = len(written) + len(_numbered(own, _hybrid_stream(places, hidden, container, own, extra)))
    section = _numbered(own, _hybrid_stream(places, hidden, container, own, extra))
    stream_place = len(written)
    table[own] = b"%010d 00000 n \n" % stream_place
    members = b"/Size %d /Root %d 0 R" % (own + 1, CATALOG)
    written += section
    written += b"xref\n0 %d\n%strailer\n<< %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        own + 1,
        b"".join(table),
        members,
        table_place,
    )
    second = len(written)
    return written + b"xref\n0 0\ntrailer\n<< %s /Prev %d /XRefStm %d >>\nstartxref\n%d\n%%%%EOF" % (
        members,
        table_place,
        stream_place,
        second,
    )


def _hybrid_stream(
    places: Mapping[int, int], hidden: Mapping[int, bytes], container: int, own: int, moved: Mapping[int, int]
) -> bytes:
    entries = {0: (0, 0, 65535)} | {number: (1, place, 0) for number, place in places.items()}
    entries |= {number: (2, container, index) for index, number in enumerate(hidden)}
    entries |= {number: (1, place, 0) for number, place in moved.items()}
    return cross_reference_stream(entries, b"/Size %d /Root %d 0 R" % (own + 1, CATALOG))


def object_stream(objects: Mapping[int, bytes]) -> bytes:
    """The value of an object stream."""
    heads, bodies = b"", b""
    for number, value in objects.items():
        heads += b"%d %d " % (number, len(bodies))
        bodies += value + b"\n"
    members = b"/Type /ObjStm /N %d /First %d" % (len(objects), len(heads))
    return stream(heads + bodies, members, packed=True)


def cross_reference_stream(entries: Mapping[int, tuple[int, int, int]], members: bytes) -> bytes:
    """The value of a cross-reference stream."""
    index = b" ".join(b"%d 1" % number for number in sorted(entries))
    rows = b"".join(
        bytes([kind]) + place.to_bytes(4, "big") + last.to_bytes(2, "big")
        for _, (kind, place, last) in sorted(entries.items())
    )
    return stream(rows, b"/Type /XRef /W [1 4 2] /Index [%s] %s" % (index, members), packed=True)


def pointer(pdf: bytes) -> int:
    """Where the newest cross-reference section of a file begins."""
    return int(_POINTER.findall(pdf)[-1])


def _size(pdf: bytes) -> int:
    return max(int(size) for size in _SIZE.findall(pdf))


def _written(pdf: bytes, objects: Mapping[int, bytes]) -> tuple[bytes, dict[int, int]]:
    places = {}
    for number, value in objects.items():
        places[number] = len(pdf)
        pdf += _numbered(number, value)
    return pdf, places


def _numbered(number: int, value: bytes) -> bytes:
    return b"%d 0 obj\n%s\nendobj\n" % (number, value)
