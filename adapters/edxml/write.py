"""Writing packets: strict, streaming, byte for byte the same for the same values.

Attachments go from their files through Base64 into the packet piece by piece; none is ever whole in memory.
"""

from __future__ import annotations

import io
import re
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from adapters.edxml import dotnet, elements
from adapters.edxml.elements import CID, Element, Elements, P, escaped, rendered, start_tag, texts
from adapters.edxml.files import ZIP, extension_of
from adapters.edxml.packet import (
    NAMESPACE,
    Attachment,
    DocumentHeader,
    ManifestReference,
    StatusHeader,
    Trace,
)
from gateway.domain.envelope import Dialect

PIECE_BYTES = 192 * 1024
"""What is read of a file at a time; a multiple of 3, so that Base64 has no padding within a file."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_NO_ENTRY_NAME = re.compile(r"[^A-Za-z0-9_-]")

_WRITTEN_RAW = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "zip": ZIP,
}
"""Extensions whose files stand in a packet as they are. The SDK zips all others, and its reader unzips what
says `application/zip` and is not named so (vn-standards §1.6)."""


def document_packet(
    header: DocumentHeader, attachments: Sequence[Attachment], *, dialect: Dialect
) -> Iterator[bytes]:
    """Yield the packet of a document. `attachments` are read from their paths; the manifest is the
    header's, see `manifest_of`."""
    yield from _gathered(_document(header, attachments, dialect=dialect))


def status_packet(header: StatusHeader, *, dialect: Dialect) -> bytes:
    """Return the packet of a status."""
    message = elements.status_message(header)
    if dialect is Dialect.DOTNET:
        message = dotnet.in_order(message)
    envelope = _envelope(Element(f"{P}edXMLHeader", (message,)))
    return b"".join((*_opening(dialect), *_encoded(rendered(envelope, depth=1)), b"</edXML>\n"))


def relay_entry(trace: Trace, *, prefix: str) -> bytes:
    """Return a `TraceHeader` to be put into a received packet, in its own prefix ("edXML:" or "")."""
    organ_id = f"<{prefix}OrganId>{escaped(trace.organ_id)}</{prefix}OrganId>"
    timestamp = f"<{prefix}Timestamp>{escaped(trace.timestamp)}</{prefix}Timestamp>"
    return f"<{prefix}TraceHeader>{organ_id}{timestamp}</{prefix}TraceHeader>".encode()


def manifest_of(attachments: Sequence[Attachment]) -> tuple[ManifestReference, ...]:
    """Return the manifest that says of the attachments what the packet will hold."""
    return tuple(
        ManifestReference(
            content_id=each.content_id,
            content_type=written_type(each.name),
            description=each.description,
            attachment_name=each.name,
        )
        for each in attachments
    )


def written_type(name: str) -> str:
    """Return the `ContentType` an attachment of this name is written with."""
    return _WRITTEN_RAW.get(extension_of(name), ZIP)


def _document(
    header: DocumentHeader, attachments: Sequence[Attachment], *, dialect: Dialect
) -> Iterator[bytes]:
    yield from _opening(dialect)
    yield from _encoded(rendered(_document_envelope(header, dialect=dialect), depth=1))
    if attachments:
        yield from _attachments(attachments, dialect=dialect)
    yield b"</edXML>\n"


def _opening(dialect: Dialect) -> Iterator[bytes]:
    if dialect is Dialect.DOTNET:
        yield b'<?xml version="1.0" encoding="utf-8"?>\n'
        yield b'<edXML xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        yield b' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    else:
        yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
        yield b"<edXML"
    yield f' xmlns="{NAMESPACE}">\n'.encode()


def _document_envelope(header: DocumentHeader, *, dialect: Dialect) -> Element:
    message = elements.document_message(header)
    if dialect is Dialect.DOTNET:
        message = dotnet.in_order(message)
        parts = (message, *dotnet.trace_list(header.trace), *dotnet.signature(header.signature))
        return _envelope(Element(f"{P}edXMLHeader", parts), dotnet.manifest(header))
    parts = (message, *elements.trace_list(header.trace), *elements.signature(header.signature))
    return _envelope(Element(f"{P}edXMLHeader", parts), elements.manifest(header))


