"""A report of every kind of file says until when it holds."""

from __future__ import annotations

from pathlib import Path

from signing.report import Verdict
from tests.support import cms_trust, xml_signing
from tests.support.cms_making import CONTENT
from tests.support.cms_making import signed as signed_cms
from tests.support.pki import authority, leader, plain_pdf, signed_by_leader, verdict_on


def test_pdf_holds_until_the_first_certificate_ends(tmp_path: Path) -> None:
    report = verdict_on(signed_by_leader(), tmp_path)

    ends = (each.not_valid_after_utc for each in (leader().certificate, authority().issuer.certificate))
    assert (report.verdict, report.holds_until) == (Verdict.TOTAL_PASSED, min(ends))


def test_file_without_signatures_holds_for_ever(tmp_path: Path) -> None:
    assert verdict_on(plain_pdf(), tmp_path).holds_until is None


def test_xml_holds_until_the_first_certificate_ends(tmp_path: Path) -> None:
    report = xml_signing.verdict_on(xml_signing.signed(), tmp_path)

    ends = xml_signing.leader().certificate.not_valid_after_utc
    assert (report.verdict, report.holds_until) == (Verdict.TOTAL_PASSED, ends)


def test_cms_holds_until_the_first_certificate_ends(tmp_path: Path) -> None:
    report = cms_trust.verdict_on(signed_cms(), tmp_path, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert report.holds_until is not None
