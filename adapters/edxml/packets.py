"""Packets of the exchange: read in a parsing worker, forwarded byte for byte, or written anew.

Received bytes are never changed. A forwarded copy is the received packet with one `TraceHeader` more, which
every relay adds (vn-standards §1.4).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Protocol

import msgspec

from adapters.edxml.files import ZIP, extension_of, is_as_named, media_type_of, shown_name
from adapters.edxml.meaning import (
    envelope_of,
    header_of,
    local_time,
    notice_of,
    organ_id_of,
    status_header_of,
)
from adapters.edxml.packet import (
    NAMESPACE,
    Attachment,
    DocumentHeader,
    OtherInfo,
    Part,
    Read,
    Trace,
    TraceHeaderList,
)
from adapters.edxml.write import document_packet, manifest_of, read_pieces, relay_entry, status_packet
from gateway.domain.envelope import Dialect
from gateway.domain.errors import MalformedDocument, MalformedPacket
from gateway.domain.file_types import begins_like, compared, refuse_program, type_by_content, type_by_name
from gateway.domain.model import Agency, Document, Status
from gateway.domain.packets import DocumentPacket, OpenedPacket, Outgoing, ReceivedFile, StatusPacket
from gateway.domain.policy import refuse_secrecy_stamps
from gateway.domain.ports import Bodies, Draft
from gateway.domain.working_days import VIETNAM

MAX_STATUS_BYTES = 256 * 1024
"""A status packet is kept in the record whole; a real one has two thousand bytes."""
_STATUS_TOO_LARGE = "gói tin trạng thái quá lớn / the status packet is too large [An toàn]"
_STANDARD = "QCVN 102:2016"
_SIGNED = ("application/xml", "application/pkcs7-signature")
_OF_OTHERS = frozenset({ZIP, "text/plain"})
"""Types of files in which other files are stored or spoken of."""


class Reader(Protocol):
    """Reads a packet in a parsing worker."""

    async def read_packet(self, path: Path, *, into: Path) -> Read:
        """Return what a packet says, its attachments as files in a folder.

        Raises:
            MalformedPacket: It ended its worker or broke the limits of time or memory.
            VerificationUnavailable: No parsing worker could be had.
        """


class KeptHeader(Part, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a received document packet besides its bytes and files.

    The offsets and the prefix are those of `Read`; the paths of the attachments mean nothing any more.
    """

    document: DocumentHeader
    attachments: tuple[Attachment, ...] = ()
    starts_at: int = 0
    ends_at: int = 0
    trace_at: int | None = None
    prefix: str = ""


