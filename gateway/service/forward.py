"""Giving documents and statuses out as edXML packets, in the dialect of whoever reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.domain.errors import NotFound, StoreUnavailable
from gateway.domain.model import Agency, AgencyCode, Document, Status
from gateway.domain.packets import Outgoing
from gateway.service.exchange import Exchange, legal_date


async def forward(x: Exchange, document: Document, *, reader: AgencyCode) -> AsyncIterator[bytes]:
    """Return the packet of a document for one of its parties, piece by piece. Who may read it, and that it
    was opened, is for the caller to see to.

    Raises:
        StoreUnavailable: Its bytes cannot be read at present.
    """
    packet = await x.records.packet(document.id)
    # One that came as a packet names its recipients itself.
    named = () if packet is not None else document.envelope.to
    on = legal_date(document.accepted_at)
    agencies = await x.directory.resolve([*named, document.sender, reader], on=on)
    recipients = {agency.code: agency for code in named if (agency := agencies.get(code)) is not None}
    outgoing = Outgoing(
        document=document,
        sender=agencies[document.sender],
        recipients=tuple(recipients.values()),
        files=[x.bodies.path(file.sha256) for file in document.files],
        packet=packet,
        original=x.bodies.path(packet.sha256) if packet is not None else None,
    )
    paths = [*outgoing.files, *([outgoing.original] if outgoing.original else [])]
    if not await asyncio.to_thread(lambda: all(path.is_file() for path in paths)):
        raise StoreUnavailable("The document cannot be read at present.")
    return x.packets.writing(outgoing, dialect=agencies[reader].dialect, relayed_at=x.clock())


async def forward_status(x: Exchange, status: Status) -> bytes:
    """Return the packet of a status for its addressee.

    Raises:
        NotFound: The document it is about is not there.
    """
    document = await x.records.document(status.document)
    if document is None:
        raise NotFound
    author = await _agency(x, status.author)
    addressee = await _agency(x, status.addressee)
    return x.packets.status(
        status, document=document, author=author, dialect=addressee.dialect, addressee=addressee
    )


async def _agency(x: Exchange, code: AgencyCode) -> Agency:
    agency = await x.directory.agency(code)
    if agency is None:
        raise NotFound
    return agency
