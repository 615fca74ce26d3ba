"""A port between whose transactions something else happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any


class Meanwhile:
    """A port that works as ever, but right before the first call of one of its methods somebody else acts."""

    def __init__(self, port: Any, act: Callable[[], Awaitable[object]], *, before: str) -> None:
        self._port, self._before = port, before
        self._act: Callable[[], Awaitable[object]] | None = act

    def __getattr__(self, name: str) -> Any:
        return self._crossed if name == self._before else getattr(self._port, name)

    async def _crossed(self, *args: Any, **named: Any) -> Any:
        act, self._act = self._act, None
        if act is not None:
            await act()
        return await getattr(self._port, self._before)(*args, **named)
