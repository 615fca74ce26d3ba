"""The trust folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing.errors import TrustFolderUnreadable
from signing.trust import load_trust
from tests.support.pki import authority


def test_self_signed_certificates_are_anchors_and_others_intermediates(tmp_path: Path) -> None:
    trust = load_trust(authority().write_trust(tmp_path))

    assert len(trust.anchors) == 1
    assert len(trust.intermediates) == 1


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_both_encodings_are_read(tmp_path: Path, encoding: Encoding) -> None:
    (tmp_path / "root.crt").write_bytes(authority().root.certificate.public_bytes(encoding))

    assert len(load_trust(tmp_path).anchors) == 1


def test_several_certificates_in_one_file_are_all_read(tmp_path: Path) -> None:
    chain = authority().root.certificates_pem + authority().issuer.certificates_pem
    (tmp_path / "chain.pem").write_bytes(chain)

    trust = load_trust(tmp_path)

    assert (len(trust.anchors), len(trust.intermediates)) == (1, 1)


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("not a certificate")

    assert load_trust(tmp_path).anchors == ()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.pem").write_bytes(content)

    with pytest.raises(TrustFolderUnreadable, match=r"broken\.pem: not a certificate"):
        load_trust(tmp_path)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrustFolderUnreadable, match="nowhere: No such file"):
        load_trust(tmp_path / "nowhere")
