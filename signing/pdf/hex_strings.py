"""Reads hex strings and white space of a PDF at once instead of letter by letter.

A signature stands in its PDF as a hex string of tens of thousands of digits. pyHanko 0.38 takes each with a
call of its own, which is half the time of a verdict; and a stranger's ten million spaces would take it nine
seconds. What is not plain goes to pyHanko's own readers, so the outcome is always theirs.
"""

from __future__ import annotations

import binascii
import io
import re
from typing import Any

from pyhanko.pdf_utils import generic, misc

_READ_BYTES = 32 * 1024
_LONGEST_BYTES = 4 * 1024 * 1024
_WHITE_SPACE = b"\x00\t\n\x0c\r "
_BLANK = _WHITE_SPACE + b"%"
_MOST_BLANK_BYTES = 1024 * 1024
_END_OF_LINE = re.compile(rb"[\r\n]")
_read_letter_by_letter = generic.read_hex_string_from_stream
_read_byte_by_byte = misc.read_non_whitespace


def read_at_once() -> None:
    """Let pyHanko read with `read_hex_string` and `read_non_whitespace` from now on, in this process."""
    generic.read_hex_string_from_stream = read_hex_string
    generic.read_non_whitespace = misc.read_non_whitespace = read_non_whitespace  # type: ignore[attr-defined]


def read_non_whitespace(
    stream: io.BufferedIOBase, seek_back: bool = False, allow_eof: bool = False
) -> bytes:  # the signature is pyHanko's
    """Return the next byte that is neither white space nor in a comment, as pyHanko's function does."""
    first = stream.read(1)
    if first:
        stream.seek(-1, io.SEEK_CUR)
        if first in _BLANK:
            _skip_blank(stream)
    found: bytes = _read_byte_by_byte(stream, seek_back, allow_eof)  # type: ignore[no-untyped-call]
    return found


def _skip_blank(stream: io.BufferedIOBase) -> None:
    """Leave the stream at the next byte that is not blank; where it is if there is none."""
    start, is_comment, size = stream.tell(), False, 64
    while blank := stream.read(size):
        size = min(2 * size, _MOST_BLANK_BYTES)
        rest = blank
        while rest:
            if is_comment:
                end = _END_OF_LINE.search(rest)
                rest = rest[end.end() :] if end else b""
                is_comment = end is None
            else:
                rest = rest.lstrip(_WHITE_SPACE)
                if rest[:1] not in (b"", b"%"):
                    stream.seek(-len(rest), io.SEEK_CUR)
                    return
                is_comment = rest[:1] == b"%"
    stream.seek(start)


def read_hex_string(stream: io.BufferedIOBase) -> Any:
    """Return the string whose `<` comes next in the stream, and leave the stream behind its `>`."""
    start = stream.tell()
    raw = stream.read(_READ_BYTES)
    if b">" not in raw:
        raw += stream.read(_LONGEST_BYTES)
    end = raw.find(b">")
    decoded = _decoded(raw[1:end]) if end > 0 else None
    if decoded is None:
        stream.seek(start)
        return _read_letter_by_letter(stream)
    stream.seek(start + end + 1)
    return generic.pdf_string(decoded)


def _decoded(digits: bytes) -> bytes | None:
    digits = digits.translate(None, _WHITE_SPACE)
    try:
        return binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    except binascii.Error:
        return None
