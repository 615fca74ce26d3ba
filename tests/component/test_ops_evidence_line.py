"""`lienthong evidence import`: what it takes, what it says, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import AuthorityKeyIdentifier, load_der_x509_crl, ocsp

from adapters.evidence_store import KeptEvidence
from ops.cli import cli
from signing.evidence_keys import crl_issuer_key
from tests.support.chain_answers import CLERK, ISSUING, TOP, lists, refuses, says
from tests.support.chain_pki import NOW


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose trust folder has a root."""
    (tmp_path / "data" / "trust").mkdir(parents=True)
    (tmp_path / "data" / "trust" / "root.pem").write_bytes(TOP.certificate.public_bytes(Encoding.PEM))
    monkeypatch.setenv("LIENTHONG_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def imported(site: Path, content: bytes) -> tuple[int, dict[str, object]]:
    """The exit code, and what is said of one file."""
    (site / "file").write_bytes(content)
    result = CliRunner().invoke(cli, ["evidence", "import", "--json", str(site / "file")])
    (line,) = json.loads(result.stdout)["files"]
    return result.exit_code, line


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_list_finds_its_place_by_its_authority(site: Path, encoding: Encoding) -> None:
    signed_with = AuthorityKeyIdentifier(b"its key", None, None)
    listing = lists(extensions=[(signed_with, False)])
    content = load_der_x509_crl(listing).public_bytes(encoding)

    assert imported(site, content) == (0, {"file": str(site / "file"), "new": True, "fault": None})
    assert imported(site, content) == (0, {"file": str(site / "file"), "new": False, "fault": None})
    key = crl_issuer_key(ISSUING.name.public_bytes(), key_identifier=b"its key")
    assert KeptEvidence(site / "data" / "evidence").get(key) == listing


def test_list_that_does_not_say_its_key_is_found_by_the_name_alone(site: Path) -> None:
    listing = lists()
    imported(site, listing)
    key = crl_issuer_key(ISSUING.name.public_bytes(), key_identifier=None)
    assert KeptEvidence(site / "data" / "evidence").get(key) == listing


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "neither a revocation list"),
        (b"<html>", "neither a revocation list"),
        (CLERK.der, "trust folder"),
        (refuses(ocsp.OCSPResponseStatus.TRY_LATER), "try_later"),
        (says(CLERK, since=NOW)[:-9], "neither a revocation list"),
    ],
)
def test_what_is_no_evidence_is_named_and_not_kept(site: Path, content: bytes, fault: str) -> None:
    exit_code, line = imported(site, content)
    assert exit_code == 1
    assert fault in str(line["fault"])
    assert list((site / "data" / "evidence" / "names").iterdir()) == []
