"""Certificates of authorities that take DER lightly: read where they mean the same, else told why not."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from signing.errors import TrustFolderUnreadable
from signing.trust import load_trust
from tests.support.chain_damage import with_written_out
from tests.support.chain_pki import authority, judged, limits, make, root, signer, trusting, usage

TOP = root()
LEADER = signer("Leader", by=TOP)
NO_AUTHORITY = b"\x30\x00"
NO_AUTHORITY_WRITTEN_OUT = b"\x30\x03\x01\x01\x00"
KEY_IDENTIFIER_NAME = b"\x06\x03\x55\x1d\x0e"
NOT_CRITICAL_WRITTEN_OUT = KEY_IDENTIFIER_NAME + b"\x01\x01\x00"

WRITTEN_OUT = {
    "cA FALSE": (NO_AUTHORITY, NO_AUTHORITY_WRITTEN_OUT),
    "critical FALSE": (KEY_IDENTIFIER_NAME, NOT_CRITICAL_WRITTEN_OUT),
}


@pytest.mark.parametrize("value", WRITTEN_OUT)
def test_default_that_is_written_out_means_the_same(value: str) -> None:
    usual, written = WRITTEN_OUT[value]
    leaf = with_written_out(LEADER, written, of=usual, key=TOP.key)

    found = judged(leaf, [], trust=trusting(TOP))

    assert leaf != LEADER.der
    assert (found.sub_indication, found.path[0]) == (None, leaf)


@pytest.mark.parametrize("value", WRITTEN_OUT)
def test_default_that_was_written_out_after_signing_breaks_the_signature(value: str) -> None:
    usual, written = WRITTEN_OUT[value]
    forged = with_written_out(LEADER, written, of=usual, key=root("Stranger").key)

    assert judged(forged, [], trust=trusting(TOP)).sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_authority_that_writes_out_that_it_is_none_issues_nothing() -> None:
    made = authority("Issuing", limits(ca=False), by=TOP)
    middle = with_written_out(made, NO_AUTHORITY_WRITTEN_OUT, of=NO_AUTHORITY, key=TOP.key)

    found = judged(signer("Leader", by=made).der, [middle], trust=trusting(TOP))

    assert found.sub_indication == "CERTIFICATE_CHAIN_GENERAL_FAILURE"


def test_certificate_that_cannot_be_read_is_told_why() -> None:
    leaf = with_written_out(LEADER, b"\x30\x03\x01\x01\x07", of=NO_AUTHORITY, key=TOP.key)

    found = judged(leaf, [], trust=trusting(TOP))

    assert found.reason
    assert found.reason.code == "certificate-unreadable"
    assert "InvalidValue" in found.reason.en


@pytest.mark.parametrize("is_pem", [True, False])
@pytest.mark.parametrize("value", WRITTEN_OUT)
def test_trust_folder_may_hold_a_sloppy_anchor(tmp_path: Path, value: str, is_pem: bool) -> None:
    usual, written = WRITTEN_OUT[value]
    alone = make("Alone", limits(ca=False), usage("digital_signature"))
    sloppy = with_written_out(alone, written, of=usual, key=alone.key)
    (tmp_path / "alone.crt").write_bytes(_pem(sloppy) if is_pem else sloppy)

    assert [known.der for known in load_trust(tmp_path).anchors] == [sloppy]


@pytest.mark.parametrize("is_pem", [True, False])
def test_trust_folder_with_an_unreadable_anchor_names_the_file_and_the_fault(
    tmp_path: Path, is_pem: bool
) -> None:
    broken = with_written_out(LEADER, b"\x30\x03\x01\x01\x07", of=NO_AUTHORITY, key=TOP.key)
    (tmp_path / "broken.pem").write_bytes(_pem(broken) if is_pem else broken)

    with pytest.raises(TrustFolderUnreadable, match=r"broken\.pem: .*InvalidValue"):
        load_trust(tmp_path)


def _pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
