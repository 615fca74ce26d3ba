"""The verdict on the signatures of a file that was received."""

from __future__ import annotations

from time import monotonic

from gateway.domain.packets import ReceivedFile
from gateway.domain.ports import Draft
from gateway.service.exchange import Exchange
from signing.report import VerificationReport


async def verify(x: Exchange, file: ReceivedFile, *, content: Draft | None = None) -> VerificationReport:
    """Return the verdict on a file; `content` is what it signs, for a detached signature.

    Raises:
        MalformedDocument: There is no verdict on such a file.
        DependencyUnavailable: Nobody could judge it.
    """
    began = monotonic()
    report = await x.verifier.verify(
        file.draft.path,
        media_type=file.media_type,
        sha256=file.draft.sha256,
        content=content.path if content else None,
    )
    x.meter.verified(report.verdict, seconds=monotonic() - began)
    return report
