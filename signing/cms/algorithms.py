"""Which algorithms a CMS signature may use, and which of them are too weak to rely on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from signing.cms import der, reasons
from signing.cms.der import Element, Fields, Malformed, oid
from signing.reasons import Refused


class Family(StrEnum):
    """How a signature value is made."""

    PKCS1 = "RSA PKCS#1 v1.5"
    PSS = "RSA-PSS"
    ECDSA = "ECDSA"
    EDDSA = "EdDSA"
    DSA = "DSA"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An AlgorithmIdentifier: the value of its OID, and its parameters in DER (empty: none)."""

    kind: bytes
    parameters: bytes = b""

    @property
    def bare(self) -> Algorithm:
        """Return the same without parameters that say nothing."""
        return Algorithm(self.kind) if self.parameters == _NULL else self


@dataclass(frozen=True, slots=True)
class Scheme:
    """A signature algorithm with all it needs; hashes are named as in hashlib."""

    family: Family
    hash: str = ""
    mask_hash: str = ""
    salt_bytes: int = 0
    is_sloppy: bool = False
    """Whether the identifier names a key type where it should name a signature algorithm."""

    @property
    def is_weak(self) -> bool:
        """Return whether a hash in it is too weak to rely on."""
        return self.hash in WEAK_DIGESTS or self.mask_hash == "md5"


_NULL = b"\x05\x00"

_DIGESTS = {
    oid("1.2.840.113549.2.5"): "md5",
    oid("1.3.14.3.2.26"): "sha1",
    oid("2.16.840.1.101.3.4.2.4"): "sha224",
    oid("2.16.840.1.101.3.4.2.1"): "sha256",
    oid("2.16.840.1.101.3.4.2.2"): "sha384",
    oid("2.16.840.1.101.3.4.2.3"): "sha512",
    oid("2.16.840.1.101.3.4.2.8"): "sha3_256",
    oid("2.16.840.1.101.3.4.2.9"): "sha3_384",
    oid("2.16.840.1.101.3.4.2.10"): "sha3_512",
    oid("2.16.840.1.101.3.4.2.12"): "shake_256",
}
WEAK_DIGESTS = frozenset({"md5", "sha1"})

_PSS = oid("1.2.840.113549.1.1.10")
_MGF1 = oid("1.2.840.113549.1.1.8")
RSA_PSS_KEY = _PSS
_SIGNATURES = {
    oid("1.2.840.113549.1.1.1"): (Family.PKCS1, ""),
    oid("1.2.840.113549.1.1.4"): (Family.PKCS1, "md5"),
    oid("1.2.840.113549.1.1.5"): (Family.PKCS1, "sha1"),
    oid("1.2.840.113549.1.1.14"): (Family.PKCS1, "sha224"),
    oid("1.2.840.113549.1.1.11"): (Family.PKCS1, "sha256"),
    oid("1.2.840.113549.1.1.12"): (Family.PKCS1, "sha384"),
    oid("1.2.840.113549.1.1.13"): (Family.PKCS1, "sha512"),
    oid("2.16.840.1.101.3.4.3.14"): (Family.PKCS1, "sha3_256"),
    oid("2.16.840.1.101.3.4.3.15"): (Family.PKCS1, "sha3_384"),
    oid("2.16.840.1.101.3.4.3.16"): (Family.PKCS1, "sha3_512"),
    oid("1.2.840.10045.2.1"): (Family.ECDSA, ""),
    oid("1.2.840.10045.4.1"): (Family.ECDSA, "sha1"),
    oid("1.2.840.10045.4.3.1"): (Family.ECDSA, "sha224"),
    oid("1.2.840.10045.4.3.2"): (Family.ECDSA, "sha256"),
    oid("1.2.840.10045.4.3.3"): (Family.ECDSA, "sha384"),
    oid("1.2.840.10045.4.3.4"): (Family.ECDSA, "sha512"),
    oid("2.16.840.1.101.3.4.3.10"): (Family.ECDSA, "sha3_256"),
    oid("2.16.840.1.101.3.4.3.11"): (Family.ECDSA, "sha3_384"),
    oid("2.16.840.1.101.3.4.3.12"): (Family.ECDSA, "sha3_512"),
    oid("1.3.101.112"): (Family.EDDSA, ""),
    oid("1.3.101.113"): (Family.EDDSA, ""),
    oid("1.2.840.10040.4.1"): (Family.DSA, ""),
    oid("1.2.840.10040.4.3"): (Family.DSA, "sha1"),
    oid("2.16.840.1.101.3.4.3.1"): (Family.DSA, "sha224"),
    oid("2.16.840.1.101.3.4.3.2"): (Family.DSA, "sha256"),
}
_KEY_TYPES = {oid("1.2.840.10045.2.1"), oid("1.2.840.10040.4.1")}
# RFC 8419: the one digest that goes with signed attributes.
_EDDSA_DIGESTS = {oid("1.3.101.112"): "sha512", oid("1.3.101.113"): "shake_256"}
_MAX_SALT_BYTES = 512


