"""A certificate as the judgement of chains looks at it: read once, kept by its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TypeVar

from asn1crypto.x509 import Name  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PSS
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID

from signing.chain.keys import holds
from signing.chain.tidying import tidied
from signing.cms.der import BIT_STRING, INTEGER, SEQUENCE, Fields, Malformed, whole

MAX_CERTIFICATE_BYTES = 65_536
"""Real ones have two thousand; some authorities put a picture in."""
_KEPT = 1024
_MAX_PREPARED_BYTES = 1_024
"""A longer name is nobody's; preparing it would only keep us busy."""
_MAX_TOLD = 200
"""How much of the library's complaint is passed on."""
_VERSION_TAG = 0xA0

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class CertificateUnreadable(ValueError):
    """The bytes are no X.509 certificate, or one so broken that nothing can be said of it."""


@dataclass(frozen=True, eq=False)
class Known:
    """One certificate, decoded no further than was asked for."""

    der: bytes
    sha256: str
    """Hexadecimal."""
    subject: bytes
    """The name in DER."""
    issuer: bytes
    spki: bytes
    """The SubjectPublicKeyInfo in DER."""
    signed: bytes
    """What its signature was made over."""
    serial_number: int
    not_before: datetime
    not_after: datetime
    certificate: x509.Certificate
    """As the library reads it: of a sloppy one a tidied copy, which nobody signed."""
    extensions: x509.Extensions

    def extension(self, kind: type[_Extension]) -> _Extension | None:
        """Return the value of one extension, if the certificate has it."""
        try:
            return self.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    @cached_property
    def public_key(self) -> CertificatePublicKeyTypes:
        """Return the key.

        Raises:
            CertificateUnreadable: It is of an unknown kind or no key at all.
        """
        try:
            return self.certificate.public_key()
        except _UNREADABLE as broken:
            raise CertificateUnreadable("the key cannot be read") from broken

    @cached_property
    def prepared_subject(self) -> object:
        """Return the subject as RFC 5280 §7.1 compares names: other letters and spaces are the same."""
        return _prepared(self.subject)

    @cached_property
    def prepared_issuer(self) -> object:
        """Return the issuer as RFC 5280 §7.1 compares names."""
        return _prepared(self.issuer)

    @cached_property
    def spki_sha256(self) -> str:
        """Return the SHA-256 of the SubjectPublicKeyInfo, hexadecimal."""
        return hashlib.sha256(self.spki).hexdigest()

    @cached_property
    def key_bits(self) -> bytes:
        """Return the bare public key, which OCSP hashes.

        Raises:
            Malformed: The SubjectPublicKeyInfo is not DER.
        """
        fields = Fields(whole(self.spki, SEQUENCE))
        fields.take(SEQUENCE)
        return fields.take(BIT_STRING).content[1:]

    @cached_property
    def key_identifier(self) -> bytes | None:
        """Return how the authority names its own key."""
        found = self.extension(x509.SubjectKeyIdentifier)
        return found.digest if found else None

    @cached_property
    def issuer_key_identifier(self) -> bytes | None:
        """Return how the certificate names the key that signed it."""
        found = self.extension(x509.AuthorityKeyIdentifier)
        return found.key_identifier if found else None

    @cached_property
    def is_authority(self) -> bool:
        """Return whether it says that it may issue certificates."""
        limits = self.extension(x509.BasicConstraints)
        return bool(limits and limits.ca)

    @cached_property
    def may_issue(self) -> bool:
        """Return whether nothing in it speaks against its issuing certificates.

        A root from before there were extensions says nothing of the kind, and may.
        """
        limits, usage = self.extension(x509.BasicConstraints), self.extension(x509.KeyUsage)
        return (limits is None or limits.ca) and (usage is None or usage.key_cert_sign)

    @cached_property
    def ocsp_urls(self) -> tuple[str, ...]:
        """Return where its status can be asked."""
        return _fetchable(self._access(AuthorityInformationAccessOID.OCSP))

    @cached_property
    def issuer_urls(self) -> tuple[str, ...]:
        """Return where the certificate of its issuer can be had."""
        return _fetchable(self._access(AuthorityInformationAccessOID.CA_ISSUERS))

    @cached_property
    def crl_names(self) -> tuple[x509.GeneralName, ...]:
        """Return under which names its authority publishes the lists that speak of it."""
        points = self.extension(x509.CRLDistributionPoints) or ()
        return tuple(name for point in points for name in point.full_name or ())

    @cached_property
    def crl_urls(self) -> tuple[str, ...]:
        """Return where the revocation list of its authority can be had."""
        return _fetchable(self.crl_names)

    @property
    def declares_revocation(self) -> bool:
        """Return whether it says where its revocation would be published, reachable for us or not."""
        return bool(
            self.extension(x509.CRLDistributionPoints) or self._access(AuthorityInformationAccessOID.OCSP)
        )

    def is_signed_by(self, issuer: Known) -> bool:
        """Return whether the issuer's key made its signature; names are not looked at."""
        try:
            parameters = self.certificate.signature_algorithm_parameters
            return holds(
                self.certificate.signature,
                self.signed,
                key=issuer.public_key,
                hash_algorithm=self.certificate.signature_hash_algorithm,
                padding=parameters if isinstance(parameters, PSS) else None,
            )
        except _UNREADABLE:
            return False

    def _access(self, method: x509.ObjectIdentifier) -> tuple[x509.GeneralName, ...]:
        entries = self.extension(x509.AuthorityInformationAccess) or ()
        return tuple(entry.access_location for entry in entries if entry.access_method == method)


