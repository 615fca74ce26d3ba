"""Bodies of documents as files under their SHA-256, in one folder on one filesystem.

`tmp/` holds what is being received, `sha256/ab/` what was kept, `unpack/` what parsing workers take out of
packets: each may write to a folder of its own there, and nowhere else. Kept means fsynced, file and folder; a
name is never anything but a hash. Several processes may share the folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from io import FileIO
from pathlib import Path

from gateway.domain.errors import MalformedDocument, StoreUnavailable
from gateway.domain.model import Sha256
from gateway.domain.ports import Draft

LEFT_OVER_AFTER = timedelta(hours=1)
"""How old a file in `tmp/` or a folder in `unpack/` must be for its process to be surely gone."""
UNPACK = "unpack"
"""The folder of the store in which each parsing worker has the one folder it may write to."""
_DIRECT_BYTES = 256 * 1024
"""What of a body is written without a thread, which would cost more than the writing."""
_CHECK_SPACE_BYTES = 8 * 1024 * 1024
_HEAD_BYTES = 1024


class FileDraft:
    """A body being received into a file of its own. Meets the port `Draft`."""

    def __init__(self, path: Path, *, check_space: Callable[[], None]) -> None:
        self.path = self._received_at = path
        self.size_bytes = 0
        self.head = b""
        self._hash = hashlib.sha256()
        self._check_space = check_space
        self._checked_bytes = 0
        self._file = FileIO(path, "xb", opener=_open_read_only)
        self._writing: asyncio.Future[None] | None = None

    @property
    def sha256(self) -> Sha256:
        """Return the hash of what was written so far."""
        return Sha256(self._hash.hexdigest())

    async def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            StoreUnavailable: The disk is full or failing.
        """
        if self.size_bytes + len(chunk) <= _DIRECT_BYTES:
            self._append(chunk)
            return
        # A cancelled request must not end the draft while a thread still writes it.
        self._writing = asyncio.ensure_future(asyncio.to_thread(self._append, chunk))
        await asyncio.shield(self._writing)

    def _append(self, chunk: bytes) -> None:
        if self.size_bytes - self._checked_bytes >= _CHECK_SPACE_BYTES:
            self._check_space()
            self._checked_bytes = self.size_bytes
        with _disk_failures():
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._hash.update(chunk)
        self.size_bytes += len(chunk)
        if len(self.head) < _HEAD_BYTES:
            self.head += chunk[: _HEAD_BYTES - len(self.head)]

    def make_durable(self) -> None:
        """Return when the bytes are on the disk. After a failure the file is worthless: never try again."""
        with _disk_failures():
            os.fsync(self._file.fileno())

    def move_to(self, target: Path) -> None:
        """Give the file its place; what stands there already has the same bytes and stays."""
        while True:
            try:
                os.link(self._received_at, target)
                break
            except FileExistsError:
                with suppress(FileNotFoundError):  # swept just now: place ours after all
                    os.utime(target)
                    break
        self._received_at.unlink()
        self.path = target

    async def discard(self) -> None:
        """Close the file and remove it, unless it has moved to its place."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        self._file.close()
        self._received_at.unlink(missing_ok=True)


class FolderBodies:
    """Meets the port `Bodies`. `fsyncs` counts them, for the bench."""

    def __init__(self, folder: Path, *, free_floor_bytes: int) -> None:
        self._tmp = folder / "tmp"
        self._kept = folder / "sha256"
        self._unpack = folder / UNPACK
        self._adopted: dict[Path, list[FileDraft]] = {}
        self._free_floor_bytes = free_floor_bytes
        self.fsyncs = 0

    @property
    def free_bytes(self) -> int:
        """Return how much space is left."""
        space = os.statvfs(self._tmp)
        return space.f_bavail * space.f_frsize

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[Draft]:
        """Lend a draft; it is gone when the context ends, unless it was kept.

        Raises:
            StoreUnavailable: Free space is below the floor.
        """
        self._check_space()
        draft = self._new_draft()
        try:
            yield draft
        finally:
            await draft.discard()

    @asynccontextmanager
    async def unpacking(self) -> AsyncIterator[Path]:
        """Lend an empty folder for what a parsing worker takes out of a packet; it is gone when the context
        ends, and so is what was adopted from it and not kept.

        Raises:
            StoreUnavailable: Free space is below the floor.
        """
        self._check_space()
        folder = self._unpack / secrets.token_hex(16)
        with _disk_failures():
            folder.mkdir(mode=0o700)
        adopted = self._adopted[folder] = []
        try:
            yield folder
        finally:
            del self._adopted[folder]
            for draft in adopted:
                await draft.discard()
            try:
                folder.rmdir()
            except OSError:
                # A large file, or whatever a worker that was taken over has left here.
                await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))

    async def adopt(self, path: Path) -> Draft:
        """Return a copy of a file in a lent folder as a draft, gone with the folder unless it was kept. The
        file itself may be gone.

        The copy is out of the worker's reach: whatever it still holds open, it cannot change what was hashed.

        Raises:
            MalformedDocument: There is no such regular file: what wrote it was misled by what it read.
            StoreUnavailable: The disk is full or failing.
        """
        if path.parent not in self._adopted:
            raise MalformedDocument(reasons=("a file of the packet lies outside its folder",))
        with _open_regular(path) as source:
            draft = self._new_draft()
            self._adopted[path.parent].append(draft)
            while chunk := source.read(_DIRECT_BYTES):
                await draft.write(chunk)
        if draft.size_bytes <= _DIRECT_BYTES:
            with suppress(FileNotFoundError):
                os.unlink(path)
        return draft

    async def keep(self, drafts: Sequence[Draft]) -> None:
        """Make drafts durable under their hashes; keeping known bytes again is harmless.

        Raises:
            StoreUnavailable: The disk is full or failing; nothing counts as kept.
        """
        await asyncio.to_thread(self._keep, drafts)

    def path(self, sha256: Sha256) -> Path:
        """Return where a kept body can be read."""
        return self._kept / sha256[:2] / sha256

    async def sweep(
        self, unused: Callable[[Collection[Sha256]], Awaitable[set[Sha256]]], *, older_than: datetime
    ) -> int:
        """Remove bodies that were last kept before a moment and that no document has; return how many.

        A crash between `keep` and the commit leaves them. The moment must lie further back than any
        request may take. `unused` says which of some bodies no document has; it is asked once per folder.
        """
        removed = 0
        for folder in await asyncio.to_thread(lambda: list(self._kept.iterdir())):
            names = await asyncio.to_thread(_older, folder, older_than)
            for name in await unused(names) if names else ():
                removed += await asyncio.to_thread(self._remove_unless_kept_again, name, older_than)
        return removed

    async def sweep_left_overs(self, *, now: datetime) -> None:
        """Remove what a crash left in `tmp/` and `unpack/` an hour ago or earlier.

        Raises:
            StoreUnavailable: The disk is failing.
        """
        await asyncio.to_thread(_remove_left_overs, self._tmp, self._unpack, now=now)

    def _new_draft(self) -> FileDraft:
        with _disk_failures():
            return FileDraft(self._tmp / secrets.token_hex(16), check_space=self._check_space)

    def _check_space(self) -> None:
        if self.free_bytes < self._free_floor_bytes:
            raise StoreUnavailable("The store is nearly full; nothing was kept.")

    def _keep(self, drafts: Sequence[Draft]) -> None:
        with _disk_failures():
            for draft in drafts:
                assert isinstance(draft, FileDraft), "a draft of another store"
                draft.make_durable()
                self.fsyncs += 1
                draft.move_to(self.path(draft.sha256))
            for folder in {self.path(draft.sha256).parent for draft in drafts}:
                # Also when the body was there: the request that brought it may not have come this far.
                _fsync_folder(folder)
                self.fsyncs += 1

    def _remove_unless_kept_again(self, name: Sha256, older_than: datetime) -> bool:
        if not _is_older(self.path(name), older_than):
            return False
        # Out of the way first: whoever keeps the same bytes just now either marks this file (and it goes
        # back) or misses it and places a new one.
        aside = self._tmp / secrets.token_hex(16)
        with suppress(FileNotFoundError):
            self.path(name).rename(aside)
            is_marked = not _is_older(aside, older_than)
            if is_marked:
                with suppress(FileExistsError):
                    os.link(aside, self.path(name))
                    _fsync_folder(self.path(name).parent)
            aside.unlink()
            return not is_marked
        return False


async def open_bodies(folder: Path, *, free_floor_bytes: int, now: datetime) -> FolderBodies:
    """Return the store in a folder, made when missing, without what a crash left in `tmp/` and `unpack/`.

    Args:
        folder: On one filesystem, shared by all processes.
        free_floor_bytes: Below so much free space nothing is received.
        now: The present moment; left-overs older than an hour go.

    Raises:
        StoreUnavailable: The folder cannot be written.
    """
    await asyncio.to_thread(_prepare, folder, now)
    return FolderBodies(folder, free_floor_bytes=free_floor_bytes)


def _prepare(folder: Path, now: datetime) -> None:
    with _disk_failures():
        kept = folder / "sha256"
        for each in (folder / "tmp", folder / UNPACK, *(kept / f"{byte:02x}" for byte in range(256))):
            each.mkdir(mode=0o750, parents=True, exist_ok=True)
        for each in (kept, folder, folder.parent):
            _fsync_folder(each)
    _remove_left_overs(folder / "tmp", folder / UNPACK, now=now)


def _remove_left_overs(tmp: Path, unpack: Path, *, now: datetime) -> None:
    """Remove what a crash left; the folder of a worker that was idle as long goes too, and is made again."""
    with _disk_failures():
        for left_over in tmp.iterdir():
            if _is_older(left_over, now - LEFT_OVER_AFTER):
                left_over.unlink(missing_ok=True)
        for left_over in unpack.iterdir():
            if _is_older(left_over, now - LEFT_OVER_AFTER):
                shutil.rmtree(left_over, ignore_errors=True)


def _older(folder: Path, than: datetime) -> list[Sha256]:
    return [Sha256(each.name) for each in folder.iterdir() if _is_older(each, than)]


def _is_older(path: Path, than: datetime) -> bool:
    """Return whether a file was last kept before a moment; one that is gone is not."""
    try:
        return path.stat().st_mtime < than.timestamp()
    except FileNotFoundError:
        return False


def _open_regular(path: Path) -> FileIO:
    """Open a file a parsing worker wrote: neither a link out of its folder nor a pipe that never ends."""
    try:
        file = FileIO(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        file.close()
    except OSError as missing:
        raise MalformedDocument(reasons=("a file of the packet could not be unpacked",)) from missing
    raise MalformedDocument(reasons=("a file of the packet is no regular file",))


def _open_read_only(path: str, flags: int) -> int:
    """Open a new file that nobody but its opener can write."""
    return os.open(path, flags, 0o440)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk_failures() -> Iterator[None]:
    """Turn what the filesystem says into `StoreUnavailable`."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable from error
