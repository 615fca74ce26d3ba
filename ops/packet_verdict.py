"""The verdict on an edXML packet: on its own signatures, and on those of the files in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from signing.report import Verdict, VerificationReport
from signing.report import Warning as ReportWarning

_WORST_FIRST = (Verdict.TOTAL_FAILED, Verdict.INDETERMINATE, Verdict.TOTAL_PASSED, Verdict.UNSIGNED)


@dataclass(frozen=True, slots=True)
class AttachmentVerdict:
    """The verdict on a file in a packet, None when it cannot be read."""

    name: str
    report: VerificationReport | None


def packet_verdict(
    own: VerificationReport, attachments: Sequence[AttachmentVerdict], *, mistakes: Sequence[str] = ()
) -> VerificationReport:
    """Return the verdict on a packet as a whole: the worst of its own and those of its signed files.

    The signatures of a file follow the packet's own, as `name of the file/field`. A packet that is not in
    order, or has a file that cannot be read, is at best INDETERMINATE.

    Args:
        own: On the packet's own signatures.
        attachments: On the files in it.
        mistakes: What is wrong with the packet as edXML.
    """
    read = [(each.name, each.report) for each in attachments if each.report is not None]
    unread = [each.name for each in attachments if each.report is None]
    verdicts = {own.verdict, *(report.verdict for _, report in read)}
    if unread or mistakes:
        verdicts.add(Verdict.INDETERMINATE)
    return replace(
        own,
        verdict=next(each for each in _WORST_FIRST if each in verdicts),
        signatures=(
            *own.signatures,
            *(
                replace(signature, field=f"{name}/{signature.field}")
                for name, report in read
                for signature in report.signatures
            ),
        ),
        warnings=(
            *own.warnings,
            *(ReportWarning("packet-mistake", mistake) for mistake in mistakes),
            *(ReportWarning("attachment-unreadable", name) for name in unread),
            *(
                ReportWarning("attachment-unsigned", name)
                for name, report in read
                if report.verdict is Verdict.UNSIGNED
            ),
            *(
                replace(warning, detail=f"{name}: {warning.detail}")
                for name, report in read
                for warning in report.warnings
            ),
        ),
        evidence=tuple(dict.fromkeys([*own.evidence, *(kept for _, each in read for kept in each.evidence)])),
    )
