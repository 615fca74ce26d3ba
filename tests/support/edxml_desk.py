"""A desk for packets: real bodies, and the real reader in this process instead of in a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.bodies import FolderBodies, open_bodies
from adapters.edxml.limits import ReadLimits
from adapters.edxml.packet import Read
from adapters.edxml.packets import EdxmlPackets
from adapters.edxml.read import read_packet
from gateway.domain.envelope import Dialect
from gateway.domain.model import KeptPacket, StoredFile
from gateway.domain.packets import DocumentPacket, Outgoing, StatusPacket
from gateway.domain.ports import Draft
from signing.report import VerificationReport
from tests.support.edxml_samples import GOLDEN
from tests.support.exchange_samples import NOW, agency, document

RELAYED_AT = datetime(2026, 11, 21, 20, 0, 0, tzinfo=UTC)
LIMITS = ReadLimits()


@dataclass(slots=True)
class InProcess:
    """The reader without its worker; what it has read can be bent, as a worker that was taken over would."""

    bend: Callable[[Read, Path], Read] = lambda read, _: read

    async def read_packet(self, path: Path, *, into: Path) -> Read:
        return self.bend(read_packet(path, into=into, limits=LIMITS), into)


@dataclass(slots=True)
class Desk:
    """The packets of an exchange, and what is needed to try them."""

    bodies: FolderBodies
    reader: InProcess
    packets: EdxmlPackets
    stack: AsyncExitStack

    async def draft(self, content: bytes) -> Draft:
        draft = await self.stack.enter_async_context(self.bodies.receiving())
        await draft.write(content)
        return draft

    async def read(self, content: bytes) -> DocumentPacket | StatusPacket:
        return await self.stack.enter_async_context(self.packets.reading(await self.draft(content)))

    async def outgoing(self, content: bytes) -> Outgoing:
        """Read a packet, keep it with its files, and return its document on its way out."""
        original = await self.draft(content)
        read = await self.stack.enter_async_context(self.packets.reading(original))
        assert isinstance(read, DocumentPacket)
        await self.bodies.keep([original, *(file.draft for file in read.files)])
        kept = KeptPacket(original.sha256, read.dialect, read.header)
        files = tuple(
            StoredFile(
                file.name,
                file.media_type,
                file.draft.size_bytes,
                file.draft.sha256,
                VerificationReport.unsigned(),
            )
            for file in read.files
        )
        return Outgoing(
            document=document(envelope=read.envelope, files=files),
            sender=agency("H26.00"),
            recipients=[agency("H26.01")],
            files=[self.bodies.path(file.sha256) for file in files],
            packet=kept,
            original=self.bodies.path(kept.sha256),
        )

    async def written(self, outgoing: Outgoing, dialect: Dialect) -> bytes:
        pieces = self.packets.writing(outgoing, dialect=dialect, relayed_at=RELAYED_AT)
        return b"".join([piece async for piece in pieces])


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    """Lend a desk over an empty store in a folder."""
    bodies = await open_bodies(folder / "bodies", free_floor_bytes=0, now=NOW)
    reader = InProcess()
    packets = EdxmlPackets(bodies, reader, relay="000.00.00.H26")
    async with AsyncExitStack() as stack:
        yield Desk(bodies, reader, packets, stack)


def golden(name: str) -> bytes:
    """Return a packet as it is written."""
    return (GOLDEN / f"{name}.edxml").read_bytes()
