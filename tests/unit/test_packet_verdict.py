"""The verdict on a packet, from those on itself and on the files in it."""

from __future__ import annotations

import pytest

from gateway.service.packet_verdict import AttachmentVerdict, PacketFinding, packet_verdict
from signing.report import Verdict, VerificationReport

PASSED, INDETERMINATE = Verdict.TOTAL_PASSED, Verdict.INDETERMINATE
FAILED, UNSIGNED = Verdict.TOTAL_FAILED, Verdict.UNSIGNED


def judged(
    *files: Verdict | PacketFinding, own: Verdict = UNSIGNED, mistakes: tuple[str, ...] = ()
) -> Verdict:
    """The verdict on a packet of so judged files, in this order."""
    attachments = [
        AttachmentVerdict(f"{n}", VerificationReport(each) if isinstance(each, Verdict) else each)
        for n, each in enumerate(files)
    ]
    return packet_verdict(VerificationReport(own), attachments, mistakes=mistakes).verdict


@pytest.mark.parametrize(
    ("files", "verdict"),
    [
        ((PASSED,), PASSED),
        ((PASSED, UNSIGNED, UNSIGNED), PASSED),
        ((UNSIGNED, PASSED), INDETERMINATE),
        ((UNSIGNED, UNSIGNED), UNSIGNED),
        ((UNSIGNED, FAILED), FAILED),
        ((PASSED, FAILED, INDETERMINATE), FAILED),
        ((PASSED, INDETERMINATE), INDETERMINATE),
        ((PASSED, PacketFinding.UNREADABLE), INDETERMINATE),
        ((PASSED, PacketFinding.TOO_COSTLY), INDETERMINATE),
        ((UNSIGNED, PacketFinding.UNREADABLE), INDETERMINATE),
    ],
)
def test_first_file_has_to_pass_and_none_may_fail(
    files: tuple[Verdict | PacketFinding, ...], verdict: Verdict
) -> None:
    assert judged(*files) is verdict


def test_own_signature_of_the_packet_counts_like_that_of_a_file() -> None:
    assert judged(own=PASSED) is PASSED
    assert judged(PASSED, own=FAILED) is FAILED
    assert judged(PASSED, own=INDETERMINATE) is INDETERMINATE
    assert judged(UNSIGNED, UNSIGNED, own=PASSED) is PASSED, "it covers all files"
    assert judged(UNSIGNED, own=INDETERMINATE) is INDETERMINATE


@pytest.mark.parametrize(
    ("files", "verdict"),
    [((PASSED, UNSIGNED, PASSED), PASSED), ((PASSED, PASSED, UNSIGNED), INDETERMINATE)],
)
def test_each_file_that_may_be_taken_for_the_document_has_to_pass(
    files: tuple[Verdict, ...], verdict: Verdict
) -> None:
    attachments = [AttachmentVerdict(f"{n}", VerificationReport(each)) for n, each in enumerate(files)]
    report = packet_verdict(VerificationReport(UNSIGNED), attachments, documents={0, 2})

    assert report.verdict is verdict


@pytest.mark.parametrize("verdict", [PASSED, UNSIGNED])
def test_packet_with_mistakes_is_indeterminate(verdict: Verdict) -> None:
    assert judged(verdict, mistakes=("Subject: is missing",)) is INDETERMINATE


@pytest.mark.parametrize(
    ("detached", "verdict"), [(PASSED, PASSED), (FAILED, FAILED), (INDETERMINATE, INDETERMINATE)]
)
def test_document_passes_by_its_detached_signature(detached: Verdict, verdict: Verdict) -> None:
    document = AttachmentVerdict("a.docx", VerificationReport(UNSIGNED))
    signature = AttachmentVerdict("a.docx.p7s", VerificationReport(detached), signs="a.docx")
    report = packet_verdict(VerificationReport(UNSIGNED), [document, signature])

    assert report.verdict is verdict
    assert bool(report.warnings) is (detached is not PASSED)


def test_each_file_without_a_good_signature_is_named() -> None:
    files = [
        AttachmentVerdict("main.pdf", VerificationReport(UNSIGNED)),
        AttachmentVerdict("annex.pdf", VerificationReport(PASSED)),
        AttachmentVerdict("table.xlsx", VerificationReport(UNSIGNED)),
        AttachmentVerdict("cut.pdf", PacketFinding.UNREADABLE),
        AttachmentVerdict("bomb.pdf", PacketFinding.TOO_COSTLY),
    ]
    report = packet_verdict(VerificationReport(UNSIGNED), files)

    assert [(each.code, each.detail) for each in report.warnings] == [
        ("main-document-unsigned", "main.pdf"),
        ("attachment-unsigned", "table.xlsx"),
        ("attachment-unreadable", "cut.pdf"),
        ("attachment-too-costly", "bomb.pdf"),
    ]
