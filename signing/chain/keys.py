"""Whether a public key made a signature."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import HashAlgorithm

_MAX_RSA_BITS = 8_192
_MAX_EXPONENT_BITS = 32
"""Larger keys are only meant to keep us busy."""
_MIN_RSA_BITS = 2048
_MIN_CURVE_BITS = 224


def holds(
    signature: bytes,
    signed: bytes,
    *,
    key: CertificatePublicKeyTypes,
    hash_algorithm: HashAlgorithm | None,
    padding: PSS | None = None,
) -> bool:
    """Return whether the key made the signature over these bytes.

    Args:
        signature: The signature value.
        signed: What was signed.
        key: The public key; its kind decides the kind of signature, never the other way round.
        hash_algorithm: The hash algorithm named beside the signature; None for the Edwards curves.
        padding: The parameters of a PSS signature; without them RSA means PKCS #1 v1.5.
    """
    try:
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, signed)
        elif hash_algorithm is None:
            return False
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(hash_algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and _is_bearable(key):
            key.verify(signature, signed, padding or PKCS1v15(), hash_algorithm)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _is_bearable(key: rsa.RSAPublicKey) -> bool:
    return key.key_size <= _MAX_RSA_BITS and key.public_numbers().e.bit_length() <= _MAX_EXPONENT_BITS


def is_weak(key: CertificatePublicKeyTypes) -> bool:
    """Return whether a key is too short to be relied on."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size < _MIN_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _MIN_CURVE_BITS
