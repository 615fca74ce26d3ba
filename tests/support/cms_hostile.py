"""CMS signatures built as a forger would (B40, B41): each under the one thing that has to be found in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from signing.cms.der import SET, wrapped
from tests.support.cms_findings import Made
from tests.support.cms_holders import Holder, another, holder, issued, new_key
from tests.support.cms_making import (
    CONTENT,
    CONTENT_TYPE,
    ESS_V2,
    ID_DATA,
    ID_SIGNED_DATA,
    ID_TST_INFO,
    MESSAGE_DIGEST,
    SIGNING_TIME,
    attribute,
    detached,
    digest_of,
    draft,
    enveloping,
    ess_v1,
    ess_v2,
    integer,
    object_id,
    octets,
    sequence,
    signed,
    signed_data,
    utc_time,
)

Make = Callable[[], bytes | Made]


def stripped(kind: str, *, is_inside: bool = False, **changes: object) -> Made:
    """The signature over true attributes, handed in without them: they are the content now (B40)."""
    attributes = draft(kind, **changes).signed_set
    forged = draft(kind, content=attributes, has_attributes=False, **changes)
    return Made(enveloping(forged), None) if is_inside else Made(detached(forged), attributes)


def indefinite(contents: bytes) -> bytes:
    """The same with the outermost length left open, as it is written when nobody knows it yet."""
    head = 2 + (contents[1] & 0x7F if contents[1] & 0x80 else 0)
    return bytes([contents[0], 0x80]) + contents[head:] + b"\0\0"


@cache
def twin() -> Holder:
    """Somebody else's key under the holder's issuer and serial number."""
    return issued(new_key("another rsa"), serial=holder().x509.serial_number)


def usual(*wanted: str) -> tuple[bytes, ...]:
    return tuple(draft().usual[kind] for kind in wanted)


def value() -> bytes:
    """The true value of the usual signature."""
    return draft().signature_over(draft().signed_set)


def instead(kind: str, *added: bytes) -> bytes:
    """A signature with other attributes in the place of one."""
    return signed(left_out=frozenset({kind}), added=added)


def with_certificates(*certificates: bytes) -> bytes:
    return detached(draft(), certificates=certificates)


def issuer_and_serial(name: bytes, serial: int) -> bytes:
    """As a signing-certificate attribute tells them."""
    return sequence(sequence(wrapped(0xA4, name)), integer(serial))


def _named(serial: int | None = None, name: bytes | None = None) -> bytes:
    true = holder().x509
    name = true.issuer.public_bytes() if name is None else name
    return ess_v2(holder().certificate, named=issuer_and_serial(name, serial or true.serial_number))


def _in_capitals() -> bytes:
    """The name of the holder's issuer, with other letters than in its certificate."""
    entries = [
        sequence(object_id(entry.oid.dotted_string), wrapped(0x0C, str(entry.value).upper().encode()))
        for entry in holder().x509.issuer
    ]
    return sequence(*(wrapped(SET, entry) for entry in entries))


def _digest(value: bytes) -> bytes:
    return instead(MESSAGE_DIGEST, attribute(MESSAGE_DIGEST, octets(value)))


def _own_name() -> bytes:
    """The name of the holder, who has not issued the certificate."""
    return holder().x509.subject.public_bytes()


def _extended() -> bytes:
    """A structure with a member that its type does not have, lengths put right."""
    return sequence(object_id(ID_SIGNED_DATA), wrapped(0xA0, sequence(integer(1), integer(1))))


_DIGEST = digest_of("sha256", CONTENT)
_ENCRYPTED = "1.2.840.113549.1.7.3"

