"""How a signed revision looks, next to how the file looks now.

A second opinion by another parser than the one that compared the objects: pdfium draws each page of both,
fields drawn in. They must be the same to the pixel, but for the pictures of later sound signatures, which
are judged by rule: one may lie over the own picture of an earlier one, as a seal does (Nghị định 30/2020),
neither over nor close to anything else, and take up only so much of a page.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from mmap import mmap

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from signing.pdf import reasons
from signing.reasons import Refused

_PIXELS_PER_POINT = 1.0
_MAX_PIXELS = 4_000_000
_MAX_DRAWN = 2_400
_BYTES_PER_PIXEL = 4
_MAX_SHARE = 1 / 8
_MARGIN = 2
_CONTRAST = 40
"""By how much of 255 a pixel differs from the paper to be ink, in any colour."""
_NEAR = 4
"""How many pixels around old ink stay as they were: less than a space, so no number gets a digit more."""
_CHANGED = bytes([0] + [1] * 255)


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
class _Picture:
    width: int
    height: int
    row_bytes: int
    pixels: bytes
    signatures: dict[str, Box]

    def row(self, number: int, *, left: int, right: int) -> bytes:
        start = number * self.row_bytes
        return self.pixels[start + left * _BYTES_PER_PIXEL : start + right * _BYTES_PER_PIXEL]

    def look(self) -> tuple[int, int, bytes]:
        """Return what tells it from every other picture."""
        return self.width, self.height, sha256(self.pixels).digest()


@dataclass(frozen=True, slots=True)
class _Present:
    """What is kept of a page as it is now, so that it is drawn once and not for every revision."""

    look: tuple[int, int, bytes]
    signatures: frozenset[str]


class Comparison:
    """The pictures of one file as it is now, to be compared with those of its signed revisions."""

    def __init__(self, raw: mmap, *, until: float) -> None:
        """Compare pictures until that much processor time of this process is used."""
        self._raw = raw
        self._drawn = 0
        self._until = until
        self._present: dict[int, _Present] = {}

    def demand_same(self, *, end: int, later: Collection[str] = (), earlier: Collection[str] = ()) -> None:
        """Pass when the revision that ends at a byte looks as the file does now.

        Args:
            end: Where the signed revision ends.
            later: The names of the fields of sound signatures that were made after it.
            earlier: The names of the fields that were signed by then.

        Raises:
            Refused: It looks different, or cannot be drawn, or there is too much to draw.
        """
        try:
            with _opened(self._raw, end) as before, _opened(self._raw, len(self._raw)) as now:
                if len(before) != len(now):
                    raise Refused(reasons.PAGES_DIFFER)
                for number in range(len(now)):
                    self._demand_same_page(before, now, number, later=later, earlier=earlier)
        except pypdfium2.PdfiumError as broken:
            raise Refused(reasons.NOT_DRAWN.about(str(broken)), "GENERIC") from broken

    def _demand_same_page(
        self,
        before: pypdfium2.PdfDocument,
        now: pypdfium2.PdfDocument,
        number: int,
        *,
        later: Collection[str],
        earlier: Collection[str],
    ) -> None:
        signed = self._picture(before, number)
        known = self._present.get(number)
        if known and known.signatures.isdisjoint(later) and known.look == signed.look():
            return
        shown = self._picture(now, number)
        self._present[number] = _Present(shown.look(), frozenset(shown.signatures))
        if (signed.width, signed.height) != (shown.width, shown.height):
            raise Refused(reasons.LOOKS_DIFFERENT.about(str(number + 1)))
        masks = [box for name, box in shown.signatures.items() if name in later]
        free = [box for name, box in signed.signatures.items() if name in earlier]
        for mask in masks:
            _judge_mask(signed, shown, mask, free=free, page=number + 1)
        if not _are_same(signed, shown, masks):
            raise Refused(reasons.LOOKS_DIFFERENT.about(str(number + 1)))

    def _picture(self, document: pypdfium2.PdfDocument, number: int) -> _Picture:
        self._drawn += 1
        if self._drawn > _MAX_DRAWN or time.process_time() > self._until:
            raise Refused(reasons.PICTURES_TOO_MANY, "GENERIC")
        return _drawn(document, number)


def _opened(raw: mmap, end: int) -> pypdfium2.PdfDocument:
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


def _drawn(document: pypdfium2.PdfDocument, number: int) -> _Picture:
    page = document[number]
    try:
        width, height = page.get_size()
        scale = min(_PIXELS_PER_POINT, math.sqrt(_MAX_PIXELS / max(1.0, width * height)))
        bitmap = page.render(scale=scale, prefer_bgrx=True, may_draw_forms=True, draw_annots=True)
        try:
            return _Picture(
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


def _are_same(signed: _Picture, shown: _Picture, masks: list[Box]) -> bool:
    if signed.pixels == shown.pixels:
        return True
    return all(
        signed.row(row, left=left, right=right) == shown.row(row, left=left, right=right)
        for row in range(shown.height)
        for left, right in _outside(masks, row, shown.width)
    )


def _outside(masks: list[Box], row: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a row that no mask covers."""
    start = 0
    for left, right in sorted((mask.left, mask.right) for mask in masks if mask.top <= row < mask.bottom):
        if left > start:
            yield start, left
        start = max(start, right)
    if start < width:
        yield start, width


