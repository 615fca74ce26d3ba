"""A certificate as the judgement of chains looks at it: read once, kept by its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import TypeVar

from asn1crypto.x509 import Name  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID

from signing.chain.signed import Signed, read_signed
from signing.chain.tidying import tidied
from signing.cms.der import BIT_STRING, INTEGER, SEQUENCE, Fields, Malformed, whole
from signing.cms.keys import VerificationKey, verification_key
from signing.memo import Memo, remembering
from signing.reasons import Refused

MAX_CERTIFICATE_BYTES = 65_536
"""Real ones have two thousand; some authorities put a picture in."""
_KEPT = 1_024
_LONGEST_KEPT = 4_096
_MAX_PREPARED_BYTES = 1_024
"""A longer name is nobody's; preparing it would only keep us busy."""
_MAX_TOLD = 200
"""How much of the library's complaint is passed on."""
_MAX_ADDRESSES = 20
_VERSION_TAG = 0xA0

_DECODED_TIMES = 40
"""How many times its bytes a certificate for very many short names takes, once decoded."""
_MAX_DECODED_BYTES = 33_554_432
_decoded: Memo[x509.Certificate] = Memo(limit=_MAX_DECODED_BYTES)

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
    """One certificate. It holds no more than its bytes: what they decode to is kept apart, within a limit."""

    der: bytes
    sha256: str
    """Hexadecimal."""
    subject: bytes
    """The name in DER."""
    issuer: bytes
    spki: bytes
    """The SubjectPublicKeyInfo in DER."""
    signed: Signed
    """Its body, and the signature over that."""
    serial_number: int
    not_before: datetime
    not_after: datetime

    @property
    def certificate(self) -> x509.Certificate:
        """Return it as the library reads it: of a sloppy one a tidied copy, which nobody signed."""
        return _decoded.remembered(self.sha256, lambda: _read(self.der), weight=_weight(self.der))

    @property
    def extensions(self) -> x509.Extensions:
        """Return what it says beside names, times and key."""
        return self.certificate.extensions

    def extension(self, kind: type[_Extension]) -> _Extension | None:
        """Return the value of one extension, if the certificate has it."""
        try:
            return self.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    @cached_property
    def key(self) -> VerificationKey:
        """Return the key.

        Raises:
            CertificateUnreadable: It is of an unknown kind or no key at all.
        """
        try:
            return verification_key(self.spki)
        except Refused as broken:
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

        A root from before there were extensions says nothing of the kind, and may. Any other has to say that
        it is an authority: somebody can be trusted for his own signature alone.
        """
        if self.certificate.version is x509.Version.v1 and not len(self.extensions):
            return True
        usage = self.extension(x509.KeyUsage)
        return self.is_authority and (usage is None or usage.key_cert_sign)

    @cached_property
    def ocsp_urls(self) -> tuple[str, ...]:
        """Return where its status can be asked."""
        return _fetchable(self._access(AuthorityInformationAccessOID.OCSP))

    @cached_property
    def issuer_urls(self) -> tuple[str, ...]:
        """Return where the certificate of its issuer can be had."""
        return _fetchable(self._access(AuthorityInformationAccessOID.CA_ISSUERS))

    @property
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
            return self.signed.is_by(issuer.key)
        except CertificateUnreadable:
            return False

    def _access(self, method: x509.ObjectIdentifier) -> tuple[x509.GeneralName, ...]:
        entries = self.extension(x509.AuthorityInformationAccess) or ()
        return tuple(entry.access_location for entry in entries if entry.access_method == method)


@remembering(entries=_KEPT, longest=_LONGEST_KEPT)
def read_certificate(der: bytes) -> Known:
    """Return a certificate read from DER.

    Raises:
        CertificateUnreadable: The bytes are none, or an extension is broken or occurs twice.
    """
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise CertificateUnreadable("too large")
    try:
        certificate = _read(der)
        issuer, subject, spki = _parts(der)
        sha256 = hashlib.sha256(der).hexdigest()
        _decoded.keep(sha256, certificate, weight=_weight(der))
        return Known(
            der=der,
            sha256=sha256,
            subject=subject,
            issuer=issuer,
            spki=spki,
            signed=read_signed(der),
            serial_number=certificate.serial_number,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
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


def _weight(der: bytes) -> int:
    """Return what a decoded certificate may take; of one that is longer than real ones, nothing is kept."""
    return _DECODED_TIMES * len(der) if len(der) <= _LONGEST_KEPT else _MAX_DECODED_BYTES + 1


def _with_extensions(der: bytes) -> x509.Certificate:
    certificate = x509.load_der_x509_certificate(der)
    _ = certificate.extensions  # read later than the rest, and found to be broken only then
    return certificate


def _parts(der: bytes) -> tuple[bytes, bytes, bytes]:
    """Return issuer, subject and key as they stand: comparing them so costs nothing.

    Raises:
        Malformed: The signature beside the certificate is not of the algorithm that was signed.
    """
    outer = Fields(whole(der, SEQUENCE))
    fields = Fields(outer.take(SEQUENCE))
    fields.maybe(_VERSION_TAG)
    fields.take(INTEGER)
    if fields.take(SEQUENCE).encoded != outer.take(SEQUENCE).encoded:
        raise Malformed("two signature algorithms")
    issuer = fields.take(SEQUENCE).encoded
    fields.take(SEQUENCE)
    return issuer, fields.take(SEQUENCE).encoded, fields.take(SEQUENCE).encoded


def _fetchable(names: tuple[x509.GeneralName, ...]) -> tuple[str, ...]:
    """Return the addresses among the names that could be fetched at all, the first of too many."""
    addresses = (name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))
    found = (each for each in addresses if each.lower().startswith(("http://", "https://")))
    return tuple(islice(found, _MAX_ADDRESSES))


def _prepared(name: bytes) -> object:
    if len(name) > _MAX_PREPARED_BYTES:
        return name
    try:
        return Name.load(name).hashable
    except Exception:  # noqa: BLE001 - a stranger's name may break the decoder anyhow
        return name
