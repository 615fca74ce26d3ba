"""CSV that a spreadsheet shows as text and numbers, and never runs."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence

CSV_TYPE = "text/csv"
Cell = str | int | float | None

_RUN = re.compile(
    r"""
    (?: ^ | (?<=[;,\t|\r\n]) )                # a cell begins here, whatever the reader takes for a separator
    (?= [\ \xa0\u200b\ufeff\x00"']* [=+\-@\t\r\n＝＋－＠] )  # with what is run (OWASP, CSV injection)
    """,
    re.VERBOSE,
)
"""Where a cell that is run begins. Excel splits at `;` where the decimal sign is a comma, as in Việt Nam, and
does not mind our quotes then. The wide signs are run in East Asian settings."""


def spreadsheet(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a CSV file (RFC 4180, UTF-8 with the mark by which Excel knows it).

    What a spreadsheet could take for a formula gets an apostrophe in front; numbers stay numbers.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([_harmless(each) for each in header])
    writer.writerows([_harmless(each) for each in row] for row in rows)
    return codecs.BOM_UTF8 + file.getvalue().encode()


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, float):
        return round(cell, 4)
    return _RUN.sub("'", cell) if isinstance(cell, str) else cell
