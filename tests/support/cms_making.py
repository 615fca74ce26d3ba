"""CMS signatures and time-stamp tokens made by hand, so that every part can be another than it should be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from signing.cms.der import INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, oid, wrapped
from tests.support.cms_holders import Holder, Key, holder, time_stamper

CONTENT = "Quyết định số 12/QĐ-UBND".encode()

ID_DATA = "1.2.840.113549.1.7.1"
ID_SIGNED_DATA = "1.2.840.113549.1.7.2"
ID_TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
COUNTER_SIGNATURE = "1.2.840.113549.1.9.6"
ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
ESS_V1 = "1.2.840.113549.1.9.16.2.12"
ESS_V2 = "1.2.840.113549.1.9.16.2.47"
ADOBE_REVOCATION = "1.2.840.113583.1.1.8"
SIGNATURE_TIME_STAMP = "1.2.840.113549.1.9.16.2.14"

_DIGESTS = {
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha224": "2.16.840.1.101.3.4.2.4",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
    "sha3_256": "2.16.840.1.101.3.4.2.8",
    "shake_256": "2.16.840.1.101.3.4.2.12",
}
_SIGNATURES = {
    ("rsa", "md5"): "1.2.840.113549.1.1.4",
    ("rsa", "sha1"): "1.2.840.113549.1.1.5",
    ("rsa", "sha224"): "1.2.840.113549.1.1.14",
    ("rsa", "sha256"): "1.2.840.113549.1.1.11",
    ("rsa", "sha384"): "1.2.840.113549.1.1.12",
    ("rsa", "sha512"): "1.2.840.113549.1.1.13",
    ("rsa", "sha3_256"): "2.16.840.1.101.3.4.3.14",
    ("ec", "sha1"): "1.2.840.10045.4.1",
    ("ec", "sha224"): "1.2.840.10045.4.3.1",
    ("ec", "sha256"): "1.2.840.10045.4.3.2",
    ("ec", "sha384"): "1.2.840.10045.4.3.3",
    ("ec", "sha512"): "1.2.840.10045.4.3.4",
    ("dsa", "sha256"): "2.16.840.1.101.3.4.3.2",
}


@dataclass(frozen=True)
class Draft:
    """One SignerInfo about to be made. What is None is made as it should be."""

    who: Holder
    content: bytes = CONTENT
    hash: str = "sha256"
    is_pss: bool = False
    content_type: str = ID_DATA
    attributes: tuple[bytes, ...] | None = None
    """All of them, instead of the usual."""
    added: tuple[bytes, ...] = ()
    left_out: frozenset[str] = frozenset()
    is_sorted: bool = True
    has_attributes: bool = True
    unsigned: Callable[[bytes], Sequence[bytes]] = field(default=lambda value: ())
    """Unsigned attributes, made when the signature value is known."""
    named: bytes | None = None
    digest_algorithm: bytes | None = None
    signature_algorithm: bytes | None = None
    value: bytes | None = None
    signed_over: bytes | None = None
    version: int = 1

    @property
    def usual(self) -> dict[str, bytes]:
        """The attributes of a CAdES signature, each in DER."""
        digest = digest_of(self.hash, self.content)
        return {
            CONTENT_TYPE: attribute(CONTENT_TYPE, object_id(self.content_type)),
            SIGNING_TIME: attribute(SIGNING_TIME, utc_time("261121080000Z")),
            MESSAGE_DIGEST: attribute(MESSAGE_DIGEST, octets(digest)),
            ESS_V2: ess_v2(self.who.certificate),
        }

    @property
    def signed_set(self) -> bytes:
        """The signed attributes as they are signed."""
        return wrapped(SET, b"".join(self.signed_attributes))

    @property
    def signed_attributes(self) -> list[bytes]:
        usual = [each for kind, each in self.usual.items() if kind not in self.left_out]
        members = [*(usual if self.attributes is None else self.attributes), *self.added]
        return sorted(members) if self.is_sorted else members

    def made(self) -> bytes:
        """The SignerInfo."""
        members = b"".join(self.signed_attributes)
        over = wrapped(SET, members) if self.has_attributes else self.content
        value = self.value if self.value is not None else self.signature_over(self.signed_over or over)
        unsigned = b"".join(self.unsigned(value))
        return sequence(
            integer(self.version),
            self.who.named if self.named is None else self.named,
            self.digest_algorithm or digest_algorithm(self.hash),
            wrapped(0xA0, members) if self.has_attributes else b"",
            self.signature_algorithm or self._algorithm(),
            octets(value),
            wrapped(0xA1, unsigned) if unsigned else b"",
        )

    def signature_over(self, over: bytes) -> bytes:
        return signature(self.who.key, over, hash=self.hash, is_pss=self.is_pss)

    def _algorithm(self) -> bytes:
        if self.is_pss:
            return pss_algorithm(self.hash)
        if isinstance(self.who.key, rsa.RSAPrivateKey):
            return algorithm(_SIGNATURES["rsa", self.hash], null())
        if isinstance(self.who.key, ec.EllipticCurvePrivateKey):
            return algorithm(_SIGNATURES["ec", self.hash])
        if isinstance(self.who.key, dsa.DSAPrivateKey):
            return algorithm(_SIGNATURES["dsa", self.hash])
        return algorithm(
            "1.3.101.112" if isinstance(self.who.key, ed25519.Ed25519PrivateKey) else "1.3.101.113"
        )


def detached(*drafts: Draft, **parts: object) -> bytes:
    """A signature beside its document."""
    return _collected(drafts, None, **parts)


def enveloping(*drafts: Draft, **parts: object) -> bytes:
    """A signature around its document, which is that of the first draft."""
    return _collected(drafts, drafts[0].content, **parts)


def signed(kind: str = "rsa", **changes: object) -> bytes:
    """A detached signature of one signer that is like any other but for some changes."""
    return detached(draft(kind, **changes))


def draft(kind: str = "rsa", **changes: object) -> Draft:
    """The usual signature of the holder of a kind of key, with changes."""
    usual = {"ed25519": "sha512", "ed448": "shake_256"}.get(kind, "sha256")
    return replace(Draft(holder(kind), hash=usual), **changes)  # type: ignore[arg-type]


def signed_data(
    infos: Iterable[bytes],
    *,
    certificates: Sequence[bytes],
    content: bytes | None = None,
    content_type: str = ID_DATA,
    digests: Sequence[bytes] = (),
    lists: bytes = b"",
    version: int = 1,
) -> bytes:
    """A ContentInfo with SignedData; `content` stands in it as given, in DER."""
    inside = b"" if content is None else wrapped(0xA0, content)
    body = sequence(
        integer(version),
        wrapped(SET, b"".join(digests)),
        sequence(object_id(content_type), inside),
        wrapped(0xA0, b"".join(certificates)) if certificates else b"",
        wrapped(0xA1, lists) if lists else b"",
        wrapped(SET, b"".join(infos)),
    )
    return sequence(object_id(ID_SIGNED_DATA), wrapped(0xA0, body))


def _collected(drafts: Sequence[Draft], content: bytes | None, /, **parts: object) -> bytes:
    usual: dict[str, object] = {
        "certificates": [each for one in drafts for each in (one.who.certificate, *one.who.chain)],
        "content": None if content is None else octets(content),
        "content_type": drafts[0].content_type,
        "digests": sorted({one.digest_algorithm or digest_algorithm(one.hash) for one in drafts}),
    }
    return signed_data([one.made() for one in drafts], **{**usual, **parts})  # type: ignore[arg-type]


def stamp_statement(stamped: bytes, **changes: object) -> bytes:
    """A TSTInfo over these bytes, with changes to its members by name; None leaves one out."""
    hash_name = str(changes.pop("hash", "sha256"))
    members: dict[str, object] = {
        "version": integer(1),
        "policy": object_id("1.3.6.1.4.1.4146.2.2"),
        "imprint": sequence(digest_algorithm(hash_name), octets(digest_of(hash_name, stamped))),
        "serial": integer(4711),
        "generated_at": wrapped(0x18, b"20261121083000Z"),
        "accuracy": sequence(integer(1)),
        "ordering": None,
        "nonce": integer(2**63),
    }
    return sequence(*(bytes(each) for each in (members | changes).values() if each is not None))  # type: ignore[call-overload]


def stamp_draft(statement: bytes, **changes: object) -> Draft:
    """The time-stamper's signature around a TSTInfo."""
    usual = Draft(time_stamper(), content=statement, content_type=ID_TST_INFO)
    return replace(usual, **changes)  # type: ignore[arg-type]


