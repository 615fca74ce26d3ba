"""What authorities and liars say about certificates: OCSP answers and revocation lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.chain_damage import produced_at, signed_anew
from tests.support.chain_pki import (
    DAY,
    HOUR,
    NOW,
    Extension,
    Made,
    access,
    authority,
    crl_at,
    limits,
    make,
    purposes,
    root,
    signer,
    trusting,
    usage,
)

TOP = root("Top")
ISSUING = authority("Issuing", by=TOP)
OTHER_ISSUING = authority("Other Issuing", by=TOP)
STRANGER = make(
    ISSUING.name,
    limits(ca=True),
    usage("key_cert_sign", "crl_sign"),
    key=make("Stranger", limits(ca=True)).key,
)
TRUST = trusting(TOP, ISSUING, OTHER_ISSUING)

OCSP_URL = "http://ocsp.issuing.invalid/"
CRL_URL = "http://crl.issuing.invalid/issuing.crl"
LEADER = signer("Leader", access(ocsp=[OCSP_URL]), crl_at(CRL_URL), by=ISSUING)
CLERK = signer("Clerk", access(ocsp=[OCSP_URL]), crl_at(CRL_URL), by=ISSUING)
UNDECLARED = signer("Undeclared", by=ISSUING)


def responder(*extensions: Extension, by: Made = ISSUING, label: str = "Responder", **rest: object) -> Made:
    """Somebody whom an authority appointed to answer for it."""
    usual = (limits(ca=False), usage("digital_signature"), purposes(ExtendedKeyUsageOID.OCSP_SIGNING))
    given = {type(value) for value, _ in extensions}
    completed = (*extensions, *(each for each in usual if type(each[0]) not in given))
    return make(label, *completed, by=by, **rest)  # type: ignore[arg-type]


def says(
    about: Made = LEADER,
    *,
    issuer: Made = ISSUING,
    by: Made = ISSUING,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    since: datetime = NOW - HOUR,
    until: datetime | None = NOW + HOUR,
    revoked_at: datetime | None = None,
    reason: x509.ReasonFlags | None = None,
    id_hash: hashes.HashAlgorithm | None = None,
    hash_algorithm: hashes.HashAlgorithm | None = None,
    identified_by: ocsp.OCSPResponderEncoding = ocsp.OCSPResponderEncoding.NAME,
    certificates: Sequence[Made] | None = None,
    extensions: Sequence[Extension] = (),
    made_at: datetime = NOW,
) -> bytes:
    """An OCSP answer, in DER."""
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            about.certificate,
            issuer.certificate,
            id_hash or hashes.SHA1(),
            status,
            since,
            until,
            revoked_at,
            reason,
        )
        .responder_id(identified_by, by.certificate)
    )
    inside = [by] if certificates is None and by is not issuer else certificates or []
    if inside:
        builder = builder.certificates([each.certificate for each in inside])
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    algorithm = hash_algorithm or hashes.SHA256()
    answer = builder.sign(by.key, algorithm).public_bytes(Encoding.DER)
    # The library dates every answer by the machine's clock; the tests have a clock of their own.
    return signed_anew(produced_at(answer, made_at), by.key, algorithm)


def says_revoked(
    about: Made = LEADER,
    *,
    at: datetime = NOW - DAY,
    reason: x509.ReasonFlags | None = None,
    since: datetime = NOW - HOUR,
    until: datetime | None = NOW + HOUR,
) -> bytes:
    return says(
        about,
        status=ocsp.OCSPCertStatus.REVOKED,
        revoked_at=at,
        reason=reason,
        since=since,
        until=until,
    )


def refuses(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def lists(
    *entries: tuple[Made, datetime],
    by: Made = ISSUING,
    issuer: x509.Name | None = None,
    since: datetime = NOW - DAY,
    until: datetime | None = NOW + DAY,
    extensions: Sequence[Extension] = (),
    of_entries: Sequence[Extension] = (),
    hash_algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    """A revocation list, in DER; the entries are who was revoked and when."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer or by.name)
        .last_update(since)
        .next_update(until or NOW)
    )
    for revoked, at in entries:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(revoked.certificate.serial_number)
            .revocation_date(at)
        )
        for value, critical in of_entries:
            entry = entry.add_extension(value, critical)
        builder = builder.add_revoked_certificate(entry.build())
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    made = builder.sign(by.key, hash_algorithm or hashes.SHA256())  # type: ignore[arg-type]
    return made.public_bytes(Encoding.DER)


def listed_twice(*entries: tuple[x509.ReasonFlags, datetime], whom: Made = LEADER) -> bytes:
    """A revocation list with several entries about one certificate, in DER: each its reason and day."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ISSUING.name)
        .last_update(NOW - DAY)
        .next_update(NOW + DAY)
    )
    for flag, at in entries:
        entry = x509.RevokedCertificateBuilder().serial_number(whom.certificate.serial_number)
        entry = entry.revocation_date(at).add_extension(x509.CRLReason(flag), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(ISSUING.key, hashes.SHA256()).public_bytes(Encoding.DER)


def scope(
    *,
    urls: Sequence[str] = (),
    users: bool = False,
    authorities: bool = False,
    attributes: bool = False,
    indirect: bool = False,
    reasons: frozenset[x509.ReasonFlags] | None = None,
) -> Extension:
    names = [x509.UniformResourceIdentifier(url) for url in urls] or None
    return x509.IssuingDistributionPoint(names, None, users, authorities, reasons, indirect, attributes), True


def reason(flag: x509.ReasonFlags) -> Extension:
    return x509.CRLReason(flag), False
