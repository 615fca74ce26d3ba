"""What the cryptography of a CMS signature says, before anybody is trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from signing.evidence import Evidence

Digest = Callable[[str], bytes]
"""Returns the digest of the signed content under a hash algorithm, named as in hashlib.

Raises ValueError for an algorithm it does not know.
"""


@dataclass(frozen=True, slots=True)
class Signer:
    """One SignerInfo whose form is in order, and whether its cryptography holds."""

    certificate: bytes
    """The signer's own, in DER: found by what the SignerInfo names, and confirmed by the signed
    signing-certificate attribute where there is one."""
    evidence: Evidence
    """Certificates, lists and answers inside the CMS structure."""
    is_intact: bool
    """Whether the signed digest is that of the content."""
    is_genuine: bool
    """Whether the signature value is that of the certificate's key over the signed attributes."""
    is_weak: bool
    """Whether an algorithm or key is beneath the policy (MD5, SHA-1, RSA below 2048 bits, …)."""
    is_bound: bool
    """Whether the certificate is named in a signed attribute (ESS signing-certificate, v1 or v2)."""
    value: bytes
    """The signature value, which a signature time-stamp is made over."""
    claimed_at: datetime | None
    """The signing time the signer claims, aware; never proof."""
    time_stamps: tuple[bytes, ...] = ()
    """Signature time-stamp tokens (RFC 3161), in DER, not yet judged."""
    is_lenient: bool = False
    """Whether it is not DER where DER is demanded, and only a tolerant reader takes it."""
    is_counter_signed: bool = False
    """Whether a counter-signature is attached, which nobody has judged."""
    is_archived: bool = False
    """Whether archive time-stamps are attached (CAdES-B-LTA), which nobody has judged."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time-stamp token whose form is in order and whose imprint is that of what it stamps."""

    signer: Signer
    """The time-stamping authority; `is_intact` and `is_genuine` speak of the token itself."""
    generated_at: datetime
    has_imprint: bool
    """Whether the imprint in it is that of the stamped bytes."""
