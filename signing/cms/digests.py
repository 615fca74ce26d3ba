"""Digests of signed content, reckoned once for each algorithm."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from signing.cms.der import Source
from signing.cms.facts import Digest

_PIECE_BYTES = 1 << 20
SHAKE256_BYTES = 64
"""How much of SHAKE256 a signature with Ed448 is made over (RFC 8419)."""


def digest_of(content: bytes) -> Digest:
    """Return the digest of these bytes."""
    return _reckoned(lambda: (content,))


def digest_of_range(source: Source, *, start: int, end: int) -> Digest:
    """Return the digest of a part of a file, of which never more than a piece is copied."""
    return _reckoned(
        lambda: (source[at : min(at + _PIECE_BYTES, end)] for at in range(start, end, _PIECE_BYTES))
    )


def digest_of_file(path: Path) -> Digest:
    """Return the digest of a file, which is read piece by piece and for each algorithm anew."""

    def pieces() -> Iterable[bytes]:
        with path.open("rb") as stream:
            while piece := stream.read(_PIECE_BYTES):
                yield piece

    return _reckoned(pieces)


def _reckoned(pieces: Callable[[], Iterable[bytes]]) -> Digest:
    @cache
    def digest(algorithm: str) -> bytes:
        running = hashlib.new(algorithm, usedforsecurity=False)
        for piece in pieces():
            running.update(piece)
        if algorithm == "shake_256":
            return running.digest(SHAKE256_BYTES)  # type: ignore[call-arg]  # as hashlib has it
        return running.digest()

    return digest
