"""Signature files with many signers, many time-stamps, and crowds of strangers' certificates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.cms_holders import NOW, Holder, authority, holder
from tests.support.cms_making import (
    ID_TST_INFO,
    SIGNATURE_TIME_STAMP,
    Draft,
    attribute,
    detached,
    draft,
    enveloping,
    stamp_statement,
    token,
)

_STAMPING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])


def stamped_by_strangers(*, signers: int, stamps: int, crowd: int) -> bytes:
    """Each signature has these time-stamps, each by a stranger whom any of the crowd may have issued."""
    who = holder("p256")
    drafts = [draft("p256", unsigned=lambda value: [_stamps(value, stamps)]) for _ in range(signers)]
    return detached(*drafts, certificates=[who.certificate, *who.chain, *strangers(crowd)])


def stamped_by_true_ones(*, signers: int) -> bytes:
    """Each signature has a time-stamp by the authority that is trusted."""
    who = holder("p256")
    drafts = [
        draft("p256", unsigned=lambda value: [attribute(SIGNATURE_TIME_STAMP, token(value))])
        for _ in range(signers)
    ]
    return detached(*drafts, certificates=[who.certificate, *who.chain])


def with_wide_certificates(numbers: Sequence[int], *, names: int) -> bytes:
    """One true signature, and strangers' certificates for very many names that call themselves its issuer."""
    who = holder("p256")
    issuer = authority().issuer.certificate.subject
    wide = x509.SubjectAlternativeName([x509.DNSName("a") for _ in range(names)])
    crowd = [
        _certificate(issuer, _name(f"Nobody {number}"), key=_key(), extension=wide) for number in numbers
    ]
    return detached(draft("p256"), certificates=[who.certificate, *who.chain, *crowd])


@cache
def strangers(count: int) -> tuple[bytes, ...]:
    """Certificates of one name, each with a key of its own that has signed none of the others."""
    return tuple(
        _certificate(_name("Crowd"), _name("Crowd"), key=ec.generate_private_key(ec.SECP256R1()))
        for _ in range(count)
    )


def _stamps(value: bytes, count: int) -> bytes:
    return attribute(SIGNATURE_TIME_STAMP, *sorted(_stamp(value) for _ in range(count)))


def _stamp(value: bytes) -> bytes:
    certificate = _certificate(_name("Stamper"), _name("Crowd"), key=_key(), extension=_STAMPING)
    by = Holder(_key(), certificate)
    return enveloping(Draft(by, content=stamp_statement(value), content_type=ID_TST_INFO), version=3)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    *,
    key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType | None = None,
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=9))
        .not_valid_after(NOW + timedelta(days=900))
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.ExtendedKeyUsage))
    return builder.sign(_key(), hashes.SHA256()).public_bytes(Encoding.DER)


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
