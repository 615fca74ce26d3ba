"""ZIP archives written by hand, so that any field can lie; and small true Office files."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
MAX_32 = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Member:
    """One entry. What is None is told truly; `local_…` is what its own header says instead of the list."""

    name: str | bytes = "a.txt"
    content: bytes = b"noi dung"
    method: int = 8
    packed: bytes | None = None
    flags: int | None = None
    crc: int | None = None
    packed_bytes: int | None = None
    size_bytes: int | None = None
    attributes: int = 0
    extra: bytes = b""
    comment: bytes = b""
    disk: int = 0
    at: int | None = None
    before: bytes = b""
    after: bytes = b""
    local_name: bytes | None = None
    local_flags: int | None = None
    local_method: int | None = None
    local_crc: int | None = None
    local_packed_bytes: int | None = None
    local_size_bytes: int | None = None
    local_extra: bytes = b""
    is_listed: bool = True
    is_there: bool = True

    @property
    def raw_name(self) -> bytes:
        """Return the name as it is written."""
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    @property
    def raw(self) -> bytes:
        """Return the content as it is packed."""
        if self.packed is not None:
            return self.packed
        return deflated(self.content) if self.method == 8 else self.content

    @property
    def all_flags(self) -> int:
        """Return the flags, UTF-8 unless told otherwise."""
        is_text = isinstance(self.name, str)
        return (0x800 if is_text else 0) if self.flags is None else self.flags


def deflated(content: bytes, *, level: int = 9) -> bytes:
    """Return content as a ZIP packs it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


def _local(member: Member) -> bytes:
    name = member.raw_name if member.local_name is None else member.local_name
    return (
        _LOCAL.pack(
            b"PK\x03\x04",
            20,
            _or(member.local_flags, member.all_flags),
            _or(member.local_method, member.method),
            0,
            33,
            _or(member.local_crc, _or(member.crc, zlib.crc32(member.content))),
            _or(member.local_packed_bytes, _or(member.packed_bytes, len(member.raw))),
            _or(member.local_size_bytes, _or(member.size_bytes, len(member.content))),
            len(name),
            len(member.local_extra),
        )
        + name
        + member.local_extra
        + member.raw
    )


def _central(member: Member, *, at: int) -> bytes:
    return (
        _CENTRAL.pack(
            b"PK\x01\x02",
            0x314,
            20,
            member.all_flags,
            member.method,
            0,
            33,
            _or(member.crc, zlib.crc32(member.content)),
            _or(member.packed_bytes, len(member.raw)),
            _or(member.size_bytes, len(member.content)),
            len(member.raw_name),
            len(member.extra),
            len(member.comment),
            member.disk,
            0,
            member.attributes,
            _or(member.at, at),
        )
        + member.raw_name
        + member.extra
        + member.comment
    )


@dataclass(frozen=True, slots=True)
class End:
    """The end of an archive. What is None is told truly; `wide` stands before the end record."""

    count: int | None = None
    here: int | None = None
    size_bytes: int | None = None
    at: int | None = None
    disk: int = 0
    comment: bytes = b""
    comment_bytes: int | None = None
    before_list: bytes = b""
    after_list: bytes = b""
    behind: bytes = b""
    wide: bool = False
    wide_count: int | None = None
    wide_at: int | None = None
    wide_list_at: int | None = None
    wide_size_bytes: int = 44


def archive(*members: Member, end: End | None = None, prefix: bytes = b"") -> bytes:
    """Return an archive of these entries, with everything true that nobody told otherwise."""
    end = end or End()
    body, listed = prefix, b""
    for member in members:
        body += member.before
        if member.is_listed:
            listed += _central(member, at=len(body))
        if member.is_there:
            body += _local(member) + member.after
    body += end.before_list
    count = sum(member.is_listed for member in members)
    tail = listed + end.after_list
    if end.wide:
        tail += _wide(end, count=count, list_bytes=len(listed), at=len(body), ends_at=len(body) + len(tail))
    return (
        body
        + tail
        + _END.pack(
            b"PK\x05\x06",
            end.disk,
            0,
            _or(end.here, _or(end.count, count)),
            _or(end.count, count),
            _or(end.size_bytes, len(listed)),
            _or(end.at, len(body)),
            _or(end.comment_bytes, len(end.comment)),
        )
        + end.comment
        + end.behind
    )


def _wide(end: End, *, count: int, list_bytes: int, at: int, ends_at: int) -> bytes:
    count = _or(end.wide_count, count)
    fields = (45, 45, 0, 0, count, count, list_bytes, _or(end.wide_list_at, at))
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", end.wide_size_bytes, *fields)
    return record + struct.pack("<4sLQL", b"PK\x06\x07", 0, _or(end.wide_at, ends_at), 1)


