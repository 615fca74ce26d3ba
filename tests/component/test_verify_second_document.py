"""A signed file that some program would show as another document never passes; a signed PDF or ZIP does."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from signing.basis import Basis
from signing.report import FacetState, Verdict, VerificationReport
from signing.trust import trust_store
from signing.verify import verify_file
from tests.support.cms_holders import NOW
from tests.support.cms_holders import authority as cms_authority
from tests.support.cms_making import CONTENT, draft, enveloping
from tests.support.pki import plain_pdf, signed_by_leader
from tests.support.second_documents import CMS_PLACES, DOCX, OTHER_DOCUMENTS, PDF, XML_PLACES, streamed
from tests.support.xml_signing import DOCUMENT, altered
from tests.support.xml_signing import authority as xml_authority
from tests.support.xml_signing import signed as signed_xml

_CONTENTS = {"a text": CONTENT, "a PDF": plain_pdf(), "a Word document": DOCX}
_IN_XML = {name: each for name, each in OTHER_DOCUMENTS.items() if b"PK" not in each}
_MOST_SECONDS = 5.0


def judged(contents: bytes, folder: Path) -> VerificationReport:
    path = folder / "quyet-dinh.pdf"
    path.write_bytes(contents)
    trusted = trust_store([cms_authority().root.certificate, xml_authority().root.certificate])
    return verify_file(path, basis=Basis(trusted, NOW))


@pytest.mark.parametrize("content", _CONTENTS)
@pytest.mark.parametrize("place", CMS_PLACES)
@pytest.mark.parametrize("document", OTHER_DOCUMENTS)
def test_cms_file_that_holds_another_document_outside_its_content_never_passes(
    tmp_path: Path, document: str, place: str, content: str
) -> None:
    report = judged(CMS_PLACES[place](OTHER_DOCUMENTS[document], _CONTENTS[content]), tmp_path)

    assert report.kind == "cms"
    assert report.verdict in {Verdict.INDETERMINATE, Verdict.TOTAL_FAILED}


@pytest.mark.parametrize("place", XML_PLACES)
@pytest.mark.parametrize("document", _IN_XML)
def test_xml_that_holds_another_document_never_passes(tmp_path: Path, document: str, place: str) -> None:
    report = judged(XML_PLACES[place](_IN_XML[document]), tmp_path)

    assert report.verdict in {Verdict.INDETERMINATE, Verdict.TOTAL_FAILED}


@pytest.mark.parametrize(
    "contents",
    [
        lambda: CMS_PLACES["an unsigned attribute"](PDF, CONTENT),
        lambda: XML_PLACES["a comment behind the root"](PDF),
    ],
)
def test_two_documents_in_one_are_said_to_be_so(tmp_path: Path, contents: Callable[[], bytes]) -> None:
    report = judged(contents(), tmp_path)

    (signature,) = report.signatures
    assert (signature.sub_indication, signature.codes) == ("SIG_CONSTRAINTS_FAILURE", ("two-documents",))
    assert signature.facets.coverage is FacetState.FAILED
    assert "bad-container" in {warning.code for warning in report.warnings}


@pytest.mark.parametrize(
    "coded",
    [
        pytest.param(bytes, id="DER"),
        pytest.param(streamed, id="BER"),
        pytest.param(base64.encodebytes, id="Base64"),
    ],
)
@pytest.mark.parametrize("content", [*_CONTENTS, "a signed PDF", "a large PDF"])
def test_signed_pdf_or_archive_as_a_whole_passes(
    tmp_path: Path, content: str, coded: Callable[[bytes], bytes]
) -> None:
    others = {"a signed PDF": signed_by_leader(), "a large PDF": plain_pdf() * 2_000}

    report = judged(coded(enveloping(draft(content=(_CONTENTS | others)[content]))), tmp_path)

    assert (report.kind, report.verdict) == ("cms", Verdict.TOTAL_PASSED), report.reasons
    assert "bad-container" not in {warning.code for warning in report.warnings}


@pytest.mark.parametrize(
    "text", ["12 0 object, obj 5", "startobj endobj", "the trailer of a truck", "PDF 1.7"]
)
def test_xml_that_speaks_of_documents_passes(tmp_path: Path, text: str) -> None:
    report = judged(signed_xml(altered(DOCUMENT, ("<so>", f"<so>{text} "))).encode(), tmp_path)

    assert report.verdict is Verdict.TOTAL_PASSED, report.reasons


def test_looking_for_another_document_takes_no_longer_than_reading(tmp_path: Path) -> None:
    hostile = b"<!--" + (b" obj" + b" " * 250) * 3_000 + b"-->"
    contents = signed_xml().encode() + hostile * 20
    started = time.process_time()

    report = judged(contents, tmp_path)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert time.process_time() - started < _MOST_SECONDS