FORMS: dict[str, dict[str, Make]] = {
    "no-signed-attributes": {
        "stripped attributes, RSA": lambda: stripped("rsa"),
        "stripped attributes, RSA-PSS": lambda: stripped("rsa", is_pss=True),
        "stripped attributes, P-256": lambda: stripped("p256"),
        "stripped attributes, Ed25519": lambda: stripped("ed25519"),
        "none, signed so": lambda: signed(has_attributes=False),
        "none, signed so around": lambda: Made(enveloping(draft("p256", has_attributes=False)), None),
        "an empty set of them": lambda: signed(attributes=()),
    },
    "attributes-as-content": {
        "stripped attributes inside, RSA": lambda: stripped("rsa", is_inside=True),
        "stripped attributes inside, RSA-PSS": lambda: stripped("rsa", is_inside=True, is_pss=True),
        "stripped attributes inside, P-256": lambda: stripped("p256", is_inside=True),
        "stripped attributes inside, Ed25519": lambda: stripped("ed25519", is_inside=True),
        "attributes signed as a document": lambda: Made(enveloping(draft(content=draft().signed_set)), None),
    },
    "attribute-twice": {
        "content-type": lambda: signed(added=usual(CONTENT_TYPE)),
        "message-digest": lambda: signed(added=usual(MESSAGE_DIGEST)),
        "another message-digest": lambda: signed(added=(attribute(MESSAGE_DIGEST, octets(bytes(32))),)),
        "signing-time": lambda: signed(added=usual(SIGNING_TIME)),
        "signing-certificate": lambda: signed(added=(ess_v2(another().certificate),)),
        "two digests in one": lambda: instead(
            MESSAGE_DIGEST, attribute(MESSAGE_DIGEST, octets(_DIGEST), octets(bytes(32)))
        ),
        "two types in one": lambda: instead(
            CONTENT_TYPE, attribute(CONTENT_TYPE, object_id(ID_DATA), object_id(ID_SIGNED_DATA))
        ),
        "no digest in one": lambda: instead(MESSAGE_DIGEST, attribute(MESSAGE_DIGEST)),
        "two times in one": lambda: instead(
            SIGNING_TIME, attribute(SIGNING_TIME, utc_time("261121080000Z"), utc_time("201121080000Z"))
        ),
        "two certificates in one": lambda: instead(
            ESS_V2, attribute(ESS_V2, sequence(sequence()), sequence(sequence()))
        ),
    },
    "attribute-missing": {
        "content-type": lambda: instead(CONTENT_TYPE),
        "message-digest": lambda: instead(MESSAGE_DIGEST),
        "both": lambda: signed(attributes=usual(SIGNING_TIME, ESS_V2)),
    },
    "other-content-type": {
        "attribute says another": lambda: instead(
            CONTENT_TYPE, attribute(CONTENT_TYPE, object_id(ID_SIGNED_DATA))
        ),
        "structure says another": lambda: detached(draft(), content_type=ID_TST_INFO),
        "both say time-stamp": lambda: signed(content_type=ID_TST_INFO),
    },
    "cms-malformed": {
        "version there is not": lambda: detached(draft(), version=9),
        "version of a signer named by its key": lambda: signed(version=3),
        "content-type of another form": lambda: instead(CONTENT_TYPE, attribute(CONTENT_TYPE, octets(b"x"))),
        "message-digest of another form": lambda: instead(
            MESSAGE_DIGEST, attribute(MESSAGE_DIGEST, wrapped(0x0C, _DIGEST))
        ),
        "signing-certificate without any": lambda: instead(ESS_V2, attribute(ESS_V2, sequence(sequence()))),
        "signing-certificate that is a string": lambda: instead(ESS_V2, attribute(ESS_V2, octets(b"x"))),
        "open length without an end": lambda: indefinite(signed())[:-2],
        "first half": lambda: signed()[: len(signed()) // 2],
        "nothing but a head": lambda: signed()[:4],
        "another type inside": _extended,
        "signer that is a string": lambda: signed_data([octets(b"x")], certificates=[holder().certificate]),
        "attributes that are numbers": lambda: signed(attributes=(integer(1),)),
    },
    "contents-followed": {
        "a byte": lambda: signed() + b"\x01",
        "another signature": lambda: signed() + signed("p256"),
        "zeros and a byte": lambda: signed() + bytes(64) + b"\xff",
        "behind an open length": lambda: indefinite(signed()) + b"\x01",
    },
    "no-cms": {
        "a certificate": lambda: holder().certificate,
        "encrypted": lambda: sequence(object_id(_ENCRYPTED), wrapped(0xA0, sequence())),
        "text": lambda: b"This is no signature at all." * 10,
    },
    "no-signer": {"nobody": lambda: signed_data([], certificates=[holder().certificate])},
    "not-one-signer": {
        "two": lambda: detached(draft(), draft("p256")),
        "one twice": lambda: detached(draft(), draft()),
    },
    "two-contents": {
        "one inside, another beside": lambda: Made(enveloping(draft()), b"another document"),
        "an empty one inside": lambda: detached(draft(), content=octets(b"")),
    },
    "content-missing": {"neither inside nor beside": lambda: Made(signed(), None)},
    "altered": {
        "another document": lambda: Made(signed(), b"another document"),
        "another document inside": lambda: Made(detached(draft(), content=octets(b"another")), None),
        "no digest": lambda: _digest(b""),
        "half a digest": lambda: _digest(_DIGEST[:16]),
        "digest and more": lambda: _digest(_DIGEST + b"\0"),
        "digest under another hash": lambda: _digest(digest_of("sha512", CONTENT)),
    },
    "forged": {
        "no value": lambda: signed(value=b""),
        "zeros": lambda: signed(value=bytes(256)),
        "ones": lambda: signed(value=b"\xff" * 256),
        "a bit turned": lambda: signed(value=bytes([value()[0] ^ 1]) + value()[1:]),
        "cut off": lambda: signed(value=value()[:-1]),
        "a byte more": lambda: signed(value=value() + b"\0"),
        "a zero before": lambda: signed(value=b"\0" + value()),
        "over the document": lambda: signed(signed_over=CONTENT),
        "over the digest": lambda: signed(signed_over=_DIGEST),
        "over attributes as they are tagged": lambda: signed(
            signed_over=wrapped(0xA0, b"".join(draft().signed_attributes))
        ),
        "over fewer attributes": lambda: signed(signed_over=wrapped(SET, b"".join(usual(CONTENT_TYPE)))),
        "over the members without their set": lambda: signed(signed_over=b"".join(draft().signed_attributes)),
        "of another key": lambda: signed(value=draft(who=another()).signature_over(draft().signed_set)),
    },
    "no-signing-certificate": {
        "no certificates": with_certificates,
        "only the authority's": lambda: with_certificates(*holder().chain),
        "somebody else's": lambda: with_certificates(another().certificate),
        "another serial number named": lambda: signed(
            named=sequence(holder().x509.issuer.public_bytes(), integer(1))
        ),
        "another issuer named": lambda: signed(
            named=sequence(_own_name(), integer(holder().x509.serial_number))
        ),
        "issuer in capitals": lambda: signed(
            named=sequence(_in_capitals(), integer(holder().x509.serial_number))
        ),
        "another key identifier named": lambda: signed(named=wrapped(0x80, bytes(20)), version=3),
        "empty key identifier named": lambda: signed(named=wrapped(0x80, b"")),
        "certificate cut off": lambda: with_certificates(sequence(holder().certificate[8:])),
    },
    "other-signing-certificate": {
        "exchanged for a twin": lambda: with_certificates(twin().certificate),
        "twins, and no attribute to tell them apart": lambda: detached(
            draft(left_out=frozenset({ESS_V2})), certificates=[holder().certificate, twin().certificate]
        ),
        "digest of another": lambda: instead(ESS_V2, ess_v2(another().certificate)),
        "digest of nothing": lambda: instead(ESS_V2, ess_v2(holder().certificate, said=b"")),
        "digest of its issuer": lambda: instead(ESS_V2, ess_v2(holder().chain[0])),
        "older attribute about another": lambda: instead(ESS_V2, ess_v1(another().certificate)),
        "attributes that disagree": lambda: signed(added=(ess_v1(another().certificate),)),
        "another serial number": lambda: instead(ESS_V2, _named(serial=1)),
        "another issuer": lambda: instead(ESS_V2, _named(name=_own_name())),
        "digest under MD5": lambda: instead(ESS_V2, ess_v2(holder().certificate, hash="md5")),
        "digest under another hash than said": lambda: instead(
            ESS_V2,
            ess_v2(holder().certificate, hash="sha512", said=digest_of("sha256", holder().certificate)),
        ),
    },
}
