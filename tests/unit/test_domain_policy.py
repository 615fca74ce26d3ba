from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from gateway.domain.errors import SignatureRejected, StateSecret
from gateway.domain.model import PolicyLabel, Secrecy, SignaturePolicy
from gateway.domain.policy import label_of, refuse_state_secret
from signing.report import Verdict
from tests.support.exchange_samples import envelope, stored_file

PASSED, FAILED = Verdict.TOTAL_PASSED, Verdict.TOTAL_FAILED
UNKNOWN, UNSIGNED = Verdict.INDETERMINATE, Verdict.UNSIGNED


@pytest.mark.parametrize("secrecy", [each for each in Secrecy if each is not Secrecy.NONE])
def test_declared_secret_is_refused(secrecy: Secrecy) -> None:
    with pytest.raises(StateSecret):
        refuse_state_secret(envelope(secrecy=secrecy))


@pytest.mark.parametrize(
    "subject",
    [
        "TỐI MẬT: kế hoạch phòng thủ",
        "Kế hoạch phòng thủ - TUYỆT MẬT",
        "Kế hoạch (TỐI  MẬT)",
        "Kế hoạch TỐI\u00a0MẬT",
        "MẬT. Kế hoạch phòng thủ",
        "  MẬT - Kế hoạch",
        "Kế hoạch (MẬT)",
        "Kế hoạch [ MẬT ]",
    ],
)
def test_subject_with_a_secrecy_stamp_is_refused(subject: str) -> None:
    with pytest.raises(StateSecret, match="state secrets"):
        refuse_state_secret(envelope(subject=subject))


@pytest.mark.parametrize(
    "subject",
    [
        "Về việc bảo đảm an toàn thông tin",
        "TĂNG CƯỜNG BẢO MẬT THÔNG TIN",
        "Quy chế bảo mật (sửa đổi)",
        "Danh mục bí mật nhà nước độ tối mật",
        "Về bảo vệ bí mật nhà nước",
        "MẬTMÃ",
        "Ban Cơ yếu: mật mã dân sự",
    ],
)
def test_ordinary_subject_about_secrecy_is_let_in(subject: str) -> None:
    refuse_state_secret(envelope(subject=subject))


@pytest.mark.parametrize(
    "verdicts",
    [(PASSED,), (PASSED, PASSED), (PASSED, UNSIGNED), (PASSED, UNKNOWN)],
)
@pytest.mark.parametrize("policy", list(SignaturePolicy))
def test_valid_signature_makes_a_document_signed(
    verdicts: tuple[Verdict, ...], policy: SignaturePolicy
) -> None:
    files = [stored_file(verdict=verdict) for verdict in verdicts]
    assert label_of(files, policy=policy) is PolicyLabel.SIGNED


NOT_SIGNED = [
    verdicts
    for count in range(3)
    for verdicts in combinations_with_replacement(list(Verdict), count)
    if PASSED not in verdicts or FAILED in verdicts
]


@pytest.mark.parametrize("verdicts", NOT_SIGNED)
def test_anything_else_is_for_information_or_refused_where_a_signature_is_demanded(
    verdicts: tuple[Verdict, ...],
) -> None:
    files = [stored_file(verdict=verdict) for verdict in verdicts]
    assert label_of(files, policy=SignaturePolicy.LABEL) is PolicyLabel.FOR_INFORMATION
    with pytest.raises(SignatureRejected):
        label_of(files, policy=SignaturePolicy.REQUIRE)


def test_refusal_names_every_file_and_every_reason() -> None:
    files = [
        stored_file("good.pdf"),
        stored_file("changed.pdf", verdict=FAILED, reasons=("bytes changed", "certificate expired")),
        stored_file("bare.pdf", verdict=UNSIGNED),
    ]
    with pytest.raises(SignatureRejected) as rejected:
        label_of(files, policy=SignaturePolicy.REQUIRE)
    assert rejected.value.reasons == (
        "changed.pdf: TOTAL-FAILED: bytes changed",
        "changed.pdf: TOTAL-FAILED: certificate expired",
        "bare.pdf: UNSIGNED: the file carries no digital signature",
    )
