"""Private keys for receipts, with the certificates that speak for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, RSAKey

from signing.errors import KeyUnreadable

Algorithm = Literal["ES256", "RS256"]

ID_LIENTHONG_RECEIPT = x509.ObjectIdentifier("2.25.201349544456305978025163286937461578046")
"""The purpose of a certificate that may sign receipts: without it any other of a trust folder could.

2.25 is the arc of UUIDs, which needs no registration; this one is 977a82fe-7d80-41ae-84e8-f7a6a8dfd93e.
"""
_LIFE = timedelta(days=3652)
_MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A loaded private key; `chain` begins with its own certificate."""

    key: ECKey | RSAKey
    algorithm: Algorithm
    chain: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """A fresh receipt key as PEM."""

    private_pem: bytes
    """The private key followed by its certificate: one file, mode 0600, that `load_key` reads."""

    certificate_pem: bytes
    """The certificate alone: what goes into every trust folder that shall accept the receipts."""


def create_receipt_key(*, now: datetime) -> ReceiptKey:
    """Return a new P-256 key with a self-signed certificate for ten years."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lienthong receipt key")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks of those who check differ
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_signing_only(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ID_LIENTHONG_RECEIPT]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_pem = certificate.public_bytes(Encoding.PEM)
    private_pem = _pem(key)
    return ReceiptKey(private_pem + certificate_pem, certificate_pem)


def load_key(path: Path) -> SigningKey:
    """Return the key of a PEM file: an unprotected private key, its certificate, then those above it.

    Raises:
        KeyUnreadable: The file is missing or malformed, the key is neither P-256 nor RSA of at least
            2048 bits, or the first certificate belongs to another key or is not meant for receipts.
    """
    try:
        pem = path.read_bytes()
        private = load_pem_private_key(pem, password=None)
        chain = tuple(x509.load_pem_x509_certificates(pem))
    except OSError as broken:
        raise KeyUnreadable(f"{path}: {broken.strerror}") from broken
    except (ValueError, TypeError, UnsupportedAlgorithm) as broken:
        raise KeyUnreadable(f"{path}: not an unprotected private key and its certificate") from broken
    public = private.public_key()
    algorithm = algorithm_of(public)
    if algorithm is None:
        raise KeyUnreadable(f"{path}: the key is neither P-256 nor RSA of at least {_MIN_RSA_BITS} bits")
    if public != chain[0].public_key():
        raise KeyUnreadable(f"{path}: the first certificate belongs to another key")
    if not is_for_receipts(chain[0]):
        raise KeyUnreadable(f"{path}: the first certificate is not meant for receipts")
    return SigningKey(jose_key(_pem(private), algorithm=algorithm), algorithm, chain)


def is_for_receipts(certificate: x509.Certificate) -> bool:
    """Return whether signing receipts is a named purpose of a certificate; `any purpose` does not name it."""
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    return ID_LIENTHONG_RECEIPT in purposes


def algorithm_of(key: object) -> Algorithm | None:
    """Return the one JWS algorithm a public key may verify; None when it is of no accepted kind."""
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        return "RS256"
    return None


def jose_key(pem: bytes, *, algorithm: Algorithm) -> ECKey | RSAKey:
    """Return a public or private key in PEM form as the JOSE library wants it."""
    return ECKey.import_key(pem) if algorithm == "ES256" else RSAKey.import_key(pem)


def _pem(private: PrivateKeyTypes) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _signing_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
