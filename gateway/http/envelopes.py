"""Reading an envelope: every mistake at once, each named by its field."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from gateway.domain.envelope import Envelope
from gateway.domain.errors import MalformedDocument
from gateway.domain.working_days import YEARS
from gateway.http.wire_in import EnvelopeIn

_UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FIELDS = {field.name: field for field in msgspec.structs.fields(EnvelopeIn)}


def read_envelope(value: Any) -> Envelope:
    """Return the envelope that a JSON value is.

    Raises:
        MalformedDocument: It is none; `reasons` has every mistake at once, each as `field: what is wrong`.
    """
    if not isinstance(value, dict):
        raise MalformedDocument(reasons=("envelope: must be a JSON object",))
    mistakes = [f"{name[:40]}: there is no such field" for name in value if name not in _FIELDS]
    mistakes += [
        f"{name}: is missing" for name, field in _FIELDS.items() if field.required and name not in value
    ]
    fields: dict[str, Any] = {}
    for name in value.keys() & _FIELDS.keys():
        try:
            read = msgspec.convert(value[name], _FIELDS[name].type)
        except msgspec.ValidationError as exc:
            mistakes.append(f"{name}: {_plainly(exc, _FIELDS[name].type)}")
            continue
        fields[name] = msgspec.to_builtins(read, builtin_types=(date,))
        leaves = list(_leaves(fields[name]))
        if any(isinstance(leaf, str) and _is_unreadable(leaf) for leaf in leaves):
            mistakes.append(f"{name}: holds characters that cannot be shown")
        if any(isinstance(leaf, date) and leaf.year not in YEARS for leaf in leaves):
            mistakes.append(f"{name}: the year must lie between {YEARS[0]} and {YEARS[-1]}")
    if mistakes:
        raise MalformedDocument("The envelope is not right.", reasons=sorted(mistakes))
    return msgspec.convert(fields, Envelope)


def _plainly(error: msgspec.ValidationError, kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return f"must be one of {', '.join(kind)}"
    return str(error).replace("`", "").replace("Expected", "expected").replace("$", "item ")


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what a value is made of in the end: its texts, dates and numbers."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        yield value
        return
    for each in value:
        yield from _leaves(each)


def _is_unreadable(text: str) -> bool:
    return not text.isprintable() and any(unicodedata.category(letter) in _UNREADABLE for letter in text)
