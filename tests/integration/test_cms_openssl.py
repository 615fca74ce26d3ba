"""OpenSSL's `cms` command and we take the same signatures, in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing.report import Verdict
from tests.support.cms_findings import Made
from tests.support.cms_holders import authority, holder
from tests.support.cms_hostile import FORMS
from tests.support.cms_making import CONTENT
from tests.support.cms_second_opinion import openssl
from tests.support.cms_trust import verdict_on
from tests.support.cms_valid import GOOD, LENIENT, Make

# OpenSSL 3.0 knows no EdDSA in CMS, verifies attributes only as they stand, and hashes the content only
# as announced.
_BEYOND_OPENSSL = {
    "ed25519, sha512",
    "ed448, shake_256",
    "Ed25519 with SHA-256",
    "ECDSA named as a key",
    "attributes unsorted but signed in order",
    "digest algorithm not announced",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a document, keys and certificates."""
    (tmp_path / "document").write_bytes(CONTENT)
    for kind in ("rsa", "p256"):
        who = holder(kind)
        (tmp_path / f"{kind}.pem").write_bytes(who.key_pem + who.x509.public_bytes(Encoding.PEM))
    issuing = authority().issuer.certificate.public_bytes(Encoding.PEM)
    (tmp_path / "issuing.pem").write_bytes(issuing)
    return tmp_path


def signed_by_openssl(folder: Path, *arguments: str) -> bytes:
    made = openssl(
        "-sign", "-binary", "-in", "document", "-certfile", "issuing.pem", "-out", "made", *arguments,
        at=folder,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr.decode()
    return (folder / "made").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        (["-signer", "rsa.pem", "-outform", "DER", "-cades"], "CAdES-B-B"),
        (["-signer", "rsa.pem", "-outform", "PEM", "-cades"], "CAdES-B-B"),
        (["-signer", "rsa.pem", "-outform", "DER"], "PKCS7"),
        (["-signer", "rsa.pem", "-outform", "DER", "-cades", "-md", "sha512"], "CAdES-B-B"),
        (["-signer", "rsa.pem", "-outform", "DER", "-cades", "-keyopt", "rsa_padding_mode:pss"], "CAdES-B-B"),
        (["-signer", "rsa.pem", "-outform", "DER", "-cades", "-keyid"], "CAdES-B-B"),
        (["-signer", "p256.pem", "-outform", "DER", "-cades", "-nosmimecap"], "CAdES-B-B"),
    ],
)
def test_signature_made_by_openssl_passes(folder: Path, arguments: list[str], level: str) -> None:
    report = verdict_on(signed_by_openssl(folder, *arguments), folder, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_PASSED, report.reasons
    assert [each.level for each in report.signatures] == [level]


@pytest.mark.parametrize("streamed", [[], ["-stream"]])
def test_document_inside_and_two_signers_by_openssl_pass(folder: Path, streamed: list[str]) -> None:
    made = signed_by_openssl(
        folder, "-nodetach", "-outform", "DER", "-signer", "rsa.pem", "-signer", "p256.pem", *streamed
    )

    report = verdict_on(made, folder)

    assert report.verdict is Verdict.TOTAL_PASSED, report.reasons
    assert len(report.signatures) == 2
    assert ("lenient-parse" in {warning.code for warning in report.warnings}) is bool(streamed)


def test_signature_without_attributes_by_openssl_is_refused(folder: Path) -> None:
    made = signed_by_openssl(folder, "-signer", "rsa.pem", "-outform", "DER", "-noattr")

    report = verdict_on(made, folder, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert report.signatures[0].codes == ("no-signed-attributes",)


@pytest.mark.parametrize("name", [name for name in GOOD | LENIENT if name not in _BEYOND_OPENSSL])
def test_openssl_takes_what_we_take(folder: Path, name: str) -> None:
    assert _is_taken((GOOD | LENIENT)[name], folder)


@pytest.mark.parametrize("name", FORMS["forged"] | FORMS["altered"])
def test_openssl_refuses_what_is_forged_or_altered(folder: Path, name: str) -> None:
    assert not _is_taken((FORMS["forged"] | FORMS["altered"])[name], folder)


def _is_taken(make: Make, folder: Path) -> bool:
    made = make()
    made = made if isinstance(made, Made) else Made(made)
    (folder / "signature").write_bytes(made.contents)
    beside: list[str] = []
    if made.content is not None:
        (folder / "document").write_bytes(made.content)
        beside = ["-content", "document"]
    answer = openssl(
        "-verify", "-binary", "-inform", "DER", "-in", "signature", *beside, "-noverify", "-out", "content",
        at=folder,
    )  # fmt: skip
    return answer.returncode == 0
