"""The content of an entry, piece by piece, measured on the way: headers are never believed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from adapters.containers.bounds import Budget
from adapters.containers.findings import BadContainer
from adapters.containers.listing import STORED, Content, Entry

_PIECE_BYTES = 64 * 1024


def content_of(archive: Content, entry: Entry, *, budget: Budget) -> Iterator[bytes]:
    """Yield what an entry holds; it passes only when it is read to the end.

    Raises:
        BadContainer: It becomes too large, is broken, or is not what the list of entries says.
    """
    size, crc = 0, 0
    allowed = budget.allowed(entry.compressed_bytes)
    pieces = _stored(archive, entry) if entry.method == STORED else _inflated(archive, entry)
    for piece in pieces:
        budget.spend(len(piece))
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        if size > allowed:
            raise BadContainer("an entry of the archive becomes too large when it is unpacked")
        if size > entry.size_bytes:
            break
        yield piece
    if (size, crc) != (entry.size_bytes, entry.crc):
        raise BadContainer("an entry of the archive is not what the list of entries says")


def _stored(archive: Content, entry: Entry) -> Iterator[bytes]:
    for at in range(entry.content_at, entry.ends_at, _PIECE_BYTES):
        yield archive[at : min(at + _PIECE_BYTES, entry.ends_at)]


def _inflated(archive: Content, entry: Entry) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for compressed in _stored(archive, entry):
            if inflater.eof:
                raise BadContainer("something is hidden behind an entry of the archive")
            yield from _pieces(inflater, compressed)
    except zlib.error as broken:
        raise BadContainer("an entry of the archive cannot be unpacked") from broken
    if not inflater.eof or inflater.unused_data:
        raise BadContainer("an entry of the archive ends too early or too late")


def _pieces(inflater: zlib._Decompress, compressed: bytes) -> Iterator[bytes]:
    while True:
        piece = inflater.decompress(compressed, _PIECE_BYTES)
        if piece:
            yield piece
        compressed = inflater.unconsumed_tail
        if not compressed and len(piece) < _PIECE_BYTES:
            return
