"""Where readers begin: a linearised PDF has its newest cross-references behind its first object.

Some readers believe that object as soon as the length it names is the file's, whatever the end of the file
says. Whoever can make a file longer can so turn one document into another.
"""

from __future__ import annotations

import re
from mmap import mmap

from signing.pdf import reasons
from signing.pdf.syntax import NotPlain, Value, read_indirect
from signing.reasons import Refused

_HEADER = b"%PDF-"
_HEADER_WITHIN_BYTES = 1_028
_BLANK = re.compile(rb"(?>(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+)*)")
_END_OF_OBJECT = re.compile(rb"endobj(?>(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+)*)")
_SOME_NAME = re.compile(rb"/Linear|/[^\x00\t\n\x0c\r ()<>\[\]{}/%]*#")
_POINTER = re.compile(rb"startxref[\x00\t\n\x0c\r ]++(\d{1,12})")
_LONGEST_BYTES = 2_048


def demand_one_beginning(raw: mmap) -> None:
    """Pass when all readers begin with the same cross-references.

    Raises:
        Refused: Some might begin behind the first object, and others at the end.
    """
    header = max(0, raw.find(_HEADER, 0, _HEADER_WITHIN_BYTES))
    blank = _BLANK.match(raw, header)
    place = blank.end() if blank else header
    first = raw[place : place + _LONGEST_BYTES]
    try:
        _, described = read_indirect(first, 0)
    except NotPlain:
        if _SOME_NAME.search(first):
            raise Refused(reasons.TWO_BEGINNINGS, "GENERIC") from None
        return
    if not _claims(described, len(raw) - header):
        return
    end = _END_OF_OBJECT.search(raw, place)
    pointers = _POINTER.findall(raw[-_LONGEST_BYTES:])
    if end is None or not pointers or int(pointers[-1]) not in (end.end(), end.end() - header):
        raise Refused(reasons.TWO_BEGINNINGS, "GENERIC")


def _claims(described: Value, length: int) -> bool:
    """Return whether an object may say that a file of this length is linearised."""
    if not isinstance(described, dict) or "Linearized" not in described:
        return False
    named = described.get("L")
    return type(named) is not int or named == length
