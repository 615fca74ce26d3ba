"""A second opinion on every path: `openssl verify`, where it is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.chain_answers import ISSUING, LEADER, TOP
from tests.support.chain_cases import CASES
from tests.support.chain_lies import CLEARING, OCSP_LIES
from tests.support.chain_pki import NOW, Made
from tests.support.chain_shapes import USAGE

# OpenSSL ends a certificate a second earlier than RFC 5280 does, and is asked for no usage. Of an anchor it
# takes a key usage for an authority's.
_JUDGED_OTHERWISE = {
    "signer_expires_this_second",
    "anchor_of_version_three_without_constraints_that_may_sign_certificates",
}
_COMPARED = [
    name for name, (expected, _) in CASES.items() if expected != USAGE and name not in _JUDGED_OTHERWISE
]

# What depends on the clock, or on rules that OpenSSL does not have, is not asked of it.
_LIES_OPENSSL_PASSES = {
    "stale by a second",
    "stale by years",
    "without an end, and two days old",
    "from the future",
    "from far in the future",
    "made in the future about today",
    "signed with SHA-1",
    "with a critical demand",
    "with a critical demand to one statement",
    "good first, unknown behind",
    "good first, stale behind",
    "by a delegate that may not sign",
    "by a delegate with a short key",
    "by a delegate whom the authority has revoked",
    "larger than any answer",
}
_LIES_OPENSSL_SEES = [lie for lie in OCSP_LIES if lie not in _LIES_OPENSSL_PASSES]


@pytest.mark.parametrize("case", _COMPARED)
def test_openssl_judges_the_path_the_same(case: str, tmp_path: Path) -> None:
    expected, build = CASES[case]
    chain = build()
    assert chain.anchor

    passed = _openssl(tmp_path, chain.leaf, between=chain.between, anchor=chain.anchor)

    assert passed == (expected is None)


def _openssl(folder: Path, leaf: Made, *, between: tuple[Made, ...], anchor: Made) -> bool:
    files = {"leaf": (leaf,), "between": between, "anchor": (anchor,)}
    for label, certificates in files.items():
        pem = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in certificates)
        (folder / label).write_bytes(pem)
    command = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-no-CApath", "-no-CAstore"]
    command += ["-policy_check", "-policy", "2.5.29.32.0", "-auth_level", "2", "-CAfile", "anchor"]
    command += ["-untrusted", "between"] if between else []
    return subprocess.run([*command, "leaf"], cwd=folder, capture_output=True, timeout=20).returncode == 0


@pytest.mark.parametrize("answer", [each for each in CLEARING if each != "an answer that names by SHA-256"])
def test_openssl_takes_the_answers_that_clear(answer: str, tmp_path: Path) -> None:
    (tmp_path / "answer").write_bytes(CLEARING[answer]())

    said = _openssl_ocsp(tmp_path)

    assert "Response verify OK" in said
    assert "leaf: good" in said


@pytest.mark.parametrize("lie", _LIES_OPENSSL_SEES)
def test_openssl_sees_through_the_lie(lie: str, tmp_path: Path) -> None:
    (tmp_path / "answer").write_bytes(OCSP_LIES[lie]())

    said = _openssl_ocsp(tmp_path)

    assert not ("Response verify OK" in said and "leaf: good" in said)


def _openssl_ocsp(folder: Path) -> str:
    for label, made in (("leaf", LEADER), ("issuer", ISSUING), ("anchor", TOP)):
        (folder / label).write_bytes(made.certificate.public_bytes(Encoding.PEM))
    command = ["openssl", "ocsp", "-respin", "answer", "-issuer", "issuer", "-cert", "leaf"]
    command += ["-CAfile", "anchor", "-verify_other", "issuer", "-no_nonce"]
    # Its own clock is the real one: what is stale is judged elsewhere.
    command += ["-attime", str(int(NOW.timestamp())), "-validity_period", str(10**9)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=20, text=True)
    return ran.stdout + ran.stderr
