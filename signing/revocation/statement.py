"""What an authority says about one certificate's revocation, however it was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from signing.chain.certificates import Known
from signing.report import Wanted


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of an authority; the times are its own."""

    kind: str
    """`ocsp` or `crl`."""
    sha256: str
    """Of the answer or list that it stands in, hexadecimal."""
    issued_at: datetime
    """Of when it speaks."""
    made_at: datetime
    """When it was signed, which may be later."""
    until: datetime
    """How long it counts as the newest."""
    revoked_at: datetime | None = None
    """When the certificate was revoked, or earlier: from when its key is said not to be safe."""
    is_hold: bool = False
    """Whether the revocation is one that can be taken back."""
    delegate: Known | None = None
    """Who said it in the issuer's place."""
    is_addressed: bool = True
    """Whether it names the issuer's key, or where the certificate says that its revocation is published."""


@dataclass(frozen=True, slots=True)
class OtherKey:
    """Another key of an issuer, by which it speaks too."""

    certificate: Known
    can_clear: bool
    """Whether it is known to hold; one of which that is not known can only speak against others."""
    until: datetime
    """Until when its path is valid."""
    wanted: tuple[Wanted, ...] = ()
    """What would tell whether it holds."""


def has_unknown_demand(extensions: x509.Extensions) -> bool:
    """Return whether an extension must be understood and is not."""
    return any(each.critical and isinstance(each.value, x509.UnrecognizedExtension) for each in extensions)
