"""Streams of an update unpacked in the one way that every reader unpacks them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from signing.pdf.syntax import NotPlain, Value

_MOST_BYTES = 32 * 1024 * 1024
_WHITE = b"\x00\t\n\x0c\r "
_NO_PREDICTOR = 1
_UP = 2
"""The PNG filter of a row that says how it differs from the one above; the one that programs use here."""


def inflated(content: bytes) -> bytes:
    """Return what a zlib stream unpacks to.

    Raises:
        NotPlain: It is none, broken, cut off, followed by something, or unpacks to more than anything needs.
    """
    reader = zlib.decompressobj()
    try:
        unpacked = reader.decompress(content, _MOST_BYTES)
    except zlib.error as broken:
        raise NotPlain("a stream that cannot be unpacked") from broken
    if not reader.eof or reader.unused_data.strip(_WHITE):
        raise NotPlain("a stream that does not end where it says")
    return unpacked


def rows_of(unpacked: bytes, parameters: Value, *, row_bytes: int) -> bytes:
    """Return the rows of a cross-reference stream as they were before they were filtered for packing.

    Args:
        unpacked: What the stream inflates to.
        parameters: Its DecodeParms.
        row_bytes: How long a row is.

    Raises:
        NotPlain: They are filtered in a way that some readers undo otherwise.
    """
    if isinstance(parameters, list) and len(parameters) == 1:
        (parameters,) = parameters
    if parameters is None:
        return unpacked
    if not isinstance(parameters, dict) or not _is_usual(parameters, row_bytes):
        raise NotPlain("rows that some readers unpack otherwise")
    if parameters.get("Predictor", _NO_PREDICTOR) == _NO_PREDICTOR:
        return unpacked
    rows, above = [], bytes(row_bytes)
    for start in range(0, len(unpacked), row_bytes + 1):
        row = unpacked[start + 1 : start + 1 + row_bytes]
        if unpacked[start] != _UP or len(row) < row_bytes:
            raise NotPlain("rows that some readers unpack otherwise")
        above = bytes((one + other) & 0xFF for one, other in zip(row, above, strict=True))
        rows.append(above)
    return b"".join(rows)


def _is_usual(parameters: Mapping[str, Value], row_bytes: int) -> bool:
    predictor = parameters.get("Predictor", _NO_PREDICTOR)
    if not parameters.keys() <= {"Predictor", "Columns", "Colors", "BitsPerComponent"}:
        return False
    if predictor == _NO_PREDICTOR:
        return True
    said = [
        parameters.get(key, usual) for key, usual in (("Columns", 1), ("Colors", 1), ("BitsPerComponent", 8))
    ]
    return type(predictor) is int and 10 <= predictor <= 15 and said == [row_bytes, 1, 8]
