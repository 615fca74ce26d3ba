"""Certificates of every kind, good and bad, made as a test asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from signing.basis import Basis
from signing.chain.judge import ChainVerdict, Purpose, judge_chain
from signing.evidence import NOTHING, Evidence, EvidenceStore
from signing.trust import TrustStore, trust_store

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Extension = tuple[x509.ExtensionType, bool]
"""An extension and whether it is critical."""


@dataclass(frozen=True)
class Made:
    """A certificate and the key it speaks of."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def name(self) -> x509.Name:
        return self.certificate.subject


@cache
def curve_key(label: str) -> ec.EllipticCurvePrivateKey:
    """A key that is the same for the same label."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def name(*common: str, organisation: str = "Demo", country: str = "VN") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            *(x509.NameAttribute(NameOID.COMMON_NAME, each) for each in common),
        ]
    )


def usage(*allowed: str) -> Extension:
    """A critical key usage with these bits."""
    bits = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in allowed for bit in bits}), True


def limits(*, ca: bool, length: int | None = None) -> Extension:
    return x509.BasicConstraints(ca=ca, path_length=length), True


def policies(*dotted: str, critical: bool = False) -> Extension:
    named = [x509.PolicyInformation(x509.ObjectIdentifier(each), None) for each in dotted]
    return x509.CertificatePolicies(named), critical


def demand_policy(after: int = 0) -> Extension:
    return x509.PolicyConstraints(require_explicit_policy=after, inhibit_policy_mapping=None), True


def crl_at(*urls: str) -> Extension:
    points = [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in urls]
    return x509.CRLDistributionPoints(points), False


def access(*, ocsp: Sequence[str] = (), issuer: Sequence[str] = ()) -> Extension:
    described = [(AuthorityInformationAccessOID.OCSP, url) for url in ocsp]
    described += [(AuthorityInformationAccessOID.CA_ISSUERS, url) for url in issuer]
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in described]
    ), False


def purposes(*wanted: x509.ObjectIdentifier, critical: bool = False) -> Extension:
    return x509.ExtendedKeyUsage(list(wanted)), critical


SIGNING = (limits(ca=False), usage("digital_signature", "content_commitment"))
AUTHORITY = (limits(ca=True), usage("key_cert_sign", "crl_sign"))


def make(
    subject: x509.Name | str,
    *extensions: Extension,
    by: Made | None = None,
    key: Key | None = None,
    issuer: x509.Name | None = None,
    since: datetime = NOW - YEAR,
    until: datetime = NOW + 3 * YEAR,
    serial: int | None = None,
    hash_algorithm: hashes.HashAlgorithm | None = None,
    is_pss: bool = False,
    with_key_ids: bool = True,
) -> Made:
    """A certificate; without `by` it is self-signed."""
    subject = name(subject) if isinstance(subject, str) else subject
    key = key or curve_key(subject.rfc4514_string())
    signer = by.key if by else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or (by.name if by else subject))
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )
    if with_key_ids:
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        extensions = (*extensions, (own, False), (above, False))
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    padding = PSS(MGF1(hashes.SHA256()), 32) if is_pss else None
    made_with = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hash_algorithm or hashes.SHA256()
    return Made(builder.sign(signer, made_with, rsa_padding=padding), key)  # type: ignore[arg-type]


def root(label: str = "Root", *extensions: Extension, **rest: object) -> Made:
    return make(label, *(extensions or AUTHORITY), **rest)  # type: ignore[arg-type]


def authority(label: str, *extensions: Extension, by: Made, **rest: object) -> Made:
    """An authority below another; given extensions come beside the usual ones of their kinds."""
    return make(label, *_completed(AUTHORITY, extensions), by=by, **rest)  # type: ignore[arg-type]


def signer(label: str, *extensions: Extension, by: Made, **rest: object) -> Made:
    return make(label, *_completed(SIGNING, extensions), by=by, **rest)  # type: ignore[arg-type]


def _completed(usual: Sequence[Extension], given: Sequence[Extension]) -> tuple[Extension, ...]:
    kinds = {type(value) for value, _ in given}
    return (*given, *(each for each in usual if type(each[0]) not in kinds))


def trusting(*certificates: Made) -> TrustStore:
    return trust_store([each.certificate for each in certificates])


def verdict(
    leaf: Made,
    *pool: Made,
    trust: TrustStore,
    now: datetime = NOW,
    at: datetime | None = None,
    evidence: Evidence = Evidence(),  # noqa: B008 - frozen
    store: EvidenceStore = NOTHING,
    purpose: Purpose = Purpose.DOCUMENT,
) -> ChainVerdict:
    """What `judge_chain` says of a certificate."""
    return judged(
        leaf.der,
        [each.der for each in pool],
        trust=trust,
        now=now,
        at=at,
        evidence=evidence,
        store=store,
        purpose=purpose,
    )


def judged(
    leaf: bytes,
    pool: Sequence[bytes],
    *,
    trust: TrustStore,
    now: datetime = NOW,
    at: datetime | None = None,
    evidence: Evidence = Evidence(),  # noqa: B008 - frozen
    store: EvidenceStore = NOTHING,
    purpose: Purpose = Purpose.DOCUMENT,
) -> ChainVerdict:
    """What `judge_chain` says of bytes."""
    basis = Basis(trust, now, store)
    return judge_chain(leaf, pool=pool, basis=basis, evidence=evidence, at=at or now, purpose=purpose)
