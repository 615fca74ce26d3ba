"""Text that something of its own lies over: taken away later, it shows (shadow attack "hide")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]

from signing.pdf.drawn import demand_drawable
from signing.pdf.objects import ObjectGraph, PdfObject, TooCostly
from signing.pdf.syntax import NotPlain

_COVER = re.compile(rb"/Subtype\s*/(?:Image|Form|Widget|FreeText|Stamp|Square|Polygon)\b")
_SIGNATURE = re.compile(rb"/FT\s*/Sig\b")

_MAX_PAGES = 50
_MAX_OBJECTS_PER_PAGE = 5_000
_MAX_COMPARED = 5_000_000
"""Pairs of a piece of text and what may lie over it, on all pages together: a second's work."""
_COVERED = 0.8
"""The share of a piece of text that counts as covered."""
_INVISIBLE = 3
"""The rendering mode of the text layer beneath a scanned page (ISO 32000, table 104)."""

Box = tuple[float, float, float, float]


def may_cover(found: PdfObject) -> bool:
    """Return whether an object could lie over text and be taken away without touching what draws the text."""
    return found.has(_COVER) and not found.has(_SIGNATURE)


def covered_text(path: Path, raw: mmap, graph: ObjectGraph) -> Iterator[str]:
    """Yield a sentence for each page on which an image, a form or an annotation lies over text.

    Looks at the first pages only; a file that cannot be opened has none.

    Raises:
        TooCostly: There is too much on the pages, or they are not plainly written.
    """
    try:
        demand_drawable(raw, graph)
    except NotPlain as unclear:
        raise TooCostly from unclear
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError:
        return
    try:
        compared = _Compared()
        for index in range(min(len(document), _MAX_PAGES)):
            graph.demand_time()
            if _has_covered_text(document, index, compared):
                yield f"On page {index + 1} something lies over text."
    finally:
        document.close()


class _Compared:
    """Covers and texts that were compared on the pages so far."""

    def __init__(self) -> None:
        self._left = _MAX_COMPARED

    def covers(self, box: Box, texts: list[Box]) -> bool:
        """Return whether a box lies over any of the texts.

        Raises:
            TooCostly: Too many were compared.
        """
        self._left -= len(texts)
        if self._left < 0:
            raise TooCostly
        left, bottom, right, top = box
        return any(
            _share(text, box) >= _COVERED
            for text in texts
            if text[0] < right and left < text[2] and text[1] < top and bottom < text[3]
        )


def _has_covered_text(document: pdfium.PdfDocument, index: int, compared: _Compared) -> bool:
    try:
        page = document[index]
    except pdfium.PdfiumError:
        return False
    try:
        texts: list[Box] = []
        for count, drawn in enumerate(page.get_objects(max_depth=1)):
            if count >= _MAX_OBJECTS_PER_PAGE:
                break
            if drawn.type == pdfium_c.FPDF_PAGEOBJ_TEXT:
                if pdfium_c.FPDFTextObj_GetTextRenderMode(drawn.raw) != _INVISIBLE:
                    texts.append(drawn.get_bounds())
            elif _is_opaque(drawn) and compared.covers(drawn.get_bounds(), texts):
                return True
        return any(compared.covers(box, texts) for box in _annotations(page))
    except pdfium.PdfiumError:
        return False
    finally:
        page.close()


def _is_opaque(drawn: pdfium.PdfObject) -> bool:
    if drawn.type not in (pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_FORM):
        return False
    return not pdfium_c.FPDFPageObj_HasTransparency(drawn.raw)


def _annotations(page: pdfium.PdfPage) -> Iterator[Box]:
    """Yield where annotations that draw something lie; a signature may well lie over the signer's line."""
    for index in range(pdfium_c.FPDFPage_GetAnnotCount(page.raw)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        is_signature = _field_kind(annotation) == "Sig"
        box = pdfium_c.FS_RECTF()
        has_box = pdfium_c.FPDFAnnot_GetRect(annotation, box)
        draws = pdfium_c.FPDFAnnot_GetObjectCount(annotation) > 0
        pdfium_c.FPDFPage_CloseAnnot(annotation)
        if has_box and draws and not is_signature:
            yield box.left, box.bottom, box.right, box.top


def _field_kind(annotation: pdfium_c.FPDF_ANNOTATION) -> str:
    size = pdfium_c.FPDFAnnot_GetStringValue(annotation, b"FT", None, 0)
    letters = (pdfium_c.FPDF_WCHAR * (size // 2 + 1))()
    pdfium_c.FPDFAnnot_GetStringValue(annotation, b"FT", letters, size)
    return bytes(letters)[: max(size - 2, 0)].decode("utf-16-le", "replace")


def _share(text: Box, cover: Box) -> float:
    """Return how much of the text's box the other one covers, from 0 to 1."""
    area = (text[2] - text[0]) * (text[3] - text[1])
    width = min(text[2], cover[2]) - max(text[0], cover[0])
    height = min(text[3], cover[3]) - max(text[1], cover[1])
    return width * height / area if area > 0 and width > 0 and height > 0 else 0.0
