"""The verdict on the signatures of a file that was received."""

from __future__ import annotations

from collections.abc import Awaitable
from time import monotonic

from gateway.domain.errors import MalformedDocument
from gateway.domain.packets import ReceivedFile
from gateway.domain.ports import Draft
from gateway.service.exchange import Exchange
from gateway.service.judge import judge
from signing.report import VerificationReport


async def verify(x: Exchange, file: ReceivedFile, *, content: Draft | None = None) -> VerificationReport:
    """Return the verdict on a file of a document; `content` is what it signs, for a detached signature.

    Raises:
        MalformedDocument: There is no verdict on such a file.
        DependencyUnavailable: Nobody could judge it.
    """
    return await _counted(
        x,
        x.verifier.verify(
            file.draft.path,
            media_type=file.media_type,
            sha256=file.draft.sha256,
            content=content.path if content else None,
        ),
    )


async def verify_alone(
    x: Exchange, file: ReceivedFile, *, content: Draft | None = None
) -> VerificationReport:
    """Return the verdict on a file that is not sent to anybody, on an edXML packet with the files in it.

    Raises:
        MalformedDocument: There is no verdict on such a file, or it is empty.
        DependencyUnavailable: Nobody could judge it.
    """
    return await _counted(x, judge(file, verifier=x.verifier, packets=x.packets, content=content))


async def _counted(x: Exchange, judging: Awaitable[VerificationReport]) -> VerificationReport:
    began = monotonic()
    try:
        report = await judging
    except MalformedDocument:
        x.meter.verified(None, seconds=monotonic() - began)
        raise
    x.meter.verified(report.verdict, seconds=monotonic() - began)
    return report
