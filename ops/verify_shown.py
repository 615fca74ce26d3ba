"""How verdicts are shown on the command line: as lines of JSON, or as text in Vietnamese or English."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Literal
from unicodedata import category

import click
import msgspec

from gateway.http import views
from ops.verify_files import Fault, Outcome
from signing.report import Facets, FacetState, SignatureReport, Verdict, VerificationReport
from signing.report import Warning as ReportWarning
from signing.warning_sentences import WARNING_SENTENCES

Language = Literal["vi", "en"]

_FACETS_VI = {
    "integrity": "toàn vẹn",
    "coverage": "phạm vi ký",
    "changes": "thay đổi sau khi ký",
    "identity": "danh tính",
    "trust": "tin cậy",
    "time": "thời gian",
}
_STATES_VI = {FacetState.OK: "đạt", FacetState.FAILED: "không đạt", FacetState.UNKNOWN: "chưa rõ"}
_WHOLE_FAULTS_VI = {
    "empty-file": "Tệp rỗng.",
    "not-found": "Không có tệp này.",
}
"""They say all there is to say."""
_FAULTS_VI = {
    "directory": "Đây là thư mục, không phải tệp. Hãy ghi tên các tệp trong đó.",
    "unreadable": "Không mở được tệp này.",
    "too-large": "Tệp lớn quá giới hạn của trục liên thông.",
    "malformed-document": "Không đọc được tệp này.",
    "malformed-packet": "Không đọc được gói tin này.",
    "verification-unavailable": "Bộ phận kiểm tra chữ ký chưa hoạt động. Hãy hỏi quản trị hệ thống.",
    "store-unavailable": "Không còn chỗ hoặc không truy cập được nơi lưu trữ. Hãy hỏi quản trị hệ thống.",
}
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control characters, bidirectional overrides, lone surrogates, ends of lines."""
_OTHER_FAULT_VI = "Chưa kiểm tra được tệp này."
_UNSIGNED = {"vi": "Tệp không có chữ ký số.", "en": "The file carries no signature."}


def as_json_line(outcome: Outcome) -> str:
    """Return an outcome as JSON: the answer of `POST /v1/verifications` with the file's name before it, or
    why there is no verdict."""
    shown: dict[str, object] = {"file": click.format_filename(outcome.file)}
    if outcome.report is not None:
        shown |= msgspec.structs.asdict(views.report(outcome.report))
    elif outcome.fault is not None:
        shown["error"] = {"code": outcome.fault.code, "detail": outcome.fault.detail}
    return msgspec.json.encode(shown).decode()


def as_text(outcome: Outcome, *, language: Language) -> str:
    """Return an outcome as a block of lines for a person."""
    return "\n".join(_showable(line) for line in _text(outcome, language))


def _text(outcome: Outcome, language: Language) -> Iterator[str]:
    name = click.format_filename(outcome.file)
    if outcome.report is not None:
        yield f"{name}: {outcome.report.verdict}"
        yield from _lines(outcome.report, language)
    elif outcome.fault is not None:
        yield f"{name}: {_fault(outcome.fault, language)}"


def _showable(line: str) -> str:
    """Return a line with what a terminal would obey as codes: names of files, fields and signers are a
    stranger's words, and could write a verdict of their own."""
    return "".join(
        letter.encode("unicode_escape").decode("ascii") if category(letter) in _OBEYED else letter
        for letter in line
    )


def _fault(fault: Fault, language: Language) -> str:
    if language == "en":
        return fault.detail
    whole = _WHOLE_FAULTS_VI.get(fault.code)
    return whole or f"{_FAULTS_VI.get(fault.code, _OTHER_FAULT_VI)} [{fault.detail}]"


def _lines(report: VerificationReport, language: Language) -> Iterator[str]:
    if report.verdict is Verdict.UNSIGNED:
        yield f"  {_UNSIGNED[language]}"
    for signature in report.signatures:
        yield from _signature(signature, language)
    for warning in report.warnings:
        yield f"  ! {warning.code}: {_warning(warning, language)}"


def _warning(warning: ReportWarning, language: Language) -> str:
    known = WARNING_SENTENCES.get(warning.code)
    if known is None or not warning.detail:
        return warning.sentence_vi if language == "vi" or known is None else known.en
    if language == "en":
        return warning.detail
    return known.vi if warning.detail == known.en else f"{known.vi} [{warning.detail}]"


def _signature(signature: SignatureReport, language: Language) -> Iterator[str]:
    is_vietnamese = language == "vi"
    judged = f"{signature.indication} {signature.sub_indication or ''}".rstrip()
    about = (signature.field, judged, signature.level, signature.role, signature.agency)
    yield f"  {' · '.join(each for each in about if each)}"
    yield f"    {signature.sentence_vi if is_vietnamese else signature.sentence_en}"
    reasons = signature.reasons_vi if is_vietnamese else signature.reasons
    for reason in reasons[1:]:  # the sentence tells the first
        yield f"    - {reason}"
    for code, reason, detail in zip(signature.codes, reasons, signature.details, strict=False):
        if detail not in reason:  # an empty one is in every
            yield f"    [{code}: {detail}]"
    yield f"    {' · '.join(_facets(signature.facets, language))}"


def _facets(facets: Facets, language: Language) -> Iterator[str]:
    for facet in fields(facets):
        state: FacetState = getattr(facets, facet.name)
        if language == "vi":
            yield f"{_FACETS_VI[facet.name]}: {_STATES_VI[state]}"
        else:
            yield f"{facet.name}: {state}"
