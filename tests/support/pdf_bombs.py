"""Hostile PDFs that attack the parser: cross-references without end, bombs, nesting."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial

from tests.support.pdf_attacks import NEW, Case, number_of, value, with_field, with_member
from tests.support.pdf_files import (
    CATALOG,
    FIRST_PAGE,
    Objects,
    appended,
    classic,
    cross_reference_stream,
    object_stream,
    paper,
    pointer,
    stream,
    streamed,
)
from tests.support.pdf_shadows import once
from tests.support.pdf_signing import leader_then_seal, signed_with
from tests.support.pki import leader

_MIB = 1024 * 1024


def cross_reference_attacks() -> Iterator[Case]:
    """Cross-references that turn in circles, lead nowhere, or never end."""
    for place in (0, 7, 10**9, -1):
        yield Case(f"pointer-to-{place}", partial(_pointing, once(), place))
    yield Case("previous-is-itself", lambda: _section(b"/Prev %d" % len(once())))
    yield Case("previous-is-beyond", lambda: _section(b"/Prev 99999999"))
    yield Case("previous-is-negative", lambda: _section(b"/Prev -5"))
    yield Case("previous-is-a-name", lambda: _section(b"/Prev /Never"))
    yield Case("previous-is-a-text", lambda: _section(b"/Prev (1)"))
    yield Case(
        "stream-part-is-itself", lambda: _section(b"/Prev %d /XRefStm %d" % (pointer(once()), len(once())))
    )
    yield Case("stream-part-is-beyond", lambda: _section(b"/Prev %d /XRefStm 99999999" % pointer(once())))
    yield Case("without-previous", lambda: _section(b""))
    yield Case("circle-of-two", _circle)
    yield Case("long-chain", lambda: _chain(400))
    yield Case("very-long-chain", lambda: _chain(3_000))
    yield Case("wide-table", lambda: _section(b"/Prev %d" % pointer(once()), table=b"0 999999999\n"))
    yield Case("overlapping-entries", _overlapping)
    yield Case("entry-beyond-the-end", lambda: _entry(99_999_999))
    yield Case("entry-at-zero", lambda: _entry(0))
    yield Case("size-too-small", lambda: _section(b"/Prev %d" % pointer(once()), size=1))
    yield Case("size-too-large", lambda: _section(b"/Prev %d" % pointer(once()), size=2**40))
    for name, members in {
        "no-width": b"/W [0 0 0] /Index [0 2000000000]",
        "wide-index": b"/W [1 2 1] /Index [0 2000000000]",
        "negative-index": b"/W [1 2 1] /Index [-5 10]",
        "huge-width": b"/W [1 999999999 1]",
        "no-widths": b"",
        "widths-of-text": b"/W [(a) (b) (c)]",
        "falling-index": b"/W [1 2 1] /Index [9 2 1 2]",
        "odd-index": b"/W [1 2 1] /Index [1]",
    }.items():
        yield Case(f"stream/{name}", partial(_stream_section, members))


def _pointing(pdf: bytes, place: int) -> bytes:
    return pdf + b"\nstartxref\n%d\n%%%%EOF\n" % place


def _section(members: bytes, *, table: bytes = b"0 1\n0000000000 65535 f \n", size: int = NEW) -> bytes:
    pdf = once()
    trailer = b"<< /Size %d /Root %d 0 R %s >>" % (size, CATALOG, members)
    return pdf + b"xref\n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (table, trailer, len(pdf))


def _circle() -> bytes:
    first = _section(b"/Prev 88888888")
    second = len(first)
    members = b"/Size %d /Root %d 0 R /Prev %d" % (NEW, CATALOG, len(once()))
    made = first + b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        members,
        second,
    )
    return made.replace(b"88888888", b"%08d" % second)


def _chain(length: int) -> bytes:
    pdf = once()
    for _ in range(length):
        trailer = b"<< /Size %d /Root %d 0 R /Prev %d >>" % (NEW, CATALOG, pointer_of_end(pdf))
        section = b"xref\n0 1\n0000000000 65535 f \ntrailer\n%s\nstartxref\n%d\n%%%%EOF\n"
        pdf += section % (trailer, len(pdf))
    return pdf


def pointer_of_end(pdf: bytes) -> int:
    """Where the newest section begins, looked for from the end."""
    return int(pdf[-64:].rsplit(b"startxref", 1)[1].split()[0])


def _overlapping() -> bytes:
    """Two objects, of which one begins inside the other."""
    pdf = once()
    outer = len(pdf)
    inner = b"%d 0 obj\n(inner)\nendobj" % (NEW + 1)
    pdf += b"%d 0 obj\n%s\nendobj\n" % (NEW, stream(inner))
    place = pdf.index(inner, outer)
    table = b"%d 1\n%010d 00000 n \n%d 1\n%010d 00000 n \n" % (NEW, outer, NEW + 1, place)
    trailer = b"<< /Size %d /Root %d 0 R /Prev %d >>" % (NEW + 2, CATALOG, pointer(once()))
    return pdf + b"xref\n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (table, trailer, len(pdf))


def _entry(place: int) -> bytes:
    return _section(b"/Prev %d" % pointer(once()), table=b"%d 1\n%010d 00000 n \n" % (FIRST_PAGE, place))


def _stream_section(members: bytes) -> bytes:
    pdf = once()
    value_of = stream(
        b"\1\0\0\0" * 4,
        b"/Type /XRef /Size 2000000001 /Root %d 0 R /Prev %d %s" % (CATALOG, pointer(pdf), members),
    )
    return pdf + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (NEW, value_of, len(pdf))


def bombs() -> Iterator[Case]:
    """A few bytes that unpack to very many, and objects that nest without end."""
    yield Case("bomb/object-stream", lambda: _packed_catalog(b" " * (200 * _MIB)))
    yield Case("bomb/cross-reference-stream", _wide_stream)
    yield Case("bomb/stacked-filters", _stacked)
    yield Case("bomb/evidence", lambda: _evidence(zlib.compress(b"\0" * (100 * _MIB)), times=1))
    yield Case("bomb/evidence-many-times", lambda: _evidence(zlib.compress(b"\0" * (30 * _MIB)), times=100))
    yield Case(
        "bomb/metadata",
        lambda: _catalog_update(b"/Metadata %d 0 R" % NEW, {NEW: _squeezed(b"<a/>" * 2 * _MIB)}),
    )
    yield Case("bomb/metadata-between-signatures", _with_long_metadata)
    for depth in (50, 1_000, 20_000):
        yield Case(f"nested/arrays-{depth}", partial(_deep, b"[" * depth + b"]" * depth))
        yield Case(f"nested/dictionaries-{depth}", partial(_deep, b"<</A " * depth + b"1" + b">>" * depth))
        yield Case(f"nested/objects-{depth}", partial(_deep, b"%d 0 R" % NEW, _ladder(depth)))
    yield Case("nested/open-arrays", lambda: _deep(b"[" * 100_000))
    yield Case("nested/brackets", lambda: _deep(b"(" * 100_000))
    yield Case("nested/pages", lambda: appended(once(), _page_ladder(3_000)))
    yield Case(
        "pages-in-a-circle", lambda: appended(once(), {2: b"<< /Type /Pages /Count 2 /Kids [2 0 R] >>"})
    )
    yield Case("object-that-is-itself", lambda: _deep(b"%d 0 R" % NEW, {NEW: b"%d 0 R" % NEW}))
    yield Case(
        "length-that-is-itself",
        lambda: _catalog_update(
            b"/Deep %d 0 R" % NEW, {NEW: b"<< /Length %d 0 R >>\nstream\nx\nendstream" % NEW}
        ),
    )
    yield Case(
        "length-negative",
        lambda: _deep(b"%d 0 R" % NEW, {NEW: b"<< /Length -1 >>\nstream\nx\nendstream"}),
    )
    yield Case(
        "length-huge",
        lambda: _catalog_update(
            b"/Deep %d 0 R" % NEW, {NEW: b"<< /Length 99999999999 >>\nstream\nx\nendstream"}
        ),
    )
    yield Case("long-text", lambda: _deep(b"(" + b"x" * _MIB + b")"))
    yield Case("long-name", lambda: _deep(b"/" + b"x" * _MIB))
    yield Case("many-references", _multiplying)
    yield Case("fields/many", lambda: _fields(30_000))
    yield Case(
        "fields/circle",
        lambda: appended(once(), {NEW: b"<< /T (a) /Kids [%d 0 R] >>" % NEW} | with_field(once(), NEW)),
    )
    yield Case("fields/ladder", lambda: _field_ladder(5_000))
    yield Case("fields/signatures", lambda: _signatures(60))
    yield Case("encrypted", lambda: _encrypted(once()))
    yield Case(
        "encrypted/unsigned-part",
        lambda: _encrypted(signed_with(streamed(paper(2), packed=[1, 2]), leader())),
    )
    yield Case(
        "encrypted/unknown", lambda: _section(b"/Prev %d /Encrypt << /Filter /Unknown >>" % pointer(once()))
    )


def _squeezed(content: bytes) -> bytes:
    return stream(zlib.compress(content, 9), b"/Filter /FlateDecode /Type /Metadata /Subtype /XML")


def _catalog_update(member: bytes, more: Objects | None = None) -> bytes:
    return appended(once(), {CATALOG: with_member(value(once(), CATALOG), member)} | (more or {}))


def _deep(written: bytes, more: Objects | None = None) -> bytes:
    return _catalog_update(b"/Deep " + written, more)


def _with_long_metadata() -> bytes:
    """Metadata in order but long: whoever draws the pages parses them first."""
    head = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    )
    body = b'<r:Description r:about="" xmlns:z="http://example.invalid/"><z:b>%s</z:b></r:Description>'
    metadata = head + body % (b"x" * 3 * _MIB) + b"</r:RDF></x:xmpmeta>"
    objects = paper(2, catalog=b"/Metadata 80 0 R") | {80: _squeezed(metadata)}
    return leader_then_seal(classic(objects))


def _packed_catalog(filling: bytes) -> bytes:
    pdf = once()
    packed = object_stream({CATALOG: value(pdf, CATALOG) + filling})
    place = len(pdf)
    pdf += b"%d 0 obj\n%s\nendobj\n" % (NEW, packed)
    section = len(pdf)
    entries = {CATALOG: (2, NEW, 0), NEW: (1, place, 0), NEW + 1: (1, section, 0)}
    members = b"/Size %d /Root %d 0 R /Prev %d" % (NEW + 2, CATALOG, pointer(once()))
    return pdf + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        NEW + 1,
        cross_reference_stream(entries, members),
        section,
    )


def _wide_stream() -> bytes:
    pdf = once()
    rows = zlib.compress(b"\0" * (60 * _MIB), 9)
    members = b"/Type /XRef /W [1 4 2] /Size 9000000 /Root %d 0 R /Prev %d /Filter /FlateDecode" % (
        CATALOG,
        pointer(pdf),
    )
    return pdf + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (NEW, stream(rows, members), len(pdf))


def _stacked() -> bytes:
    content = zlib.compress(zlib.compress(zlib.compress(b"\0" * (300 * _MIB), 9), 9), 9)
    filters = b"/Filter [/FlateDecode /FlateDecode /FlateDecode]"
    evidence = b"/DSS << /CRLs [%d 0 R] >>" % NEW
    return _catalog_update(evidence, {NEW: stream(content, filters)})


def _evidence(content: bytes, *, times: int) -> bytes:
    numbers = range(NEW, NEW + times)
    listed = b" ".join(b"%d 0 R" % number for number in numbers)
    pieces = {number: stream(content, b"/Filter /FlateDecode") for number in numbers}
    return _catalog_update(b"/DSS << /CRLs [%s] >>" % listed, pieces)


def _ladder(length: int) -> Objects:
    steps = {number: b"[%d 0 R]" % (number + 1) for number in range(NEW, NEW + length)}
    return steps | {NEW + length: b"null"}


def _page_ladder(length: int) -> Objects:
    made = {
        number: b"<< /Type /Pages /Count 2 /Kids [%d 0 R] >>" % (number + 1)
        for number in range(NEW, NEW + length)
    }
    return made | {
        2: b"<< /Type /Pages /Count 2 /Kids [%d 0 R] >>" % NEW,
        NEW + length: value(once(), FIRST_PAGE),
    }


def _multiplying() -> bytes:
    """Every object leads to the next one ten times: more ways through the file than anybody can count."""
    width, depth = 10, 30
    steps = {
        NEW + number: b"[" + b"%d 0 R " % (NEW + number + 1) * width + b"]" for number in range(depth)
    } | {NEW + depth: b"null"}
    signed = signed_with(classic(paper(2, catalog=b"/Deep %d 0 R" % NEW) | steps), leader())
    return appended(signed, {FIRST_PAGE + 1: stream(b"")})


def _fields(count: int) -> bytes:
    numbers = range(NEW, NEW + count)
    made = {number: b"<< /FT /Sig /T (%d) >>" % number for number in numbers}
    return appended(once(), made | with_field(once(), *numbers))


def _field_ladder(length: int) -> bytes:
    made = {number: b"<< /T (a) /Kids [%d 0 R] >>" % (number + 1) for number in range(NEW, NEW + length)}
    return appended(once(), made | {NEW + length: b"<< /FT /Sig /T (b) >>"} | with_field(once(), NEW))


def _signatures(count: int) -> bytes:
    numbers = range(NEW, NEW + count)
    made = {
        number: b"<< /FT /Sig /T (%d) /V << /Type /Sig /N %d >> >>" % (number, number) for number in numbers
    }
    return appended(once(), made | with_field(once(), *numbers))


def _encrypted(pdf: bytes) -> bytes:
    lock = b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <%s> /U <%s> >>" % (b"00" * 32, b"00" * 32)
    signature = number_of(pdf, b"/ByteRange")
    assert signature
    return appended(pdf, {NEW: lock}, members=b"/Encrypt %d 0 R /ID [<00> <00>]" % NEW)
