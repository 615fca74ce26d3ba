"""Taking an existing digitised store in: bodies into the store of bodies, components into their dossiers.

A run that was cut short is run again: what is there already is compared and left as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from time import monotonic

from adapters.bodies import FolderBodies, open_bodies
from adapters.bulk_bodies import BulkBodies, in_bulk
from gateway.domain.errors import UnsupportedFileType
from gateway.domain.file_types import check_content, type_by_name
from gateway.domain.model import Sha256
from gateway.domain.ports import Draft
from ops.csv_rows import BadRow
from ops.desk import Ask, Json
from ops.intake_source import Manifest, Row, SourceFolder, UnusableFile, source_folder
from ops.parts import now
from ops.settings import Settings
from ops.setup import commanding

BATCH = 500
"""Rows in one transaction, and files open at once: a process may usually open 1,024."""
_CHUNK_BYTES = 256 * 1024
_ANY_TYPE = "application/octet-stream"
_STANDS_ELSE = "component: stands {where} already, with other content"

_Key = tuple[str, str]


@dataclass(slots=True)
class Progress:
    """How far an import is. `kept` were taken in now, `there_already` earlier or by an earlier row."""

    rows: int
    kept: int = 0
    there_already: int = 0
    bytes: int = 0
    bad: list[BadRow] = field(default_factory=list)
    _began: float = field(default_factory=monotonic)

    @property
    def done(self) -> int:
        """Return how many rows are judged."""
        return self.kept + self.there_already + len(self.bad)

    @property
    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return monotonic() - self._began

    @property
    def seconds_left(self) -> float:
        """Return how long it will take at this rate."""
        return (self.rows - self.done) * self.seconds / max(1, self.done)

    @property
    def line(self) -> str:
        """Return one line for whoever watches."""
        rate = self.done / max(self.seconds, 0.001)
        left = f"{self.seconds_left:.0f} s left" if self.done < self.rows else f"{self.seconds:.0f} s"
        return f"{self.done:,} of {self.rows:,} files  {rate:,.0f}/s  {self.bytes / 1e6:,.0f} MB  {left}"

    def as_json(self) -> Json:
        """Return the figures."""
        return {
            "rows": self.rows,
            "kept": self.kept,
            "there_already": self.there_already,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 2),
            "bad": [{"line": row.line, "fault": row.fault} for row in sorted(self.bad, key=_line)],
        }


def _line(row: BadRow) -> int:
    return row.line


async def import_store(
    settings: Settings, manifest: Manifest, folder: Path, *, agency: str, show: Callable[[Progress], None]
) -> Progress:
    """Take a store in for an agency and return how it went; `show` is told after each batch.

    Raises:
        NotFound, RemoteRefusal: The agency does not exist.
        StoreUnavailable: The disk is full or failing. What was counted so far is kept.
        FolderTaken, NotInitialised: As `ops.setup.command`.
        OSError: The folder cannot be read.
    """
    async with commanding(settings) as ask:
        bodies = await open_bodies(
            settings.bodies_dir, free_floor_bytes=settings.limits.free_space_bytes, now=now()
        )
        opened = source_folder(folder, max_bytes=settings.limits.file_bytes)
        with in_bulk(bodies) as bulk, opened as source:
            return await Intake(ask, bodies, bulk, source, agency, show).take_in(manifest)


@dataclass(slots=True)
class Intake:
    """Takes rows in, batch by batch; `show` is told after each of them."""

    ask: Ask
    bodies: FolderBodies
    bulk: BulkBodies
    folder: SourceFolder
    agency: str
    show: Callable[[Progress], None]
    _seen: dict[_Key, tuple[Sha256, int]] = field(default_factory=dict)
    """What stands under a key by now, and on which line of this run (0: it was there before)."""

    async def take_in(self, manifest: Manifest) -> Progress:
        """Take in what can be, and return how it went, with a fault for each row that cannot.

        Raises:
            NotFound, RemoteRefusal: The agency does not exist.
            StoreUnavailable: The disk is full or failing. What was counted so far is kept.
        """
        progress = Progress(len(manifest.rows) + len(manifest.bad), bad=list(manifest.bad))
        for start in range(0, max(1, len(manifest.rows)), BATCH):
            await self._batch(manifest.rows[start : start + BATCH], progress)
            self.show(progress)
        return progress

    async def _batch(self, rows: Sequence[Row], progress: Progress) -> None:
        keys = [row.key for row in rows if row.key not in self._seen]
        known = await self.ask("dossiers taken-in", {"agency": self.agency, "keys": keys})
        self._seen |= {(dossier, code): (Sha256(sha256), 0) for dossier, code, sha256 in known["components"]}
        async with AsyncExitStack() as drafts:
            fresh: list[tuple[Row, Draft]] = []
            same: list[Row] = []
            for row in rows:
                try:
                    draft = await self._read(row, drafts)
                except UnusableFile as fault:
                    progress.bad.append(BadRow(row.line, str(fault)))
                    continue
                if draft is None:
                    same.append(row)
                else:
                    fresh.append((row, draft))
            await self.bulk.keep([draft for _, draft in fresh])
            refused = await self._commit(fresh, progress)
        for row in same:
            if row.key in refused:  # with the row before it that is the same
                progress.bad.append(BadRow(row.line, refused[row.key]))
            else:
                progress.there_already += 1

    async def _read(self, row: Row, drafts: AsyncExitStack) -> Draft | None:
        """Return the file of a row as a draft, None when it is there already.

        Raises:
            UnusableFile: It cannot be taken in.
        """
        with self.folder.open(row.path) as file:
            if row.key in self._seen:
                self._compare(row, _sha256(file))
                return None
            draft = await drafts.enter_async_context(self.bodies.receiving())
            while chunk := file.read(_CHUNK_BYTES):
                await draft.write(chunk)
        self._seen[row.key] = draft.sha256, row.line
        return draft

    def _compare(self, row: Row, sha256: Sha256) -> None:
        there, line = self._seen[row.key]
        if there != sha256:
            where = f"on line {line}" if line else "in the exchange"
            raise UnusableFile(_STANDS_ELSE.format(where=where))

    async def _commit(self, fresh: Sequence[tuple[Row, Draft]], progress: Progress) -> dict[_Key, str]:
        """Keep the components of drafts that are durable; return why some could not be."""
        if not fresh:
            return {}
        files = [_component(row, draft) for row, draft in fresh]
        outcome = await self.ask("dossiers take-in", {"agency": self.agency, "files": files})
        foreign = set(outcome["foreign"])
        differing = {(dossier, component) for dossier, component in outcome["differing"]}
        refused: dict[_Key, str] = {}
        for row, draft in fresh:
            if row.dossier in foreign:
                refused[row.key] = f"dossier: is not one of {self.agency}"
            elif row.key in differing:
                refused[row.key] = _STANDS_ELSE.format(where="in the exchange")
            else:
                progress.kept += 1
                progress.bytes += draft.size_bytes
                continue
            del self._seen[row.key]
            progress.bad.append(BadRow(row.line, refused[row.key]))
        return refused


def _component(row: Row, draft: Draft) -> Json:
    return {
        "dossier": row.dossier,
        "component": row.component,
        "name": row.name,
        "media_type": _media_type(row.name, draft.head),
        "size_bytes": draft.size_bytes,
        "sha256": draft.sha256,
        "procedure": row.procedure,
    }


def _media_type(name: str, head: bytes) -> str:
    """Return the type of a file whose bytes are what its name says; any other is given out as mere bytes."""
    try:
        kind = type_by_name(name)
        check_content(name, kind, head=head)
    except UnsupportedFileType:
        return _ANY_TYPE
    return kind.media_type


def _sha256(file: FileIO) -> Sha256:
    return Sha256(hashlib.file_digest(file, "sha256").hexdigest())
