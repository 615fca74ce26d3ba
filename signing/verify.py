"""The verdict on the signatures of a file: PDF, CMS or XML, told apart by its first and last bytes."""

from __future__ import annotations

import mmap
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from signing.basis import Basis
from signing.cms.p7s import verify_p7s
from signing.errors import Unreadable
from signing.judgement import Judgement
from signing.pdf.judge import judge_pdf
from signing.reasons import CONTENT_NOT_SIGNED
from signing.report import Verdict, VerificationReport
from signing.report import Warning as ReportWarning
from signing.scan import Finding, scan
from signing.xml.verify import verify_xml

_LOOKED_AT_BYTES = 1024
_NOT_SCANNED = ReportWarning(
    Finding.NOT_SCANNED, "The file was not looked through: that broke the limits of time or memory."
)
_PDF, _END_OF_PDF = b"%PDF-", b"%%EOF"
_CMS = re.compile(
    rb"\x30[\x80-\x84]|\x30[\x00-\x7f]\x06|\s*-----BEGIN (?:PKCS7|CMS|PKCS #7)|\s*MI[A-Za-z0-9+/]"
)
# A CMS signature around a PDF has the beginning of that near its own.
_SIGNED_DATA = re.compile(
    rb"\x30(?:[\x80-\x84].{0,4}?|.)\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", re.DOTALL
)
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<|\xff\xfe<\x00|\xfe\xff\x00<")


def verify_file(path: Path, *, basis: Basis, content: Path | None = None) -> VerificationReport:
    """Return the verdict on all signatures of a file. Whatever it does to a parser becomes a verdict.

    Not to be called inside an event loop.

    Args:
        path: A PDF, a CMS signature (.p7s, DER or PEM), an XML document or an edXML packet.
        basis: Whom to trust, the moment, and the evidence at hand.
        content: What a CMS signature is over, when it does not hold that itself. No other file is a signature
            of it, and passes with it.

    Raises:
        Unreadable: It is none of these.
        OSError: It is not there.
    """
    match kind_of(path):
        case "cms":
            return verify_p7s(path, basis=basis, content=content)
        case "pdf":
            report = _verify_pdf(path, basis)
        case "xml":
            report = verify_xml(path, basis=basis)
        case _:
            raise Unreadable("the file is no PDF, CMS signature or XML document")
    return report if content is None else _not_about_content(report)


def kind_of(path: Path) -> Literal["pdf", "cms", "xml"] | None:
    """Return as what a file would be judged, by its first and last bytes; None is not at all.

    Raises:
        OSError: It is not there.
    """
    beginning, end = _ends(path)
    if _SIGNED_DATA.match(beginning):
        return "cms"
    if _PDF in beginning:
        return "pdf"
    if _XML.match(beginning):
        return "xml"
    if _END_OF_PDF in end:
        return "pdf"
    return "cms" if _CMS.match(beginning) else None


def _ends(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as stream:
        beginning = stream.read(_LOOKED_AT_BYTES)
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LOOKED_AT_BYTES))
        return beginning, stream.read(_LOOKED_AT_BYTES)


def _not_about_content(report: VerificationReport) -> VerificationReport:
    """Return the verdict on a file that signs itself, when it was to be that on another document."""
    judgements = [Judgement.of(each) for each in report.signatures]
    for judgement in judgements:
        judgement.against("SIG_CONSTRAINTS_FAILURE", CONTENT_NOT_SIGNED, facet="coverage")
    passed = report.verdict is Verdict.TOTAL_PASSED
    return replace(
        report,
        verdict=Verdict.INDETERMINATE if passed else report.verdict,
        signatures=tuple(each.report() for each in judgements),
    )


def _verify_pdf(path: Path, basis: Basis) -> VerificationReport:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        report = judge_pdf(stream, raw, basis=basis)
        return replace(report, warnings=report.warnings + (scan(path) if basis.looks else (_NOT_SCANNED,)))
