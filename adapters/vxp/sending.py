"""Taking a packet in: a document for its recipients, or a status for the sender of one."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from adapters.vxp import wire
from adapters.vxp.calls import DOCUMENTS, STATUSES, Axis, Call, Reply, only_once
from adapters.vxp.codes import ClosedAgency
from gateway.domain.errors import (
    HashMismatch,
    MalformedPacket,
    MalformedRequest,
    NotYourAgency,
    RequestRejected,
    UnknownAgency,
)
from gateway.domain.model import Agency, KeptPacket, Status
from gateway.domain.packets import DocumentPacket, StatusPacket
from gateway.domain.ports import Draft
from gateway.edge.multipart import Multipart, boundary_of
from gateway.service.exchange import legal_date
from gateway.service.report_status import report_status
from gateway.service.submit import Accepted, Submission, submit

ROUTE = "vxp"
ADDED = b"\r\n"
"""What the client puts behind the file. Its hash does not cover it."""
_PART = "file_doc"
_BLOCK_BYTES = 1024 * 1024


async def send_packet(axis: Axis, call: Call) -> Reply:
    """Accept a document or status packet from an agency of the centre; the same one again gets the same id.

    Raises:
        NotYourAgency: `from` and the packet's sender are not one and the same agency of this centre.
        HashMismatch: The bytes are not those that `hash-file` was computed of.
        MalformedPacket: It is not edXML, or not of the kind `messagetype` says.
        NotAuthenticated: No hash binds the body to the call, and the call was made before.
        ExchangeError: As `submit` and `report_status`.
    """
    kind = call.item_kind()
    sender = await call.centre.agency(call.parameter("from"))
    hash_file = call.parameter("hash-file")
    if not hash_file:
        await only_once(axis, call)
    x, limits = axis.exchange, axis.limits
    max_bytes = limits.max_envelope_bytes if kind == STATUSES else limits.max_request_bytes
    async with x.bodies.receiving() as draft:
        ending = await _receive(axis, call, draft, max_bytes=max_bytes)
        await _check_hash(draft, hash_file, ending=ending)
        async with x.packets.reading(draft) as packet:
            _check_kind(packet, kind)
            if await call.centre.agency(packet.sender) != sender:
                raise NotYourAgency(reasons=(f"From/OrganId {packet.sender} is not the `from` of the call",))
            if isinstance(packet, StatusPacket):
                # One packet may speak of several copies (13 to all recipients): its id is that of the first.
                said = await _reported(axis, packet, sender=sender)
                return wire.encode(wire.Sent(doc_id=said[0].id))
            return await _submitted(axis, packet, draft=draft, sender=sender)


async def _reported(axis: Axis, packet: StatusPacket, *, sender: Agency) -> list[Status]:
    try:
        return await report_status(axis.exchange, packet.notice, by=sender.code, packet=packet.content)
    except MalformedRequest as error:
        # The call is well formed, what it says is refused: a 02 without a reason.
        raise RequestRejected(error.detail, reasons=error.reasons) from error


async def _submitted(axis: Axis, packet: DocumentPacket, *, draft: Draft, sender: Agency) -> bytes:
    submission = Submission(
        sender,
        packet.envelope,
        packet.files,
        route=ROUTE,
        packet=KeptPacket(draft.sha256, packet.dialect, packet.header),
        packet_draft=draft,
    )
    try:
        answer = await submit(axis.exchange, submission, render=_rendered)
    except UnknownAgency as error:
        if await _are_closed(axis, packet.envelope.to):
            raise ClosedAgency(error.detail, reasons=error.reasons) from error
        raise
    return answer.content


def _rendered(accepted: Accepted) -> bytes:
    return wire.encode(wire.Sent(doc_id=accepted.document.id))


async def _are_closed(axis: Axis, codes: tuple[str, ...]) -> bool:
    """Return whether all these codes mean agencies, so that those refused are refused as closed."""
    x = axis.exchange
    return len(await x.directory.resolve(codes, on=legal_date(x.clock()))) == len(set(codes))


def _check_kind(packet: DocumentPacket | StatusPacket, kind: str) -> None:
    is_status = isinstance(packet, StatusPacket)
    if is_status != (kind == STATUSES):
        found = STATUSES if is_status else DOCUMENTS
        vietnamese = f"gói tin là {found}, messagetype là {kind}"
        raise MalformedPacket(reasons=(f"{vietnamese} / the packet is {found}, messagetype says {kind}",))


# --- the bytes -----------------------------------------------------------------------------------


async def _receive(axis: Axis, call: Call, draft: Draft, *, max_bytes: int) -> bytes:
    """Write the packet of a call to the draft and return what stood behind it: the two added bytes, or
    nothing.

    Raises:
        MalformedRequest: The body is multipart, but not one part `file_doc`.
        TooLarge, TooSlow: It breaks a budget.
    """
    body = call.body(max_bytes + len(ADDED))
    tail = _Tail(draft)
    if not call.content_type.lower().startswith("multipart/"):
        while chunk := await body.read():
            await tail.write(chunk)
        return await tail.end()
    boundary = boundary_of(call.content_type)
    parts = Multipart(body.read, boundary=boundary, max_header_bytes=axis.limits.max_header_bytes)
    part = await parts.next_part()
    if part is None or part.name != _PART:
        raise MalformedRequest(f"Send the packet as it is, or as the one part {_PART}.")
    async for chunk in parts.content():
        await tail.write(chunk)
    if await parts.next_part() is not None:
        raise MalformedRequest(f"Send nothing but the part {_PART}.")
    return await tail.end()


class _Tail:
    """Writes to a draft, two bytes late: only at the end it is known whether they are the added ones."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._held = b""

    async def write(self, chunk: bytes) -> None:
        """Write what surely belongs to the packet."""
        held = self._held + chunk
        self._held = held[-len(ADDED) :]
        if written := held[: -len(ADDED)]:
            await self._draft.write(written)

    async def end(self) -> bytes:
        """Write the rest, unless it is the added bytes; return those, or nothing."""
        if self._held == ADDED:
            return ADDED
        if self._held:
            await self._draft.write(self._held)
        return b""


async def _check_hash(draft: Draft, hash_file: str, *, ending: bytes) -> None:
    """Pass when `hash-file` is of these bytes, with or without what stood behind them; or is empty.

    Raises:
        HashMismatch: It is not.
    """
    shown = hash_file.strip().lower()
    if not shown or shown in _spellings(bytes.fromhex(draft.sha256)):
        return
    if ending and shown in _spellings(await asyncio.to_thread(_sha256_with, draft.path, ending)):
        return
    raise HashMismatch(reasons=(f"hash-file is {shown[:64]}, the file has {draft.sha256}",))


def _spellings(digest: bytes) -> tuple[str, str]:
    """Return a digest in hex, and as the Java client writes it: without leading zeros of each byte."""
    return digest.hex(), "".join(format(byte, "x") for byte in digest)


def _sha256_with(path: Path, ending: bytes) -> bytes:
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            hashed.update(block)
    hashed.update(ending)
    return hashed.digest()
