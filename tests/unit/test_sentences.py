"""The one sentence that a clerk reads about a signature."""

from __future__ import annotations

from datetime import UTC, datetime

from signing.judgement import Judgement
from signing.reasons import Reason
from signing.report import Verdict
from signing.sentences import sentences

AT = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
ALTERED = Reason("altered", "It was altered.", "Nội dung đã bị thay đổi.")


def told(
    verdict: Verdict, *reasons: Reason, signer: str | None = "Chánh Văn phòng", role: str = "", **more: bool
) -> tuple[str, str]:
    return sentences(
        verdict, reasons, signer=signer, organisation="UBND phường Một", at=AT, role=role, **more
    )


def test_good_signature_says_who_and_when_in_vietnamese_time() -> None:
    vietnamese, english = told(Verdict.TOTAL_PASSED, at_is_proven=True)

    assert vietnamese == (
        "Chữ ký số của Chánh Văn phòng, UBND phường Một hợp lệ, ký ngày 21/11/2026 01:30:00; "
        "từ đó văn bản không bị thay đổi."
    )
    assert english == (
        "Valid signature of Chánh Văn phòng, UBND phường Một on 21/11/2026 01:30:00 +07:00; "
        "the document has not changed since."
    )


def test_time_that_only_the_signer_tells_is_called_so() -> None:
    vietnamese, english = told(Verdict.TOTAL_PASSED)

    assert "ký ngày 21/11/2026 01:30:00 (theo giờ máy của người ký); từ đó" in vietnamese
    assert "on 21/11/2026 01:30:00 +07:00 (by the signer's own clock); the document" in english


def test_time_stamp_tells_its_own_time() -> None:
    vietnamese, english = told(Verdict.TOTAL_PASSED, role="time-stamp", at_is_proven=True)

    assert "hợp lệ, cấp ngày 21/11/2026 01:30:00; từ đó" in vietnamese
    assert "clock" not in english


def test_signature_with_a_seal_after_it_does_not_claim_that_nothing_was_added() -> None:
    vietnamese, english = told(Verdict.TOTAL_PASSED, is_followed=True)

    assert vietnamese.endswith(
        "; sau đó văn bản chỉ được thêm chữ ký số hoặc con dấu khác, nội dung không thay đổi."
    )
    assert english.endswith(
        "; only further signatures or seals were added since, and the content has not changed."
    )


def test_seals_and_time_stamps_are_called_so() -> None:
    seal, _ = told(Verdict.TOTAL_FAILED, ALTERED, signer="UBND phường Một", role="seal")
    _, stamp = told(Verdict.INDETERMINATE, ALTERED, role="time-stamp")

    assert seal == "Chữ ký số của cơ quan UBND phường Một không hợp lệ. Nội dung đã bị thay đổi."
    assert stamp.startswith("The time-stamp of Chánh Văn phòng, UBND phường Một cannot be confirmed.")


def test_undecided_signature_is_never_called_valid_or_invalid() -> None:
    vietnamese, english = told(Verdict.INDETERMINATE, ALTERED)

    assert vietnamese.startswith("Chưa thể xác nhận chữ ký số của")
    assert "hợp lệ" not in vietnamese
    assert "valid" not in english


def test_signature_of_nobody_known_has_a_sentence() -> None:
    nobody = sentences(Verdict.TOTAL_FAILED, [], signer=None, organisation=None, at=None)

    assert nobody == ("Chữ ký số không hợp lệ.", "The signature is not valid.")


def test_sentence_tells_the_finding_that_decided() -> None:
    judgement = Judgement("ChuKy")
    judgement.against("NO_CERTIFICATE_CHAIN_FOUND")
    judgement.against("HASH_FAILURE")
    judgement.against("NO_POE")
    report = judgement.report()

    assert report.codes[:2] == ("altered", "no-path")
    assert report.sentence_en == "The signature is not valid. The document was altered after it was signed."
    assert len(report.reasons) == 3
