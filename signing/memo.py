"""What was found out before, kept within a limit.

Keys are digests, or weighed, or no longer than told: strangers choose how long the bytes themselves are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Generic, TypeVar

_Value = TypeVar("_Value")
_Bytes = TypeVar("_Bytes", bytes, str)


def remembering(
    *, entries: int, longest: int
) -> Callable[[Callable[[_Bytes], _Value]], Callable[[_Bytes], _Value]]:
    """Return a decorator that keeps what a function finds in bytes or text, the latest of it.

    Args:
        entries: How much is kept.
        longest: Of what is longer, nothing is kept: it is nobody's, and would only fill the memory.
    """

    def decorate(find: Callable[[_Bytes], _Value]) -> Callable[[_Bytes], _Value]:
        kept = lru_cache(maxsize=entries)(find)

        @wraps(find)
        def remembered(of: _Bytes) -> _Value:
            return kept(of) if len(of) <= longest else find(of)

        return remembered

    return decorate


class Memo(Generic[_Value]):
    """Values by key; the oldest go when all together weigh too much."""

    def __init__(self, *, limit: int) -> None:
        """Start empty; `limit` is the weight of everything kept, one for each value unless it is told."""
        self._limit = limit
        self._weight = 0
        self._kept: dict[Hashable, tuple[_Value, int]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def remembered(self, key: Hashable, find: Callable[[], _Value], *, weight: int = 1) -> _Value:
        """Return the value under a key; the first time, find it."""
        found = self._kept.get(key)
        if found is not None:
            return found[0]
        value = find()
        self.keep(key, value, weight=weight)
        return value

    def keep(self, key: Hashable, value: _Value, *, weight: int = 1) -> None:
        """Keep a value under a key, and let the oldest go."""
        if key in self._kept:
            self._weight -= self._kept.pop(key)[1]
        if weight > self._limit:
            return
        self._kept[key] = (value, weight)
        self._weight += weight
        while self._weight > self._limit:
            oldest = next(iter(self._kept))
            self._weight -= self._kept.pop(oldest)[1]
