"""How much a container may hold, measured while it is inflated."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.containers.findings import BadContainer

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one file, all that is nested in it included. Ratio and entries are those of EU DSS.

    `ratio` counts above `ratio_from_bytes` only. `depth` is how many levels of archives may be nested in the
    file: a document in an archive, a workbook in that document. A nested one is held in memory, so
    `nested_bytes`; so is nothing else.
    """

    total_bytes: int = 512 * _MIB
    ratio: int = 100
    ratio_from_bytes: int = _MIB
    entries: int = 1_000
    all_entries: int = 10_000
    depth: int = 2
    nested_bytes: int = 64 * _MIB


class Budget:
    """What is left of the bounds of one file."""

    def __init__(self, limits: Limits, *, file_bytes: int) -> None:
        self.limits = limits
        self._bytes = min(limits.total_bytes, self.allowed(file_bytes))
        self._entries = limits.all_entries

    def allowed(self, compressed_bytes: int) -> int:
        """Return how much so many bytes may become."""
        return max(self.limits.ratio_from_bytes, self.limits.ratio * compressed_bytes)

    def spend(self, inflated_bytes: int) -> None:
        """Count bytes that came out of an archive.

        Raises:
            BadContainer: They are too many for the file.
        """
        self._bytes -= inflated_bytes
        if self._bytes < 0:
            raise BadContainer("the archive becomes too large when it is unpacked")

    def count(self, entries: int) -> None:
        """Count the entries of one archive.

        Raises:
            BadContainer: They are too many for it, or for the file.
        """
        self._entries -= entries
        if entries > self.limits.entries or self._entries < 0:
            raise BadContainer(f"the archive has more than {self.limits.entries} entries")
