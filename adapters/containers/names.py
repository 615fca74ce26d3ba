"""Names of entries: none may lead out of the folder a recipient unpacks to, or mean two things."""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Iterable, Sequence

from adapters.containers.extras import is_link
from adapters.containers.findings import BadContainer
from adapters.containers.listing import Entry

_MAX_NAME = 1_024
_UNSHOWABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNS_AROUND = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DEVICES = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE
)
_NO_SUCH_KIND = 0o170000
"""What some archivers of Java write when they know none."""
_DOS_DEVICE, _DOS_LABEL, _DOS_LINK = 0x40, 0x08, 0x400


def check_names(entries: Sequence[Entry]) -> None:
    """Pass when every entry is a plain file or folder of its own beneath the archive's folder.

    Raises:
        BadContainer: A name leads elsewhere, is there twice or cannot be shown, or an entry is a link or a
            device.
    """
    files: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        _check_kind(entry)
        for name in entry.names:
            parts = _parts(name)
            path = "/".join(parts)
            is_folder = name.endswith(("/", "\\"))
            if is_folder and entry.size_bytes:
                raise BadContainer("a folder in the archive has content")
            if path in files or (path in folders and is_folder):
                raise BadContainer("the archive holds two entries of the same name")
            (folders if is_folder else files).add(path)
    above = {path.rpartition("/")[0] for path in files | folders}
    _check_nothing_beneath_files(files, above)
    if files & folders:
        raise BadContainer("the archive holds two entries of the same name")


def _check_nothing_beneath_files(files: set[str], above: Iterable[str]) -> None:
    for folder in above:
        while folder:
            if folder in files:
                raise BadContainer("the archive uses the name of a file for a folder too")
            folder = folder.rpartition("/")[0]


def _check_kind(entry: Entry) -> None:
    """Pass when the entry is a file or a folder; the mode is read whatever system it claims to come from."""
    kind = stat.S_IFMT(entry.attributes >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR, _NO_SUCH_KIND) or is_link(entry.extra):
        raise BadContainer("the archive holds a link or a device")
    if entry.attributes & (_DOS_DEVICE | _DOS_LABEL | _DOS_LINK):
        raise BadContainer("the archive holds a link or a device")


def _parts(name: str) -> list[str]:
    """Return the parts of a name as the most careless file system would see them."""
    if not name or len(name) > _MAX_NAME:
        raise BadContainer("the name of an entry is empty or too long")
    if any(unicodedata.category(each) in _UNSHOWABLE or each in _TURNS_AROUND for each in name):
        raise BadContainer("the name of an entry holds characters that cannot be shown")
    # Full-width dots and slashes become plain ones on some systems, and case is lost.
    path = unicodedata.normalize("NFKC", name).casefold().replace("\\", "/")
    if path.startswith("/") or ":" in path:
        raise BadContainer("the name of an entry leads out of the archive")
    parts = path.removesuffix("/").split("/")
    for part in parts:
        # Windows ignores dots and spaces at the end: "..", ".. " and "..." all lead up.
        if not part.rstrip(". "):
            raise BadContainer("the name of an entry leads out of the archive")
        if _DEVICES.fullmatch(part):
            raise BadContainer("the archive holds a link or a device")
    return [part.rstrip(". ") for part in parts]
