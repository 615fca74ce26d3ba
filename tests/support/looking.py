"""Short ways to look through bytes as a parsing worker does."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.containers.bounds import Limits
from adapters.containers.findings import BadContainer
from adapters.containers.look import look_through
from signing.report import Warning as ReportWarning
from tests.support.zips import MEDIA_TYPES


class Looking:
    """Looks through bytes in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "file"

    def codes(self, content: bytes, kind: str = "zip", *, limits: Limits | None = None) -> list[str]:
        """Return the codes of the warnings, sorted."""
        return sorted(each.code for each in self._found(content, kind, limits))

    def details(self, content: bytes, kind: str = "zip") -> list[str]:
        """Return what the warnings say."""
        return [each.detail for each in self._found(content, kind, None)]

    def refusal(self, content: bytes, kind: str = "zip", *, limits: Limits | None = None) -> str:
        """Return why the file is refused."""
        with pytest.raises(BadContainer) as refused:
            self.codes(content, kind, limits=limits)
        return str(refused.value)

    def _found(self, content: bytes, kind: str, limits: Limits | None) -> tuple[ReportWarning, ...]:
        self._path.write_bytes(content)
        return look_through(self._path, media_type=MEDIA_TYPES[kind], limits=limits)
