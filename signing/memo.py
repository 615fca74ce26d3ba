"""What was found out before, kept within a limit.

Keys are digests, not the bytes themselves: strangers choose how long those are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


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
