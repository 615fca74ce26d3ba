"""Packets over `/v1`: whose they are."""

from __future__ import annotations

from gateway.domain.errors import NotYourAgency
from gateway.domain.model import Agency
from gateway.domain.packets import DocumentPacket, StatusPacket
from gateway.service.exchange import Exchange, legal_date


async def check_from(x: Exchange, packet: DocumentPacket | StatusPacket, *, caller: Agency) -> None:
    """Pass when a packet is from the caller's agency, by whichever of its codes.

    Raises:
        NotYourAgency: Its `From` is somebody else.
    """
    named = await x.directory.resolve([packet.sender], on=legal_date(x.clock()))
    if packet.sender not in named or named[packet.sender].code != caller.code:
        raise NotYourAgency(reasons=(f"From/OrganId {packet.sender[:64]} is not {caller.code}",))
