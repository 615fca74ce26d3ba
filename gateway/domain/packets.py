"""edXML packets (QCVN 102) as the services know them, and the port that reads and writes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gateway.domain.envelope import Dialect, Envelope, Reference, Staff
from gateway.domain.model import Agency, Document, KeptPacket, Status
from gateway.domain.ports import Draft
from gateway.domain.states import BusinessStatus


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file as it arrived: its shown name, the type its bytes have, and its draft body."""

    name: str
    media_type: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class DocumentPacket:
    """A packet that carries a document. `sender` is `From/OrganId` as written, `header` everything the
    packet says besides its files, in the adapter's own form, to be kept with the document."""

    sender: str
    envelope: Envelope
    files: tuple[ReceivedFile, ...]
    dialect: Dialect
    header: bytes
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedPacket:
    """A packet opened to be judged: its files in their order, each of the type its bytes have, and every
    mistake in it. Nothing in it was refused.

    `documents` are the places of those files that somebody may take for the document, the others being
    annexes: the first that came, and the first of the manifest, which says what people are shown.
    """

    files: tuple[ReceivedFile, ...]
    mistakes: tuple[str, ...] = ()
    documents: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True)
class StatusNotice:
    """What a status packet, or a status over `/v1`, says about somebody's document."""

    status: BusinessStatus
    about: Reference
    description: str = ""
    said_at: datetime | None = None
    staff: Staff | None = None


@dataclass(frozen=True, slots=True)
class StatusPacket:
    """A packet that carries a business status. `content` is its bytes, forwarded as they are."""

    sender: str
    notice: StatusNotice
    dialect: Dialect
    content: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A document to be written as a packet: who it is from and to, where its files can be read, and the
    packet it came in (None when it came as JSON)."""

    document: Document
    sender: Agency
    recipients: Sequence[Agency]
    files: Sequence[Path]
    packet: KeptPacket | None
    original: Path | None


class Packets(Protocol):
    """Reads packets in a parsing worker and writes them, in the dialect wanted."""

    def reading(self, draft: Draft) -> AbstractAsyncContextManager[DocumentPacket | StatusPacket]:
        """Read a received packet; its files live as long as the context, unless they are kept.

        Raises:
            MalformedPacket: It is not edXML as QCVN 102 wants it; `reasons` names every mistake,
                in Vietnamese and English, with element and rule.
            VerificationUnavailable: No parsing worker could be had.
        """

    def opening(self, draft: Draft) -> AbstractAsyncContextManager[OpenedPacket]:
        """Open a received packet for judging, with whatever is wrong with it; its files live as long as the
        context.

        Raises:
            MalformedPacket: It cannot be read at all, or broke the limits of time or memory.
            VerificationUnavailable: No parsing worker could be had.
        """

    def writing(self, outgoing: Outgoing, *, dialect: Dialect, relayed_at: datetime) -> AsyncIterator[bytes]:
        """Yield the packet of a document: the received one with our TraceHeader added where its dialect
        is the one wanted, else a new one that says the same."""

    def status(
        self,
        status: Status,
        *,
        document: Document,
        author: Agency,
        dialect: Dialect,
        addressee: Agency | None = None,
    ) -> bytes:
        """Return the packet of a status: the received one, or a new one. Without `addressee` a new one
        names its addressee by our own code instead of the one its system knows."""
