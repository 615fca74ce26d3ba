"""The pages of a PDF as pdfium draws them, with the places of its signature fields."""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from mmap import mmap

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

BYTES_PER_PIXEL = 4
_PIXELS_PER_POINT = 1.0
_MAX_PIXELS = 4_000_000
_MARGIN = 2


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels, origin at the top left, ends not included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """Return how many pixels it holds."""
        return max(0, self.right - self.left) * max(0, self.bottom - self.top)

    def within(self, other: Box) -> Box:
        """Return the part of it that is in another."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """A page: blue, green, red and nothing for each pixel, row by row; the place of each signature field."""

    width: int
    height: int
    row_bytes: int
    pixels: bytes
    signatures: dict[str, Box]

    def row(self, number: int, *, left: int, right: int) -> bytes:
        """Return a stretch of a row."""
        start = number * self.row_bytes
        return self.pixels[start + left * BYTES_PER_PIXEL : start + right * BYTES_PER_PIXEL]

    def look(self) -> tuple[int, int, bytes]:
        """Return what tells it from every other picture."""
        return self.width, self.height, sha256(self.pixels).digest()


def opened(raw: mmap, end: int) -> pypdfium2.PdfDocument:
    """Return the document that the first bytes of a file are.

    Raises:
        PdfiumError: They are none.
    """
    document = pypdfium2.PdfDocument(_Beginning(raw, end), autoclose=True)
    document.init_forms()
    return document


class _Beginning:
    """The first bytes of a file, as a file of their own, without a copy of them."""

    def __init__(self, raw: mmap, end: int) -> None:
        self._raw = raw
        self._end = end
        self._place = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = offset + (0, self._place, self._end)[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int) -> bytes:
        found = self._raw[self._place : min(self._place + size, self._end)]
        self._place += len(found)
        return found

    def readinto(self, buffer: ctypes.Array[ctypes.c_ubyte]) -> int:
        found = self.read(len(buffer))
        ctypes.memmove(buffer, found, len(found))
        return len(found)

    def close(self) -> None:
        """Leave the map open: it is not ours."""


def drawn(document: pypdfium2.PdfDocument, number: int) -> Picture:
    """Return a page, its form fields and annotations drawn in.

    Raises:
        PdfiumError: It cannot be drawn.
    """
    page = document[number]
    try:
        width, height = page.get_size()
        scale = min(_PIXELS_PER_POINT, math.sqrt(_MAX_PIXELS / max(1.0, width * height)))
        bitmap = page.render(scale=scale, prefer_bgrx=True, may_draw_forms=True, draw_annots=True)
        try:
            return Picture(
                bitmap.width,
                bitmap.height,
                bitmap.stride,
                bytes(bitmap.buffer),
                _signatures(document, page, width=bitmap.width, height=bitmap.height),
            )
        finally:
            bitmap.close()
    finally:
        page.close()


def _signatures(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, *, width: int, height: int
) -> dict[str, Box]:
    """Return the place of each signature field that is shown on a page once: of two, either may be forged."""
    if document.formenv is None:
        return {}
    found = [*_signature_boxes(document, page, width=width, height=height)]
    times = Counter(name for name, _ in found)
    return {name: box for name, box in found if times[name] == 1}


def _signature_boxes(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, *, width: int, height: int
) -> Iterator[tuple[str, Box]]:
    for number in range(pdfium.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium.FPDFPage_GetAnnot(page, number)
        try:
            kind = pdfium.FPDFAnnot_GetFormFieldType(document.formenv, annotation)
            corners = pdfium.FS_RECTF()
            if kind == pdfium.FPDF_FORMFIELD_SIGNATURE and pdfium.FPDFAnnot_GetRect(annotation, corners):
                yield _name(document, annotation), _box(page, corners, width=width, height=height)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _name(document: pypdfium2.PdfDocument, annotation: object) -> str:
    size = pdfium.FPDFAnnot_GetFormFieldName(document.formenv, annotation, None, 0)
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    pdfium.FPDFAnnot_GetFormFieldName(document.formenv, annotation, buffer, size)
    return bytes(buffer)[: max(0, size - 2)].decode("utf-16-le", "replace")


def _box(page: pypdfium2.PdfPage, corners: object, *, width: int, height: int) -> Box:
    """Return a rectangle on a page in pixels, whichever way the page is turned."""
    points = [
        _pixel(page, x, y, width=width, height=height)
        for x in (corners.left, corners.right)  # type: ignore[attr-defined]
        for y in (corners.top, corners.bottom)  # type: ignore[attr-defined]
    ]
    box = Box(
        min(x for x, _ in points) - _MARGIN,
        min(y for _, y in points) - _MARGIN,
        max(x for x, _ in points) + _MARGIN,
        max(y for _, y in points) + _MARGIN,
    )
    return box.within(Box(0, 0, width, height))


def _pixel(page: pypdfium2.PdfPage, x: float, y: float, *, width: int, height: int) -> tuple[int, int]:
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, across, down)
    return across.value, down.value
