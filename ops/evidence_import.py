"""Taking in evidence that was brought on a disk."""

from __future__ import annotations

import asyncio
import base64
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.evidence_store import EvidenceFolder, open_evidence
from adapters.sandbox import Sandbox
from gateway.domain.errors import MalformedDocument
from ops.parts import now
from ops.settings import Settings
from ops.verifying import open_workers

_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----([A-Za-z0-9+/=\s]+)-----END")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file: `is_new` says whether it told something that was not known, `fault` why it
    was not taken."""

    file: str
    is_new: bool = False
    fault: str | None = None


async def import_files(settings: Settings, files: Sequence[Path]) -> list[Imported]:
    """Return what became of each file. They are parsed in a parsing worker, like everything from outside.

    Raises:
        VerificationUnavailable: No parsing worker could be had.
        OSError: A file cannot be read, or the evidence folder cannot be written.
    """
    kept = open_evidence(settings.evidence_dir, now=now())
    settings.bodies_dir.mkdir(parents=True, exist_ok=True)
    async with open_workers(settings, workers=1, clock=now) as workers:
        return [await _import(workers, kept, file, settings.evidence_dir) for file in files]


async def _import(workers: Sandbox, kept: EvidenceFolder, file: Path, folder: Path) -> Imported:
    content = _in_der(await asyncio.to_thread(file.read_bytes))
    # A copy where the worker may read: everything else is closed to it.
    with tempfile.NamedTemporaryFile(dir=folder / "tmp") as copy:
        copy.write(content)
        copy.flush()
        try:
            keys = await workers.name_evidence(Path(copy.name))
        except MalformedDocument as refused:
            return Imported(str(file), fault="; ".join(refused.reasons))
    changes = sum(kept.keep(key, content) for key in keys)
    return Imported(str(file), is_new=changes > 0)


def _in_der(content: bytes) -> bytes:
    """Return the content of a PEM file, or a file that is none as it is."""
    armoured = _PEM.search(content)
    return base64.b64decode(armoured[1]) if armoured else content
