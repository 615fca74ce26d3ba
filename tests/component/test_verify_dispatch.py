"""What kind of file it is decides who judges it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from ops.dev.papers import tamper
from signing.basis import POLICY_VERSION, Basis
from signing.errors import Unreadable
from signing.report import FacetState, Verdict
from signing.verify import verify_file
from tests.support import xml_signing
from tests.support.pki import NOW, leader, plain_pdf, signed_by_leader, trust, with_document_time_stamp

BASIS = Basis(trust(), NOW)


def written(content: bytes, folder: Path) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


def p7s(content: bytes, encoding: Encoding) -> bytes:
    key = leader().key
    assert isinstance(key, rsa.RSAPrivateKey)
    builder = PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(leader().certificate, key, hashes.SHA256())
    return builder.sign(encoding, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])


def test_pdf_is_told_by_its_beginning(tmp_path: Path) -> None:
    report = verify_file(written(signed_by_leader(), tmp_path), basis=BASIS)

    assert (report.kind, report.verdict) == ("pdf", Verdict.TOTAL_PASSED)
    assert (report.trust_version, report.policy_version) == (trust().version, POLICY_VERSION)


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_cms_signature_around_a_pdf_is_a_cms_signature(tmp_path: Path, encoding: Encoding) -> None:
    key = leader().key
    assert isinstance(key, rsa.RSAPrivateKey)
    builder = PKCS7SignatureBuilder().set_data(signed_by_leader())
    builder = builder.add_signer(leader().certificate, key, hashes.SHA256())
    builder = builder.add_certificate(leader().chain[0])

    report = verify_file(written(builder.sign(encoding, [PKCS7Options.Binary]), tmp_path), basis=BASIS)

    assert (report.kind, report.verdict) == ("cms", Verdict.TOTAL_PASSED)


def test_xml_that_ends_like_a_pdf_is_xml(tmp_path: Path) -> None:
    report = verify_file(written(b"<doc/><!-- %%EOF -->", tmp_path), basis=BASIS)

    assert (report.kind, report.verdict) == ("xml", Verdict.UNSIGNED)


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_cms_signature_is_judged_is_judged_with_its_document(tmp_path: Path, encoding: Encoding) -> None:
    document = tmp_path / "document.txt"
    document.write_bytes(b"V/v thu 100 dong")

    report = verify_file(written(p7s(b"V/v thu 100 dong", encoding), tmp_path), basis=BASIS, content=document)

    assert report.kind == "cms"
    assert [signature.facets.integrity for signature in report.signatures] == ["ok"]


@pytest.mark.parametrize(
    ("file", "basis"),
    [(signed_by_leader(), BASIS), (xml_signing.signed().encode(), xml_signing.basis())],
    ids=["pdf", "xml"],
)
def test_signed_file_proves_nothing_of_another_document(file: bytes, basis: Basis, tmp_path: Path) -> None:
    document = tmp_path / "document.docx"
    document.write_bytes(b"anything")
    path = written(file, tmp_path)
    (alone,) = verify_file(path, basis=basis).signatures
    report = verify_file(path, basis=basis, content=document)
    (signature,) = report.signatures

    assert (report.verdict, signature.indication) == (Verdict.INDETERMINATE, Verdict.INDETERMINATE)
    assert (signature.sub_indication, signature.codes) == ("SIG_CONSTRAINTS_FAILURE", ("content-not-signed",))
    assert signature.facets == replace(alone.facets, coverage=FacetState.FAILED)
    assert signature.sentence_vi.endswith(
        "Tệp này không phải là chữ ký rời của văn bản đi kèm, nên không chứng minh gì về văn bản đó."
    )
    assert "is no detached signature of the document given with it" in signature.sentence_en
    assert (signature.signer, signature.signed_at) == (alone.signer, alone.signed_at)


def test_forged_file_stays_forged_whatever_document_is_given_with_it(tmp_path: Path) -> None:
    path = written(tamper(signed_by_leader()), tmp_path)
    report = verify_file(path, basis=BASIS, content=path)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert report.signatures[0].codes == ("altered", "content-not-signed")


@pytest.mark.parametrize("file", [plain_pdf(), b"<a/>", with_document_time_stamp(plain_pdf())])
def test_unsigned_file_stays_unsigned_whatever_document_is_given_with_it(file: bytes, tmp_path: Path) -> None:
    path = written(file, tmp_path)

    assert verify_file(path, basis=BASIS, content=path).verdict is Verdict.UNSIGNED


@pytest.mark.parametrize("content", [b"<a/>", b"\xef\xbb\xbf<?xml version='1.0'?><a/>", b" \n<a/>"])
def test_xml_without_signature_is_unsigned(tmp_path: Path, content: bytes) -> None:
    report = verify_file(written(content, tmp_path), basis=BASIS)

    assert report.verdict is Verdict.UNSIGNED
    assert report.kind in {"xml", "edxml"}


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04"])
def test_anything_else_is_unreadable(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Unreadable):
        verify_file(written(content, tmp_path), basis=BASIS)
