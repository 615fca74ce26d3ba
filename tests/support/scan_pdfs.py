"""Small PDFs put together object by object, with what a signer should be told of."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

TEXT = b"BT /F1 12 Tf 72 700 Td (Chuyen 100 dong) Tj ET"

CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def page(more: bytes = b"", resources: bytes = b"") -> bytes:
    return (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> " + resources + b">> " + more + b">>"
    )


def stream(content: bytes, entries: bytes = b"", *, deflated: bool = False) -> bytes:
    if deflated:
        content, entries = zlib.compress(content), entries + b" /Filter /FlateDecode"
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)


def plain() -> dict[int, bytes]:
    """The objects of one page with one line of text."""
    return {1: CATALOG, 2: PAGES, 3: page(), 4: stream(TEXT), 5: FONT}


def assembled(objects: Mapping[int, bytes], *, trailer: bytes = b"") -> bytes:
    """The file: objects in the order of the mapping, one cross-reference table."""
    content = bytearray(b"%PDF-1.7\n")
    places: dict[int, int] = {}
    for number, text in objects.items():
        places[number] = len(content)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    start = len(content)
    size = max(objects) + 1
    content += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        place = places.get(number)
        content += b"%010d 00000 n \n" % place if place else b"0000000000 65535 f \n"
    content += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)
    return bytes(content)


def packed(objects: Mapping[int, bytes]) -> bytes:
    """An object stream with these objects, deflated."""
    places, body = b"", b""
    for number, text in objects.items():
        places += b"%d %d " % (number, len(body))
        body += text + b"\n"
    entries = b"/Type /ObjStm /N %d /First %d" % (len(objects), len(places))
    return stream(places + body, entries, deflated=True)


def text_field(*, value: bytes, shown: bytes, box: bytes = b"72 600 300 620") -> dict[int, bytes]:
    """A page with a text field that the form knows; its value, and what its appearance draws."""
    look = stream(b"BT /F1 12 Tf (%s) Tj ET" % shown, b"/Type /XObject /Subtype /Form /BBox [0 0 228 20]")
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (ten) /V (%s) /Rect [%s] /F 4 /AP << /N 7 0 R >> >>"
        % (value, box)
    )
    form = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] >> >>"
    return plain() | {1: form, 3: page(b"/Annots [6 0 R] "), 6: field, 7: look}
