"""What an attacker does to a signed PDF after it was signed."""

from __future__ import annotations

import io
import re

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

_BYTE_RANGE = re.compile(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)(\s*)\]")
_CONTENTS = re.compile(rb"/Contents <([0-9A-Fa-f]+)>")

FORGED_PAGE = b"BT /F1 24 Tf 72 720 Td (Forged) Tj ET"


def with_trailing_bytes(pdf: bytes) -> bytes:
    return pdf + b"\n% something else\n"


def with_second_end(pdf: bytes) -> bytes:
    """Bytes that end like a PDF, and even point at the true cross-reference."""
    pointer = pdf.rsplit(b"startxref", 1)[1].split()[0]
    return pdf + b"\nstartxref\n" + pointer + b"\n%%EOF\n"


def with_hidden_object(pdf: bytes) -> bytes:
    """An object no cross-reference knows, for viewers that search for objects (ISA)."""
    pointer = pdf.rsplit(b"startxref", 1)[1].split()[0]
    hidden = b"4 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (len(FORGED_PAGE), FORGED_PAGE)
    return pdf + hidden + b"startxref\n" + pointer + b"\n%%EOF\n"


def with_empty_cross_reference(pdf: bytes) -> bytes:
    """A hidden object before a cross-reference that is in order but lists nothing (ISA)."""
    pointer = int(pdf.rsplit(b"startxref", 1)[1].split()[0])
    trailer = re.search(rb"trailer\s*<<(.*?)>>", pdf[pointer:], re.DOTALL)
    assert trailer is not None
    members = re.sub(rb"/Prev\s+\d+", b"", trailer[1]) + b" /Prev %d" % pointer
    hidden = b"\n99 0 obj\n(hidden)\nendobj\n"
    start = len(pdf) + len(hidden)
    section = b"xref\n0 0\ntrailer\n<<%s>>\nstartxref\n%d\n%%%%EOF\n" % (members, start)
    return pdf + hidden + section


def with_unlisted_object(pdf: bytes) -> bytes:
    """A bare object at the end; a proper update after it then makes the file end as it should."""
    return pdf + b"99 0 obj\n(hidden)\nendobj\n"


def with_replaced_page(pdf: bytes) -> bytes:
    """A proper second revision that shows another page."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    page = _first_page(writer)
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=FORGED_PAGE))
    writer.update_container(page)
    return _written(writer)


def with_annotation(pdf: bytes) -> bytes:
    """A proper second revision with a note over the text."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    note = generic.DictionaryObject(  # type: ignore[no-untyped-call]
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (60, 700, 300, 740))),
            pdf_name("/Contents"): generic.TextStringObject("Forged"),
        }
    )
    page = _first_page(writer)
    page[pdf_name("/Annots")] = generic.ArrayObject([writer.add_object(note)])
    writer.update_container(page)
    return _written(writer)


def with_borrowed_signature(pdf: bytes) -> bytes:
    """A new page, and the field's value replaced by a copy of the genuine signature."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    field = writer.root["/AcroForm"]["/Fields"][0]
    copy = generic.DictionaryObject(dict(field["/V"].items()))  # type: ignore[no-untyped-call]
    field[pdf_name("/V")] = writer.add_object(copy)
    writer.update_container(field)
    page = _first_page(writer)
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=FORGED_PAGE))
    writer.update_container(page)
    return _written(writer)


def with_byte_range(pdf: bytes, *, first: int = 0, second: int = 0, rest: int = 0, start: int = 0) -> bytes:
    """The byte range moved by these numbers of bytes."""
    found = _BYTE_RANGE.search(pdf)
    assert found is not None
    moved = [int(found[1]) + start, int(found[2]) + first, int(found[3]) + second, int(found[4]) + rest]
    return _in_place(pdf, found, b"/ByteRange [%s" % b" ".join(b"%d" % number for number in moved))


def with_four_ranges(pdf: bytes) -> bytes:
    found = _BYTE_RANGE.search(pdf)
    assert found is not None
    return _in_place(pdf, found, b"/ByteRange [0 1 1 1 2 2")


def without_byte_range(pdf: bytes) -> bytes:
    return pdf.replace(b"/ByteRange", b"/ByteRangX")


def with_empty_contents(pdf: bytes) -> bytes:
    return _CONTENTS.sub(lambda found: b"/Contents <" + b"0" * len(found[1]) + b">", pdf)


def with_null_contents(pdf: bytes) -> bytes:
    return _CONTENTS.sub(lambda found: b"/Contents null" + b" " * (len(found[1]) - 3), pdf)


def with_bytes_in_the_gap(pdf: bytes) -> bytes:
    """The end of the padding replaced by something that is not the signature (SWA)."""
    return _CONTENTS.sub(
        lambda found: b"/Contents <" + found[1][:-40] + b"> /Forged (" + b"x" * 27 + b")>", pdf
    )


def with_content_behind_the_cms(pdf: bytes) -> bytes:
    return _CONTENTS.sub(lambda found: b"/Contents <" + found[1][:-8] + b"deadbeef>", pdf)


def with_unknown_format(pdf: bytes) -> bytes:
    return pdf.replace(b"/ETSI.CAdES.detached", b"/XXXX.CAdES.detached")


def with_deep_nesting(pdf: bytes) -> bytes:
    """A signature dictionary that no recursive parser survives."""
    return pdf.replace(b"/ETSI.CAdES.detached", b"[" * 20_000)


def _in_place(pdf: bytes, found: re.Match[bytes], text: bytes) -> bytes:
    room = found.end() - found.start()
    return pdf[: found.start()] + text.ljust(room - 1) + b"]" + pdf[found.end() :]


def _first_page(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    page: generic.DictionaryObject = writer.root["/Pages"]["/Kids"][0]
    return page


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    target = io.BytesIO()
    writer.write(target)  # type: ignore[no-untyped-call]
    return target.getvalue()
