"""What `lienthong verify` prints, in the language of who reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.verify_files import Fault, Outcome
from ops.verify_shown import as_text
from signing.judgement import Judgement
from signing.pdf import reasons
from signing.reasons import BROKEN
from signing.report import Verdict, VerificationReport
from signing.report import Warning as ReportWarning

FILE = Path("công văn.pdf")


def report(judgement: Judgement, *warnings: ReportWarning) -> Outcome:
    shown = judgement.report()
    return Outcome(FILE, VerificationReport(shown.indication, (shown,), warnings))


def test_warning_is_told_in_vietnamese_and_then_where() -> None:
    found = report(
        Judgement(),
        ReportWarning("javascript", "It holds JavaScript."),
        ReportWarning("attachment-unsigned", "phụ lục.pdf"),
    )

    assert "  ! javascript: Tệp có mã lệnh JavaScript." in as_text(found, language="vi").splitlines()
    assert (
        "  ! attachment-unsigned: Một tệp trong gói tin không có chữ ký số. [phụ lục.pdf]"
        in as_text(found, language="vi").splitlines()
    )
    assert "  ! javascript: It holds JavaScript." in as_text(found, language="en").splitlines()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("empty-file", "The file is empty."), "Tệp rỗng."),
        (Fault("not-found", "There is no such file."), "Không có tệp này."),
        (
            Fault("malformed-document", "The file cannot be read. it took too long"),
            "Không đọc được tệp này. [The file cannot be read. it took too long]",
        ),
        (Fault("brand-new", "Something new."), "Chưa kiểm tra được tệp này. [Something new.]"),
    ],
)
def test_fault_is_told_in_vietnamese(fault: Fault, told: str) -> None:
    outcome = Outcome(FILE, None, fault)

    assert as_text(outcome, language="vi") == f"{FILE}: {told}"
    assert as_text(outcome, language="en") == f"{FILE}: {fault.detail}"


def test_diagnostic_words_have_a_line_of_their_own() -> None:
    judgement = Judgement("ChuKy")
    judgement.against("FORMAT_FAILURE", BROKEN.about("KeyError"))
    judgement.against("FORMAT_FAILURE", reasons.LOOKS_DIFFERENT.about("3"))
    shown = as_text(report(judgement), language="vi").splitlines()

    assert "    Chữ ký số không hợp lệ. Không đọc được chữ ký: dữ liệu bị hỏng." in shown
    assert "    [broken: KeyError]" in shown
    assert "    - Trang 3 hiển thị khác so với lúc ký." in shown
    assert not any("looks-different" in line for line in shown)


def test_unsigned_file_is_told_so() -> None:
    outcome = Outcome(FILE, VerificationReport(Verdict.UNSIGNED))

    assert "Tệp không có chữ ký số." in as_text(outcome, language="vi")
