"""What codes of agencies say about who is above whom."""

from __future__ import annotations


def is_under(code: str, above: str) -> bool:
    """Return whether a code lies under another one by its form.

    QĐ 20/2020 codes begin with the highest level (H26, H26.01); QCVN 102 codes end with it, and fields of
    zeros in front are empty (000.00.00.H26, 000.00.01.H26).
    """
    lower, upper = _significant(code), _significant(above)
    return lower != upper and (lower.startswith(f"{upper}.") or lower.endswith(f".{upper}"))


def _significant(code: str) -> str:
    fields = code.casefold().split(".")
    while len(fields) > 1 and not fields[0].strip("0"):
        del fields[0]
    return ".".join(fields)
