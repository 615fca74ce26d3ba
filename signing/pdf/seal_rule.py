"""Where the picture of a later signature may lie: beside the text, or over an earlier one, as a seal does."""

from __future__ import annotations

from collections import Counter
from functools import cache

from signing.pdf import reasons
from signing.pdf.pages import BYTES_PER_PIXEL, Box, Picture
from signing.reasons import Refused

_MAX_SHARE = 1 / 8
_CONTRAST = 40
"""By how much of 255 a pixel differs from the paper to be ink, in any colour."""
_NEAR = 4
"""How many pixels around old ink stay as they were: less than a space, so no number gets a digit more."""
_CHANGED = bytes([0] + [1] * 255)


def judge_mask(signed: Picture, shown: Picture, mask: Box, *, free: list[Box], page: int) -> None:
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


def _spoils(signed: Picture, shown: Picture, row: int, *, where: int, around: Box) -> bool:
    """Return whether any of these pixels has changed to something else than red over what was there.

    A seal is red (NĐ 30/2020, annex I) and may cross the line above or below the leader's signature. Red over
    dark letters leaves green and blue dark, and red over paper leaves red light: what is drawn is red to see.
    """
    where &= _changed(signed, shown, row, around=around)
    was = signed.row(row, left=around.left, right=around.right)
    now = shown.row(row, left=around.left, right=around.right)
    marks = where.to_bytes(around.right - around.left, "little")
    at = (index * BYTES_PER_PIXEL for index, mark in enumerate(marks) if mark)
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


def _ink(signed: Picture, around: Box, *, free: list[Box]) -> dict[int, int]:
    """Return the pixels of each row that differ from the paper, but for those in boxes of signatures."""
    rows = {
        row: signed.row(row, left=around.left, right=around.right) for row in range(around.top, around.bottom)
    }
    colours = Counter[bytes]()
    for pixels in rows.values():
        colours.update(pixels[start : start + 3] for start in range(0, len(pixels), BYTES_PER_PIXEL))
    paper = colours.most_common(1)[0][0] if colours else b"\xff\xff\xff"
    return {
        row: _united(pixels, [_contrasting(shade) for shade in paper]) & ~_free(free, row, around=around)
        for row, pixels in rows.items()
    }


def _changed(signed: Picture, shown: Picture, row: int, *, around: Box) -> int:
    """Return the pixels of a row that are not as they were."""
    was = signed.row(row, left=around.left, right=around.right)
    now = shown.row(row, left=around.left, right=around.right)
    differing = int.from_bytes(was, "little") ^ int.from_bytes(now, "little")
    return _united(differing.to_bytes(len(was), "little"), [_CHANGED] * 3)


def _united(pixels: bytes, tables: list[bytes]) -> int:
    """Return the pixels of which any colour is marked in its table."""
    found = 0
    for colour, table in enumerate(tables):
        found |= int.from_bytes(pixels[colour::BYTES_PER_PIXEL].translate(table), "little")
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
