"""Extra fields of ZIP entries that change what an entry is: wide sizes, another name, links.

Source: PKWARE APPNOTE 6.3.10, §4.5 and §4.6.9.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from zlib import crc32

from adapters.containers.findings import BadContainer

_MAX_32 = 0xFFFF_FFFF
_ZIP64, _UNIX, _UNICODE_PATH = 0x0001, 0x000D, 0x7075
_UNIX_TIMES_AND_IDS_BYTES = 12


def widened(fields: Sequence[int], extra: bytes) -> tuple[int, ...]:
    """Return sizes (and the offset) of an entry, in the order of the wide field, from wherever they stand.

    Raises:
        BadContainer: The wide values are missing, or others than the short ones that claim to be true.
    """
    wide = [content for kind, content in _extras(extra) if kind == _ZIP64]
    wanted = [each == _MAX_32 for each in fields]
    if not wide and not any(wanted):
        return tuple(fields)
    if len(wide) != 1 or len(wide[0]) % 8 not in (0, 4):
        raise BadContainer("an entry's wide sizes are missing or broken")
    values = struct.unpack_from(f"<{len(wide[0]) // 8}Q", wide[0])
    if len(values) == sum(wanted):
        rest = iter(values)
        return tuple(next(rest) if wide else each for each, wide in zip(fields, wanted, strict=True))
    # Some writers put all values there, needed or not.
    whole = (*values, *fields[len(values) :])
    if len(values) <= len(fields) and all(b in (a, _MAX_32) for a, b in zip(whole, fields, strict=True)):
        return whole
    raise BadContainer("an entry's wide sizes disagree with its short ones")


def unicode_path(extra: bytes, *, name: bytes) -> str | None:
    """Return the other name of an entry, if it has one that is for this name.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    for kind, content in _extras(extra):
        if kind == _UNICODE_PATH and content[1:5] == struct.pack("<L", crc32(name)):
            return content[5:].decode("utf-8")
    return None


def is_link(extra: bytes) -> bool:
    """Return whether a Unix extra field makes a link or device of the entry."""
    return any(kind == _UNIX and len(content) > _UNIX_TIMES_AND_IDS_BYTES for kind, content in _extras(extra))


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while len(extra) - at >= 4:  # less is padding: some tools align entries so
        kind, size = struct.unpack_from("<2H", extra, at)
        content = extra[at + 4 : at + 4 + size]
        if len(content) < size:
            raise BadContainer("an entry's extra fields are broken")
        yield kind, content
        at += 4 + size
