"""Public keys out of certificates, and whether a signature value is theirs."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signing.cms import der, reasons
from signing.cms.algorithms import RSA_PSS_KEY, WEAK_DIGESTS, Family, Scheme, algorithm_in, pss_restriction
from signing.cms.der import Fields
from signing.memo import remembering
from signing.reasons import Refused

PublicKey = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | dsa.DSAPublicKey
)

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - known, to be called weak
    "sha1": hashes.SHA1(),  # noqa: S303 - known, to be called weak
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
_MIN_RSA_BITS = 2048
_MIN_RSA_EXPONENT = 65537  # ETSI TS 119 312: smaller ones invite forgeries against careless verifiers
_MIN_CURVE_BITS = 224
# With a key whose point has small order, one signature fits many documents. Its y is one of these few.
_P25519 = 2**255 - 19
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_25519 = {0, 1, _P25519 - 1, _EIGHTH, _P25519 - _EIGHTH}
_P448 = 2**448 - 2**224 - 1
_SMALL_448 = {0, 1, _P448 - 1}
_MAX_RSA_BITS = 8_192
_MAX_RSA_EXPONENT = 2**32
"""Larger ones are only meant to keep us busy."""
_KEYS_KEPT = 4096
_LONGEST_KEPT = 1_024
_MAX_KEY_BYTES = 8192


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, and what its certificate says it may verify."""

    public: PublicKey
    is_pss_only: bool = False
    restriction: Scheme | None = None
    """For a key bound to RSA-PSS: the parameters its signatures must have."""

    @property
    def is_weak(self) -> bool:
        """Return whether the key itself is beneath the policy."""
        if isinstance(self.public, rsa.RSAPublicKey):
            return self.public.key_size < _MIN_RSA_BITS or self.public.public_numbers().e < _MIN_RSA_EXPONENT
        if isinstance(self.public, ec.EllipticCurvePublicKey):
            return self.public.key_size < _MIN_CURVE_BITS
        if isinstance(self.public, ed25519.Ed25519PublicKey):
            return _height(self.public) % 2**255 % _P25519 in _SMALL_25519
        if isinstance(self.public, ed448.Ed448PublicKey):
            return _height(self.public) % 2**448 % _P448 in _SMALL_448
        return isinstance(self.public, dsa.DSAPublicKey)

    def allows(self, scheme: Scheme) -> bool:
        """Return whether a signature of this kind can be the key's at all."""
        if self.is_pss_only and scheme.family is not Family.PSS:
            return False
        bound = self.restriction
        if bound is not None and (bound.hash, bound.mask_hash) != (scheme.hash, scheme.mask_hash):
            return False
        return bound is None or scheme.salt_bytes >= bound.salt_bytes

    def has_signed(self, message: bytes, value: bytes, scheme: Scheme) -> bool:
        """Return whether the value is this key's signature over the bytes."""
        if not self.allows(scheme):
            return False
        try:
            _verify(self.public, scheme, value, message)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            return False
        return True


@remembering(entries=_KEYS_KEPT, longest=_LONGEST_KEPT)
def verification_key(spki: bytes) -> VerificationKey:
    """Return the key of a SubjectPublicKeyInfo in DER.

    Raises:
        Refused: It is none that can be used.
    """
    if len(spki) > _MAX_KEY_BYTES:
        raise Refused(reasons.KEY_UNUSABLE, "CRYPTO_CONSTRAINTS_FAILURE")
    try:
        algorithm = algorithm_in(Fields(der.whole(spki, der.SEQUENCE)).take(der.SEQUENCE))
        public = load_der_public_key(spki)
        is_pss = algorithm.kind == RSA_PSS_KEY
        restriction = pss_restriction(algorithm.parameters) if is_pss else None
    except (ValueError, UnsupportedAlgorithm) as broken:
        raise Refused(reasons.KEY_UNUSABLE, "CRYPTO_CONSTRAINTS_FAILURE") from broken
    if not isinstance(public, PublicKey) or not _is_bearable(public):
        raise Refused(reasons.KEY_UNUSABLE, "CRYPTO_CONSTRAINTS_FAILURE")
    return VerificationKey(public, is_pss, restriction)


def is_weak(key: VerificationKey, scheme: Scheme, digest: str) -> bool:
    """Return whether the key, the signature or the digest of the content is beneath the policy."""
    return key.is_weak or scheme.is_weak or digest in WEAK_DIGESTS


def _is_bearable(key: PublicKey) -> bool:
    if not isinstance(key, rsa.RSAPublicKey):
        return True
    return key.key_size <= _MAX_RSA_BITS and key.public_numbers().e <= _MAX_RSA_EXPONENT


def _height(key: ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) -> int:
    return int.from_bytes(key.public_bytes_raw(), "little")


def _verify(key: PublicKey, scheme: Scheme, value: bytes, message: bytes) -> None:
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        if scheme.family is not Family.EDDSA:
            raise InvalidSignature
        key.verify(value, message)
        return
    algorithm = _HASHES.get(scheme.hash)
    if algorithm is None:
        raise InvalidSignature
    match key, scheme.family:
        case rsa.RSAPublicKey(), Family.PKCS1:
            key.verify(value, message, padding.PKCS1v15(), algorithm)
        case rsa.RSAPublicKey(), Family.PSS:
            mask = padding.MGF1(_HASHES[scheme.mask_hash])
            key.verify(value, message, padding.PSS(mask, scheme.salt_bytes), algorithm)
        case ec.EllipticCurvePublicKey(), Family.ECDSA:
            key.verify(value, message, ec.ECDSA(algorithm))
        case dsa.DSAPublicKey(), Family.DSA:
            key.verify(value, message, algorithm)
        case _:
            raise InvalidSignature