class EdxmlPackets:
    """Meets the port `Packets`.

    `relay` is the code this exchange writes into the `TraceHeader` it adds.
    """

    def __init__(self, bodies: Bodies, reader: Reader, *, relay: str) -> None:
        self._bodies = bodies
        self._reader = reader
        self._relay = relay

    @asynccontextmanager
    async def reading(self, draft: Draft) -> AsyncIterator[DocumentPacket | StatusPacket]:
        """Lend what a received packet says; its files are gone when the context ends, unless they were kept.

        Raises:
            MalformedPacket: It is not edXML as QCVN 102 wants it; `reasons` names every mistake.
            UnsupportedFileType: A file is of no accepted type.
            MalformedDocument: Two files have the same name.
            StateSecret: A text that the envelope has no place for carries a secrecy stamp.
            VerificationUnavailable: No parsing worker could be had.
            StoreUnavailable: There is no room to unpack it.
        """
        async with self._bodies.unpacking() as folder:
            read = await self._reader.read_packet(draft.path, into=folder)
            if read.faults:
                raise MalformedPacket(reasons=[str(fault) for fault in read.faults])
            if read.status is not None:
                yield await _status_packet(read, draft)
            else:
                yield await self._document_packet(read, folder)

    @asynccontextmanager
    async def opening(self, draft: Draft) -> AsyncIterator[OpenedPacket]:
        """Lend the files of a packet for judging, however wrong it is; they are gone when the context ends.

        Raises:
            MalformedPacket: It cannot be read at all, or broke the limits of time or memory.
            VerificationUnavailable: No parsing worker could be had.
            StoreUnavailable: There is no room to unpack it.
        """
        async with self._bodies.unpacking() as folder:
            read = await self._reader.read_packet(draft.path, into=folder)
            files = []
            for number, attachment in enumerate(read.attachments, start=1):
                # Only its name: the worker that wrote the path may have been taken over.
                body = await self._bodies.adopt(folder / Path(attachment.path).name)
                name = shown_name(attachment.name, number=number)
                files.append(ReceivedFile(name, _judged_as(name, head=body.head), body))
            mistakes = [str(fault) for fault in read.faults]
            yield OpenedPacket(tuple(files), (*mistakes, *_named_twice(files)), _documents(read))

    async def writing(
        self, outgoing: Outgoing, *, dialect: Dialect, relayed_at: datetime
    ) -> AsyncIterator[bytes]:
        """Yield the packet of a document: the received one with our TraceHeader added where its dialect
        is the one wanted, else a new one that says the same."""
        relayed = Trace(organ_id=self._relay, timestamp=local_time(relayed_at))
        pieces = _forwarded(outgoing, relayed, dialect=dialect) or _anew(
            outgoing, relayed, dialect=dialect, relayed_at=relayed_at
        )
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece

    def status(
        self,
        status: Status,
        *,
        document: Document,
        author: Agency,
        dialect: Dialect,
        addressee: Agency | None = None,
    ) -> bytes:
        """Return the packet of a status: the received one, or a new one where strict readers would not
        take that."""
        if status.packet is not None and _is_strictly_spelled(status.packet):
            return status.packet
        today = status.at.astimezone(VIETNAM).date()
        code = organ_id_of(addressee, on=today) if addressee else status.addressee
        header = status_header_of(status, document=document, author=author, addressee=code, today=today)
        return status_packet(header, dialect=dialect)

    async def _document_packet(self, read: Read, folder: Path) -> DocumentPacket:
        assert read.document is not None, "the reader found neither faults nor a document nor a status"
        _refuse_secrecy_stamps(read.document)
        names = _names(read.attachments)
        files = [
            await self._received(attachment, folder, name=name)
            for name, attachment in zip(names, read.attachments, strict=True)
        ]
        kept = KeptHeader(
            document=read.document,
            attachments=tuple(msgspec.structs.replace(each, path="") for each in read.attachments),
            starts_at=read.starts_at,
            ends_at=read.ends_at,
            trace_at=read.trace_at,
            prefix=read.prefix,
        )
        return DocumentPacket(
            sender=read.document.sender.organ_id,
            envelope=envelope_of(read.document),
            files=tuple(files),
            dialect=read.dialect,
            header=msgspec.json.encode(kept),
            warnings=(*read.warnings, *_misnamed(files)),
        )

    async def _received(self, attachment: Attachment, folder: Path, *, name: str) -> ReceivedFile:
        # A parser that a stranger's bytes took over could name any file: only the folder it was given counts.
        draft = await self._bodies.adopt(folder / Path(attachment.path).name)
        refuse_program(name, head=draft.head)
        return ReceivedFile(name, media_type_of(name, head=draft.head), draft)


def _refuse_secrecy_stamps(header: DocumentHeader) -> None:
    other = header.other or OtherInfo()
    refuse_secrecy_stamps(("sphere", other.sphere), *(("appendix", each) for each in other.appendixes))


def _names(attachments: Sequence[Attachment]) -> list[str]:
    """Return the files' names, each of a type that is taken, and no two alike."""
    names = [shown_name(each.name, number=number) for number, each in enumerate(attachments, start=1)]
    seen: set[str] = set()
    for name in names:
        type_by_name(name)
        if name.casefold() in seen:
            raise MalformedDocument(reasons=(f"{name}: two files have this name",))
        seen.add(name.casefold())
    return names


def _judged_as(name: str, *, head: bytes) -> str:
    """Return the type to judge a file as: that of its bytes, whatever it is called.

    What a ZIP archive stores, and what a text speaks of, are not signatures of its own; what readers of PDF
    are given, or begins like a signed file, is looked into all the same.
    """
    media_type = media_type_of(name, head=head)
    may_be_signed = extension_of(name) == "pdf" or any(begins_like(each, head.lstrip()) for each in _SIGNED)
    return media_type if media_type in _OF_OTHERS and not may_be_signed else type_by_content(head)


