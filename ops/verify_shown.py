"""How verdicts are shown on the command line: as lines of JSON, or as text in Vietnamese or English."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Literal

import click
import msgspec

from gateway.http import views
from ops.verify_files import Outcome
from signing.report import Facets, FacetState, SignatureReport, Verdict, VerificationReport

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
    name = click.format_filename(outcome.file)
    if outcome.report is not None:
        return "\n".join([f"{name}: {outcome.report.verdict}", *_lines(outcome.report, language)])
    return f"{name}: {outcome.fault.detail}" if outcome.fault else name


def _lines(report: VerificationReport, language: Language) -> Iterator[str]:
    if report.verdict is Verdict.UNSIGNED:
        yield f"  {_UNSIGNED[language]}"
    for signature in report.signatures:
        yield from _signature(signature, language)
    for warning in report.warnings:
        yield f"  ! {warning.code}: {warning.detail}" if warning.detail else f"  ! {warning.code}"


def _signature(signature: SignatureReport, language: Language) -> Iterator[str]:
    is_vietnamese = language == "vi"
    judged = f"{signature.indication} {signature.sub_indication or ''}".rstrip()
    about = (signature.field, judged, signature.level, signature.role, signature.agency)
    yield f"  {' · '.join(each for each in about if each)}"
    yield f"    {signature.sentence_vi if is_vietnamese else signature.sentence_en}"
    # The sentence tells the first of them.
    for reason in (signature.reasons_vi if is_vietnamese else signature.reasons)[1:]:
        yield f"    - {reason}"
    yield f"    {' · '.join(_facets(signature.facets, language))}"


def _facets(facets: Facets, language: Language) -> Iterator[str]:
    for facet in fields(facets):
        state: FacetState = getattr(facets, facet.name)
        if language == "vi":
            yield f"{_FACETS_VI[facet.name]}: {_STATES_VI[state]}"
        else:
            yield f"{facet.name}: {state}"
