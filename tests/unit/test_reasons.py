"""The sentences of reasons and warnings, as a clerk reads them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.containers.findings import ActiveContent
from gateway.service.packet_verdict import PacketFinding
from signing import reasons
from signing.cms import reasons as of_cms
from signing.pdf import reasons as of_pdf
from signing.reasons import OF_SUB_INDICATION, Reason
from signing.report import BAD_CONTAINER
from signing.report import Warning as ReportWarning
from signing.scan import Finding
from signing.warning_sentences import WARNING_SENTENCES
from signing.xml import reasons as of_xml

ROOT = Path(__file__).parents[2]
REASONS = [
    *(each for part in (reasons, of_cms, of_pdf, of_xml) for each in vars(part).values()),
    *OF_SUB_INDICATION.values(),
]
# Numbers, and the name that the standard gives to an attribute.
TOLD_WITH_A_DETAIL = {
    *("looks-different", "appearance-over-text", "appearance-too-large", "trailing-bytes"),
    *("too-many-signatures", "too-many-revisions", "attribute-missing"),
    *("no-path", "revocation-unknown"),
}


def warning_codes() -> Iterator[str]:
    """Yield the codes of warnings that the code gives as they stand there."""
    for package in ("signing", "adapters", "gateway", "ops"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ReportWarning":
                    yield from (str(each.value) for each in node.args[:1] if isinstance(each, ast.Constant))


CODES = {*warning_codes(), *Finding, *ActiveContent, *PacketFinding, BAD_CONTAINER}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_warning_has_a_sentence_in_both_languages(code: str) -> None:
    assert code in WARNING_SENTENCES
    assert all(each.endswith(".") for each in WARNING_SENTENCES[code])
    assert ReportWarning(code).sentence_vi == WARNING_SENTENCES[code].vi


def test_warning_that_nobody_knows_is_told_by_its_detail() -> None:
    assert ReportWarning("brand-new", "Something new.").sentence_vi == "Something new."


@pytest.mark.parametrize(
    "reason", [each for each in REASONS if isinstance(each, Reason)], ids=lambda each: each.code
)
def test_no_reason_tells_a_clerk_the_words_of_a_programmer(reason: Reason) -> None:
    assert reason.vi.endswith(".")
    assert reason.code in TOLD_WITH_A_DETAIL or "{}" not in reason.vi


@pytest.mark.parametrize("sub_indication", ["TRY_LATER", "NO_CERTIFICATE_CHAIN_FOUND"])
def test_reason_that_somebody_can_do_something_about_says_what(sub_indication: str) -> None:
    reason = OF_SUB_INDICATION[sub_indication]

    assert "Hãy " in reason.vi
    assert "administrator" in reason.en


@pytest.mark.parametrize("reason", [reasons.NO_PATH_TO, reasons.REVOCATION_UNKNOWN_OF])
def test_authority_that_is_missing_is_named(reason: Reason) -> None:
    told = reason.about("Nhà {phát} hành")

    assert "“Nhà {phát} hành”" in told.vi
    assert "“Nhà {phát} hành”" in told.en
    assert "Hãy " in told.vi