def described(member: Member, *, wide: bool = False, signed: bool = True) -> Member:
    """Return an entry as a streaming writer leaves it: sizes and checksum behind it."""
    form = "<LQQ" if wide else "<3L"
    said = struct.pack(form, zlib.crc32(member.content), len(member.raw), len(member.content))
    return replace(
        member,
        flags=member.all_flags | 8,
        local_crc=0,
        local_packed_bytes=0,
        local_size_bytes=0,
        after=(b"PK\x07\x08" if signed else b"") + said,
    )


def extra(kind: int, content: bytes) -> bytes:
    """Return an extra field."""
    return struct.pack("<2H", kind, len(content)) + content


def zipped(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive as the standard library writes it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as written:
        for name, content in files.items():
            written.writestr(name, content)
    return target.getvalue()


def nested(depth: int, *, innermost: bytes = b"noi dung") -> bytes:
    """Return an archive with so many levels of archives in it."""
    content = zipped({"a.txt": innermost})
    for _ in range(depth):
        content = zipped({"inner.zip": content})
    return content


# --- Office files --------------------------------------------------------------------------------

_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_MAIN = {
    "docx": ("word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": ("xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pptx": (
        "ppt/presentation.xml",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
}
MEDIA_TYPES = {kind: media_type for kind, (_, media_type) in _MAIN.items()} | {
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "zip": "application/zip",
    "pdf": "application/pdf",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "rtf": "application/rtf",
    "xml": "application/xml",
    "txt": "text/plain",
    "png": "image/png",
    "jpg": "image/jpeg",
    "tif": "image/tiff",
    "other": "application/octet-stream",
}


def document_xml(inner: str = "<w:t>Quyết định</w:t>") -> bytes:
    """Return the main part of a Word document with one run."""
    body = f"<w:body><w:p><w:r>{inner}</w:r></w:p></w:body>"
    return f'<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="{_WORD}">{body}</w:document>'.encode()


def relation(kind: str, target: str, *, external: bool = False) -> str:
    """Return one relationship of a part."""
    mode = ' TargetMode="External"' if external else ""
    return f'<Relationship Id="rId9" Type="{_OFFICE}/{kind}" Target="{target}"{mode}/>'


def relations(*inner: str) -> bytes:
    """Return a part of relationships."""
    return (
        f'<?xml version="1.0"?><Relationships xmlns="{_RELATIONS}">{"".join(inner)}</Relationships>'.encode()
    )


def office(
    kind: str = "docx", parts: Mapping[str, bytes] | None = None, *, types: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Return a small true Office Open XML file, with `parts` added or put in place of its own."""
    main, media_type = _MAIN[kind]
    overrides = [(main, f"{media_type}.main+xml"), *types]
    said = "".join(f'<Override PartName="/{name}" ContentType="{each}"/>' for name, each in overrides)
    content_types = (
        f'<?xml version="1.0"?><Types xmlns="{_TYPES}">'
        f'<Default Extension="xml" ContentType="application/xml"/>{said}</Types>'
    )
    own = {
        "[Content_Types].xml": content_types.encode(),
        "_rels/.rels": relations(relation("officeDocument", main)),
        main: document_xml() if kind == "docx" else b'<?xml version="1.0"?><workbook/>',
    }
    return zipped(own | dict(parts or {}))


def open_document(kind: str = "odt", parts: Mapping[str, bytes] | None = None) -> bytes:
    """Return a small true OpenDocument file."""
    own = {
        "mimetype": MEDIA_TYPES[kind].encode(),
        "content.xml": open_document_xml(),
        "META-INF/manifest.xml": b'<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:m"/>',
    }
    return zipped(own | dict(parts or {}), method=zipfile.ZIP_STORED)


def open_document_xml(inner: str = "<text:p>Quyết định</text:p>") -> bytes:
    """Return the content of an OpenDocument file."""
    spaces = (
        'xmlns:office="urn:o" xmlns:text="urn:t" xmlns:draw="urn:d" xmlns:xlink="urn:x" xmlns:table="urn:b"'
    )
    return f"<office:document-content {spaces}>{inner}</office:document-content>".encode()


def compound_file(*names: str, body: bytes = b"") -> bytes:
    """Return the likeness of an old Office file: a header, directory entries of these names, a body."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0")
    slots = b""
    for name in ("Root Entry", *names):
        raw = name.encode("utf-16-le")
        slots += raw.ljust(64, b"\0") + struct.pack("<HB", len(raw) + 2, 2) + bytes(61)
    return (
        header
        + slots.ljust(-(-len(slots) // 512) * 512, b"\0")
        + body.ljust(-(-len(body) // 512) * 512, b"\0")
    )