def _judge_mask(signed: _Picture, shown: _Picture, mask: Box, *, free: list[Box], page: int) -> None:
    """Pass when a later signature's picture may lie where it does.

    Args:
        signed: The page when it was signed.
        shown: The page now.
        mask: Where the picture lies.
        free: Where the pictures of earlier signatures lie, which it may lie on.
        page: The number of the page, from 1.

    Raises:
        Refused: It takes up too much of the page; or it lies on something else than an earlier signature, or,
            as a seal that does lie on one, changes what is on ink or close to it to anything but red over it.
    """
    if mask.area > _MAX_SHARE * signed.width * signed.height:
        raise Refused(reasons.COVERS_PAGE.about(str(page)), "GENERIC")
    around = Box(mask.left - _NEAR, mask.top - _NEAR, mask.right + _NEAR, mask.bottom + _NEAR).within(
        Box(0, 0, signed.width, signed.height)
    )
    touched = [box for box in free if box.within(mask).area]
    ink = _ink(signed, around, free=touched)
    own = _flags(around, mask.left, mask.right)
    covered = any(ink[row] & own for row in range(mask.top, mask.bottom))
    if (covered and not touched) or any(
        _spoils(signed, shown, row, where=where, around=around)
        for row in range(mask.top, mask.bottom)
        if (where := own & ~_free(touched, row, around=around) & _near(ink, row))
    ):
        raise Refused(reasons.COVERS_TEXT.about(str(page)), "GENERIC")
    # A seal crosses letters; a red sheet hides them.
    rows = {row: ink[row] & own for row in range(mask.top, mask.bottom)}
    hidden = sum((rows[row] & _changed(signed, shown, row, around=around)).bit_count() for row in rows)
    if 2 * hidden > sum(each.bit_count() for each in rows.values()):
        raise Refused(reasons.COVERS_TEXT.about(str(page)), "GENERIC")


def _spoils(signed: _Picture, shown: _Picture, row: int, *, where: int, around: Box) -> bool:
    """Return whether any of these pixels has changed to something else than red over what was there.

    A seal is red (NĐ 30/2020, annex I) and may cross the line above or below the leader's signature. Red over
    dark letters leaves green and blue dark, and red over paper leaves red light: what is drawn is red to see.
    """
    where &= _changed(signed, shown, row, around=around)
    was = signed.row(row, left=around.left, right=around.right)
    now = shown.row(row, left=around.left, right=around.right)
    marks = where.to_bytes(around.right - around.left, "little")
    at = (index * _BYTES_PER_PIXEL for index, mark in enumerate(marks) if mark)
    return any(
        now[start + 2] < was[start + 2] - _CONTRAST
        or now[start + 1] > was[start + 1] + _CONTRAST
        or now[start] > was[start] + _CONTRAST
        for start in at
    )


# A stretch of a row of pixels is an integer here, a byte for each pixel that is 1 where something holds.


def _flags(around: Box, left: int, right: int) -> int:
    """Return the pixels of a row of an area that stand between two columns."""
    left, right = max(left, around.left), min(right, around.right)
    return int.from_bytes(b"\1" * (right - left), "little") << 8 * max(0, left - around.left)


def _free(boxes: list[Box], row: int, *, around: Box) -> int:
    """Return the pixels of a row that are in one of the boxes."""
    found = 0
    for box in boxes:
        if box.top <= row < box.bottom:
            found |= _flags(around, box.left, box.right)
    return found


def _ink(signed: _Picture, around: Box, *, free: list[Box]) -> dict[int, int]:
    """Return the pixels of each row that differ from the paper, but for those in boxes of signatures."""
    rows = {
        row: signed.row(row, left=around.left, right=around.right) for row in range(around.top, around.bottom)
    }
    colours = Counter[bytes]()
    for pixels in rows.values():
        colours.update(pixels[start : start + 3] for start in range(0, len(pixels), _BYTES_PER_PIXEL))
    paper = colours.most_common(1)[0][0] if colours else b"\xff\xff\xff"
    return {
        row: _united(pixels, [_contrasting(shade) for shade in paper]) & ~_free(free, row, around=around)
        for row, pixels in rows.items()
    }


def _changed(signed: _Picture, shown: _Picture, row: int, *, around: Box) -> int:
    """Return the pixels of a row that are not as they were."""
    was = signed.row(row, left=around.left, right=around.right)
    now = shown.row(row, left=around.left, right=around.right)
    differing = int.from_bytes(was, "little") ^ int.from_bytes(now, "little")
    return _united(differing.to_bytes(len(was), "little"), [_CHANGED] * 3)


def _united(pixels: bytes, tables: list[bytes]) -> int:
    """Return the pixels of which any colour is marked in its table."""
    found = 0
    for colour, table in enumerate(tables):
        found |= int.from_bytes(pixels[colour::_BYTES_PER_PIXEL].translate(table), "little")
    return found


@cache
def _contrasting(paper: int) -> bytes:
    return bytes(abs(shade - paper) > _CONTRAST for shade in range(256))


def _near(ink: dict[int, int], row: int) -> int:
    """Return the pixels of a row that are on ink or close to it."""
    found = 0
    for other in range(row - _NEAR, row + _NEAR + 1):
        found |= ink.get(other, 0)
    for _ in range(_NEAR):
        found |= (found << 8) | (found >> 8)
    return found
