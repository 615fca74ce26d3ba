"""Taking in evidence that was brought on a disk."""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.evidence_store import EvidenceFolder, Taken, open_evidence
from adapters.sandbox import Sandbox
from gateway.domain.errors import MalformedDocument
from gateway.domain.ports import Clock
from ops.evidence_naming import UNPROVEN
from ops.parts import now
from ops.settings import Settings
from ops.verifying import open_workers

_ARMOUR = b"-----BEGIN "
_PEM = re.compile(_ARMOUR + rb"[A-Z0-9 ]+-----([^-]*)-----END")
_OLDER = "older than the one at hand, which stays"
_LESS_SURE = (
    "older than the one at hand, which stays, or nobody here can tell whether it is genuine: "
    "is the certificate of its authority in the trust folder?"
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file: `is_new` says whether it told something that was not known, `fault` why it
    was not taken, or a part of it."""

    file: str
    is_new: bool = False
    fault: str | None = None


class _Refused(Exception):
    """A piece of evidence is not taken; the text says why."""


async def import_files(settings: Settings, files: Sequence[Path], *, clock: Clock = now) -> list[Imported]:
    """Return what became of each file. They are parsed in a parsing worker, like everything from outside.

    Raises:
        VerificationUnavailable: No parsing worker could be had.
        OSError: The evidence folder cannot be written, or is another user's.
    """
    _demand_own(settings.evidence_dir)
    kept = open_evidence(settings.evidence_dir, now=now())
    settings.bodies_dir.mkdir(parents=True, exist_ok=True)
    async with open_workers(settings, workers=1, clock=clock) as workers:
        return [await _import(workers, kept, file) for file in files]


async def _import(workers: Sandbox, kept: EvidenceFolder, file: Path) -> Imported:
    try:
        pieces = _pieces(await asyncio.to_thread(file.read_bytes))
    except OSError as unreadable:
        return Imported(str(file), fault=unreadable.strerror or "it cannot be read")
    except binascii.Error:
        return Imported(str(file), fault="a broken PEM file")
    faults, is_new = [], False
    for piece in pieces:
        try:
            is_new |= await _is_new(workers, kept, piece)
        except _Refused as refused:
            faults.append(str(refused))
    return Imported(str(file), is_new, "; ".join(faults) or None)


async def _is_new(workers: Sandbox, kept: EvidenceFolder, piece: bytes) -> bool:
    """Take one piece of evidence in; return whether it tells something that was not known.

    Raises:
        _Refused: It is not taken.
    """
    aside = kept.put_aside(piece)
    try:
        editions = await workers.name_evidence(aside)
    except MalformedDocument as refused:
        raise _Refused("; ".join(refused.reasons)) from refused
    finally:
        aside.unlink(missing_ok=True)
    taken = {kept.keep(key, piece, edition=edition) for key, edition in editions.items()}
    if taken == {Taken.OLDER}:
        is_sure = not any(edition.startswith(UNPROVEN) for edition in editions.values())
        raise _Refused(_OLDER if is_sure else _LESS_SURE)
    return Taken.NEW in taken


def _pieces(content: bytes) -> list[bytes]:
    """Return what is in a PEM file, or a file that is none as it is.

    Raises:
        binascii.Error: It is a broken one.
    """
    if _ARMOUR not in content:
        return [content]
    armoured = _PEM.findall(content)
    if len(armoured) != content.count(_ARMOUR):
        raise binascii.Error
    return [base64.b64decode(b"".join(each.split()), validate=True) for each in armoured]


def _demand_own(folder: Path) -> None:
    """Pass when what is put into a folder can be read by whom it belongs to.

    Raises:
        PermissionError: It is another user's, whose gateway could not read what we put there.
    """
    there, is_hidden = _innermost(folder.absolute())
    owner, ours = there.stat().st_uid, os.geteuid()
    # Only the superuser makes folders where others' are, and then keeps them out.
    if is_hidden or (owner != ours and (there == folder.absolute() or ours == 0)):
        raise PermissionError(
            f"{there} belongs to the user with the number {owner}, this command runs under {ours}: "
            "run it as the user of the gateway, who has to read what is taken in."
        )


def _innermost(folder: Path) -> tuple[Path, bool]:
    """Return the folder, else the nearest above it that is there; and whether it keeps us out."""
    is_hidden = False
    for each in (folder, *folder.parents):
        try:
            if each.exists():
                return each, is_hidden
        except PermissionError:
            is_hidden = True
    return folder, True
