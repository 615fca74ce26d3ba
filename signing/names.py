"""Names that strangers have chosen, as far as they can be shown."""

from __future__ import annotations

import unicodedata

from cryptography import x509
from cryptography.x509.oid import NameOID

from signing.chain.certificates import CertificateUnreadable, read_certificate

_MAX_LETTERS = 200


def shown(name: object) -> str | None:
    """Return a name as one short printable line; None when it is none.

    What cannot be seen goes: control letters, and those that turn the direction of the text around.
    """
    if not isinstance(name, str):
        return None
    letters = (letter for letter in unicodedata.normalize("NFC", name[:_MAX_LETTERS]))
    return "".join(letter for letter in letters if letter.isprintable()).strip() or None


def name_in(name: x509.Name) -> str | None:
    """Return the common name, else the organisation, safe to show; None when there is none to be shown."""
    try:
        return _first(name, NameOID.COMMON_NAME) or _first(name, NameOID.ORGANIZATION_NAME)
    except (ValueError, TypeError):
        return None


def names_of(certificate: bytes) -> tuple[str | None, str | None]:
    """Return the name and the organisation in a certificate, safe to show."""
    try:
        subject = read_certificate(certificate).certificate.subject
        return _first(subject, NameOID.COMMON_NAME), _first(subject, NameOID.ORGANIZATION_NAME)
    except (CertificateUnreadable, ValueError, TypeError):
        return None, None


def _first(subject: x509.Name, kind: x509.ObjectIdentifier) -> str | None:
    found = subject.get_attributes_for_oid(kind)
    return shown(found[0].value) if found else None
