"""Bags of certificates made to keep a judge busy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from signing.basis import Basis
from signing.chain.judge import judge_chain
from signing.evidence import Evidence
from tests.support.chain_damage import with_policy_mappings
from tests.support.chain_pki import (
    AUTHORITY,
    NOW,
    Made,
    authority,
    demand_policy,
    judged,
    make,
    name,
    policies,
    root,
    rsa_key,
    signer,
    trusting,
    verdict,
)
from tests.support.chain_shapes import FAULTY

_BUSY_SECONDS = 2.0


def test_bag_of_ten_thousand_certificates_is_refused() -> None:
    top = root()
    leaf = signer("Leader", by=top)
    filler = [signer(f"Filler {number}", by=top, key=top.key) for number in range(10_000)]

    began = time.process_time()
    found = verdict(leaf, *filler, trust=trusting(top))

    assert found.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    assert found.reason
    assert found.reason.code == "too-many-certificates"
    assert time.process_time() - began < _BUSY_SECONDS


def test_bag_of_a_thousand_certificates_with_the_right_one_is_judged() -> None:
    top = root()
    middle = authority("Issuing", by=top)
    filler = [signer(f"Filler {number}", by=top, key=top.key) for number in range(998)]

    began = time.process_time()
    found = verdict(signer("Leader", by=middle), *filler, middle, trust=trusting(top))

    assert found.is_good
    assert time.process_time() - began < _BUSY_SECONDS


def test_authorities_that_all_sign_each_other_are_not_followed_to_their_end() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(30)]
    selves = [Made(make("Mesh", *AUTHORITY, key=key).certificate, key) for key in keys]
    mesh = [
        make("Mesh", *AUTHORITY, by=above, key=below.key, with_key_ids=False)
        for above in selves
        for below in selves
        if above is not below
    ]

    began = time.process_time()
    found = verdict(signer("Leader", by=selves[0], with_key_ids=False), *mesh, trust=trusting(root()))

    assert found.reason
    assert (found.sub_indication, found.reason.code) == ("GENERIC", "too-costly")
    assert time.process_time() - began < _BUSY_SECONDS


def test_hundreds_of_copies_of_an_authority_under_other_serial_numbers_end() -> None:
    top = root()
    middle = authority("Issuing", by=top)
    copies = [authority("Issuing", by=top) for _ in range(400)]
    leaf = signer("Leader", by=middle, until=NOW - timedelta(days=1))

    began = time.process_time()
    found = verdict(leaf, *copies, trust=trusting(top))

    assert found.sub_indication == "OUT_OF_BOUNDS_NO_POE"
    assert time.process_time() - began < _BUSY_SECONDS


def test_path_longer_than_any_real_one_is_none() -> None:
    top = root()
    between = [authority("Authority 0", by=top)]
    for number in range(1, 40):
        between.append(authority(f"Authority {number}", by=between[-1]))

    found = verdict(signer("Leader", by=between[-1]), *between, trust=trusting(top))

    assert found.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_policies_that_multiply_along_the_path_end() -> None:
    many = [f"1.3.6.1.4.1.99999.{number}" for number in range(1, 41)]
    crossed = [(one, other) for one in many for other in many]
    top = root()
    between: list[Made] = []
    for number in range(5):
        above = between[-1] if between else top
        made = authority(f"Authority {number}", policies(*many), demand_policy(), by=above)
        between.append(with_policy_mappings(made, crossed, key=above.key))

    began = time.process_time()
    found = verdict(signer("Leader", policies("1.2.3"), by=between[-1]), *between, trust=trusting(top))

    assert found.sub_indication == FAULTY
    assert time.process_time() - began < _BUSY_SECONDS


def test_name_constraints_by_the_hundred_end() -> None:
    trees = [x509.DNSName(f"agency-{number}.invalid") for number in range(300)]
    names = [x509.DNSName(f"host-{number}.elsewhere.invalid") for number in range(100)]
    top = root()
    middle = authority("Issuing", (x509.NameConstraints(None, trees), True), by=top)
    leaf = signer("Leader", (x509.SubjectAlternativeName(names), False), by=middle)

    began = time.process_time()
    verdict(leaf, middle, trust=trusting(top))

    assert time.process_time() - began < _BUSY_SECONDS


@pytest.mark.parametrize("junk", [b"", b"\x30\x80", b"\x30\x03\x02\x01\x01", b"A" * 5_000, b"\x30" * 200_000])
def test_junk_in_the_bag_is_passed_over(junk: bytes) -> None:
    top = root()
    middle = authority("Issuing", by=top)
    leaf = signer("Leader", by=middle)
    bag = [junk, middle.der, leaf.der]

    found = judged(leaf.der, bag, trust=trusting(top))

    assert found.is_good


@pytest.mark.parametrize("junk", [b"", b"\x30\x80", b"\x30\x03\x02\x01\x01", b"A" * 5_000])
def test_junk_for_a_signer_is_no_certificate(junk: bytes) -> None:
    assert judged(junk, [], trust=trusting(root())).sub_indication == "NO_SIGNING_CERTIFICATE_FOUND"


def test_bag_of_names_that_have_to_be_prepared_ends() -> None:
    filler = [make(name(f"Filler {number}", f"and {number}"), by=root()) for number in range(990)]
    leaf = signer("Leader", by=root("Not there"))

    began = time.process_time()
    found = verdict(leaf, *filler, trust=trusting(root()))

    assert found.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    assert time.process_time() - began < _BUSY_SECONDS


def test_bag_of_names_longer_than_any_real_one_ends() -> None:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, "a") for _ in range(1_500)]
    key = ec.generate_private_key(ec.SECP256R1())
    filler = [make(x509.Name(parts), by=root(), key=key) for _ in range(60)]
    leaf = signer("Leader", by=root("Not there"))

    began = time.process_time()
    found = verdict(leaf, *filler, trust=trusting(root()))

    assert found.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    assert time.process_time() - began < _BUSY_SECONDS


def test_key_with_an_exponent_larger_than_any_real_one_signs_nothing() -> None:
    top = root("Slow Root", key=_with_exponent((1 << 61) - 1))

    found = verdict(signer("Leader", by=top), trust=trusting(root(), top))

    assert found.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def _with_exponent(exponent: int) -> rsa.RSAPrivateKey:
    usual = rsa_key(2048).private_numbers()
    p, q = usual.p, usual.q
    private = pow(exponent, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p, q, private, private % (p - 1), private % (q - 1), usual.iqmp, rsa.RSAPublicNumbers(exponent, p * q)
    ).private_key()


def test_search_ends_after_so_many_signatures_in_a_file_and_always_at_the_same() -> None:
    top = root()
    middle = authority("Issuing", by=top)
    leaves = [signer(f"Leader {number}", by=middle, with_key_ids=False) for number in range(8)]
    impostors = [
        authority("Issuing", by=top, key=ec.generate_private_key(ec.SECP256R1())) for _ in range(150)
    ]
    pool = [each.der for each in (*impostors, middle)]

    found = [_found_in_one_file(leaves, pool, basis=Basis(trusting(top), NOW)) for _ in range(2)]

    assert found == [[None] * 5 + ["GENERIC"] * 3] * 2


def _found_in_one_file(leaves: Sequence[Made], pool: Sequence[bytes], *, basis: Basis) -> list[str | None]:
    of_file = basis.for_one_file()
    verdicts = [
        judge_chain(each.der, pool=pool, basis=of_file, evidence=Evidence(), at=NOW) for each in leaves
    ]
    return [each.sub_indication for each in verdicts]
