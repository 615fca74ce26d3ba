"""Holders of keys of every kind, all under the one authority that the tests of CMS trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ops.dev.pki import DemoAuthority
from signing.cms.der import INTEGER, SEQUENCE, wrapped

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

Key = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | dsa.DSAPrivateKey
)


@dataclass(frozen=True)
class Holder:
    """A private key, its certificate in DER, and those above it."""

    key: Key
    certificate: bytes
    chain: tuple[bytes, ...] = ()

    @property
    def x509(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.certificate)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def named(self) -> bytes:
        """Issuer and serial number, as a SignerInfo names its certificate."""
        serial = self.x509.serial_number
        number = wrapped(INTEGER, serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
        return wrapped(SEQUENCE, self.x509.issuer.public_bytes() + number)


@cache
def authority() -> DemoAuthority:
    """The authority whose root the tests trust."""
    return DemoAuthority(now=NOW)


def holder(kind: str = "rsa") -> Holder:
    """The one holder of this kind of key."""
    return _holder(kind)


@cache
def _holder(kind: str) -> Holder:
    return issued(new_key(kind))


@cache
def another() -> Holder:
    """Somebody else with an RSA key."""
    return issued(new_key("another rsa"), name="Cơ quan khác")


def time_stamper(kind: str = "time-stamper") -> Holder:
    """The time-stamping authority, whose certificate outlives those of the signers."""
    return _time_stamper(kind)


@cache
def _time_stamper(kind: str) -> Holder:
    return issued(
        new_key(kind),
        name="Dịch vụ cấp dấu thời gian",
        purposes=[ExtendedKeyUsageOID.TIME_STAMPING],
        ends=NOW + timedelta(days=5 * 365),
    )


def issued(
    key: Key,
    *,
    name: str = "UBND phường Một",
    purposes: Sequence[x509.ObjectIdentifier] = (),
    serial: int | None = None,
    starts: datetime = NOW - timedelta(days=100),
    ends: datetime = NOW + timedelta(days=265),
) -> Holder:
    """A certificate of the tests' authority for a key."""
    issuer = authority().issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
    certificate = builder.sign(issuer.key, hashes.SHA256())
    chain = (issuer.certificate.public_bytes(Encoding.DER),)
    return Holder(key, certificate.public_bytes(Encoding.DER), chain)


@cache
def new_key(kind: str) -> Key:
    match kind:
        case "rsa" | "another rsa" | "time-stamper":
            return rsa.generate_private_key(65537, 2048)
        case "rsa-3072":
            return rsa.generate_private_key(65537, 3072)
        case "rsa-1024":
            return rsa.generate_private_key(65537, 1024)
        case "rsa-e3":
            return rsa.generate_private_key(3, 2048)
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "ed448":
            return ed448.Ed448PrivateKey.generate()
        case "dsa":
            return dsa.generate_private_key(2048)
        case _:
            return ec.generate_private_key(_CURVES[kind])


_CURVES: dict[str, ec.EllipticCurve] = {
    "p192": ec.SECP192R1(),
    "p224": ec.SECP224R1(),
    "p256": ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "p521": ec.SECP521R1(),
    "brainpool": ec.BrainpoolP256R1(),
}