def _documents(read: Read) -> frozenset[int]:
    """Return the places of the first file that came and of the first one that is listed."""
    listed = read.document.manifest[:1] if read.document else ()
    ids = [each.content_id for each in read.attachments]
    return frozenset({0, *(ids.index(each.content_id) for each in listed if each.content_id in ids)})


def _named_twice(files: Sequence[ReceivedFile]) -> Iterator[str]:
    counted = Counter(compared(file.name) for file in files)
    for file in files:
        if counted[compared(file.name)] > 1:
            yield f"Attachment: hai tệp cùng tên {file.name} / two files have this name [{_STANDARD}]"


def _misnamed(files: Sequence[ReceivedFile]) -> Iterator[str]:
    for file in files:
        if not is_as_named(file.name, media_type=file.media_type):
            yield (
                f"Attachment: tệp {file.name} có nội dung {file.media_type}, không như tên gọi"
                f" / the file {file.name} holds {file.media_type}, not what its name says [{_STANDARD}]"
            )


async def _status_packet(read: Read, draft: Draft) -> StatusPacket:
    assert read.status is not None
    if read.ends_at - read.starts_at > MAX_STATUS_BYTES:
        raise MalformedPacket(reasons=[f"edXML: {_STATUS_TOO_LARGE}"])
    pieces = read_pieces(draft.path, start=read.starts_at, end=read.ends_at)
    return StatusPacket(
        sender=read.status.sender.organ_id,
        notice=notice_of(read.status),
        dialect=read.dialect,
        content=await asyncio.to_thread(b"".join, pieces),
    )


def _forwarded(outgoing: Outgoing, relayed: Trace, *, dialect: Dialect) -> Iterator[bytes] | None:
    """Return the received packet with a TraceHeader more; None when it must be written anew."""
    packet, original = outgoing.packet, outgoing.original
    if packet is None or original is None or packet.dialect is not dialect:
        return None
    kept = msgspec.json.decode(packet.header, type=KeptHeader)
    if kept.trace_at is None:
        return None
    return chain(
        read_pieces(original, start=kept.starts_at, end=kept.trace_at),
        [relay_entry(relayed, prefix=kept.prefix)],
        read_pieces(original, start=kept.trace_at, end=kept.ends_at),
    )


def _anew(outgoing: Outgoing, relayed: Trace, *, dialect: Dialect, relayed_at: datetime) -> Iterator[bytes]:
    """Return a new packet, from the kept header of the received one if there is one."""
    if outgoing.packet is not None:
        kept = msgspec.json.decode(outgoing.packet.header, type=KeptHeader)
    else:
        today = relayed_at.astimezone(VIETNAM).date()
        header = header_of(
            outgoing.document, sender=outgoing.sender, recipients=outgoing.recipients, today=today
        )
        kept = KeptHeader(document=header)
    attachments = _attachments(outgoing, kept.attachments)
    trace = kept.document.trace or TraceHeaderList()
    header = msgspec.structs.replace(
        kept.document,
        trace=msgspec.structs.replace(trace, traces=(*trace.traces, relayed)),
        manifest=manifest_of(attachments),
    )
    return document_packet(header, attachments, dialect=dialect)


def _attachments(outgoing: Outgoing, kept: Sequence[Attachment]) -> list[Attachment]:
    """Return the files of a document as attachments, with what the received packet said of them."""
    facts = kept or [
        Attachment(content_id=f"{outgoing.document.id}-{number}", name=file.name, description=file.name)
        for number, file in enumerate(outgoing.document.files, start=1)
    ]
    return [
        msgspec.structs.replace(fact, path=str(path))
        for fact, path in zip(facts, outgoing.files, strict=True)
    ]


def _is_strictly_spelled(packet: bytes) -> bool:
    """Return whether a status packet is spelled as strict readers want it, which is the same in both
    dialects: QCVN's namespace, its literal prefix, none of Bkav's names."""
    return (
        NAMESPACE.encode() in packet and b"<edXML:MessageHeader" in packet and b"OrganInCharge>" not in packet
    )
