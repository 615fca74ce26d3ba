"""The signed root of receipts: what verifies, and everything that must not."""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey

from ops.dev.pki import Identity
from signing.errors import KeyUnreadable, RootNotVerified
from signing.jws import sign_root, verify_root
from signing.keys import (
    ID_LIENTHONG_RECEIPT,
    Algorithm,
    ReceiptKey,
    SigningKey,
    create_receipt_key,
    jose_key,
    load_key,
)
from signing.trust import TrustStore, load_trust, trust_store
from tests.support.pki import NOW, agency_seal, authority, leader

ROOT = bytes(range(32))


@cache
def receipt_key() -> ReceiptKey:
    return create_receipt_key(now=NOW)


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return loaded(receipt_key().private_pem, tmp_path)


@pytest.fixture
def trust(tmp_path: Path) -> TrustStore:
    return trusting(tmp_path, receipt_key().certificate_pem)


def loaded(pem: bytes, folder: Path) -> SigningKey:
    path = folder / "key.pem"
    path.write_bytes(pem)
    return load_key(path)


def key_of(identity: Identity) -> SigningKey:
    """A signing key of any certificate at all, which `load_key` would not take."""
    algorithm: Algorithm = "ES256" if isinstance(identity.key, ec.EllipticCurvePrivateKey) else "RS256"
    chain = (identity.certificate, *identity.chain)
    return SigningKey(jose_key(identity.key_pem, algorithm=algorithm), algorithm, chain)


def issued(*purposes: x509.ObjectIdentifier) -> Identity:
    """A certificate of the test authority for these purposes."""
    key, issuer = ec.generate_private_key(ec.SECP256R1()), authority().issuer
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Biên nhận")]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(receipt_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
        .sign(issuer.key, hashes.SHA256())
    )
    return Identity(key, certificate, (issuer.certificate,))


def receipt_key_usage() -> x509.KeyUsage:
    certificate = x509.load_pem_x509_certificate(receipt_key().certificate_pem)
    return certificate.extensions.get_extension_for_class(x509.KeyUsage).value


def trusting(folder: Path, *certificates: bytes) -> TrustStore:
    for number, certificate in enumerate(certificates):
        (folder / f"{number}.crt").write_bytes(certificate)
    return load_trust(folder)


def encoded(member: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(member).encode()).rstrip(b"=").decode()


def test_signed_root_verifies(key: SigningKey, trust: TrustStore) -> None:
    statement = sign_root(ROOT, key=key)

    assert verify_root(statement, trust=trust, at=NOW) == ROOT


def test_signed_root_verifies_inside_a_running_event_loop(key: SigningKey, trust: TrustStore) -> None:
    async def verify() -> bytes:
        return verify_root(sign_root(ROOT, key=key), trust=trust, at=NOW)

    assert asyncio.run(verify()) == ROOT


def test_header_says_what_the_format_page_says(key: SigningKey) -> None:
    header = json.loads(base64.urlsafe_b64decode(sign_root(ROOT, key=key).split(".")[0] + "=="))

    assert header["typ"] == "lienthong-receipt-root"
    assert header["alg"] == "ES256"
    assert set(header) == {"alg", "typ", "x5c"}


def test_issued_receipt_certificate_verifies_when_the_folder_names_it() -> None:
    identity = issued(ID_LIENTHONG_RECEIPT)

    named = trust_store([authority().root.certificate, identity.certificate])

    assert verify_root(sign_root(ROOT, key=key_of(identity)), trust=named, at=NOW) == ROOT


@pytest.mark.parametrize(
    "identity",
    [
        leader,
        agency_seal,
        lambda: authority().root,
        lambda: issued(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
        lambda: issued(ExtendedKeyUsageOID.TIME_STAMPING),
    ],
    ids=["leader", "seal", "root", "any purpose", "time stamps"],
)
def test_certificate_of_the_folder_that_is_for_something_else_writes_no_receipts(
    identity: Callable[[], Identity],
) -> None:
    other = identity()
    named = trust_store([authority().root.certificate, other.certificate])

    with pytest.raises(RootNotVerified, match="not meant for receipts"):
        verify_root(sign_root(ROOT, key=key_of(other)), trust=named, at=NOW)


def test_certificate_under_a_trusted_root_is_not_enough() -> None:
    statement = sign_root(ROOT, key=key_of(issued(ID_LIENTHONG_RECEIPT)))

    with pytest.raises(RootNotVerified, match="not in the trust folder"):
        verify_root(statement, trust=trust_store([authority().root.certificate]), at=NOW)


def test_named_certificate_without_its_root_is_not_enough() -> None:
    identity = issued(ID_LIENTHONG_RECEIPT)

    with pytest.raises(RootNotVerified, match="does not lead to an anchor"):
        verify_root(sign_root(ROOT, key=key_of(identity)), trust=trust_store([identity.certificate]), at=NOW)


@pytest.mark.parametrize("at", [NOW - timedelta(days=1), NOW + timedelta(days=4000)])
def test_certificate_must_have_been_valid_at_the_time(key: SigningKey, trust: TrustStore, at: object) -> None:
    with pytest.raises(RootNotVerified, match="not valid when"):
        verify_root(sign_root(ROOT, key=key), trust=trust, at=at)  # type: ignore[arg-type]


def test_foreign_key_under_our_certificate_is_a_forgery(tmp_path: Path, trust: TrustStore) -> None:
    other = loaded(create_receipt_key(now=NOW).private_pem, tmp_path)
    ours = loaded(receipt_key().private_pem, tmp_path)

    forged = sign_root(ROOT, key=SigningKey(other.key, "ES256", ours.chain))

    with pytest.raises(RootNotVerified, match="not genuine"):
        verify_root(forged, trust=trust, at=NOW)


def test_foreign_certificate_is_not_trusted(tmp_path: Path, trust: TrustStore) -> None:
    other = loaded(create_receipt_key(now=NOW).private_pem, tmp_path)

    with pytest.raises(RootNotVerified, match="not in the trust folder"):
        verify_root(sign_root(ROOT, key=other), trust=trust, at=NOW)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "ES384", "PS256", None, ["ES256"]])
