"""Certification paths by their signatures, times, names and form, in the style of NIST PKITS."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from tests.support.chain_damage import (
    flipped_signature,
    signed_with_sha_1,
    with_other_algorithm,
    with_serial,
    with_version,
)
from tests.support.chain_pki import (
    AUTHORITY,
    DAY,
    NOW,
    YEAR,
    authority,
    limits,
    make,
    root,
    rsa_key,
    signer,
)
from tests.support.chain_shapes import (
    FAULTY,
    GOOD,
    NO_PATH,
    TIME,
    UNREADABLE,
    WEAK,
    Cases,
    Chain,
    case,
    line,
    through,
)

_SECOND = timedelta(seconds=1)


FORM: Cases = {}


# --- signatures (PKITS 4.1)


@case(FORM, GOOD)
def a_path_of_three() -> Chain:
    return through()


@case(FORM, GOOD)
def a_signer_right_below_the_root() -> Chain:
    return line()


@case(FORM, NO_PATH)
def signature_of_the_authority_is_forged() -> Chain:
    chain = through()
    broken = flipped_signature(chain.between[0])
    return Chain(chain.leaf, (broken,), chain.anchor)


@case(FORM, NO_PATH)
def signature_of_the_signer_is_forged() -> Chain:
    chain = through()
    return Chain(flipped_signature(chain.leaf), chain.between, chain.anchor)


@case(FORM, NO_PATH)
def signed_by_another_key_of_the_same_name() -> Chain:
    chain = through()
    impostor = make("Issuing", *AUTHORITY, key=ec.generate_private_key(ec.SECP256R1()))
    return Chain(signer("Leader", by=impostor, with_key_ids=False), chain.between, chain.anchor)


@case(FORM, GOOD)
def rsa_all_the_way() -> Chain:
    top = root(key=rsa_key(2048))
    return Chain(signer("Leader", by=top, key=rsa_key(3072)), (), top)


@case(FORM, GOOD)
def rsa_pss_all_the_way() -> Chain:
    top = root(key=rsa_key(2048), is_pss=True)
    return Chain(signer("Leader", by=top, is_pss=True), (), top)


@case(FORM, GOOD)
def edwards_curve_all_the_way() -> Chain:
    key = ed25519.Ed25519PrivateKey.generate()
    top = root(key=key)
    return Chain(signer("Leader", by=top, key=ed25519.Ed25519PrivateKey.generate()), (), top)


@case(FORM, GOOD)
def sha_384_and_sha_512() -> Chain:
    top = root(hash_algorithm=hashes.SHA512())
    middle = authority("Issuing", by=top, hash_algorithm=hashes.SHA384())
    return Chain(signer("Leader", by=middle, hash_algorithm=hashes.SHA512()), (middle,), top)


@case(FORM, WEAK)
def authority_signed_with_sha_1() -> Chain:
    top = root()
    middle = signed_with_sha_1(authority("Issuing", by=top), key=top.key)
    return Chain(signer("Leader", by=middle), (middle,), top)


@case(FORM, WEAK)
def signer_signed_with_sha_1() -> Chain:
    top = root()
    return Chain(signed_with_sha_1(signer("Leader", by=top), key=top.key), (), top)


@case(FORM, WEAK)
def authority_with_a_short_rsa_key() -> Chain:
    return through(key=rsa_key(1024))


@case(FORM, WEAK)
def signer_with_a_short_rsa_key() -> Chain:
    top = root()
    return Chain(signer("Leader", by=top, key=rsa_key(1024)), (), top)


@case(FORM, WEAK)
def signer_with_a_short_curve() -> Chain:
    top = root()
    return Chain(signer("Leader", by=top, key=ec.generate_private_key(ec.SECP192R1())), (), top)


@case(FORM, GOOD)
def root_signed_with_sha_1_is_trusted_as_it_is() -> Chain:
    top = root()
    top = signed_with_sha_1(top, key=top.key)
    return Chain(signer("Leader", by=top), (), top)


# --- validity (4.2)


def _signer_valid(since: datetime, until: datetime) -> Chain:
    top = root()
    return Chain(signer("Leader", by=top, since=since, until=until), (), top)


@case(FORM, TIME)
def authority_not_yet_valid() -> Chain:
    return through(since=NOW + DAY)


@case(FORM, TIME)
def signer_not_yet_valid() -> Chain:
    return _signer_valid(NOW + _SECOND, NOW + YEAR)


@case(FORM, TIME)
def authority_expired() -> Chain:
    return through(until=NOW - DAY)


@case(FORM, TIME)
def signer_expired_a_second_ago() -> Chain:
    return _signer_valid(NOW - YEAR, NOW - _SECOND)


@case(FORM, GOOD)
def signer_expires_this_second() -> Chain:
    return _signer_valid(NOW - YEAR, NOW)


@case(FORM, GOOD)
def signer_valid_from_this_second() -> Chain:
    return _signer_valid(NOW, NOW + YEAR)


@case(FORM, GOOD)
def signer_valid_past_2050() -> Chain:
    return _signer_valid(NOW - YEAR, datetime(2080, 1, 1))


@case(FORM, GOOD)
def signer_valid_since_before_2000() -> Chain:
    return _signer_valid(datetime(1955, 1, 1), NOW + YEAR)


@case(FORM, TIME)
def signer_expired_before_2000() -> Chain:
    return _signer_valid(datetime(1985, 1, 1), datetime(1999, 1, 1))


@case(FORM, GOOD)
def signer_without_an_end() -> Chain:
    return _signer_valid(NOW - YEAR, datetime(9999, 12, 31, 23, 59, 59))


@case(FORM, TIME)
def root_expired() -> Chain:
    top = root(until=NOW - DAY)
    return Chain(signer("Leader", by=top), (), top)


# --- names (4.3)


def _named(issuer: x509.Name) -> Chain:
    top = root()
    middle = authority("Issuing CA", by=top)
    return Chain(signer("Leader", by=middle, issuer=issuer), (middle,), top)


def _issuing(common: str, kind: _ASN1Type = _ASN1Type.UTF8String) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Demo"),
            x509.NameAttribute(NameOID.COMMON_NAME, common, kind),
        ]
    )


@case(FORM, NO_PATH)
def issuer_name_is_another() -> Chain:
    return _named(_issuing("Issuing CB"))


@case(FORM, NO_PATH)
def issuer_name_in_another_order() -> Chain:
    return _named(x509.Name(list(reversed(list(_issuing("Issuing CA"))))))


@case(FORM, GOOD)
def issuer_name_in_other_capitals() -> Chain:
    return _named(_issuing("ISSUING ca"))


@case(FORM, GOOD)
def issuer_name_with_more_white_space() -> Chain:
    return _named(_issuing("  Issuing   CA "))


@case(FORM, GOOD)
def issuer_name_in_another_string_type() -> Chain:
    return _named(_issuing("Issuing CA", _ASN1Type.PrintableString))


@case(FORM, NO_PATH)
def issuer_name_with_a_letter_that_looks_the_same() -> Chain:
    return _named(_issuing("Issuing СА"))


@case(FORM, NO_PATH)
def issuer_name_longer_than_the_subject() -> Chain:
    return _named(x509.Name([*_issuing("Issuing CA"), x509.NameAttribute(NameOID.LOCALITY_NAME, "x")]))


@case(FORM, GOOD)
def vietnamese_names() -> Chain:
    top = root("Cơ quan chứng thực số chuyên dùng Chính phủ")
    middle = authority("Ban Cơ yếu Chính phủ", by=top)
    return Chain(signer("Chủ tịch UBND phường", by=middle), (middle,), top)


@case(FORM, NO_PATH)
def key_identifier_of_another_authority() -> Chain:
    top = root()
    stray = x509.AuthorityKeyIdentifier(b"another key id------", None, None)
    leaf = make("Leader", limits(ca=False), (stray, False), by=top, with_key_ids=False)
    return Chain(leaf, (), top)


@case(FORM, GOOD)
def without_key_identifiers() -> Chain:
    top = root(with_key_ids=False)
    return Chain(signer("Leader", by=top, with_key_ids=False), (), top)


@case(FORM, GOOD)
def two_authorities_of_one_name_and_different_keys() -> Chain:
    top = root()
    older = authority("Issuing", by=top, key=ec.generate_private_key(ec.SECP256R1()))
    newer = authority("Issuing", by=top)
    return Chain(signer("Leader", by=newer), (older, newer), top)


# --- self-issued (4.5)


def _rolled_over(length: int) -> Chain:
    top = root()
    old = authority("Issuing", limits(ca=True, length=length), by=top)
    new = authority("Issuing", by=old, key=ec.generate_private_key(ec.SECP256R1()))
    return Chain(signer("Leader", by=new), (new, old), top)


@case(FORM, GOOD)
def new_key_signed_by_the_old_one() -> Chain:
    return _rolled_over(1)


@case(FORM, GOOD)
def new_key_signed_by_the_old_one_does_not_count_in_the_path_length() -> Chain:
    return _rolled_over(0)


@case(FORM, FAULTY)
def authority_below_a_new_key_counts_in_the_path_length() -> Chain:
    chain = _rolled_over(0)
    sub = authority("Sub", by=chain.between[0])
    return Chain(signer("Leader", by=sub), (sub, *chain.between), chain.anchor)


@case(FORM, NO_PATH)
def self_signed_signer_that_nobody_trusts() -> Chain:
    return Chain(make("Leader", limits(ca=False)), (), root())


@case(FORM, NO_PATH)
def loop_of_two_authorities() -> Chain:
    first = make("First", *AUTHORITY)
    second = authority("Second", by=first)
    again = authority("First", by=second)
    return Chain(signer("Leader", by=again), (second, again), root())


# --- extensions (4.16) and the form


_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5.6.7"), b"\x05\x00")


@case(FORM, GOOD)
def unknown_extension_of_the_signer() -> Chain:
    return through(leaf=((_UNKNOWN, False),))


@case(FORM, FAULTY)
def unknown_critical_extension_of_the_signer() -> Chain:
    return through(leaf=((_UNKNOWN, True),))


@case(FORM, FAULTY)
def unknown_critical_extension_of_the_authority() -> Chain:
    return through((_UNKNOWN, True))


@case(FORM, UNREADABLE)
def extension_that_is_not_what_it_says() -> Chain:
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), b"\x30\x03\x01\x01\xff")
    top = root()
    leaf = make("Leader", limits(ca=False), (broken, True), by=top, with_key_ids=False)
    return Chain(leaf, (), top)


@case(FORM, UNREADABLE)
def signature_algorithm_that_was_not_signed() -> Chain:
    chain = through()
    return Chain(with_other_algorithm(chain.leaf), chain.between, chain.anchor)


@case(FORM, FAULTY)
def authority_of_version_1() -> Chain:
    top = root()
    middle = with_version(make("Issuing", by=top, with_key_ids=False), 0, key=top.key)
    return Chain(signer("Leader", by=middle), (middle,), top)


@case(FORM, GOOD)
def serial_number_of_twenty_bytes() -> Chain:
    top = root()
    return Chain(signer("Leader", by=top, serial=(1 << 158) + 5), (), top)


@case(FORM, GOOD)
def serial_number_longer_than_allowed() -> Chain:
    top = root()
    return Chain(with_serial(signer("Leader", by=top), (1 << 190) + 5, key=top.key), (), top)
