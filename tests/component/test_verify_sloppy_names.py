"""Files signed under an authority whose names are no PrintableString, though they say so: they pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ops.dev.pki import Identity
from signing.basis import Basis
from signing.chain.certificates import read_certificate
from signing.cms.der import INTEGER, SEQUENCE, wrapped
from signing.report import Verdict
from signing.trust import trust_store
from signing.verify import verify_file
from tests.support.chain_pki import NOW
from tests.support.chain_sloppy_names import SLOPPY, Sloppy, Written
from tests.support.cms_holders import Holder
from tests.support.cms_making import Draft, enveloping
from tests.support.pki import signed as signed_pdf
from tests.support.xml_signing import ECDSA_SHA256, Recipe
from tests.support.xml_signing import signed as signed_xml


def _identity(one: Sloppy) -> Identity:
    leaf, issuing, _ = map(Written, one.chain)
    return Identity(one.leader.key, leaf, (issuing,))  # type: ignore[arg-type]  # the library reads no such


def _pdf(one: Sloppy) -> bytes:
    return signed_pdf(_identity(one))


def _cms(one: Sloppy) -> bytes:
    leaf, issuing, _ = one.chain
    read = read_certificate(leaf)
    serial = wrapped(INTEGER, read.serial_number.to_bytes(read.serial_number.bit_length() // 8 + 1, "big"))
    named = wrapped(SEQUENCE, read.issuer + serial)
    return enveloping(Draft(Holder(one.leader.key, leaf, (issuing,)), named=named))


def _xades(one: Sloppy) -> bytes:
    return signed_xml(recipe=Recipe(by=_identity(one), method=ECDSA_SHA256)).encode()


def _xml(one: Sloppy) -> bytes:
    return signed_xml(recipe=Recipe(by=_identity(one), method=ECDSA_SHA256, is_xades=False)).encode()


@pytest.mark.parametrize("organisation", SLOPPY)
@pytest.mark.parametrize("made", [_pdf, _cms, _xades, _xml])
def test_file_signed_under_sloppy_names_passes(
    tmp_path: Path, made: Callable[[Sloppy], bytes], organisation: str
) -> None:
    one = Sloppy(organisation, is_revocable=False)
    path = tmp_path / "quyet-dinh"
    path.write_bytes(made(one))
    trusted = trust_store([Written(one.chain[-1])])  # type: ignore[list-item]  # as above

    report = verify_file(path, basis=Basis(trusted, NOW))

    (signature,) = report.signatures
    assert (report.verdict, signature.codes) == (Verdict.TOTAL_PASSED, ())
    assert (signature.signer, signature.organisation) == ("Leader", organisation)
