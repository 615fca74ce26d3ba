"""The second reading of a file: the digests of all that its signatures refer to, in one go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from signing.xml import reasons
from signing.xml.canonical import Canonicaliser, Method
from signing.xml.reader import Tag, read
from signing.xml.reasons import NotTaken


@dataclass(frozen=True, slots=True)
class Sought:
    """A digest to be reckoned; two signatures may want the same."""

    part: str
    """The Id of the element, empty for the whole document."""
    left_out: frozenset[int]
    """Ordinals of the elements that are taken out before."""
    method: Method
    digest: str
    """As in hashlib."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What the file holds under a `Sought`."""

    digest: bytes
    ordinal: int
    """Of the element; the whole document counts as its root, 0."""
    taken_out: frozenset[int]
    """Those of `left_out` that do stand inside."""
    has_comments: bool


def reckon(source: BinaryIO, wanted: Iterable[Sought]) -> Mapping[Sought, Reckoned | NotTaken]:
    """Return each digest, or why there is none."""
    counting = _Counting({each: _Sum(each) for each in wanted})
    read(source, counting)
    return {each: counting.result(each) for each in counting.sums}


class _Sum:
    """One digest being reckoned."""

    def __init__(self, wanted: Sought) -> None:
        self.is_document = not wanted.part
        self.left_out = wanted.left_out
        self._hash = hashlib.new(wanted.digest, usedforsecurity=False)
        self._writer = Canonicaliser(wanted.method, self._hash.update, is_document=self.is_document)
        self._skipped = 0
        self.depth = 0
        self.ordinal: int | None = None
        self.times_found = 0
        self.taken_out: set[int] = set()
        self.has_comments = False
        self.is_empty = False
        self.refused: NotTaken | None = None

    def start(self, tag: Tag) -> None:
        self.depth += 1
        if tag.ordinal in self.left_out:
            self.taken_out.add(tag.ordinal)
            self._skipped += 1
            return
        if self._skipped:
            self._skipped += 1
            return
        if self.refused is None:
            try:
                self._writer.start(tag)
            except NotTaken as refused:
                self.refused = refused

    def end(self) -> None:
        self.depth -= 1
        if self._skipped:
            self._skipped -= 1
        elif self.refused is None:
            self._writer.end()

    def text(self, text: str) -> None:
        if not self._skipped and self.refused is None:
            self._writer.text(text)

    def comment(self) -> None:
        self.has_comments |= not self._skipped

    def instruction(self, target: str, text: str) -> None:
        if not self._skipped and self.refused is None:
            self._writer.instruction(target, text)

    @property
    def digest(self) -> bytes:
        return self._hash.digest()


class _Counting:
    def __init__(self, sums: dict[Sought, _Sum]) -> None:
        self.sums = sums
        self._waiting: dict[str, list[_Sum]] = {}
        for wanted, one in sums.items():
            self._waiting.setdefault(wanted.part, []).append(one)
        # A whole document is under way from its first byte to its last.
        self._under_way = list(self._waiting.pop("", ()))
        self._around: list[int] = []

    def start(self, tag: Tag) -> None:
        if tag.ordinal == 0:
            for whole in self._under_way:
                whole.ordinal, whole.times_found = 0, 1
                whole.is_empty = 0 in whole.left_out
        for part in self._waiting.keys() & tag.ids if self._waiting else ():
            self._begin(self._waiting[part], tag)
        for each in self._under_way:
            each.start(tag)
        self._around.append(tag.ordinal)

    def _begin(self, sums: list[_Sum], tag: Tag) -> None:
        for each in sums:
            each.times_found += 1
            if each.times_found == 1:
                each.ordinal = tag.ordinal
                self._under_way.append(each)
                # Inside what is taken out, or taken out itself: nothing is left of it.
                each.is_empty = not each.left_out.isdisjoint((*self._around, tag.ordinal))

    def end(self) -> None:
        self._around.pop()
        for each in self._under_way:
            each.end()
        if any(not each.depth for each in self._under_way):
            self._under_way = [each for each in self._under_way if each.depth or each.is_document]

    def text(self, text: str) -> None:
        for each in self._under_way:
            each.text(text)

    def comment(self) -> None:
        for each in self._under_way:
            each.comment()

    def instruction(self, target: str, text: str) -> None:
        for each in self._under_way:
            each.instruction(target, text)

    def result(self, wanted: Sought) -> Reckoned | NotTaken:
        one = self.sums[wanted]
        if one.times_found > 1:
            return NotTaken(reasons.AMBIGUOUS_ID)
        if one.ordinal is None:
            return NotTaken(reasons.NOT_FOUND, "SIGNED_DATA_NOT_FOUND")
        if one.is_empty:
            return NotTaken(reasons.NOTHING_LEFT, "GENERIC")
        if one.refused is not None:
            return one.refused
        return Reckoned(one.digest, one.ordinal, frozenset(one.taken_out), one.has_comments)
