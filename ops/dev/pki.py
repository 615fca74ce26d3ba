"""A certificate authority for demonstrations and tests: good certificates, and bad ones on purpose.

The shape is always the same, the keys are fresh each time. Never let a real gateway trust its root.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_YEAR = timedelta(days=365)

NAME_BYTES = 64


@dataclass(frozen=True)
class Identity:
    """A private key, its certificate, and the certificates above it without the root."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def key_pem(self) -> bytes:
        """Return the private key, unprotected."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def certificates_pem(self) -> bytes:
        """Return the certificate and those above it."""
        return b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.chain))


class DemoAuthority:
    """A root, an authority under it, and what they issue. Members are made when first asked for."""

    def __init__(self, *, now: datetime, name: str = "Lienthong Demo") -> None:
        self.now = now
        self.name = name
        self.root = self._self_signed_root()
        self.issuer = self._issuing_authority()

    def person(self, title: str, *, organisation: str, elliptic: bool = False) -> Identity:
        """Return a leader's signing certificate; `title` says the office, never a person's name."""
        return self._issue(_subject(title, organisation), key=_ec_key() if elliptic else _rsa_key())

    def seal(self, organisation: str, *, elliptic: bool = False) -> Identity:
        """Return an agency's seal certificate."""
        return self._issue(_subject(organisation, organisation), key=_ec_key() if elliptic else _rsa_key())

    @cached_property
    def expired(self) -> Identity:
        """Return a certificate that ended a month ago."""
        until = self.now - timedelta(days=30)
        return self._issue(_subject("Chứng thư hết hạn", self.name), key=_ec_key(), until=until)

    @cached_property
    def revoked(self) -> Identity:
        """Return a certificate that `crl` revokes."""
        return self._issue(_subject("Chứng thư bị thu hồi", self.name), key=_ec_key())

    @cached_property
    def tls_only(self) -> Identity:
        """Return a certificate for a web server, not for documents."""
        return self._issue(
            _subject("may-chu.demo.invalid", self.name),
            key=_ec_key(),
            purposes=(ExtendedKeyUsageOID.SERVER_AUTH,),
        )

    @cached_property
    def time_stamper(self) -> Identity:
        """Return a time-stamping authority's certificate."""
        return self._issue(
            _subject("Dịch vụ cấp dấu thời gian", self.name),
            key=_rsa_key(),
            purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
        )

    @cached_property
    def encryption_only(self) -> Identity:
        """Return a certificate whose key may encrypt but not sign."""
        return self._issue(_subject("Chứng thư mã hóa", self.name), key=_rsa_key(), may_sign=False)

    @cached_property
    def crl(self) -> x509.CertificateRevocationList:
        """Return the list of what the issuing authority has revoked."""
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(self.revoked.certificate.serial_number)
            .revocation_date(self.now - timedelta(days=10))
            .build()
        )
        return (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuer.certificate.subject)
            .last_update(self.now - timedelta(days=1))
            .next_update(self.now + timedelta(days=6))
            .add_revoked_certificate(entry)
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(_authority_key(self.issuer), critical=False)
            .sign(self.issuer.key, hashes.SHA256())
        )

    def write_trust(self, folder: Path) -> Path:
        """Write the root and the issuing authority where a gateway looks for them; return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, identity in (("root", self.root), ("issuing", self.issuer)):
            (folder / f"{name}.pem").write_bytes(identity.certificate.public_bytes(Encoding.PEM))
        return folder

    def _self_signed_root(self) -> Identity:
        key = _rsa_key()
        subject = _subject(f"{self.name} Root CA", self.name)
        builder = self._builder(subject, key, years=20).issuer_name(subject)
        builder = _as_authority(builder, path_length=1)
        return Identity(key, builder.sign(key, hashes.SHA256()))

    def _issuing_authority(self) -> Identity:
        key = _rsa_key()
        builder = self._builder(_subject(f"{self.name} Issuing CA", self.name), key, years=10)
        builder = _as_authority(builder.issuer_name(self.root.certificate.subject), path_length=0)
        builder = builder.add_extension(_authority_key(self.root), critical=False)
        return Identity(key, builder.sign(self.root.key, hashes.SHA256()))

    def _issue(
        self,
        subject: x509.Name,
        *,
        key: PrivateKey,
        until: datetime | None = None,
        purposes: Iterable[x509.ObjectIdentifier] = (),
        may_sign: bool = True,
    ) -> Identity:
        builder = self._builder(subject, key, years=3, until=until)
        builder = builder.issuer_name(self.issuer.certificate.subject)
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(sign=may_sign, encrypt=not may_sign), critical=True)
            .add_extension(_authority_key(self.issuer), critical=False)
        )
        if wanted := list(purposes):
            # RFC 3161 §2.3: of a time-stamping authority it is critical.
            is_critical = ExtendedKeyUsageOID.TIME_STAMPING in wanted
            builder = builder.add_extension(x509.ExtendedKeyUsage(wanted), critical=is_critical)
        certificate = builder.sign(self.issuer.key, hashes.SHA256())
        return Identity(key, certificate, (self.issuer.certificate,))

    def _builder(
        self, subject: x509.Name, key: PrivateKey, *, years: int, until: datetime | None = None
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - _YEAR)
            .not_valid_after(until or self.now + years * _YEAR)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


def _as_authority(builder: x509.CertificateBuilder, *, path_length: int) -> x509.CertificateBuilder:
    limits = x509.BasicConstraints(ca=True, path_length=path_length)
    return builder.add_extension(limits, critical=True).add_extension(_key_usage(certify=True), critical=True)


def _key_usage(*, sign: bool = False, encrypt: bool = False, certify: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=sign,
        key_encipherment=encrypt,
        data_encipherment=encrypt,
        key_agreement=False,
        key_cert_sign=certify,
        crl_sign=certify,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key(issuer: Identity) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())


def _subject(common_name: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _fitting(organisation)),
            x509.NameAttribute(NameOID.COMMON_NAME, _fitting(common_name)),
        ]
    )


def _fitting(name: str) -> str:
    """Return as many whole words of a name as certificates have room for: 64, counted in bytes of UTF-8."""
    words = name.split()
    while len(" ".join(words).encode()) > NAME_BYTES:
        words.pop()
    return " ".join(words).rstrip(" -")


def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