def token(stamped: bytes, **changes: object) -> bytes:
    """A time-stamp token over these bytes; the changes are those of `stamp_statement`."""
    return enveloping(stamp_draft(stamp_statement(stamped, **changes)), version=3)


def time_stamped(kind: str = "rsa", **changes: object) -> bytes:
    """A signature with a signature time-stamp (CAdES-B-T)."""
    return signed(kind, unsigned=lambda value: [attribute(SIGNATURE_TIME_STAMP, token(value))], **changes)


def signature(key: Key, over: bytes, *, hash: str, is_pss: bool = False) -> bytes:  # noqa: A002
    if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return key.sign(over)
    kind: hashes.HashAlgorithm = getattr(hashes, hash.upper())()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(over, ec.ECDSA(kind))
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(over, kind)
    scheme = padding.PSS(padding.MGF1(kind), kind.digest_size) if is_pss else padding.PKCS1v15()
    return key.sign(over, scheme, kind)


def digest_of(name: str, content: bytes) -> bytes:
    running = hashlib.new(name, content, usedforsecurity=False)
    return running.digest(64) if name == "shake_256" else running.digest()  # type: ignore[call-arg]


def digest(content: bytes = CONTENT) -> Callable[[str], bytes]:
    """The digest of a document, as the reader asks for it."""
    return lambda name: digest_of(name, content)


