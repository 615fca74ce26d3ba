"""Revocation lists (RFC 5280 §5): complete ones, signed by the issuer itself."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from signing.chain.certificates import Known
from signing.chain.signed import read_signed
from signing.chain.tidying import with_readable_names
from signing.cms.der import INTEGER, SEQUENCE, Fields, whole, wrapped
from signing.memo import Memo
from signing.revocation.statement import Statement, has_unknown_demand

_lists: Memo[x509.CertificateRevocationList | None] = Memo(limit=67_108_864)
"""By digest and issuer, weighed by their bytes when they are genuine."""


def stated_in_crl(der: bytes, certificate: Known, *, issuer: Known, sha256: str) -> Statement | None:
    """Return what a revocation list says about a certificate of this issuer; None when that is nothing.

    Raises:
        ValueError: It is broken, or makes a demand that is not understood; so do other errors of the decoder.
    """
    key = (sha256, issuer.sha256)
    listing = _lists.remembered(key, lambda: genuine_list(der, issuer), weight=len(der))
    if listing is None:
        return None
    scope = _scope(listing)
    if scope is not None and not _is_in_scope(certificate, scope):
        return None
    found = [_read(entry) for entry in _entries(certificate.serial_number, listing, der=der)]
    # An entry that was removed says something only in a delta, and those are not taken.
    entries = [each for each in found if each[1] is not x509.ReasonFlags.remove_from_crl]
    if found and not entries:
        return None
    revoked_at, reason = min(entries, key=_badness, default=(None, None))
    return Statement(
        kind="crl",
        sha256=sha256,
        issued_at=listing.last_update_utc,
        made_at=listing.last_update_utc,
        # A list must say when the next one comes; one that does not was never current.
        until=listing.next_update_utc or listing.last_update_utc,
        revoked_at=revoked_at,
        is_hold=reason is x509.ReasonFlags.certificate_hold,
        is_addressed=scope is not None and scope.full_name is not None,
    )


def _entries(
    serial_number: int, listing: x509.CertificateRevocationList, *, der: bytes
) -> list[x509.RevokedCertificate]:
    """Return every entry about a certificate; the library finds the first alone."""
    first = listing.get_revoked_certificate_by_serial_number(serial_number)
    if first is None:
        return []
    number = serial_number.to_bytes(serial_number.bit_length() // 8 + 1, "big", signed=True)
    if der.count(wrapped(INTEGER, number)) == 1:
        return [first]  # going through a long list takes seconds
    return [entry for entry in listing if entry.serial_number == serial_number]


def _badness(entry: tuple[datetime, x509.ReasonFlags | None]) -> tuple[bool, datetime]:
    """Order entries about one certificate, the worst first: a hold can be taken back."""
    revoked_at, reason = entry
    return reason is x509.ReasonFlags.certificate_hold, revoked_at


def genuine_list(der: bytes, issuer: Known) -> x509.CertificateRevocationList | None:
    """Return a complete list that the issuer itself signed; None when it is something else.

    Raises:
        ValueError: It is broken.
    """
    listing = read_crl(der)
    usage = issuer.extension(x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        return None
    if listing.issuer != issuer.certificate.subject:
        return None
    if has_unknown_demand(listing.extensions) or not is_complete(listing.extensions):
        return None
    signed = read_signed(der)
    return listing if not signed.is_weak and signed.is_by(issuer.key) else None


def read_crl(der: bytes) -> x509.CertificateRevocationList:
    """Return a revocation list as the library reads it: of a sloppy one a tidied copy, which nobody signed.

    Raises:
        ValueError: It is none.
    """
    try:
        return x509.load_der_x509_crl(der)
    except ValueError:
        return x509.load_der_x509_crl(with_readable_names(der))


def issuer_of(der: bytes) -> bytes:
    """Return the name of a list's authority in DER, as it stands.

    Raises:
        Malformed: It has another form than a revocation list.
    """
    fields = Fields(whole(read_signed(der).content, SEQUENCE))
    fields.maybe(INTEGER)
    fields.take(SEQUENCE)
    return fields.take(SEQUENCE).encoded


def is_complete(extensions: x509.Extensions) -> bool:
    """Return whether a list speaks of all reasons, for its own authority, and is no change to another."""
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator):
            return False
        if isinstance(value, x509.IssuingDistributionPoint) and (
            value.indirect_crl
            or value.only_some_reasons
            or value.only_contains_attribute_certs
            or value.relative_name
        ):
            return False
    return True


def _scope(listing: x509.CertificateRevocationList) -> x509.IssuingDistributionPoint | None:
    """Return what a list says of whom it speaks; None when that is all certificates of its authority."""
    try:
        return listing.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return None


def _is_in_scope(certificate: Known, scope: x509.IssuingDistributionPoint) -> bool:
    """Return whether the certificate would stand in the list if it were revoked."""
    if scope.only_contains_user_certs and certificate.is_authority:
        return False
    if scope.only_contains_ca_certs and not certificate.is_authority:
        return False
    return scope.full_name is None or any(name in scope.full_name for name in certificate.crl_names)


def _read(entry: x509.RevokedCertificate) -> tuple[datetime, x509.ReasonFlags | None]:
    """Return from when the certificate does not count, and why.

    Raises:
        ValueError: The entry is about another authority's certificate, or makes a demand not understood.
    """
    if has_unknown_demand(entry.extensions):
        raise ValueError("a critical extension in a list entry")
    since, reason = entry.revocation_date_utc, None
    for extension in entry.extensions:
        if isinstance(extension.value, x509.CertificateIssuer):
            raise ValueError("an entry about another authority's certificate")
        if isinstance(extension.value, x509.CRLReason):
            reason = extension.value.reason
        if isinstance(extension.value, x509.InvalidityDate):
            since = min(since, extension.value.invalidity_date_utc)
    return since, reason
