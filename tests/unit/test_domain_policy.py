from __future__ import annotations

import unicodedata
from itertools import combinations_with_replacement

import pytest

from gateway.domain.envelope import DocumentKind, Secrecy
from gateway.domain.errors import MalformedDocument, SignatureRejected, StateSecret
from gateway.domain.model import PolicyLabel, SignaturePolicy
from gateway.domain.policy import check_files, label_of, policy_for, refuse_state_secret
from signing.report import Verdict
from tests.support.exchange_samples import envelope, stored_file

PASSED, FAILED = Verdict.TOTAL_PASSED, Verdict.TOTAL_FAILED
UNKNOWN, UNSIGNED = Verdict.INDETERMINATE, Verdict.UNSIGNED


def test_stamp_on_the_summary_is_one_on_the_document() -> None:
    with pytest.raises(StateSecret) as caught:
        refuse_state_secret(envelope(content="MẬT. Kế hoạch phòng thủ"))
    assert caught.value.reasons == ("the content carries a secrecy stamp",)


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
        '"MẬT" Kế hoạch',
        "Kế hoạch phòng thủ - MẬT",
        "VĂN BẢN MẬT số 1",
        "TUYỆT-MẬT",
        "TUYỆT – MẬT",
        "TỐI_MẬT",
        "KH_TUYỆT_MẬT_01.pdf",
        "TUYỆT\rMẬT",
        "TUYỆT\u3000MẬT",
        "T U Y Ệ T  M Ậ T",
        "TUYỆTMẬT",
        "TUYỆT\u200bMẬT",
        "TUYỆT\u00adMẬT",
        "TUYỆT M\u2060ẬT",
        "TUYỆT M\ufeffẬT",
        "TU\u034fYỆT MẬT",
        "ＴＵＹỆＴ ＭẬＴ",
        unicodedata.normalize("NFD", "TUYỆT MẬT"),
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
        "QUY CHẾ BẢO MẬT",
        "BẢO-MẬT",
        "An toàn (BẢO MẬT)",
        "Công tác - BẢO MẬT",
        "CHỐNG LỘ LỌT BÍ MẬT",
        "VĂN BẢN BẢO MẬT",
        "MẬT MÃ HỌC",
        "MẬT ĐỘ DÂN SỐ",
        "MẬT KHẨU",
        "TỐI MẬTX",
    ],
)
def test_ordinary_subject_about_secrecy_is_let_in(subject: str) -> None:
    refuse_state_secret(envelope(subject=subject), file_names=[f"{subject}.pdf"])


@pytest.mark.parametrize("field", ["content", "type_name", "notation"])
def test_stamp_is_looked_for_wherever_it_may_stand(field: str) -> None:
    with pytest.raises(StateSecret) as caught:
        refuse_state_secret(envelope(**{field: "Kế hoạch - TỐI MẬT"}))
    assert caught.value.reasons == (f"the {field.replace('_', ' ')} carries a secrecy stamp",)


@pytest.mark.parametrize("name", ["TUYỆT MẬT.pdf", "MẬT - kế hoạch.pdf", "kế hoạch (MẬT).pdf"])
def test_stamp_on_the_name_of_a_file_is_one_on_the_document(name: str) -> None:
    with pytest.raises(StateSecret) as caught:
        refuse_state_secret(envelope(), file_names=["a.pdf", name])
    assert caught.value.reasons == ("the name of a file carries a secrecy stamp",)


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
        "bare.pdf: Tệp không có chữ ký số.",
    )


# --- orders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DocumentKind.NEW, DocumentKind.REPLACE])
def test_new_document_and_replacement_need_a_file(kind: DocumentKind) -> None:
    check_files(kind, count=1)
    with pytest.raises(MalformedDocument):
        check_files(kind, count=0)


@pytest.mark.parametrize("kind", [DocumentKind.RECALL, DocumentKind.UPDATE])
def test_recall_and_update_need_none(kind: DocumentKind) -> None:
    check_files(kind, count=0)


def test_no_signature_is_demanded_of_a_recall() -> None:
    demanded = {kind: policy_for(kind, SignaturePolicy.REQUIRE) for kind in DocumentKind}
    assert demanded.pop(DocumentKind.RECALL) is SignaturePolicy.LABEL
    assert set(demanded.values()) == {SignaturePolicy.REQUIRE}


def test_policy_of_the_agency_is_never_made_stricter() -> None:
    assert {policy_for(kind, SignaturePolicy.LABEL) for kind in DocumentKind} == {SignaturePolicy.LABEL}
