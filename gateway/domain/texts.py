"""Texts of strangers: which letters they may have, and JSON that has one meaning."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from typing import Any

from gateway.domain.errors import MalformedRequest

# Lines and tabs are text. The rest no sender means: PostgreSQL takes no NUL, no encoder half a letter,
# and a terminal obeys the others.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_TURNS_AROUND = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_NOT_IN_A_LINE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def is_prose(text: str) -> bool:
    """Return whether a text can be shown to people as it reads: no control characters but tabs and line
    ends, nothing that turns the direction of writing around."""
    return not (_NO_TEXT.search(text) or _TURNS_AROUND.search(text))


def is_line(text: str) -> bool:
    """Return whether a text is one line of letters that can all be seen, as a name must be."""
    return not any(unicodedata.category(letter) in _NOT_IN_A_LINE for letter in text)


def strict_json(raw: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        MalformedRequest: It is not JSON in UTF-8, repeats a key, nests deeper than the interpreter's
            recursion limit, or holds a number that JSON cannot carry (NaN) or a text that is none
            (control characters other than tab and line ends, half a surrogate pair).
    """
    try:
        value: Any = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_such_number,
            parse_float=_finite,
        )
        _demand_text(value)
    except (ValueError, RecursionError) as exc:
        reason = str(exc) if type(exc) is ValueError else "the text is not JSON in UTF-8"
        raise MalformedRequest("The JSON is not well formed.", reasons=(reason,)) from exc
    return value


def _demand_text(value: Any) -> None:
    """Pass when every text in a JSON value, keys included, is one."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if _NO_TEXT.search(each):
                raise ValueError("a text holds control characters or half a surrogate pair")
        elif isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            waiting += each


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is given twice")
    return fields


def _no_such_number(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number
