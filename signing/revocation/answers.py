"""What an OCSP answer or a revocation list says about one certificate, if its authority says it at all.

An answer that is broken, forged, by somebody without authority, about another certificate or of a kind we do
not take says nothing: it is passed over, and what it should have settled stays open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

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


class _Reading(Protocol):
    def __call__(self, der: bytes, certificate: Known, *, issuer: Known, sha256: str) -> Statement | None: ...


def distinct(pieces: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return each piece of evidence once: signers of one file mostly carry the same."""
    return tuple(dict.fromkeys(pieces))


def from_ocsp(der: bytes, certificate: Known, *, issuer: Known) -> Statement | None:
    """Return what an OCSP answer says about a certificate of this issuer; None when that is nothing."""
    return (
        _stated(der, certificate, issuer=issuer, by=stated_in_ocsp) if len(der) <= _MAX_OCSP_BYTES else None
    )


def from_crl(der: bytes, certificate: Known, *, issuer: Known) -> Statement | None:
    """Return what a revocation list says about a certificate of this issuer; None when that is nothing."""
    return _stated(der, certificate, issuer=issuer, by=stated_in_crl) if len(der) <= _MAX_CRL_BYTES else None


def _stated(der: bytes, certificate: Known, *, issuer: Known, by: _Reading) -> Statement | None:
    sha256 = _digests.remembered(der, lambda: hashlib.sha256(der).hexdigest(), weight=len(der))

    def read() -> Statement | None:
        try:
            return by(der, certificate, issuer=issuer, sha256=sha256)
        except _BROKEN:
            return None

    return _known.remembered((by.__name__, sha256, certificate.sha256, issuer.sha256), read)  # type: ignore[attr-defined]