def attribute(kind: str, *values: bytes) -> bytes:
    return sequence(object_id(kind), wrapped(SET, b"".join(values)))


def ess_v2(certificate: bytes, *, hash: str = "", named: bytes = b"", said: bytes | None = None) -> bytes:  # noqa: A002
    value = digest_of(hash or "sha256", certificate) if said is None else said
    identifier = digest_algorithm(hash) if hash else b""
    return attribute(ESS_V2, sequence(sequence(sequence(identifier, octets(value), named))))


def ess_v1(certificate: bytes, *, named: bytes = b"") -> bytes:
    return attribute(ESS_V1, sequence(sequence(sequence(octets(digest_of("sha1", certificate)), named))))


def algorithm(kind: str, parameters: bytes = b"") -> bytes:
    return sequence(object_id(kind), parameters)


def digest_algorithm(name: str) -> bytes:
    return algorithm(_DIGESTS[name])


def signature_algorithm(key: str, hash: str) -> bytes:  # noqa: A002
    return algorithm(_SIGNATURES[key, hash])


def pss_algorithm(
    hash: str,  # noqa: A002
    *,
    mask: str | None = None,
    salt: int = 32,
    trailer: int | None = None,
    mask_kind: str = "1.2.840.113549.1.1.8",
) -> bytes:
    parameters = sequence(
        wrapped(0xA0, digest_algorithm(hash)),
        wrapped(0xA1, algorithm(mask_kind, digest_algorithm(mask or hash))),
        wrapped(0xA2, integer(salt)),
        b"" if trailer is None else wrapped(0xA3, integer(trailer)),
    )
    return algorithm("1.2.840.113549.1.1.10", parameters)


def sequence(*members: bytes) -> bytes:
    return wrapped(SEQUENCE, b"".join(members))


def octets(content: bytes) -> bytes:
    return wrapped(OCTET_STRING, content)


def object_id(dotted: str) -> bytes:
    return wrapped(OBJECT_IDENTIFIER, oid(dotted))


def integer(value: int) -> bytes:
    return wrapped(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def null() -> bytes:
    return wrapped(NULL, b"")


def utc_time(text: str) -> bytes:
    return wrapped(0x17, text.encode())
