"""File names and what the bytes behind them must be. A name is for showing only, never a path."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.errors import MalformedDocument, UnsupportedFileType

MAX_NAME = 255
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control characters, bidirectional overrides, surrogates, unassigned: nothing a name needs."""
_TEXT_CONTROLS = frozenset("\t\n\r\f")
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xca\xfe\xba\xbe",
    *(b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"),
    b"L\x00\x00\x00\x01\x14\x02\x00",
)
"""Of Windows, Linux, a script, Java, macOS, and a Windows shortcut, which starts one."""
# As browsers tell a page by its bytes, behind what XML may begin with.
_WEB_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*"
    rb"<(?:!doctype\s+(?:html|svg)|html|head|title|body|script|iframe|object|embed|svg)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file the exchange takes: its media type, and whether a file's first bytes are that."""

    media_type: str
    begins: Callable[[bytes], bool]


def shown_name(raw: str | None) -> str:
    """Return a file name fit for showing: NFC, without spaces around it.

    Raises:
        MalformedDocument: It is missing, holds a path or characters that cannot be shown, or is longer
            than 255 characters.
    """
    name = unicodedata.normalize("NFC", raw or "").strip()
    if not name:
        raise MalformedDocument(reasons=("file: give every file part a filename",))
    if any(unicodedata.category(letter) in _UNSHOWABLE for letter in name):
        raise MalformedDocument(reasons=("file: a file name holds characters that cannot be shown",))
    if "/" in name or "\\" in name:
        raise MalformedDocument(reasons=(f"{name[:MAX_NAME]}: a file name must not hold a path",))
    if len(name) > MAX_NAME:
        raise MalformedDocument(reasons=(f"{name[:40]}…: a file name has at most {MAX_NAME} characters",))
    return name


def type_by_name(name: str) -> FileType:
    """Return the type that a file of this name must have.

    Raises:
        UnsupportedFileType: The extension is none of those taken.
    """
    stem, _, extension = name.rpartition(".")
    kind = TYPES.get(extension.lower()) if stem.strip(". ") else None
    if kind is None:
        raise UnsupportedFileType(reasons=(f"{name}: the extension must be one of {', '.join(TYPES)}",))
    return kind


def compared(name: str) -> str:
    """Return a file name as names are compared: capitals and the composition of marks tell no two apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_signature_of(name: str, *, of: str) -> bool:
    """Return whether a file, by its name, is the detached signature of another: `name.p7s` of `name`."""
    return compared(name) == compared(f"{of}.p7s")


def may_be_signed(media_type: str, *, head: bytes) -> bool:
    """Return whether a file can carry a signature that is looked for, by its type or else its first bytes."""
    if media_type != UNKNOWN_TYPE:
        return media_type in _SIGNED_TYPES
    is_cms = _SIGNED_DATA in head[:_SIGNED_DATA_WITHIN] or head.lstrip().startswith(_ARMOURED_CMS)
    return is_cms or b"%PDF-" in head or _is_xml(head) or _ZIP(head)


def type_by_content(head: bytes) -> str:
    """Return the media type of a file that came without a name, by its first bytes."""
    return PDF.media_type if PDF.begins(head) else UNKNOWN_TYPE


def check_content(name: str, kind: FileType, *, head: bytes) -> None:
    """Pass when the first bytes of a file are what its name says.

    Raises:
        UnsupportedFileType: They are not.
    """
    if not kind.begins(head):
        raise UnsupportedFileType(reasons=(f"{name}: the content is not {kind.media_type}",))


def refuse_program(name: str, *, head: bytes) -> None:
    """Pass when the first bytes of a file are neither a program's nor a web page's, whatever its name.

    Raises:
        UnsupportedFileType: They are.
    """
    if head.startswith(_PROGRAMS) or _WEB_PAGE.match(head):
        raise UnsupportedFileType(reasons=(f"{name}: the content is a program or a web page",))


def begins_like(media_type: str, head: bytes) -> bool:
    """Return whether a file of this type may begin so; one of a type not listed here begins anyhow."""
    return all(kind.begins(head) for kind in TYPES.values() if kind.media_type == media_type)


def _magic(*prefixes: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(prefixes)


def _is_xml(head: bytes) -> bool:
    return head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n").startswith(b"<")


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # may end within a letter
    except UnicodeDecodeError:
        return False
    return bool(head) and not any(letter < " " and letter not in _TEXT_CONTROLS for letter in text)


_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_ZIP = _magic(b"PK\x03\x04")
_OLE2 = _magic(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_JPEG = FileType("image/jpeg", _magic(b"\xff\xd8\xff"))
_TIFF = FileType("image/tiff", _magic(b"II*\x00", b"MM\x00*"))

_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
"""The type of a CMS signature, as it stands behind the outermost lengths."""
_SIGNED_DATA_WITHIN = 24
_ARMOURED_CMS = (b"-----BEGIN PKCS7-----", b"-----BEGIN CMS-----", b"MII", b"MIA")
_DER_OR_PEM = _magic(*(bytes((0x30, length)) for length in range(0x80, 0x85)), *_ARMOURED_CMS)
PDF = FileType("application/pdf", _magic(b"%PDF-"))
_XML = FileType("application/xml", _is_xml)
_P7S = FileType("application/pkcs7-signature", _DER_OR_PEM)
_P7M = FileType("application/pkcs7-mime", _DER_OR_PEM)
UNKNOWN_TYPE = "application/octet-stream"
HEAD_BYTES = 1024
_SIGNED_TYPES = frozenset(kind.media_type for kind in (PDF, _XML, _P7S, _P7M))

TYPES: dict[str, FileType] = {
    "pdf": PDF,
    "docx": FileType(_OPEN_XML + "wordprocessingml.document", _ZIP),
    "xlsx": FileType(_OPEN_XML + "spreadsheetml.sheet", _ZIP),
    "pptx": FileType(_OPEN_XML + "presentationml.presentation", _ZIP),
    "odt": FileType(_OPEN_DOCUMENT + "text", _ZIP),
    "ods": FileType(_OPEN_DOCUMENT + "spreadsheet", _ZIP),
    "zip": FileType("application/zip", _ZIP),
    "doc": FileType("application/msword", _OLE2),
    "xls": FileType("application/vnd.ms-excel", _OLE2),
    "ppt": FileType("application/vnd.ms-powerpoint", _OLE2),
    "rtf": FileType("application/rtf", _magic(b"{\\rtf")),
    "xml": _XML,
    "p7s": _P7S,
    "p7m": _P7M,
    "txt": FileType("text/plain", _is_text),
    "png": FileType("image/png", _magic(b"\x89PNG\r\n\x1a\n")),
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "tif": _TIFF,
    "tiff": _TIFF,
}
"""The files the exchange takes, by their extension."""
