"""`lienthong evidence import`: what it takes, what it says, and its exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import AuthorityKeyIdentifier, load_der_x509_crl, ocsp

from adapters.evidence_store import KeptEvidence, open_evidence
from ops.cli import cli
from signing.evidence_keys import crl_issuer_key
from tests.support.chain_answers import CLERK, ISSUING, TOP, lists, refuses, says
from tests.support.chain_pki import NOW as _NOW
from tests.support.chain_pki import YEAR

NOW = _NOW - 10 * YEAR
"""The command goes by the machine's clock: what it is given here lies in the past on every machine."""


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
    listing = lists(since=NOW, extensions=[(signed_with, False)])
    content = load_der_x509_crl(listing).public_bytes(encoding)

    assert imported(site, content) == (0, {"file": str(site / "file"), "new": True, "fault": None})
    assert imported(site, content) == (0, {"file": str(site / "file"), "new": False, "fault": None})
    key = crl_issuer_key(ISSUING.name.public_bytes(), key_identifier=b"its key")
    assert KeptEvidence(site / "data" / "evidence").get(key) == listing


def test_list_that_does_not_say_its_key_is_found_by_the_name_alone(site: Path) -> None:
    listing = lists(since=NOW)
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
        (says(CLERK, since=NOW, made_at=NOW)[:-9], "neither a revocation list"),
    ],
)
def test_what_is_no_evidence_is_named_and_not_kept(site: Path, content: bytes, fault: str) -> None:
    exit_code, line = imported(site, content)
    assert exit_code == 1
    assert fault in str(line["fault"])
    assert list((site / "data" / "evidence" / "names").iterdir()) == []


def test_older_list_is_named_and_not_taken(site: Path) -> None:
    assert imported(site, lists(since=NOW))[0] == 0
    exit_code, line = imported(site, lists(since=NOW - YEAR))
    assert (exit_code, line["new"]) == (1, False)
    assert "older than the one at hand" in str(line["fault"])


def test_folder_of_another_user_is_left_alone(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site / "data" / "evidence"
    open_evidence(folder, now=NOW)
    (site / "file").write_bytes(lists(since=NOW))
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    result = CliRunner().invoke(cli, ["evidence", "import", str(site / "file")])
    assert isinstance(result.exception, PermissionError)
    assert "as the user of the gateway" in str(result.exception)
    assert list((folder / "names").iterdir()) == []


def test_superuser_makes_no_folder_where_another_users_are(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "file").write_bytes(lists(since=NOW))
    is_other = Path.stat

    def owned_by_another(path: Path, **options: bool) -> os.stat_result:
        found = list(is_other(path, **options))
        found[4] = 65_534
        return os.stat_result(found)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "stat", owned_by_another)
    result = CliRunner().invoke(cli, ["evidence", "import", str(site / "file")])
    assert isinstance(result.exception, PermissionError)
    assert not (site / "data" / "evidence").exists()


def test_who_may_not_enter_the_folder_is_told_whom_to_run_it_as(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "file").write_bytes(lists(since=NOW))
    data = site / "data"
    stat, owner = Path.stat, data.stat().st_uid

    def hidden(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if data in path.parents:
            raise PermissionError(13, "Permission denied")
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    monkeypatch.setattr(Path, "stat", hidden)
    result = CliRunner().invoke(cli, ["evidence", "import", str(site / "file")])
    assert isinstance(result.exception, PermissionError)
    assert f"{data} belongs to the user with the number {owner}" in str(result.exception)
    assert "as the user of the gateway" in str(result.exception)
