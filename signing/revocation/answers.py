"""What an OCSP answer or a revocation list says about one certificate, if its authority says it at all.

An answer that is broken, forged, by somebody without authority, about another certificate or of a kind we do
not take says nothing: it is passed over, and what it should have settled stays open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from signing.chain.certificates import Known
from signing.memo import Memo
from signing.revocation.crl import stated_in_crl
from signing.revocation.ocsp import stated_in_ocsp
from signing.revocation.statement import Statement

_MAX_OCSP_BYTES = 65_536
_MAX_CRL_BYTES = 33_554_432
_BROKEN = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_known: Memo[Statement | None] = Memo(limit=8_192)
_digests: Memo[str] = Memo(limit=67_108_864)
"""By the bytes themselves, weighed by their number: hashing a long list for each certificate takes long."""


def distinct(pieces: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return each piece of evidence once: signers of one file mostly carry the same."""
    return tuple(dict.fromkeys(pieces))


def from_ocsp(der: bytes, certificate: Known, *, issuer: Known, by: Known | None = None) -> Statement | None:
    """Return what an OCSP answer says about a certificate of this issuer; None when that is nothing.

    Args:
        der: The answer.
        certificate: Whose revocation is asked for.
        issuer: Its issuer.
        by: The certificate of another key of the issuer, when that is to have signed.
    """
    if len(der) > _MAX_OCSP_BYTES:
        return None
    signer = by or issuer

    def read(sha256: str) -> Statement | None:
        return stated_in_ocsp(der, certificate, issuer=issuer, by=signer, sha256=sha256)

    return _stated(der, read, about=("ocsp", certificate.sha256, issuer.sha256, signer.sha256))


def from_crl(der: bytes, certificate: Known, *, issuer: Known, by: Known | None = None) -> Statement | None:
    """Return what a revocation list says about a certificate of this issuer; None when that is nothing.

    Args: As `from_ocsp`.
    """
    if len(der) > _MAX_CRL_BYTES:
        return None
    signer = by or issuer

    def read(sha256: str) -> Statement | None:
        return stated_in_crl(der, certificate, issuer=signer, sha256=sha256)

    return _stated(der, read, about=("crl", certificate.sha256, signer.sha256))


def _stated(der: bytes, read: Callable[[str], Statement | None], *, about: Hashable) -> Statement | None:
    sha256 = _digests.remembered(der, lambda: hashlib.sha256(der).hexdigest(), weight=len(der))

    def stated() -> Statement | None:
        try:
            return read(sha256)
        except _BROKEN:
            return None

    return _known.remembered((about, sha256), stated)
