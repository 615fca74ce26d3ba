"""How a signed revision looks, next to how the file looks now.

A second opinion by another parser than the one that compared the objects: pdfium draws each page of both,
fields drawn in. They must be the same to the pixel, but for the pictures of later sound signatures, which
are judged by rule: one may lie over the own picture of an earlier one, as a seal does (Nghị định 30/2020),
neither over nor close to anything else, and take up only so much of a page.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from mmap import mmap

import pypdfium2  # type: ignore[import-untyped]

from signing.pdf import reasons
from signing.pdf.drawn import demand_pictures
from signing.pdf.pages import Box, Picture, drawn, opened
from signing.pdf.seal_rule import judge_mask
from signing.reasons import Refused

_MAX_DRAWN = 2_400


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
        demand_pictures(self._raw, until=self._until)
        try:
            with opened(self._raw, end) as before, opened(self._raw, len(self._raw)) as now:
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
            judge_mask(signed, shown, mask, free=free, page=number + 1)
        if not _are_same(signed, shown, masks):
            raise Refused(reasons.LOOKS_DIFFERENT.about(str(number + 1)))

    def _picture(self, document: pypdfium2.PdfDocument, number: int) -> Picture:
        self._drawn += 1
        if self._drawn > _MAX_DRAWN or time.process_time() > self._until:
            raise Refused(reasons.PICTURES_TOO_MANY, "GENERIC")
        return drawn(document, number)


def _are_same(signed: Picture, shown: Picture, masks: list[Box]) -> bool:
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
