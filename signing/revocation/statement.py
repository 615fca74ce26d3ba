"""What an authority says about one certificate's revocation, however it was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from signing.chain.certificates import Known

_STRONG_HASHES = {"sha224", "sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of an authority; the times are its own."""

    kind: str
    """`ocsp` or `crl`."""
    sha256: str
    """Of the answer or list that it stands in, hexadecimal."""
    issued_at: datetime
    until: datetime
    """How long it counts as the newest."""
    revoked_at: datetime | None = None
    """When the certificate was revoked, or earlier: from when its key is said not to be safe."""
    is_hold: bool = False
    """Whether the revocation is one that can be taken back."""
    delegate: Known | None = None
    """Who said it in the issuer's place."""


def is_strong(algorithm: object) -> bool:
    """Return whether a hash algorithm may still be signed with; the Edwards curves name none."""
    return algorithm is None or getattr(algorithm, "name", "") in _STRONG_HASHES


def has_unknown_demand(extensions: x509.Extensions) -> bool:
    """Return whether an extension must be understood and is not."""
    return any(each.critical and isinstance(each.value, x509.UnrecognizedExtension) for each in extensions)
