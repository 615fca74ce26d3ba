"""Bringing a directory file into the ledger: everything that fits, and a fault for each row that does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.domain.directory_ports import Directory
from gateway.domain.errors import Conflict
from gateway.domain.model import Agency, AgencyCode
from gateway.domain.ports import Clock
from ops.csv_rows import BadRow
from ops.directory_file import DirectoryFile

_Row = tuple[int, Agency]
"""An agency and its line in the file."""


@dataclass(slots=True)
class Changes:
    """What an import did: agencies by code, in the order they were kept, and the rows it could not use."""

    created: list[AgencyCode] = field(default_factory=list)
    changed: list[AgencyCode] = field(default_factory=list)
    unchanged: int = 0
    bad: list[BadRow] = field(default_factory=list)


async def import_directory(directory: Directory, file: DirectoryFile, *, clock: Clock) -> Changes:
    """Insert or change the agencies of a file and return what changed; bad rows come in file order."""
    work = _Import(directory, clock, Changes(bad=list(file.bad)))
    rows = _superiors_first(file.agencies)
    while rows:
        refused = await work.keep(rows)
        if len(refused) == len(rows):
            work.changes.bad += [BadRow(each.row[0], each.fault) for each in refused]
            break
        # What was kept meanwhile may have made room for the others: an alias that moved, a superior.
        rows = [each.row for each in refused]
    work.changes.bad.sort(key=lambda row: row.line)
    return work.changes


@dataclass(frozen=True, slots=True)
class _Refused:
    """A row that contradicts the directory as it is now."""

    row: _Row
    fault: str


@dataclass(frozen=True, slots=True)
class _Import:
    directory: Directory
    clock: Clock
    changes: Changes

    async def keep(self, rows: Sequence[_Row]) -> list[_Refused]:
        """Keep what can be kept; when some rows conflict, halve until the bad ones stand alone."""
        try:
            kept = await self.directory.upsert([agency for _, agency in rows], now=self.clock())
        except Conflict as conflict:
            if len(rows) == 1:
                return [_Refused(rows[0], "; ".join(conflict.reasons) or conflict.detail)]
            middle = len(rows) // 2
            return await self.keep(rows[:middle]) + await self.keep(rows[middle:])
        self.changes.created += kept.created
        self.changes.changed += kept.changed
        self.changes.unchanged += kept.unchanged
        return []


def _superiors_first(rows: Sequence[_Row]) -> list[_Row]:
    """Return the rows so that a file in any order works, also when it must be taken in parts."""
    by_code = {agency.code: agency for _, agency in rows}

    def depth(row: _Row) -> int:
        agency, above = row[1], set[AgencyCode]()
        while agency.parent in by_code and agency.code not in above:
            above.add(agency.code)
            agency = by_code[agency.parent]
        return len(above)

    return sorted(rows, key=depth)
