"""Where files from the exchange land on disk: safe names, nothing overwritten, nothing half."""

from __future__ import annotations

import hashlib
import os
import tempfile
import unicodedata
from pathlib import Path
from types import TracebackType

_LONGEST_NAME_BYTES = 200
_NEVER_IN_NAMES = frozenset('<>:"/\\|?*')
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


def safe_name(name: str, *, otherwise: str) -> str:
    """Return a file name that means the same on every system and never leaves its folder.

    Only the part behind the last slash or backslash counts; `otherwise` is taken when nothing is left.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join("_" if char in _NEVER_IN_NAMES else char for char in last if _is_visible(char))
    kept = " ".join(kept.split()).lstrip(".").rstrip(". ")
    stem, dot, suffix = kept.rpartition(".")
    if (stem or suffix).partition(".")[0].lower() in _DEVICES:
        kept = f"_{kept}"
    if len(kept.encode()) > _LONGEST_NAME_BYTES:
        kept = _cut(stem or suffix, f"{dot}{suffix}" if stem else "")
    return kept or otherwise


def _is_visible(char: str) -> bool:
    """Leave out control characters and those that turn the reading direction (a fake .pdf.exe)."""
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _cut(stem: str, suffix: str) -> str:
    suffix = suffix if len(suffix.encode()) <= 16 else ""
    room = _LONGEST_NAME_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore") + suffix


class Landing:
    """One file on its way: bytes go to a temporary file beside the final one until they are whole."""

    def __init__(self, folder: Path, *, name: str, sha256: str, otherwise: str) -> None:
        self.name = safe_name(name, otherwise=otherwise)
        self._folder = folder
        self._sha256 = sha256
        self._hash = hashlib.sha256()

    def __enter__(self) -> Landing:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, path = tempfile.mkstemp(prefix=".arriving-", dir=self._folder)
        self._path = Path(path)
        self._file = os.fdopen(descriptor, "wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        self._hash.update(chunk)
        self._file.write(chunk)

    @property
    def is_whole(self) -> bool:
        """Return whether the bytes so far are those that were announced."""
        return self._hash.hexdigest() == self._sha256

    def settle(self) -> Path:
        """Give the file its name and return where it is.

        A file of that name with the same bytes is left as it is; with others, a number is added to ours.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        number = 1
        while True:
            target = self._folder / _numbered(self.name, number)
            if _reserve(target):
                self._path.replace(target)
                return target
            if _sha256_of(target) == self._sha256:
                return target
            number += 1


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{Path(name).stem} ({number}){Path(name).suffix}"


def _reserve(target: Path) -> bool:
    """Take a name that nobody has, so that no file can be replaced between look and move."""
    try:
        target.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _sha256_of(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
