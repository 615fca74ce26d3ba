"""Old Office files (OLE2 compound files) and RTF: what in them acts.

Directory entries are looked for wherever one could stand, not along the file's own chains: Office mends
broken chains in ways of its own, and a hostile file would hide in the difference.

Source: [MS-CFB] §2.6.1, [MS-OVBA] §2.2, RTF 1.9.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters.containers.findings import ActiveContent, BadContainer
from adapters.containers.listing import Content

_HEADER_BYTES, _SLOT_BYTES = 512, 128
_LENGTH_AT, _TYPE_AT = 64, 66
_STORAGE, _STREAM = 1, 2

_MACROS = frozenset({"_VBA_PROJECT", "_VBA_PROJECT_CUR", "VBA", "MACROS"})
_OBJECTS = frozenset({"\x01OLE10NATIVE", "OBJECTPOOL", "\x03OBJINFO"})
_WORKBOOK_OBJECT = re.compile(r"MBD[0-9A-F]{8}|LNK[0-9A-F]{8}")
_FIELD = rb"\x13[ \"]*DDE(?:AUTO)?[ \"]"
_FIELD_16 = rb"\x13\0(?:[ \"]\0)*D\0D\0E\0(?:A\0U\0T\0O\0)?[ \"]\0"
_DDE = re.compile(_FIELD + b"|" + _FIELD_16, re.IGNORECASE)

_RTF = (
    (ActiveContent.EMBEDDED_OBJECT, re.compile(rb"\\obj(?:ect|data|emb|link|autlink|ocx|update|class)\b")),
    (ActiveContent.DDE, re.compile(rb"\\fldinst[^\x00]{0,200}?\bDDE(?:AUTO)?\b", re.IGNORECASE)),
    (
        ActiveContent.EXTERNAL_CONTENT,
        re.compile(
            rb"\\template\b[^}]{0,40}?(?:https?:|file:|ftp:|\\\\\\\\)"
            rb"|\bINCLUDE(?:PICTURE|TEXT)\b[^}]{0,40}?(?:https?:|file:|ftp:|\\\\\\\\)",
            re.IGNORECASE,
        ),
    ),
)


def in_compound_file(content: Content) -> Iterator[ActiveContent]:
    """Yield what acts in an old Office file.

    Raises:
        BadContainer: It is encrypted.
    """
    for name in _directory_names(content):
        if name == "ENCRYPTEDPACKAGE":
            raise BadContainer("the file is encrypted")
        if name in _MACROS:
            yield ActiveContent.MACROS
        elif name in _OBJECTS or _WORKBOOK_OBJECT.fullmatch(name):
            yield ActiveContent.EMBEDDED_OBJECT
    if _DDE.search(content):
        yield ActiveContent.DDE


def in_rich_text(content: Content) -> Iterator[ActiveContent]:
    """Yield what acts in an RTF file."""
    yield from (code for code, pattern in _RTF if pattern.search(content))


def _directory_names(content: Content) -> Iterator[str]:
    """Yield, in capitals, every name that could be one of a storage or stream."""
    first = _HEADER_BYTES
    lengths = content[first + _LENGTH_AT :: _SLOT_BYTES]
    high = content[first + _LENGTH_AT + 1 :: _SLOT_BYTES]
    kinds = content[first + _TYPE_AT :: _SLOT_BYTES]
    for slot, (length, zero, kind) in enumerate(zip(lengths, high, kinds, strict=False)):
        if not zero and 4 <= length <= _LENGTH_AT and kind in (_STORAGE, _STREAM):
            at = first + slot * _SLOT_BYTES
            yield content[at : at + length - 2].decode("utf-16-le", "replace").upper()
