"""What a stranger wrote into a PDF for people to read: names and times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from pyhanko.pdf_utils import generic

_DATE = re.compile(r"D:(\d{14})(?:Z.*|([+-])(\d{2})'?(\d{2})?'?)", re.DOTALL)


def text(content: bytes) -> str:
    """Return the text of a string in a PDF, in whichever of its encodings.

    A byte that stands for no letter in any of them becomes a null, as in pdfium: names have to agree.
    """
    read = generic.pdf_string(content)
    if isinstance(read, generic.TextStringObject):
        return str(read)
    return "".join(map(_LETTERS.__getitem__, content))


def _letter(byte: int) -> str:
    read = generic.pdf_string(bytes([byte]))
    return str(read) if isinstance(read, generic.TextStringObject) else "\0"


_LETTERS = tuple(map(_letter, range(256)))


def claimed_time(content: bytes) -> datetime | None:
    """Return the moment that a PDF date names, when it names one, with a zone."""
    found = _DATE.fullmatch(text(content))
    if found is None:
        return None
    digits, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        zone = timezone(offset) if offset else UTC
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        return None
