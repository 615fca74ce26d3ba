"""Evidence on disk: what was fetched or imported to settle a verdict, and what verdicts rest on.

`objects/ab/` holds bytes under their SHA-256, never changed and never removed: a verdict names its evidence
so, and can be judged again years later. `names/` says which object answers a key at present, and of which
edition it is. `epoch` is another text after every new answer. Several processes may write to the folder;
parsing workers only read it.

What is damaged counts as not there, and is put right when its bytes come again. That the folder cannot be
read is something else: an OSError, and no verdict.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

_LEFT_OVER_AFTER = timedelta(hours=1)
"""How old a file in `tmp/` must be for its process to be surely gone."""
_LONG_LIST_BYTES = 256 * 1024
_LISTS_BYTES = 32 * 1024 * 1024
_STATEMENTS = ("crl-", "ocsp-")
"""How keys begin under which the newer of two counts. Without an edition nobody knows how old one is."""
_NAMED = re.compile(rb"([0-9a-f]{64})(?: ([\x20-\x7e]{1,100}))?")
"""What stands in a name: the hash of the object, and its edition if it has one."""


class Taken(StrEnum):
    """What became of an answer that came to the store."""

    NEW = "new"
    KNOWN = "known"
    OLDER = "older"
    """It was not taken: the one at hand is of a later edition."""


class KeptEvidence:
    """The evidence in a folder, for reading. Meets `signing.evidence.EvidenceStore`.

    Everything here raises OSError when the folder is there and cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._objects = folder / "objects"
        self._names = folder / "names"
        self._epoch = folder / "epoch"
        self._lists: OrderedDict[str, bytes] = OrderedDict()

    @property
    def epoch(self) -> str:
        """Return what changes whenever an answer does."""
        try:
            return self._epoch.read_text("latin-1")  # which anything is, a damaged one too
        except FileNotFoundError:
            return ""

    def get(self, key: str) -> bytes | None:
        """Return the newest answer under a key, however old it is."""
        sha256, _ = self._named(key)
        return self.read(sha256) if sha256 else None

    def read(self, sha256: str) -> bytes | None:
        """Return the bytes that have this hash. Of a long list it is the same object each time while it is in
        use: what was found in it is remembered under it."""
        content = self._lists.pop(sha256, None) or self._content(sha256)
        if content is not None and len(content) >= _LONG_LIST_BYTES:
            self._lists[sha256] = content
            while sum(map(len, self._lists.values())) > _LISTS_BYTES and len(self._lists) > 1:
                self._lists.popitem(last=False)
        return content

    def has(self, sha256: str) -> bool:
        """Return whether bytes with this hash are kept."""
        return self._content(sha256) is not None

    def without_edition(self) -> Iterator[bytes]:
        """Yield the answers that have none, which are certificates of authorities."""
        for name in self._names.iterdir():
            sha256, edition = _read_name(name)
            content = self._content(sha256) if sha256 and not edition else None
            if content is not None:
                yield content

    def _content(self, sha256: str) -> bytes | None:
        try:
            content = self._object(sha256).read_bytes()
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    def _named(self, key: str) -> tuple[str, str]:
        """Return the hash of the answer under a key, and its edition; both empty when there is none."""
        try:
            sha256, edition = _read_name(self._name(key))
        except FileNotFoundError:
            return "", ""
        return ("", "") if key.startswith(_STATEMENTS) and not edition else (sha256, edition)

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

    def keep(self, key: str, answer: bytes, *, edition: str = "") -> Taken:
        """Make an answer the one under a key, unless one of a later edition is there.

        Who could put an old list in a newer one's place would make revoked signers good again.

        Args:
            key: What it answers.
            answer: Its bytes.
            edition: When its authority spoke: texts that sort by time, what nobody could check before the
                rest. Empty where there is no such order, as with certificates; then the last answer is the
                newest.

        Raises:
            OSError: The disk is full or failing; the answer before still stands.
        """
        with self._alone():
            _, before = self._named(key)
            if edition <= before and self.get(key) == answer:
                return Taken.KNOWN
            if edition < before:
                return Taken.OLDER
            (sha256,) = self.keep_objects([answer])
            self._place(f"{sha256} {edition}".strip().encode(), self._name(key))
            # After the name: who sees the new epoch sees the new answer.
            self._place(secrets.token_hex(16).encode(), self._epoch)
            return Taken.NEW

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

    def put_aside(self, content: bytes) -> Path:
        """Return a file with these bytes where parsing workers may read it; who asked for it removes it.

        Raises:
            OSError: The disk is full or failing.
        """
        path = self._tmp / secrets.token_hex(16)
        path.write_bytes(content)
        return path

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep every other process and thread from changing names meanwhile."""
        names = os.open(self._names, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(names, fcntl.LOCK_EX)
            yield
        finally:
            os.close(names)

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

    Args:
        folder: Where it is.
        now: The machine's present, by which files are dated; not the moment that files are judged at.

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


def _read_name(path: Path) -> tuple[str, str]:
    found = _NAMED.fullmatch(path.read_bytes())
    return (found[1].decode(), (found[2] or b"").decode()) if found else ("", "")


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
