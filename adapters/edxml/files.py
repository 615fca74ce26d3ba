"""Attachments: their names made fit for showing, and the types their bytes have.

Real packets carry files whose bytes are not what their names say; they are taken with a warning.
"""

from __future__ import annotations

import re
import unicodedata

from gateway.domain.file_types import MAX_NAME, TYPES

UNKNOWN_TYPE = "application/octet-stream"
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,10})$")

ZIP = "application/zip"
_OLE2 = "application/x-ole-storage"

_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE2),
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"<?xml", "application/xml"),
    (b"\xef\xbb\xbf<?xml", "application/xml"),
)
_CONTAINERS = {
    ZIP: frozenset({"docx", "xlsx", "pptx", "odt", "ods", "zip"}),
    _OLE2: frozenset({"doc", "xls", "ppt"}),
}
"""Which extensions tell files of one magic apart."""
_TEXTS = frozenset({"xml", "txt"})


def extension_of(name: str) -> str:
    """Return the extension of a file name in lower case, without the dot; "" when there is none."""
    found = _EXTENSION.search(name)
    return found[1].lower() if found else ""


def shown_name(raw: str, *, number: int) -> str:
    """Return a file name fit for showing: NFC, without a path, without what cannot be shown, at most 255
    characters with the extension kept. `number` names a file whose name has nothing left."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", raw)[-1])
    name = "".join(letter for letter in name if unicodedata.category(letter) not in _UNSHOWABLE).strip()
    if not name.strip(". "):
        return f"attachment-{number}"
    extension = _EXTENSION.search(name)
    ending = extension[0] if extension else ""
    return name[: MAX_NAME - len(ending)].removesuffix(ending) + ending


def media_type_of(name: str, *, head: bytes) -> str:
    """Return the type that a file's first bytes have; its name only tells apart what begins alike."""
    extension = extension_of(name)
    by_magic = next((media_type for magic, media_type in _MAGIC if head.startswith(magic)), None)
    if by_magic is not None:
        return TYPES[extension].media_type if extension in _CONTAINERS.get(by_magic, ()) else by_magic
    return TYPES[extension].media_type if extension in _TEXTS and _is_text(head) else UNKNOWN_TYPE


def is_as_named(name: str, *, media_type: str) -> bool:
    """Return whether a file is of the type its extension promises."""
    kind = TYPES.get(extension_of(name))
    return kind is not None and kind.media_type == media_type


def _is_text(head: bytes) -> bool:
    # The head may end within a letter.
    return b"\x00" not in head and "\ufffd" not in head.decode("utf-8", "replace")[:-1]
