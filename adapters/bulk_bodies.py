"""Keeping hundreds of bodies at once, for taking in an existing store."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from adapters.bodies import FileDraft, FolderBodies
from gateway.domain.errors import StoreUnavailable
from gateway.domain.model import Sha256
from gateway.domain.ports import Draft

_ANY_BODY = Sha256("0" * 64)


class BulkBodies:
    """Keeps drafts of a store as the store itself does, but writes the whole filesystem out instead of each
    file and folder by itself: measured on ext4, ten times as fast from some hundred files on."""

    def __init__(self, bodies: FolderBodies, descriptor: int) -> None:
        self._bodies = bodies
        self._descriptor = descriptor

    async def keep(self, drafts: Sequence[Draft]) -> None:
        """Make drafts durable under their hashes; keeping known bytes again is harmless.

        Raises:
            StoreUnavailable: The disk is full or failing; nothing counts as kept.
        """
        if drafts:
            await asyncio.to_thread(self._keep, drafts)

    def _keep(self, drafts: Sequence[Draft]) -> None:
        try:
            # Before the files get their names: whoever finds a body under its hash relies on its bytes.
            _sync_filesystem(self._descriptor)
            for draft in drafts:
                assert isinstance(draft, FileDraft), "a draft of another store"
                draft.move_to(self._bodies.path(draft.sha256))
            _sync_filesystem(self._descriptor)
        except OSError as error:
            raise StoreUnavailable from error


@contextmanager
def in_bulk(bodies: FolderBodies) -> Iterator[BulkBodies]:
    """Lend what keeps drafts of a store in bulk."""
    # Opened before anything is written: Linux tells a descriptor of the write errors since its opening.
    descriptor = os.open(bodies.path(_ANY_BODY).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield BulkBodies(bodies, descriptor)
    finally:
        os.close(descriptor)


def _sync_filesystem(descriptor: int) -> None:
    """Return when everything written to a filesystem so far is on the disk (syncfs, Linux 5.8 and later).

    Raises:
        OSError: Something could not be written.
    """
    if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
        raise OSError(ctypes.get_errno(), "syncfs failed")
