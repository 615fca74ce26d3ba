"""Long answers, made piece by piece: no packet and no directory is ever whole on its way out."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass

_PIECE_BYTES = 64 * 1024
_OPENING = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":"'
_CLOSING = b'"}'


@dataclass(frozen=True, slots=True)
class LongAnswer:
    """An answer in pieces; `filename` is for an answer that is a file."""

    pieces: AsyncIterator[bytes]
    content_type: str = "application/json"
    filename: str | None = None


async def as_json_data(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the JSON answer whose `data` is this content in base64."""
    opening = _OPENING
    rest = b""
    async for chunk in content:
        rest += chunk
        # Only groups of three bytes: base64 in pieces is then that of the whole.
        usable = len(rest) - len(rest) % 3
        yield opening + base64.b64encode(rest[:usable])
        opening, rest = b"", rest[usable:]
    yield opening + base64.b64encode(rest) + _CLOSING


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    """Yield bytes that are at hand already, so that a slow reader is noticed."""
    for start in range(0, len(content), _PIECE_BYTES):
        yield content[start : start + _PIECE_BYTES]