def test_algorithm_other_than_the_keys_own_is_refused(
    key: SigningKey, trust: TrustStore, algorithm: object
) -> None:
    head, body, signature = sign_root(ROOT, key=key).split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))

    forged = f"{encoded({**header, 'alg': algorithm})}.{body}.{signature}"

    with pytest.raises(RootNotVerified):
        verify_root(forged, trust=trust, at=NOW)


def test_public_key_used_as_a_shared_secret_is_refused(key: SigningKey, trust: TrustStore) -> None:
    certificate = key.chain[0]
    secret = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    x5c = [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()]
    head = encoded({"alg": "HS256", "typ": "lienthong-receipt-root", "x5c": x5c})
    body = encoded({"root": ROOT.hex()})
    oct_key = OctKey.import_key(base64.b64encode(secret))
    stamped = jws.serialize_compact({"alg": "HS256"}, b"{}", oct_key, algorithms=["HS256"])

    with pytest.raises(RootNotVerified, match="algorithm"):
        verify_root(f"{head}.{body}.{stamped.split('.')[2]}", trust=trust, at=NOW)


@pytest.mark.parametrize(
    "extra", [{"jku": "https://example.invalid/"}, {"jwk": {}}, {"kid": "1"}, {"crit": ["b64"], "b64": False}]
)
def test_header_with_anything_more_is_refused(
    key: SigningKey, trust: TrustStore, extra: dict[str, object]
) -> None:
    head, body, signature = sign_root(ROOT, key=key).split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))

    with pytest.raises(RootNotVerified, match="not the one of a receipt"):
        verify_root(f"{encoded({**header, **extra})}.{body}.{signature}", trust=trust, at=NOW)


@given(data=st.data())
def test_no_changed_letter_verifies(data: st.DataObject) -> None:
    statement, trust = _fixed()
    place = data.draw(st.integers(0, len(statement) - 1))
    letter = data.draw(st.sampled_from("ABCDxyz0189-_.=+ é"))
    changed = statement[:place] + letter + statement[place + 1 :]
    if changed == statement:
        return

    with pytest.raises(RootNotVerified):
        verify_root(changed, trust=trust, at=NOW)


@cache
def _fixed() -> tuple[str, TrustStore]:
    with tempfile.TemporaryDirectory() as folder:
        key = loaded(receipt_key().private_pem, Path(folder))
        return sign_root(ROOT, key=key), trust_store(key.chain)


@pytest.mark.parametrize(
    "statement",
    ["", ".", "..", "a.b.c", "e30.e30.", "x" * 100_000, "W10.W10.W10", f"{encoded([[]])}.e30.AA"],
)
def test_what_is_no_statement_is_refused(trust: TrustStore, statement: str) -> None:
    with pytest.raises(RootNotVerified):
        verify_root(statement, trust=trust, at=NOW)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_only_roots_of_32_bytes_are_signed(key: SigningKey, length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sign_root(bytes(length), key=key)


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (b"", "not an unprotected private key"),
        (b"-----BEGIN NONSENSE-----\n-----END NONSENSE-----\n", "not an unprotected private key"),
        (agency_seal().key_pem, "not an unprotected private key"),
        (agency_seal().key_pem + leader().certificates_pem, "another key"),
        (agency_seal().key_pem + agency_seal().certificates_pem, "not meant for receipts"),
    ],
)
def test_unusable_key_file_is_named_with_the_reason(tmp_path: Path, pem: bytes, reason: str) -> None:
    with pytest.raises(KeyUnreadable, match=rf"key\.pem: .*{reason}"):
        loaded(pem, tmp_path)


def test_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnreadable, match=r"nowhere\.pem: No such file"):
        load_key(tmp_path / "nowhere.pem")


def test_receipt_certificate_is_for_ten_years_and_cannot_issue(key: SigningKey) -> None:
    certificate = key.chain[0]

    assert certificate.not_valid_after_utc - NOW > timedelta(days=3650)
    assert "BEGIN CERTIFICATE" in receipt_key().certificate_pem.decode()
    assert b"PRIVATE" not in receipt_key().certificate_pem


def test_weak_rsa_key_is_refused(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    pem = weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(KeyUnreadable, match="neither P-256 nor RSA"):
        loaded(pem + agency_seal().certificates_pem, tmp_path)
