"""Reading a directory of agencies from CSV or JSON. A bad row names its line and stops nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from gateway.domain.model import Agency, AgencyCode, Alias, AliasScheme, Channel, SignaturePolicy, Webhook
from ops.csv_rows import FAULT, BadRow, csv_rows

COLUMNS = (
    "code", "name", "level", "parent", "channel", "policy", "qd20", "qcvn102", "legacy",
    "email", "phone", "closed_on", "webhook_url", "webhook_secret",
)  # fmt: skip
"""`qd20`, `qcvn102` and `legacy` take several codes separated by blanks, each optionally with its
validity: `H26.01@2020-07-22/2025-06-30` (either end may be left out)."""

# Codes are words of broker routing keys and of addresses: nothing but these characters.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-_]{0,63}")
# Control characters (white space aside) and halves of surrogate pairs: no database takes all of them.
_UNUSABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_WEBHOOK_SECRET = re.compile(r"whsec_(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class DirectoryFile:
    """The usable rows in file order with their lines, and the bad ones."""

    agencies: list[tuple[int, Agency]]
    bad: list[BadRow]


def read_directory(path: Path) -> DirectoryFile:
    """Return the agencies in a .csv or .json file.

    Raises:
        ValueError: The file as a whole cannot be read; the text says why.
    """
    text = path.read_bytes().decode("utf-8-sig")
    rows = _json_rows(text) if path.suffix.lower() == ".json" else csv_rows(text, check=_check_columns)
    agencies: list[tuple[int, Agency]] = []
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for line, row in rows:
        try:
            agency = _agency(row)
            if agency.code in seen:
                raise ValueError(f"code: {agency.code} stands on line {seen[agency.code]} already")
        except ValueError as error:
            bad.append(BadRow(line, str(error)))
            continue
        seen[agency.code] = line
        agencies.append((line, agency))
    return DirectoryFile(agencies, bad)


def _check_columns(columns: list[str]) -> None:
    unknown = set(columns) - set(COLUMNS)
    if unknown or "code" not in columns or len(set(columns)) < len(columns):
        raise ValueError(
            f"the first line must name columns out of: {', '.join(COLUMNS)}, each once; not {columns}"
        )


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    rows = json.loads(text)
    if not isinstance(rows, list):
        raise ValueError("the file must hold a list of objects")
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            yield place, {FAULT: "not an object"}
        elif wrong := [key for key, value in row.items() if not isinstance(value, str | int | list | None)]:
            yield place, {FAULT: f"neither text nor a list of texts: {', '.join(sorted(wrong))}"}
        else:
            yield place, {key: _text(value) for key, value in row.items()}


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(str(each) for each in value)
    return "" if value is None else str(value)


def _agency(row: Mapping[str, str]) -> Agency:
    if FAULT in row:
        raise ValueError(row[FAULT])
    if unknown := set(row) - set(COLUMNS):
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    if wrong := [key for key, text in row.items() if _UNUSABLE.search(text)]:
        raise ValueError(f"{', '.join(wrong)}: holds control characters")

    def value(key: str) -> str:
        return row.get(key, "").strip()

    if not value("name"):
        raise ValueError("name: must not be empty")
    code = AgencyCode(_code("code", value("code")))
    if value("parent") == code:
        raise ValueError("parent: an agency is not above itself")
    channel = _choice("channel", value("channel"), default=Channel.INBOX)
    webhook = _webhook(value("webhook_url"), value("webhook_secret"))
    if channel is Channel.WEBHOOK and webhook is None:
        raise ValueError("webhook_url, webhook_secret: needed for the webhook channel")
    return Agency(
        code=code,
        name=value("name"),
        level=_level(value("level")),
        parent=AgencyCode(_code("parent", value("parent"))) if value("parent") else None,
        channel=channel,
        policy=_choice("policy", value("policy"), default=SignaturePolicy.LABEL),
        aliases=tuple(alias for scheme in AliasScheme for alias in _aliases(scheme, value(scheme.value))),
        webhook=webhook,
        email=value("email") or None,
        phone=value("phone") or None,
        closed_on=_day("closed_on", value("closed_on")),
    )


def _code(key: str, text: str) -> str:
    if not _CODE.fullmatch(text):
        raise ValueError(f"{key}: {text!r} is no agency code (letters, digits, '.', '-', '_'; at most 64)")
    return text


def _choice(key: str, text: str, *, default: _Word) -> _Word:
    words = type(default)
    if text and text not in set(words):
        raise ValueError(f"{key}: {text!r} is not {' or '.join(words)}")
    return words(text or default)


def _level(text: str) -> int:
    if text not in {"1", "2", "3", "4"}:
        raise ValueError(f"level: {text!r} is not 1, 2, 3 or 4")
    return int(text)


def _day(key: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{key}: {text!r} is no date like 2025-06-30") from error


def _aliases(scheme: AliasScheme, text: str) -> Iterator[Alias]:
    for word in text.split():
        value, _, validity = word.partition("@")
        start, _, end = validity.partition("/")
        alias = Alias(scheme, _code(scheme.value, value), _day(scheme.value, start), _day(scheme.value, end))
        if (alias.valid_from or date.min) > (alias.valid_until or date.max):
            raise ValueError(f"{scheme.value}: {word!r} ends before it begins")
        yield alias


def _webhook(url: str, secret: str) -> Webhook | None:
    if not url and not secret:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.fragment:
        raise ValueError(f"webhook_url: {url!r} is no plain http(s) address")
    if not _WEBHOOK_SECRET.fullmatch(secret):
        raise ValueError("webhook_secret: must be whsec_ and base64 (Standard Webhooks)")
    return Webhook(url, secret)
