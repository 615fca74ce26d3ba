"""CMS signatures with algorithms, keys and values that no one may rely on (B43).

Each under the one thing that has to be found in it: a code, weak, or forged.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing.cms.der import BIT_STRING, OBJECT_IDENTIFIER, SEQUENCE, SET, whole, wrapped
from tests.support.cms_holders import Holder, holder
from tests.support.cms_hostile import Make, instead
from tests.support.cms_making import (
    ALGORITHM_PROTECTION,
    ESS_V2,
    algorithm,
    attribute,
    detached,
    digest_algorithm,
    digest_of,
    draft,
    integer,
    null,
    object_id,
    octets,
    pss_algorithm,
    sequence,
    signature_algorithm,
    signed,
)

_RSA = "1.2.840.113549.1.1.1"
_PSS = "1.2.840.113549.1.1.10"
_EC = "1.2.840.10045.2.1"
_P256 = "1.2.840.10045.3.1.7"
_ED25519 = "1.3.101.112"
_ED448 = "1.3.101.113"
_UNKNOWN = "1.2.3.4.5"
_WITH_PARAMETERS = algorithm("2.16.840.1.101.3.4.2.1", sequence(integer(1)))
_ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ORDER_25519 = 2**252 + 27742317777372353535851937790883648493


def with_key(spki: bytes) -> Holder:
    """The holder of the RSA key, with another key in the certificate; no authority has signed that."""
    true = holder()
    body, *rest = whole(true.certificate, SEQUENCE).members()
    before = _spki(true)
    members = [spki if member.encoded == before else member.encoded for member in body.members()]
    return Holder(true.key, sequence(sequence(*members), *(member.encoded for member in rest)))


def _spki(of: Holder) -> bytes:
    return of.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_of(identifier: bytes, key: bytes) -> bytes:
    return sequence(identifier, wrapped(BIT_STRING, b"\0" + key))


def rsa_key(modulus: bytes, exponent: bytes, *, identifier: bytes | None = None) -> bytes:
    return key_of(identifier or algorithm(_RSA, null()), sequence(modulus, exponent))


def _modulus() -> int:
    key = holder().key
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.public_key().public_numbers().n


def _by(spki: bytes, **changes: Any) -> bytes:
    return signed(who=with_key(spki), named=holder().named, **changes)


def cube_root_forgery(*, is_padded: bool) -> bytes:
    """A value for a key with exponent 3, without the key: its cube begins as PKCS#1 demands (2006)."""
    forged = draft("rsa-e3")
    digest = digest_of("sha256", forged.signed_set)
    wanted = sequence(algorithm("2.16.840.1.101.3.4.2.1", null()), octets(digest))
    filling = b"\xff" * 8 if is_padded else b""
    head = b"\0\1" + filling + b"\0" + wanted
    target = int.from_bytes(head + b"\0" * (256 - len(head)), "big")
    root = _cube_root(target) + 1
    assert (root**3).to_bytes(256, "big").startswith(head)
    return detached(draft("rsa-e3", value=root.to_bytes(256, "big")))


def _cube_root(number: int) -> int:
    low, high = 0, 1 << (number.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle - 1)
    return low


def _pair(r: bytes, s: bytes) -> bytes:
    return signed("p256", value=sequence(r, s))


def _true_pair() -> tuple[int, int]:
    return decode_dss_signature(draft("p256").signature_over(draft("p256").signed_set))


def _ed25519(change: int) -> bytes:
    value = draft("ed25519").signature_over(draft("ed25519").signed_set)
    scalar = int.from_bytes(value[32:], "little") + change
    return signed("ed25519", value=value[:32] + scalar.to_bytes(32, "little"))


def _protected(digest: bytes, signature: bytes) -> bytes:
    inside = whole(signature, SEQUENCE).content
    return signed(added=(attribute(ALGORITHM_PROTECTION, sequence(digest, wrapped(0xA1, inside))),))


def _small_order(point: str) -> bytes:
    """A value that fits every document: R is the neutral point, and so is a multiple of the key."""
    return _by(
        key_of(algorithm(_ED25519), bytes.fromhex(point)),
        hash="sha512",
        signature_algorithm=algorithm(_ED25519),
        value=b"\x01" + bytes(63),
    )


def _small_order_448() -> bytes:
    """The same for Ed448 without any key: R is one of the few multiples of a point of order four."""
    point = bytes(57)
    key = ed448.Ed448PublicKey.from_public_bytes(point)
    spki = key_of(algorithm(_ED448), point)
    forged = draft(
        who=with_key(spki),
        named=holder().named,
        hash="shake_256",
        signature_algorithm=algorithm(_ED448),
        value=b"",
    )
    for height in (0, 1, 2**448 - 2**224 - 2):
        for sign in (b"\0", b"\x80"):
            value = height.to_bytes(56, "little") + sign + bytes(57)
            with suppress(InvalidSignature):
                key.verify(value, forged.signed_set)
                return detached(replace(forged, value=value))
    raise AssertionError("no multiple fits")