@lru_cache(maxsize=_KEPT)
def read_certificate(der: bytes) -> Known:
    """Return a certificate read from DER.

    Raises:
        CertificateUnreadable: The bytes are none, or an extension is broken or occurs twice.
    """
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise CertificateUnreadable("too large")
    try:
        certificate = _read(der)
        signed, issuer, subject, spki = _parts(der)
        return Known(
            der=der,
            sha256=hashlib.sha256(der).hexdigest(),
            subject=subject,
            issuer=issuer,
            spki=spki,
            signed=signed,
            serial_number=certificate.serial_number,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            certificate=certificate,
            extensions=certificate.extensions,
        )
    except _UNREADABLE as broken:
        raise CertificateUnreadable(str(broken)[:_MAX_TOLD]) from broken


def _read(der: bytes) -> x509.Certificate:
    try:
        return _with_extensions(der)
    except ValueError as broken:
        try:
            return _with_extensions(tidied(der))
        except ValueError:
            raise broken from None


def _with_extensions(der: bytes) -> x509.Certificate:
    certificate = x509.load_der_x509_certificate(der)
    _ = certificate.extensions  # read later than the rest, and found to be broken only then
    return certificate


def _parts(der: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Return what was signed, issuer, subject and key as they stand: comparing them so costs nothing.

    Raises:
        Malformed: The signature beside the certificate is not of the algorithm that was signed, or not plain.
    """
    outer = Fields(whole(der, SEQUENCE))
    signed = outer.take(SEQUENCE)
    fields = Fields(signed)
    fields.maybe(_VERSION_TAG)
    fields.take(INTEGER)
    if fields.take(SEQUENCE).encoded != outer.take(SEQUENCE).encoded:
        raise Malformed("two signature algorithms")
    if outer.take(BIT_STRING).content[:1] != b"\0":
        raise Malformed("a signature that is not whole bytes")  # so that nobody can write it in two ways
    issuer = fields.take(SEQUENCE).encoded
    fields.take(SEQUENCE)
    return signed.encoded, issuer, fields.take(SEQUENCE).encoded, fields.take(SEQUENCE).encoded


def _fetchable(names: tuple[x509.GeneralName, ...]) -> tuple[str, ...]:
    """Return the addresses among the names that could be fetched at all."""
    addresses = (name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))
    return tuple(address for address in addresses if address.lower().startswith(("http://", "https://")))


def _prepared(name: bytes) -> object:
    if len(name) > _MAX_PREPARED_BYTES:
        return name
    try:
        return Name.load(name).hashable
    except Exception:  # noqa: BLE001 - a stranger's name may break the decoder anyhow
        return name
