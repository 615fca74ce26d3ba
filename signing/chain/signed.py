"""What authorities sign, all in one form (X.509, SIGNED): certificates, revocation lists, OCSP answers."""

from __future__ import annotations

from dataclasses import dataclass

from signing.cms.algorithms import Algorithm, algorithm_in, own_scheme
from signing.cms.der import BIT_STRING, SEQUENCE, Fields, Malformed, whole
from signing.cms.keys import VerificationKey
from signing.reasons import Refused


@dataclass(frozen=True, slots=True)
class Signed:
    """Something signed, and its signature, not yet verified."""

    content: bytes
    """What was signed, in DER."""
    algorithm: Algorithm
    value: bytes

    @property
    def is_weak(self) -> bool:
        """Return whether its algorithm is too weak to rely on, or not known here."""
        try:
            return own_scheme(self.algorithm).is_weak
        except (Refused, Malformed):
            return True

    def is_by(self, key: VerificationKey) -> bool:
        """Return whether the key made the signature, weak or not."""
        try:
            return key.has_signed(self.content, self.value, own_scheme(self.algorithm))
        except (Refused, Malformed):
            return False


def read_signed(der: bytes) -> Signed:
    """Return what is signed in DER; an OCSP answer's inner one, where certificates may follow.

    Raises:
        Malformed: It has another form, or a signature that could be written in another way.
    """
    fields = Fields(whole(der, SEQUENCE))
    content, algorithm, value = fields.take(SEQUENCE), fields.take(SEQUENCE), fields.take(BIT_STRING).content
    if value[:1] != b"\0":
        raise Malformed("a signature that is not whole bytes")
    return Signed(content.encoded, algorithm_in(algorithm), value[1:])
