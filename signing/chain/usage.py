"""What a certificate may be used for, by its own words."""

from __future__ import annotations

from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.chain.certificates import Known
from signing.keys import ID_LIENTHONG_RECEIPT


class Purpose(StrEnum):
    """What a chain is judged for."""

    DOCUMENT = "document"
    TIME_STAMP = "time-stamp"
    RECEIPT = "receipt"


# A certificate that names its purposes must name one of these. Those for machines are left out, and so is
# clientAuth: people's certificates have it beside another, those of servers have it alone or with serverAuth.
_FOR_DOCUMENTS = {
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),  # id-kp-documentSigning (RFC 9336)
    x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),  # the same of Microsoft
    x509.ObjectIdentifier("1.2.840.113583.1.1.5"),  # the same of Adobe
}
_FOR_TIME_STAMPS = {ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.TIME_STAMPING}


def is_meant_for(certificate: Known, purpose: Purpose) -> bool:
    """Return whether a certificate may sign for a purpose."""
    if not _may_sign(certificate):
        return False
    purposes = certificate.extension(x509.ExtendedKeyUsage)
    if purpose is Purpose.TIME_STAMP:
        return _is_for_time_stamps_alone(certificate)
    if purpose is Purpose.RECEIPT:
        return purposes is not None and ID_LIENTHONG_RECEIPT in purposes
    return purposes is None or not _FOR_DOCUMENTS.isdisjoint(purposes)


def may_issue_for(authority: Known, purpose: Purpose) -> bool:
    """Return whether an authority's own purposes, when it names any, have room for the signer's."""
    purposes = authority.extension(x509.ExtendedKeyUsage)
    if purposes is None or purpose is Purpose.RECEIPT:
        return True
    return not (_FOR_TIME_STAMPS if purpose is Purpose.TIME_STAMP else _FOR_DOCUMENTS).isdisjoint(purposes)


def _may_sign(certificate: Known) -> bool:
    usage = certificate.extension(x509.KeyUsage)
    return usage is None or usage.digital_signature or usage.content_commitment


def _is_for_time_stamps_alone(certificate: Known) -> bool:
    """Return whether the one purpose is time-stamping, critically (RFC 3161 §2.3)."""
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.ExtendedKeyUsage):
            return extension.critical and set(extension.value) == {ExtendedKeyUsageOID.TIME_STAMPING}
    return False
