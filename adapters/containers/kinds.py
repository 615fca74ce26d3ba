"""Whether a file is what its type says, and nothing else besides."""

from __future__ import annotations

import re
import struct

from adapters.containers.findings import BadContainer
from adapters.containers.listing import Content
from gateway.domain.file_types import begins_like

PDF = "application/pdf"
_TEXTS = frozenset({"text/plain", "application/xml"})
"""They have no magic: who names a file so has looked at its letters."""
ZIP_HEADS = (b"PK\x03\x04", b"PK\x05\x06")
OLE2_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
RTF_HEAD = b"{\\rt"
OPAQUE_ARCHIVE_HEADS = (
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"(\xb5/\xfd",
    b"MSCF",
    b"\x60\xea",
)
"""Archives that are not looked through: RAR, 7z, gzip, bzip2, xz, zstd, cabinet, ARJ."""
HEAD_BYTES = 1_024

_END = struct.Struct("<4s4H2LH")
_END_WITHIN_BYTES = _END.size + 0xFFFF
_PDF_TAIL_BYTES = 2_048
_PDF_END_WITHIN_BYTES = 8 * 1024
_LINE_ENDS = re.compile(rb"[\r\n]+")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe|svg)\b", re.IGNORECASE)


def check_kind(content: Content, *, media_type: str) -> None:
    """Pass when a file begins as its type says and cannot be read as one of another type.

    Raises:
        BadContainer: It is another type, or two at once.
    """
    head = content[:HEAD_BYTES]
    if media_type == PDF and not head.startswith(b"%PDF-"):
        raise BadContainer("the file does not begin like a PDF")
    if media_type not in _TEXTS and not begins_like(media_type, head):
        raise BadContainer(f"the file does not begin like {media_type}")
    if head.startswith(ZIP_HEADS):
        return  # its listing leaves no room for anything else
    if _ends_like_zip(content, exactly=head.startswith(OLE2_HEAD)):
        raise BadContainer("the file is a ZIP archive too")
    if head.startswith(b"%PDF-"):
        _check_pdf(content, head)
    elif b"%PDF-" in head and b"startxref" in content[-_PDF_TAIL_BYTES:]:
        raise BadContainer("the file is a PDF too")


def _check_pdf(content: Content, head: bytes) -> None:
    _check_pdf_end(content)
    ends_at = content.rfind(b"%%EOF")
    behind = (
        content[ends_at + 5 : ends_at + 5 + _END_WITHIN_BYTES].lstrip(b"\0 \t\r\n") if ends_at >= 0 else b""
    )
    if _HTML.search(head) or _HTML.search(behind):
        raise BadContainer("the file is a web page too")
    if behind.startswith((*ZIP_HEADS, *OPAQUE_ARCHIVE_HEADS)):
        raise BadContainer("the file is an archive too")


def _check_pdf_end(content: Content) -> None:
    """Pass when the end mark and the two lines before it, which say where to begin, are found near the end.

    Who reads a PDF looks for them from behind, and some byte by byte: a long line would hold a worker.
    """
    lines = _LINE_ENDS.split(content[-_PDF_END_WITHIN_BYTES:])
    marks = [number for number, line in enumerate(lines) if line.startswith(b"%%EOF")]
    # Of the first line only a part may be here.
    if len(content) > _PDF_END_WITHIN_BYTES and (not marks or marks[-1] < 3):
        raise BadContainer("the PDF does not end with its end record")


def _ends_like_zip(content: Content, *, exactly: bool) -> bool:
    """Return whether a ZIP program would find an archive; `exactly`: only one up to the last byte.

    Old Office files hold whole packages as objects, which may lie near the end.
    """
    earliest = max(0, len(content) - _END_WITHIN_BYTES)
    at = content.rfind(b"PK\x05\x06", earliest)
    while at >= 0:
        if len(content) - at >= _END.size:
            _, _, _, _, count, size, _, comment = _END.unpack(content[at : at + _END.size])
            is_wide = content[max(0, at - 20) : at].startswith(b"PK\x06\x07")
            is_listed = count and at >= size and content[at - size : at - size + 4] == b"PK\x01\x02"
            ends_here = at + _END.size + comment == len(content)
            if (is_wide or is_listed) and (ends_here or not exactly):
                return True
        at = content.rfind(b"PK\x05\x06", earliest, at)
    return False
