"""Names in PrintableString with letters that it may not have: read as what they plainly say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from ops.evidence_naming import editions
from signing.chain.certificates import read_certificate
from signing.chain.judge import ChainVerdict
from signing.chain.rules import library_fault
from signing.chain.tidying import with_readable_names
from signing.cms.der import SEQUENCE, whole, wrapped
from signing.evidence import Evidence
from signing.evidence_keys import crl_issuer_key, ocsp_key_of, ocsp_request
from signing.names import names_of
from signing.trust import TrustStore, trust_store
from tests.support.chain_damage import signed_with_written_out
from tests.support.chain_pki import DAY, NOW, SIGNING, judged, make, name, root, signer
from tests.support.chain_sloppy_names import SLOPPY, Sloppy, Written

_ONE = Sloppy("CA & VIET")
_MANY = 1_000_000


def _trusting(der: bytes) -> TrustStore:
    return trust_store([Written(der)])  # type: ignore[list-item]  # the library reads no such certificate


def _judged(one: Sloppy, **evidence: tuple[bytes, ...]) -> ChainVerdict:
    leaf, issuing, top = one.chain
    return judged(leaf, [issuing], trust=_trusting(top), evidence=Evidence(**evidence))


@pytest.mark.parametrize("organisation", SLOPPY)
def test_chain_of_sloppy_names_is_followed_to_its_root(organisation: str) -> None:
    one = Sloppy(organisation)
    lists = tuple(one.lists(by=each) for each in (one.issuing, one.top))

    found = _judged(one, crls=lists)

    assert (found.sub_indication, found.path) == (None, one.chain)
    assert names_of(found.path[0]) == ("Leader", organisation)


@pytest.mark.parametrize("organisation", SLOPPY)
def test_library_of_paths_follows_a_chain_of_sloppy_names(organisation: str) -> None:
    assert library_fault(tuple(map(read_certificate, Sloppy(organisation).chain))) is None


@pytest.mark.parametrize("revoked", ["leader", "issuing"])
def test_list_of_a_sloppy_authority_revokes(revoked: str) -> None:
    own = _ONE.lists(*([_ONE.leader] if revoked == "leader" else []), by=_ONE.issuing)
    above = _ONE.lists(*([_ONE.issuing] if revoked == "issuing" else []), by=_ONE.top)

    assert "REVOKED" in (_judged(_ONE, crls=(own, above)).sub_indication or "")


@pytest.mark.parametrize("is_delegated", [True, False])
def test_answer_of_a_sloppy_authority_settles(is_delegated: bool) -> None:
    above = (_ONE.lists(by=_ONE.top),)
    good = _ONE.says(is_delegated=is_delegated)
    bad = _ONE.says(is_delegated=is_delegated, status=ocsp.OCSPCertStatus.REVOKED, revoked_at=NOW - DAY)

    assert _judged(_ONE, ocsps=(), crls=above).sub_indication == "TRY_LATER"
    assert _judged(_ONE, ocsps=(good,), crls=above).sub_indication is None
    assert "REVOKED" in (_judged(_ONE, ocsps=(bad,), crls=above).sub_indication or "")


def test_responder_is_asked_by_the_name_as_it_is_written() -> None:
    leaf, issuing, _ = map(read_certificate, _ONE.chain)
    asked = ocsp.load_der_ocsp_request(ocsp_request(leaf, issuer=issuing))
    assert asked.issuer_name_hash == hashlib.sha1(leaf.issuer, usedforsecurity=False).digest()
    assert asked.serial_number == leaf.serial_number


def test_evidence_of_a_sloppy_authority_is_kept_where_it_is_looked_for(tmp_path: Path) -> None:
    leaf, issuing, _ = map(read_certificate, _ONE.chain)
    listing, answer = tmp_path / "all.crl", tmp_path / "answer"
    listing.write_bytes(_ONE.lists(by=_ONE.issuing))
    answer.write_bytes(_ONE.says(is_delegated=True))

    assert list(editions(listing, at=NOW)) == [
        crl_issuer_key(issuing.subject, key_identifier=issuing.key_identifier, scope="all")
    ]
    assert list(editions(answer, at=NOW)) == [ocsp_key_of(leaf, issuer=issuing)]


def test_sloppy_name_in_a_name_of_an_extension_is_read() -> None:
    named = x509.DirectoryName(name("Leader", organisation=_ONE.organisation))
    made = make("Leader", *SIGNING, (x509.SubjectAlternativeName([named]), False), by=_ONE.top)
    read = read_certificate(_ONE.written(made, by=_ONE.top))
    names = read.extension(x509.SubjectAlternativeName)
    assert names is not None
    assert names.get_values_for_type(x509.DirectoryName) == [named.value]


def test_name_that_was_written_sloppily_after_signing_breaks_the_signature() -> None:
    forged = _ONE.written(_ONE.leader, by=root("Stranger"))
    _, issuing, top = _ONE.chain
    found = judged(forged, [issuing], trust=_trusting(top))
    assert found.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_only_what_is_no_printable_string_is_read_otherwise() -> None:
    for made in (signer("Leader", by=root()), root()):
        assert with_readable_names(made.der) == made.der


def test_names_are_read_in_a_list_of_very_many_elements_without_looking_at_all() -> None:
    listing = _ONE.lists(by=_ONE.top)
    time = whole(listing, SEQUENCE).members()[0].members()[3].encoded
    entries = wrapped(SEQUENCE, b"\x05\x00" * _MANY)
    long = signed_with_written_out(listing, time + entries, of=time, key=_ONE.top.key)

    read = with_readable_names(long)

    assert len(read) == len(long)
    assert _ONE.organisation.encode() in long
    assert wrapped(0x0C, _ONE.organisation.encode()) in read
