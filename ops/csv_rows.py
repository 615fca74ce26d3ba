"""Rows of a CSV file that people made. A row that is not CSV spoils itself and nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

FAULT = "fault"
"""The key under which a row that cannot be read says why; it has no other."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, by its line in the file (JSON: its place in the list), and why."""

    line: int
    fault: str


def csv_rows(text: str, *, check: Callable[[list[str]], None]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row with its line in the file, its fields by column; `check` raises ValueError for columns
    that cannot be used.

    Raises:
        ValueError: The first line does not name the columns.
    """
    # Each row has a reader of its own, so that a quote nobody closed spoils its row and no other.
    lines = list(io.StringIO(text, newline=""))
    columns = _columns(lines)
    check(columns)
    at = 1
    while at < len(lines):
        reader = csv.reader((lines[n] for n in range(at, len(lines))), strict=True)
        try:
            fields = next(reader)
        except csv.Error as error:
            yield at + 1, {FAULT: f"not CSV: {error}"}
            at += 1
            continue
        if len(fields) > len(columns):
            yield at + 1, {FAULT: "more fields than columns"}
        elif fields:
            yield at + 1, dict(zip(columns, fields, strict=False))
        at += reader.line_num


def _columns(lines: list[str]) -> list[str]:
    try:
        return next(csv.reader(lines[:1], strict=True), [])
    except csv.Error as error:
        raise ValueError(f"the first line is not CSV: {error}") from error