def _envelope(*parts: Element) -> Element:
    return Element(f"{P}edXMLEnvelope", parts, _PREFIX_DECLARED)


_PREFIX_DECLARED = (("xmlns:edXML", NAMESPACE),)


# --- attachments ---------------------------------------------------------------------------------


def _attachments(attachments: Sequence[Attachment], *, dialect: Dialect) -> Iterator[bytes]:
    is_dotnet = dialect is Dialect.DOTNET
    prefix = P if is_dotnet else ""
    around = Element(f"{prefix}AttachmentEncoded", (), _PREFIX_DECLARED if is_dotnet else ())
    encoded = start_tag(Element(f"{P}ContentTransferEncoded", (), () if is_dotnet else _PREFIX_DECLARED))
    yield f"  {start_tag(around)}\n".encode()
    for each in attachments:
        before, after = _dotnet_facts(each) if is_dotnet else _java_facts(each)
        yield f"    <{prefix}Attachment>\n".encode()
        for fact in before:
            yield from _encoded(rendered(fact, depth=3))
        yield f"      {encoded}".encode()
        yield from _base64(_content(each))
        yield f"</{P}ContentTransferEncoded>\n".encode()
        for fact in after:
            yield from _encoded(rendered(fact, depth=3))
        yield f"    </{prefix}Attachment>\n".encode()
    yield f"  </{around.name}>\n".encode()


def _java_facts(attachment: Attachment) -> tuple[Elements, Elements]:
    """Return what stands before and after an attachment's bytes."""
    facts = texts(
        ("ContentId", f"{CID}{attachment.content_id}"),
        ("AttachmentName", attachment.name),
        ("Description", attachment.description),
        ("ContentType", written_type(attachment.name)),
        *_further_facts(attachment),
        prefix="",
    )
    return facts, ()


def _dotnet_facts(attachment: Attachment) -> tuple[Elements, Elements]:
    before = texts(
        ("ContentType", written_type(attachment.name)),
        ("ContentId", attachment.content_id),
        ("Description", attachment.description),
    )
    return before, texts(("AttachmentName", attachment.name), *_further_facts(attachment))


def _further_facts(attachment: Attachment) -> tuple[tuple[str, str], ...]:
    return (
        ("FieldName", attachment.field_name),
        ("MimeType", attachment.mime_type),
        ("Format", attachment.format),
    )


def _content(attachment: Attachment) -> Iterator[bytes]:
    pieces = read_pieces(Path(attachment.path))
    extension = extension_of(attachment.name)
    if extension in _WRITTEN_RAW:
        return pieces
    name = _NO_ENTRY_NAME.sub("-", attachment.content_id)
    return _zipped(pieces, name=f"{name}.{extension}" if extension else name)


def read_pieces(path: Path, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield the bytes of a file from one offset to another, piece by piece."""
    with path.open("rb") as file:
        file.seek(start)
        left = None if end is None else end - start
        while piece := file.read(PIECE_BYTES if left is None else min(PIECE_BYTES, left)):
            yield piece
            left = None if left is None else left - len(piece)


class _Sink(io.RawIOBase):
    """Takes what `zipfile` writes; `taken` gives it out. It cannot be rewound, so sizes follow the bytes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(piece))
        return len(piece)

    def taken(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _zipped(pieces: Iterable[bytes], *, name: str) -> Iterator[bytes]:
    """Yield a ZIP with one entry, dated 1980 so that the same file is always the same ZIP."""
    sink = _Sink()
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(sink, "w") as archive, archive.open(entry, "w", force_zip64=False) as inside:
        for piece in pieces:
            inside.write(piece)
            yield sink.taken()
    yield sink.taken()


def _base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        rest += piece
        whole = len(rest) - len(rest) % 3
        yield b64encode(rest[:whole])
        rest = rest[whole:]
    yield b64encode(rest)


def _encoded(lines: Iterable[str]) -> Iterator[bytes]:
    return (line.encode() for line in lines)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces that are worth a write."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)