def algorithm_in(identifier: Element) -> Algorithm:
    """Return what an AlgorithmIdentifier says, whatever its tag.

    Raises:
        Malformed: It is none.
    """
    kind, *parameters = identifier.members()
    if kind.tag != der.OBJECT_IDENTIFIER or len(parameters) > 1:
        raise Malformed("no algorithm identifier")
    return Algorithm(kind.content, parameters[0].encoded if parameters else b"")


def digest_name(algorithm: Algorithm) -> str:
    """Return the name of a hash algorithm, as in hashlib.

    Raises:
        Refused: It is not known here, or has parameters it cannot have.
    """
    name = _DIGESTS.get(algorithm.kind)
    if name is None or algorithm.parameters not in (b"", _NULL):
        raise Refused(reasons.ALGORITHM_UNKNOWN, "CRYPTO_CONSTRAINTS_FAILURE")
    return name


def scheme_of(algorithm: Algorithm, digest: str) -> Scheme:
    """Return how a signature is verified whose content was hashed with `digest`.

    Raises:
        Refused: The algorithm is not known here, or names another digest.
        Malformed: Its parameters are not what it demands.
    """
    if algorithm.kind == _PSS:
        return _demand_same(_pss(algorithm.parameters), digest)
    known = _SIGNATURES.get(algorithm.kind)
    if known is None:
        raise Refused(reasons.ALGORITHM_UNKNOWN, "CRYPTO_CONSTRAINTS_FAILURE")
    if algorithm.parameters not in (b"", _NULL):
        raise Malformed("parameters where none belong")
    family, own_hash = known
    if family is Family.EDDSA:
        return Scheme(family, is_sloppy=digest != _EDDSA_DIGESTS[algorithm.kind])
    is_sloppy = algorithm.kind in _KEY_TYPES
    return _demand_same(Scheme(family, own_hash or digest, is_sloppy=is_sloppy), digest)


def own_scheme(algorithm: Algorithm) -> Scheme:
    """Return how a signature is verified whose algorithm names its hash itself, as authorities' do.

    Raises:
        Refused: The algorithm is not known here, or names no hash.
        Malformed: Its parameters are not what it demands.
    """
    if algorithm.kind == _PSS:
        return _pss(algorithm.parameters)
    family, own_hash = _SIGNATURES.get(algorithm.kind, (None, ""))
    if family is Family.EDDSA:
        own_hash = _EDDSA_DIGESTS[algorithm.kind]
    return scheme_of(algorithm, own_hash)


def _demand_same(scheme: Scheme, digest: str) -> Scheme:
    if scheme.hash != digest:
        raise Refused(reasons.ALGORITHMS_DIFFER)
    return scheme


def _pss(parameters: bytes) -> Scheme:
    """Return what RSASSA-PSS-params (RFC 4055) say."""
    fields = Fields(der.whole(parameters, der.SEQUENCE))
    own_hash = mask_hash = "sha1"
    salt_bytes = 20
    if member := fields.maybe(0xA0):
        own_hash = digest_name(algorithm_in(member.only(der.SEQUENCE)))
    if member := fields.maybe(0xA1):
        mask = algorithm_in(member.only(der.SEQUENCE))
        if mask.kind != _MGF1:
            raise Refused(reasons.ALGORITHM_UNKNOWN, "CRYPTO_CONSTRAINTS_FAILURE")
        mask_hash = digest_name(algorithm_in(der.whole(mask.parameters, der.SEQUENCE)))
    if member := fields.maybe(0xA2):
        salt_bytes = der.number(member.only(der.INTEGER))
    if (member := fields.maybe(0xA3)) and der.number(member.only(der.INTEGER)) != 1:
        raise Malformed("a trailer that no one knows")
    fields.finish()
    if "shake_256" in {own_hash, mask_hash}:  # goes another way, which is not known here (RFC 8702)
        raise Refused(reasons.ALGORITHM_UNKNOWN, "CRYPTO_CONSTRAINTS_FAILURE")
    if not 0 <= salt_bytes <= _MAX_SALT_BYTES:
        raise Malformed("a salt that fits no signature")
    return Scheme(Family.PSS, own_hash, mask_hash, salt_bytes)


def pss_restriction(parameters: bytes) -> Scheme | None:
    """Return what the parameters of an RSA-PSS key restrict its signatures to, if anything.

    Raises:
        Refused: They name an algorithm that is not known here.
        Malformed: They are no such parameters.
    """
    return _pss(parameters) if parameters else None