def _masked(mask: str) -> bytes:
    key, over = holder().key, draft().signed_set
    assert isinstance(key, rsa.RSAPrivateKey)
    scheme = padding.PSS(padding.MGF1(getattr(hashes, mask.upper())()), 32)
    return signed(
        signature_algorithm=pss_algorithm("sha256", mask=mask), value=key.sign(over, scheme, hashes.SHA256())
    )


def _pss(**parameters: object) -> bytes:
    """A true RSA-PSS signature that names other parameters."""
    return signed(is_pss=True, signature_algorithm=pss_algorithm("sha256", **parameters))  # type: ignore[arg-type]


def _certificate_digest(kind: str) -> bytes:
    """A signing-certificate attribute with a digest of its own kind."""
    return attribute(ESS_V2, sequence(sequence(sequence(algorithm(kind), octets(bytes(32))))))


ALGORITHMS: dict[str, dict[str, Make]] = {
    "weak": {
        "MD5": lambda: signed(hash="md5"),
        "SHA-1": lambda: signed(hash="sha1"),
        "SHA-1 with P-256": lambda: signed("p256", hash="sha1"),
        "SHA-1 with RSA-PSS": lambda: signed(
            hash="sha1", is_pss=True, signature_algorithm=pss_algorithm("sha1", salt=20)
        ),
        "RSA of 1024 bits": lambda: signed("rsa-1024"),
        "RSA with exponent 3": lambda: signed("rsa-e3"),
        "P-192": lambda: signed("p192"),
        "DSA": lambda: signed("dsa"),
        "mask of PSS under MD5": lambda: _masked("md5"),
        "key of small order": lambda: _small_order("01" + "00" * 31),
        "key of small order for Ed448": _small_order_448,
        "key of small order, written otherwise": lambda: _small_order("ee" + "ff" * 30 + "7f"),
    },
    "algorithms-differ": {
        "SHA-256 for the document, SHA-512 for the value": lambda: signed(
            signature_algorithm=signature_algorithm("rsa", "sha512")
        ),
        "SHA-512 for the document, SHA-256 for the value": lambda: signed(
            hash="sha512", signature_algorithm=signature_algorithm("rsa", "sha256")
        ),
        "SHA-1 for the document": lambda: signed(digest_algorithm=digest_algorithm("sha1")),
        "SHA-256 with ECDSA of SHA-384": lambda: signed(
            "p384", signature_algorithm=signature_algorithm("ec", "sha384")
        ),
        "SHA-256 with PSS of SHA-512": lambda: signed(
            is_pss=True, signature_algorithm=pss_algorithm("sha512")
        ),
        "another digest protected": lambda: _protected(
            digest_algorithm("sha512"), signature_algorithm("rsa", "sha256")
        ),
        "another signature protected": lambda: _protected(
            digest_algorithm("sha256"), signature_algorithm("ec", "sha256")
        ),
        "another parameter protected": lambda: _protected(
            digest_algorithm("sha256"), pss_algorithm("sha256")
        ),
    },
    "algorithm-unknown": {
        "signature": lambda: signed(signature_algorithm=algorithm(_UNKNOWN)),
        "digest": lambda: signed(digest_algorithm=algorithm(_UNKNOWN)),
        "digest with parameters": lambda: detached(
            draft(digest_algorithm=_WITH_PARAMETERS), digests=[digest_algorithm("sha256")]
        ),
        "mask of PSS": lambda: _pss(mask_kind=_UNKNOWN),
        "mask of PSS under SHAKE256": lambda: _pss(mask="shake_256"),
        "digest of the certificate": lambda: instead(ESS_V2, _certificate_digest(_UNKNOWN)),
        "MAC": lambda: signed(signature_algorithm=algorithm("1.2.840.113549.2.9")),
    },
    "cms-malformed": {
        "digest listed with parameters": lambda: detached(draft(), digests=[_WITH_PARAMETERS]),
        "digest listed by a long name": lambda: detached(
            draft(), digests=[sequence(wrapped(OBJECT_IDENTIFIER, bytes(33)))]
        ),
        "digest listed as a set": lambda: detached(
            draft(), digests=[wrapped(SET, whole(digest_algorithm("sha256"), SEQUENCE).content)]
        ),
        "PSS without parameters": lambda: signed(is_pss=True, signature_algorithm=algorithm(_PSS)),
        "PSS with another trailer": lambda: _pss(trailer=2),
        "PSS with a negative salt": lambda: _pss(salt=-1),
        "PSS with a salt beyond all keys": lambda: _pss(salt=2**31),
        "RSA with parameters": lambda: signed(
            signature_algorithm=algorithm("1.2.840.113549.1.1.11", sequence(integer(1)))
        ),
        "ECDSA with a curve of its own": lambda: signed(
            "p256", signature_algorithm=algorithm("1.2.840.10045.4.3.2", object_id(_P256))
        ),
        "protection that protects a MAC": lambda: signed(
            added=(attribute(ALGORITHM_PROTECTION, sequence(digest_algorithm("sha256"), wrapped(0xA2, b""))),)
        ),
    },
    "key-unusable": {
        "negative modulus": lambda: _by(rsa_key(integer(-_modulus()), integer(65537))),
        "modulus of nothing": lambda: _by(rsa_key(integer(0), integer(65537))),
        "even exponent": lambda: _by(rsa_key(integer(_modulus()), integer(65536))),
        "exponent 1": lambda: _by(rsa_key(integer(_modulus()), integer(1))),
        "negative exponent": lambda: _by(rsa_key(integer(_modulus()), integer(-65537))),
        "modulus of 80,000 bits": lambda: _by(rsa_key(integer(2**80_000 + 1), integer(65537))),
        "point beside its curve": lambda: _by(
            key_of(algorithm(_EC, object_id(_P256)), b"\x04" + b"\x01" * 64)
        ),
        "point at infinity": lambda: _by(key_of(algorithm(_EC, object_id(_P256)), b"\0")),
        "curve of its own making": lambda: _by(
            key_of(algorithm(_EC, sequence(integer(1), sequence())), b"\x04" + bytes(64))
        ),
        "unknown kind": lambda: _by(key_of(algorithm(_UNKNOWN), bytes(32))),
        "key that cannot sign": lambda: _by(key_of(algorithm("1.3.101.110"), b"\x09" + bytes(31))),
        "no key": lambda: _by(sequence()),
    },
    "forged": {
        "cube root, no padding": lambda: cube_root_forgery(is_padded=False),
        "cube root, eight bytes of padding": lambda: cube_root_forgery(is_padded=True),
        "PKCS#1 called PSS": lambda: signed(signature_algorithm=pss_algorithm("sha256")),
        "PSS called PKCS#1": lambda: signed(
            is_pss=True, signature_algorithm=signature_algorithm("rsa", "sha256")
        ),
        "PSS with another salt": lambda: _pss(salt=20),
        "PSS with another mask": lambda: _pss(mask="sha512"),
        "PSS without salt": lambda: _pss(salt=0),
        "RSA called ECDSA": lambda: signed(signature_algorithm=signature_algorithm("ec", "sha256")),
        "ECDSA called RSA": lambda: signed("p256", signature_algorithm=signature_algorithm("rsa", "sha256")),
        "RSA called Ed25519": lambda: signed(signature_algorithm=algorithm(_ED25519)),
        "Ed25519 called RSA": lambda: signed(
            "ed25519", signature_algorithm=signature_algorithm("rsa", "sha512")
        ),
        "key for PSS alone": lambda: _by(
            rsa_key(integer(_modulus()), integer(65537), identifier=algorithm(_PSS))
        ),
        "key for PSS with SHA-512 alone": lambda: _by(
            rsa_key(integer(_modulus()), integer(65537), identifier=pss_algorithm("sha512")), is_pss=True
        ),
        "key for PSS with a longer salt": lambda: _by(
            rsa_key(integer(_modulus()), integer(65537), identifier=pss_algorithm("sha256", salt=64)),
            is_pss=True,
        ),
        "ECDSA of zeros": lambda: _pair(integer(0), integer(0)),
        "ECDSA with r of zero": lambda: _pair(integer(0), integer(_true_pair()[1])),
        "ECDSA with s of zero": lambda: _pair(integer(_true_pair()[0]), integer(0)),
        "ECDSA with s of the order": lambda: _pair(integer(1), integer(_ORDER_P256)),
        "ECDSA with r beyond the order": lambda: _pair(integer(_ORDER_P256 + 1), integer(1)),
        "ECDSA of minus one": lambda: _pair(integer(-1), integer(-1)),
        "ECDSA without its structure": lambda: signed(
            "p256", value=b"".join(number.to_bytes(32, "big") for number in _true_pair())
        ),
        "Ed25519 with a scalar beyond the order": lambda: _ed25519(_ORDER_25519),
        "Ed25519 of zeros": lambda: signed("ed25519", value=bytes(64)),
        "Ed25519 cut off": lambda: signed("ed25519", value=bytes(63)),
        "Ed448 of zeros": lambda: signed("ed448", value=bytes(114)),
        "another modulus": lambda: _by(rsa_key(integer(_modulus() + 2), integer(65537))),
    },
}
