"""Under which keys evidence lies in the evidence store, and what an authority is asked to get it.

A key can be told from the certificate that is judged, which is what `Wanted` names, and mostly from the
answer itself, so that answers brought on a disk find their place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.chain.certificates import Known
from signing.memo import Memo
from signing.report import Wanted

Scope = Literal["all", "users", "authorities"]
"""Whose certificates a revocation list speaks of."""

_requests: Memo[bytes] = Memo(limit=2_048)
_ocsp_keys: Memo[str] = Memo(limit=2_048)


def ocsp_key(*, issuer_name_hash: bytes, issuer_key_hash: bytes, serial_number: int) -> str:
    """Return the key of an OCSP answer, from the SHA-1 hashes and the serial number in its CertID."""
    return "ocsp-" + _digest(issuer_name_hash, issuer_key_hash, f"{serial_number:x}".encode())


def crl_key(url: str) -> str:
    """Return the key of the revocation list that is published at an address."""
    return "crl-" + _digest(url.encode())


def crl_issuer_key(name: bytes, *, key_identifier: bytes | None, scope: Scope = "all") -> str:
    """Return the key of the revocation list of an authority, named in DER, whatever its address.

    Lists of another scope have another key: a newer list of authorities says nothing about users.
    """
    parts = (name, key_identifier or b"")
    return "crl-" + (_digest(*parts) if scope == "all" else _digest(*parts, scope.encode()))


def issuer_key(url: str) -> str:
    """Return the key of the authority's certificate that is published at an address."""
    return "issuer-" + _digest(url.encode())


def wanted_answers(certificate: Known, *, issuer: Known, others: Sequence[Known] = ()) -> tuple[Wanted, ...]:
    """Return what would tell whether a certificate is revoked: each of it alone, the cheapest first.

    Args:
        certificate: Whose revocation is asked for.
        issuer: Its issuer.
        others: Certificates of the issuer's other keys, which may sign the answer too.
    """
    found = []
    about = (certificate.der, issuer.der, *(each.der for each in others))
    if certificate.ocsp_urls:
        key, asked = ocsp_key_of(certificate, issuer=issuer), ocsp_request(certificate, issuer=issuer)
        found.append(Wanted("ocsp", key, certificate.ocsp_urls, asked, about))
    if certificate.crl_urls:
        key = crl_key(certificate.crl_urls[0])
        found.append(Wanted("crl", key, certificate.crl_urls, about=about))
    return tuple(found)


def wanted_issuer(certificate: Known) -> tuple[Wanted, ...]:
    """Return where the missing certificate above this one is said to be."""
    urls = certificate.issuer_urls
    return (Wanted("issuer", issuer_key(urls[0]), urls),) if urls else ()


def ocsp_request(certificate: Known, *, issuer: Known) -> bytes:
    """Return the OCSP request for a certificate, in DER.

    It has no nonce, so that one answer serves every document of a signer until its nextUpdate: freshness is
    judged by the times in the answer. SHA-1 only names the certificate here, and every responder knows it.
    """
    pair = (certificate.sha256, issuer.sha256)
    return _requests.remembered(pair, lambda: _ocsp_request(certificate, issuer))


def ocsp_key_of(certificate: Known, *, issuer: Known) -> str:
    """Return the key of the OCSP answer about a certificate."""
    pair = (certificate.sha256, issuer.sha256)
    return _ocsp_keys.remembered(pair, lambda: _ocsp_key(certificate, issuer))


def _ocsp_request(certificate: Known, issuer: Known) -> bytes:
    # By the name as it stands: of a sloppy certificate the library reads a tidied copy.
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        issuer_hash(certificate.issuer, "sha1"),
        issuer_hash(issuer.key_bits, "sha1"),
        certificate.serial_number,
        hashes.SHA1(),  # noqa: S303 - an identifier, not a protection
    )
    return builder.build().public_bytes(Encoding.DER)


def _ocsp_key(certificate: Known, issuer: Known) -> str:
    return ocsp_key(
        issuer_name_hash=issuer_hash(certificate.issuer, "sha1"),
        issuer_key_hash=issuer_hash(issuer.key_bits, "sha1"),
        serial_number=certificate.serial_number,
    )


def issuer_hash(content: bytes, algorithm: str) -> bytes:
    """Return a hash as a CertID names an issuer by."""
    return hashlib.new(algorithm, content, usedforsecurity=False).digest()


def _digest(*parts: bytes) -> str:
    joined = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(joined).hexdigest()
