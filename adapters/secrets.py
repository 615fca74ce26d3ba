"""Secrets of others that must be read again, encrypted at rest: AES-256-GCM under a key of the site's own.

A sealed secret is good for its owner only: whoever can write the record cannot give one centre the secret
of another.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.domain.errors import DependencyUnavailable

KEY_BYTES = 32
_NONCE_BYTES = 12


UNREADABLE = "The secrets of the connected centres cannot be read: their key is missing, or another one."


class SecretBox:
    """Seals and opens secrets with the key in a file; the file is read when it is first needed."""

    def __init__(self, key_path: Path) -> None:
        self._key_path = key_path
        self._cipher: AESGCM | None = None

    def create_key(self) -> None:
        """Write a fresh key (0600), unless there is one."""
        draft = self._key_path.with_name(f"{self._key_path.name}.{os.getpid()}.new")
        draft.unlink(missing_ok=True)
        self._key_path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(AESGCM.generate_key(KEY_BYTES * 8))
            file.flush()
            os.fsync(descriptor)
        # A link, not a rename: of two who create it at once the first one's key stays.
        with suppress(FileExistsError):
            os.link(draft, self._key_path)
        draft.unlink()

    def seal(self, secret: str, *, owner: str) -> bytes:
        """Return a secret encrypted for the record.

        Raises:
            DependencyUnavailable: There is no usable key.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._opened().encrypt(nonce, secret.encode(), owner.encode())

    def open(self, sealed: bytes, *, owner: str) -> str:
        """Return a secret that was sealed for this owner.

        Raises:
            DependencyUnavailable: There is no usable key, or it is not the one the secret was sealed with.
        """
        nonce, encrypted = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._opened().decrypt(nonce, encrypted, owner.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise DependencyUnavailable(UNREADABLE) from error

    def _opened(self) -> AESGCM:
        if self._cipher is None:
            try:
                self._cipher = AESGCM(self._key_path.read_bytes())
            except (OSError, ValueError) as error:
                raise DependencyUnavailable(UNREADABLE) from error
        return self._cipher
