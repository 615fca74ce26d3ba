"""Where a sampled process spent its time, out of its folded stacks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

_SHOWN = 30


def write_report(profile: Path, statements: list[str]) -> None:
    """Write next to each file of samples what is hot in it, and the statements that took the most time."""
    for samples in profile.glob("*.samples"):
        samples.with_suffix(".txt").write_text(hot_spots(samples))
    (profile / "statements.txt").write_text("\n".join(statements) + "\n")


def hot_spots(samples: Path) -> str:
    """Return the functions with the most samples of their own, and those with the most below them."""
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in samples.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        functions = stack.split(";")
        own[functions[-1]] += int(count)
        for function in set(functions):
            below[function] += int(count)
    total = own.total()
    return "\n".join(
        [f"own time ({total} samples)", *_lines(own, total), "with callees", *_lines(below, total)]
    )


def _lines(counts: Counter[str], total: int) -> list[str]:
    return [f"{100 * count / total:6.1f} %  {function}" for function, count in counts.most_common(_SHOWN)]
