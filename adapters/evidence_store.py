"""Evidence on disk: what was fetched or imported to settle a verdict, and what verdicts rest on.

`objects/ab/` holds bytes under their SHA-256, never changed and never removed: a verdict names its evidence
so, and can be judged again years later. `names/` says which object answers a key at present. `epoch` is
another text after every new answer. Several processes may write to the folder; parsing workers only read it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

_LEFT_OVER_AFTER = timedelta(hours=1)
"""How old a file in `tmp/` must be for its process to be surely gone."""
_LONG_LIST_BYTES = 256 * 1024
_LISTS_BYTES = 32 * 1024 * 1024


class KeptEvidence:
    """The evidence in a folder, for reading. Meets `signing.evidence.EvidenceStore`."""

    def __init__(self, folder: Path) -> None:
        self._objects = folder / "objects"
        self._names = folder / "names"
        self._epoch = folder / "epoch"
        self._lists: OrderedDict[str, bytes] = OrderedDict()

    @property
    def epoch(self) -> str:
        """Return what changes whenever an answer does."""
        try:
            return self._epoch.read_text("ascii")
        except FileNotFoundError:
            return ""

    def get(self, key: str) -> bytes | None:
        """Return the newest answer under a key, however old it is."""
        try:
            sha256 = self._name(key).read_text("ascii")
        except FileNotFoundError:
            return None
        return self.read(sha256)

    def read(self, sha256: str) -> bytes | None:
        """Return the bytes that have this hash. Of a long list it is the same object each time while it is in
        use: what was found in it is remembered under it."""
        content = self._lists.pop(sha256, None)
        if content is None:
            try:
                content = self._object(sha256).read_bytes()
            except FileNotFoundError:
                return None
        if len(content) >= _LONG_LIST_BYTES:
            self._lists[sha256] = content
            while sum(map(len, self._lists.values())) > _LISTS_BYTES and len(self._lists) > 1:
                self._lists.popitem(last=False)
        return content

    def has(self, sha256: str) -> bool:
        """Return whether bytes with this hash are kept."""
        return self._object(sha256).exists()

    def _name(self, key: str) -> Path:
        # A key may hold anything, a stranger's words too; its hash is always a file name.
        return self._names / hashlib.sha256(key.encode()).hexdigest()

    def _object(self, sha256: str) -> Path:
        return self._objects / sha256[:2] / sha256


class EvidenceFolder(KeptEvidence):
    """The evidence in a folder, for those who may add to it. Made by `open_evidence`.

    All that writes waits for the disk: not to be called in the event loop.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._tmp = folder / "tmp"

    def keep(self, key: str, answer: bytes) -> bool:
        """Make an answer the newest under a key; return whether it is another than before.

        Raises:
            OSError: The disk is full or failing; the answer before still stands.
        """
        (sha256,) = self.keep_objects([answer])
        name = self._name(key)
        with suppress(FileNotFoundError):
            if name.read_text("ascii") == sha256:
                return False
        self._place(sha256.encode(), name)
        # After the name: who sees the new epoch sees the new answer.
        self._place(secrets.token_hex(16).encode(), self._epoch)
        return True

    def keep_objects(self, objects: Iterable[bytes]) -> list[str]:
        """Make bytes durable; return their hashes, in order. Keeping known bytes again is harmless.

        Raises:
            OSError: The disk is full or failing.
        """
        hashes = []
        for content in objects:
            sha256 = hashlib.sha256(content).hexdigest()
            if not self.has(sha256):
                self._place(content, self._object(sha256))
            hashes.append(sha256)
        return hashes

    def _place(self, content: bytes, target: Path) -> None:
        """Put a file there at once or not at all; afterwards it survives a loss of power."""
        staged = self._tmp / secrets.token_hex(16)
        try:
            with staged.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if not target.parent.exists():
                target.parent.mkdir(mode=0o700, exist_ok=True)
                _fsync_folder(target.parent.parent)
            staged.rename(target)
        finally:
            staged.unlink(missing_ok=True)
        _fsync_folder(target.parent)


def open_evidence(folder: Path, *, now: datetime) -> EvidenceFolder:
    """Return the evidence in a folder, made when missing, without what a crash left in `tmp/` an hour ago.

    Raises:
        OSError: The folder cannot be written.
    """
    for each in (folder, folder / "objects", folder / "names", folder / "tmp"):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    oldest = (now - _LEFT_OVER_AFTER).timestamp()
    for left_over in (folder / "tmp").iterdir():
        with suppress(FileNotFoundError):  # another process starts and tidies too
            if left_over.stat().st_mtime < oldest:
                left_over.unlink()
    return EvidenceFolder(folder)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
