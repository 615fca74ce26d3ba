"""The verdict on a file that is not sent to anybody, for whoever asks: over HTTP, or on the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from gateway.domain.errors import MalformedDocument
from gateway.domain.file_types import is_signature_of
from gateway.domain.packets import Packets, ReceivedFile
from gateway.domain.ports import Draft, Verifier
from gateway.service.packet_verdict import AttachmentVerdict, PacketFinding, packet_verdict
from signing.report import Verdict, VerificationReport

_EDXML = "edxml"
PACKET_WITHIN = timedelta(seconds=30)
"""How long a packet and the files in it may take together. Each alone may take long, and they are many."""


async def judge(
    file: ReceivedFile,
    *,
    verifier: Verifier,
    packets: Packets,
    content: Draft | None = None,
    within: timedelta = PACKET_WITHIN,
) -> VerificationReport:
    """Return the verdict on a file, on an edXML packet with all the files in it.

    Args:
        file: The file.
        verifier: Judges each file.
        packets: Opens packets.
        content: What the file signs, for a detached signature.
        within: How long a packet may take; the files that are left then are not judged.

    Raises:
        MalformedDocument: There is no verdict on such a file, or it is empty.
        DependencyUnavailable: Nobody could judge it.
    """
    if not file.draft.size_bytes:
        raise MalformedDocument("The file is empty.")
    ends_at = asyncio.get_running_loop().time() + within.total_seconds()
    report = await _verdict(file, verifier, content=content)
    if report.kind != _EDXML:
        return report
    async with packets.opening(file.draft) as opened:
        judged = [await _attachment(each, opened.files, verifier, ends_at=ends_at) for each in opened.files]
        return packet_verdict(report, judged, mistakes=opened.mistakes, documents=opened.documents)


async def _attachment(
    file: ReceivedFile, others: Sequence[ReceivedFile], verifier: Verifier, *, ends_at: float
) -> AttachmentVerdict:
    signed = next((each for each in others if is_signature_of(file.name, of=each.name)), None)
    signs = signed.name if signed else None
    if asyncio.get_running_loop().time() >= ends_at:
        return AttachmentVerdict(file.name, PacketFinding.TOO_COSTLY, signs)
    try:
        async with asyncio.timeout_at(ends_at):
            report = await _verdict(file, verifier, content=signed.draft if signed else None)
    except TimeoutError:
        return AttachmentVerdict(file.name, PacketFinding.TOO_COSTLY, signs)
    except MalformedDocument:
        return AttachmentVerdict(file.name, PacketFinding.UNREADABLE, signs)
    if report.kind == _EDXML and report.verdict is Verdict.UNSIGNED:
        return AttachmentVerdict(file.name, PacketFinding.PACKET, signs)
    return AttachmentVerdict(file.name, report, signs)


async def _verdict(
    file: ReceivedFile, verifier: Verifier, *, content: Draft | None = None
) -> VerificationReport:
    return await verifier.verify(
        file.draft.path,
        media_type=file.media_type,
        sha256=file.draft.sha256,
        content=content.path if content else None,
    )
