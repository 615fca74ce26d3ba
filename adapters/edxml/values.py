"""What the text of an element must look like: dates, numbers, identifiers.

A check returns the text in the standard's own form, so that one form is all that others must know: a date
written `16/01/2019` comes back as `2019/01/16`, with a remark. It never raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, time
from typing import NamedTuple

from adapters.edxml import faults
from adapters.edxml.faults import Wording
from gateway.domain.working_days import YEARS

STATUS_CODES = frozenset({"01", "02", "03", "04", "05", "06", "13", "15", "16"})

_YEAR_FIRST = re.compile(r"([0-9]{4})([/-])([0-9]{1,2})\2([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_MOMENT = re.compile(r"([0-9/-]{8,10})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})")
_NUMBER = re.compile(r"[0-9]{1,9}")
_FLAGS = frozenset({"true", "false", "0", "1"})

# Control characters, and what is invisible or turns the writing around: another text shows than there is.
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LINES = frozenset("\t\n\r")


class Checked(NamedTuple):
    """A text in the standard's form, and what is wrong or odd about it."""

    text: str
    fault: Wording | None = None
    remark: Wording | None = None


Check = Callable[[str], Checked]


def prose(text: str) -> Checked:
    """Check a text for people to read; it may have several lines."""
    return Checked(text, faults.UNSHOWABLE if _is_unshowable(text, apart_from=_LINES) else None)


def identifier(text: str) -> Checked:
    """Check a text that is compared: one that looks the same must be the same."""
    return Checked(text, faults.UNSHOWABLE if _is_unshowable(text) else None)


def day(text: str) -> Checked:
    """Check a date; the result is `yyyy/MM/dd`."""
    found = _read_date(text)
    if found is None:
        return Checked(text, faults.NOT_A_DATE)
    standard = found.strftime("%Y/%m/%d")
    return Checked(standard, remark=None if text == standard else faults.OTHER_FORM)


def moment(text: str) -> Checked:
    """Check a moment of Vietnamese local time; the result is `yyyy/MM/dd HH:mm:ss`."""
    parts = _MOMENT.fullmatch(text)
    found = _read_date(parts[1]) if parts else None
    if parts is None or found is None:
        return Checked(text, faults.NOT_A_MOMENT)
    try:
        time.fromisoformat(parts[2])
    except ValueError:
        return Checked(text, faults.NOT_A_MOMENT)
    standard = f"{found:%Y/%m/%d} {parts[2]}"
    return Checked(standard, remark=None if text == standard else faults.OTHER_FORM)


def number(text: str) -> Checked:
    """Check a whole number from 0 on."""
    return Checked(text, None if _NUMBER.fullmatch(text) else faults.NOT_A_NUMBER)


def flag(text: str) -> Checked:
    """Check a yes or no."""
    return Checked(text, None if text.lower() in _FLAGS else faults.NOT_A_FLAG)


def kind(text: str) -> Checked:
    """Check a `BussinessDocType`."""
    return Checked(text, None if text in {"0", "1", "2", "3"} else faults.NOT_A_KIND)


def status(text: str) -> Checked:
    """Check a `StatusCode`; the result has two digits."""
    standard = text.zfill(2) if len(text) == 1 else text
    if standard not in STATUS_CODES:
        return Checked(text, faults.NOT_A_STATUS)
    return Checked(standard, remark=None if text == standard else faults.OTHER_FORM)


def file_name(text: str) -> Checked:
    """Check the name of an attachment, which is shown and never used as a path."""
    if "/" in text or "\\" in text or text in {".", ".."}:
        return Checked(text, faults.BAD_FILE_NAME)
    return Checked(text, faults.BAD_FILE_NAME if identifier(text).fault else None)


def content_id(text: str) -> Checked:
    """Check a `ContentId`; the result has no `cid:`."""
    bare = text[4:].strip() if text[:4].lower() == "cid:" else text
    if ":/" in bare:
        return Checked(bare, faults.EXTERNAL)
    return identifier(bare)


def _is_unshowable(text: str, *, apart_from: frozenset[str] = frozenset()) -> bool:
    return not text.isprintable() and any(
        unicodedata.category(letter) in _UNSHOWABLE and letter not in apart_from for letter in text
    )


def _read_date(text: str) -> date | None:
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, of_month = int(found[1]), int(found[3]), int(found[4])
    elif found := _DAY_FIRST.fullmatch(text):
        of_month, month, year = int(found[1]), int(found[2]), int(found[3])
        if of_month <= 12 and month <= 12 and of_month != month:
            return None  # nobody can tell which is the day
    else:
        return None
    try:
        return date(year, month, of_month) if year in YEARS else None
    except ValueError:
        return None
