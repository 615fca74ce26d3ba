"""Where evidence belongs that was brought on a disk: told from its own content, in a parsing worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.x509 import ocsp

from signing.errors import Unreadable
from signing.evidence_keys import crl_issuer_key, ocsp_key

_Evidence = TypeVar("_Evidence")
_CERTIFICATE = "a certificate: that of an authority belongs in the trust folder, beside the root it leads to"


def keys_of(path: Path) -> list[str]:
    """Return under which keys a revocation list or a responder's answer in DER belongs.

    Whether it is genuine is not asked here: that is judged each time a verdict rests on it.

    Raises:
        Unreadable: It is neither, or something that has no place.
    """
    content = path.read_bytes()
    listing = _read(x509.load_der_x509_crl, content)
    if listing is not None:
        return [_key_of_crl(listing)]
    answer = _read(ocsp.load_der_ocsp_response, content)
    if answer is not None:
        return _keys_of_ocsp(answer)
    is_certificate = _read(x509.load_der_x509_certificate, content) is not None
    raise Unreadable(_CERTIFICATE if is_certificate else "neither a revocation list nor a responder's answer")


def _read(read: Callable[[bytes], _Evidence], content: bytes) -> _Evidence | None:
    try:
        return read(content)
    except ValueError:
        return None


def _key_of_crl(listing: x509.CertificateRevocationList) -> str:
    try:
        found = listing.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        identifier = found.value.key_identifier
    except x509.ExtensionNotFound:
        identifier = None
    except (ValueError, x509.DuplicateExtension) as broken:
        raise Unreadable("the revocation list is broken") from broken
    return crl_issuer_key(listing.issuer.public_bytes(), key_identifier=identifier)


def _keys_of_ocsp(answer: ocsp.OCSPResponse) -> list[str]:
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise Unreadable(f"the responder answered {answer.response_status.name.lower()}")
    try:
        keys = [
            ocsp_key(
                issuer_name_hash=single.issuer_name_hash,
                issuer_key_hash=single.issuer_key_hash,
                serial_number=single.serial_number,
            )
            for single in answer.responses
            if single.hash_algorithm.name == "sha1"
        ]
    except ValueError as broken:
        raise Unreadable("the answer is broken") from broken
    if not keys:
        raise Unreadable("the answer names no certificate in the usual way (CertID with SHA-1)")
    return keys
