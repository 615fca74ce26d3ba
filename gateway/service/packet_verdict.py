"""The verdict on an edXML packet: on its own signatures, and on those of the files in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from signing.report import Verdict, VerificationReport
from signing.report import Warning as ReportWarning

_WORST_FIRST = (Verdict.TOTAL_FAILED, Verdict.INDETERMINATE, Verdict.TOTAL_PASSED, Verdict.UNSIGNED)


class PacketFinding(StrEnum):
    """What is warned of in a packet: codes of warnings, of which each names the file."""

    MISTAKE = "packet-mistake"
    MAIN_UNSIGNED = "main-document-unsigned"
    """Others are signed, and the document they came with is not."""
    UNSIGNED = "attachment-unsigned"
    UNREADABLE = "attachment-unreadable"
    PACKET = "attachment-packet"
    """A packet of its own, which is not opened."""
    TOO_COSTLY = "attachment-too-costly"
    """The time for the whole packet was over before it was judged."""


@dataclass(frozen=True, slots=True)
class AttachmentVerdict:
    """The verdict on a file in a packet, or why there is none. `signs` names the file in the packet that it
    is the detached signature of."""

    name: str
    report: VerificationReport | PacketFinding
    signs: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Return the verdict; without one nothing is proven."""
        return self.report.verdict if isinstance(self.report, VerificationReport) else Verdict.INDETERMINATE


def packet_verdict(
    own: VerificationReport,
    attachments: Sequence[AttachmentVerdict],
    *,
    mistakes: Sequence[str] = (),
    documents: Collection[int] = (0,),
) -> VerificationReport:
    """Return the verdict on a packet as a whole: the worst of its own and those of its files.

    A packet in which anything is signed passes only if the document is: by itself, by a detached signature,
    or by the packet's own, which passes only if it covers all files. An unsigned annex is warned of. A packet
    that is not in order, or has a file without a verdict, is at best INDETERMINATE.

    The signatures of a file follow the packet's own, as `name of the file/field`.

    Args:
        own: On the packet's own signatures.
        attachments: On the files in it, in their order.
        mistakes: What is wrong with the packet as edXML.
        documents: The places of the files that may be taken for the document; the others are annexes.
    """
    judged = [(each.name, each.report) for each in attachments if isinstance(each.report, VerificationReport)]
    found = [
        *(ReportWarning(PacketFinding.MISTAKE, each) for each in mistakes),
        *_findings(own, attachments, documents=documents),
    ]
    verdicts = {own.verdict, *(each.verdict for each in attachments)}
    if any(each.code != PacketFinding.UNSIGNED for each in found):
        verdicts.add(Verdict.INDETERMINATE)
    return replace(
        own,
        verdict=next(each for each in _WORST_FIRST if each in verdicts),
        signatures=(
            *own.signatures,
            *(
                replace(signature, field=f"{name}/{signature.field}")
                for name, report in judged
                for signature in report.signatures
            ),
        ),
        warnings=(
            *own.warnings,
            *found,
            *(
                replace(warning, detail=f"{name}: {warning.detail}")
                for name, report in judged
                for warning in report.warnings
            ),
        ),
        evidence=tuple(
            dict.fromkeys([*own.evidence, *(kept for _, each in judged for kept in each.evidence)])
        ),
    )


def _findings(
    own: VerificationReport, attachments: Sequence[AttachmentVerdict], *, documents: Collection[int]
) -> Iterator[ReportWarning]:
    is_signed = {own.verdict, *(each.verdict for each in attachments)} != {Verdict.UNSIGNED}
    needs_signature = is_signed and own.verdict is not Verdict.TOTAL_PASSED
    passed = [each for each in attachments if each.verdict is Verdict.TOTAL_PASSED]
    vouched_for = {each.signs for each in passed}
    for number, each in enumerate(attachments):
        if isinstance(each.report, PacketFinding):
            yield ReportWarning(each.report, each.name)
        elif each.verdict is Verdict.UNSIGNED and each.name not in vouched_for:
            is_amiss = number in documents and needs_signature
            yield ReportWarning(
                PacketFinding.MAIN_UNSIGNED if is_amiss else PacketFinding.UNSIGNED, each.name
            )
