"""Rules on the bytes of one signature that are asked before any cryptography.

They close what a lenient reading leaves open, forged and wrapped signatures: the gap of `/ByteRange` must be
this signature's own `/Contents`, and nothing else.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from mmap import MADV_DONTNEED, PAGESIZE, mmap

from signing.cms.der import oid
from signing.cms.digests import SHAKE256_BYTES
from signing.cms.facts import Digest
from signing.pdf import reasons
from signing.pdf.syntax import Dictionary, Name, NotPlain, Reference, String, read_indirect
from signing.reasons import Refused

# Takes half the time of `bytes.find`.
_memmem = ctypes.CDLL(None).memmem
_memmem.argtypes = (ctypes.c_char_p, ctypes.c_size_t) * 2
_memmem.restype = ctypes.c_void_p

WHITE_SPACE = b"\x00\t\n\x0c\r "
_PIECE_BYTES = 8 << 20
_CACHED_BYTES = 256 * 1024
"""What the cache of a core holds, and a copy."""
_USUAL_DIGEST = "sha256"
_NAMES_USUAL_DIGEST = oid("2.16.840.1.101.3.4.2.1")
_DIGESTS_NAMED_WITHIN_BYTES = 64
_TRACE = re.compile(rb"/ByteRange|/FT\s*/Sig\b|/Type\s*/Sig\b|/adbe\.|/ETSI\.")


@dataclass(frozen=True, slots=True)
class SignedRange:
    """What a signature covers: everything from byte 0 to `end`, but its own `/Contents` in the gap."""

    contents: bytes
    gap_start: int
    gap_end: int
    end: int
    known: Mapping[str, bytes] = field(default_factory=dict, compare=False, repr=False)
    """Digests of what is signed, by algorithm, where that was gone over before."""

    def is_whole(self, raw: mmap) -> bool:
        """Return whether nothing but white space follows what is signed."""
        return self.end == len(raw) or not raw[self.end :].strip(WHITE_SPACE)

    def digest(self, raw: mmap) -> Digest:
        """Return the digests of what is signed, each computed once, from the mapped file and no copy."""
        known = dict(self.known)

        def of(algorithm: str) -> bytes:
            if algorithm not in known:
                known[algorithm] = self._digest(raw, algorithm)
            return known[algorithm]

        return of

    def with_word_once(self, raw: mmap, word: bytes) -> SignedRange | None:
        """Return the same range when a word stands in what is signed at most once, else none.

        The digest that the signature most likely needs is known then: going over a large file once for both
        takes far less time than twice.
        """
        is_usual = _NAMES_USUAL_DIGEST in self.contents[:_DIGESTS_NAMED_WITHIN_BYTES]
        running = hashlib.new(_USUAL_DIGEST) if is_usual else None
        found = 0
        for start, end in self._stretches:
            before = b""
            for piece in pieces(raw, start=start, end=end, each=_CACHED_BYTES):
                chunk = before + piece
                found += _count(chunk, word)
                if found > 1:
                    return None
                before = chunk[1 - len(word) :]
                if running is not None:
                    running.update(piece)
        return replace(self, known={_USUAL_DIGEST: running.digest()}) if running is not None else self

    @property
    def _stretches(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return (0, self.gap_start), (self.gap_end, self.end)

    def _digest(self, raw: mmap, algorithm: str) -> bytes:
        running = hashlib.new(algorithm)
        for start, end in self._stretches:
            for piece in pieces(raw, start=start, end=end):
                running.update(piece)
        if algorithm == "shake_256":
            return running.digest(SHAKE256_BYTES)  # type: ignore[call-arg]  # as hashlib has it
        return running.digest()


def pieces(raw: mmap, *, start: int, end: int, each: int = _PIECE_BYTES) -> Iterator[memoryview]:
    """Yield a stretch of a mapped file piece by piece; what was looked at is let go, or all of a large file
    would count as this process's memory.
    """
    with memoryview(raw) as view:
        for at in range(start, end, each):
            with view[at : min(at + each, end)] as piece:
                yield piece
            if end - start > _PIECE_BYTES:
                raw.madvise(MADV_DONTNEED, at // PAGESIZE * PAGESIZE, each)


def _count(chunk: bytes, word: bytes) -> int:
    """Return how often a word stands in a chunk; 2 is "more than once"."""
    if not _memmem(chunk, len(chunk), word, len(word)):
        return 0
    return 1 + (chunk.find(word) < chunk.rfind(word))


def shows_traces(raw: mmap) -> bool:
    """Return whether anything in the bytes looks like a digital signature."""
    return _TRACE.search(raw) is not None


def signature_dictionary(raw: mmap, place: int, *, reference: Reference) -> Dictionary:
    """Return the signature dictionary that stands at a place.

    Raises:
        Refused: There is another object, or it cannot be read plainly.
    """
    try:
        found, value = read_indirect(raw, place)
    except NotPlain as strange:
        raise Refused(reasons.NOT_PLAIN.about(str(strange))) from strange
    if found != reference:
        raise Refused(reasons.NOT_WHERE_SAID)
    if not isinstance(value, dict):
        raise Refused(reasons.NO_DICTIONARY)
    return value


def signed_range(raw: mmap, signature: Dictionary) -> SignedRange:
    """Return what a signature covers.

    Raises:
        Refused: `/ByteRange` is not two ranges from the first byte on whose gap is exactly the hex string of
            this signature's own `/Contents`; white space around it is not counted.
    """
    ranges = signature.get("ByteRange")
    if not isinstance(ranges, list) or len(ranges) != 4:
        raise Refused(reasons.NO_BYTE_RANGE)
    numbers = [number for number in ranges if type(number) is int]
    if len(numbers) != 4:
        raise Refused(reasons.NO_BYTE_RANGE)
    start, gap_start, gap_end, rest = numbers
    end = gap_end + rest
    if start != 0 or rest < 0 or not 0 < gap_start < gap_end <= end <= len(raw):
        raise Refused(reasons.RANGE_NOT_AROUND)
    contents = signature.get("Contents")
    if not isinstance(contents, String):
        raise Refused(reasons.NO_CONTENTS)
    _demand_own_gap(raw, contents, gap=range(gap_start, gap_end))
    if not contents.content.strip(b"\0"):
        raise Refused(reasons.NO_CONTENTS)
    return SignedRange(contents.content, gap_start, gap_end, end)


def _demand_own_gap(raw: mmap, contents: String, *, gap: range) -> None:
    written = raw[contents.start : contents.end]
    # Nobody mixes small and capital digits, or writes half a byte: that is a signature somebody has touched.
    is_mixed = written not in (written.lower(), written.upper())
    if not written.startswith(b"<") or is_mixed or len(written.translate(None, WHITE_SPACE)) % 2:
        raise Refused(reasons.GAP_NOT_HEX)
    if contents.start < gap.start or contents.end > gap.stop:
        raise Refused(reasons.GAP_OF_ANOTHER)
    around = raw[gap.start : contents.start] + raw[contents.end : gap.stop]
    if around.strip(WHITE_SPACE):
        raise Refused(reasons.GAP_HOLDS_ELSE)


def sub_filter(signature: Dictionary) -> str:
    """Return the format that a signature names, empty when it names none."""
    named = signature.get("SubFilter")
    return str(named) if isinstance(named, Name) else ""
