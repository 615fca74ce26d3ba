"""Time-stamp tokens of an authority that lies, or that a forger made or moved (F59, B47).

Each is made over the value of a signature, under what has to be found in it.
"""

from __future__ import annotations

from collections.abc import Callable

from signing.cms.der import wrapped
from tests.support import cms_making as making
from tests.support.cms_holders import another, time_stamper
from tests.support.cms_making import (
    CONTENT_TYPE,
    ESS_V2,
    ID_DATA,
    ID_TST_INFO,
    MESSAGE_DIGEST,
    attribute,
    digest_algorithm,
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
    stamp_draft,
    stamp_statement,
    token,
)

STAMPED = b"the value of a signature"
"""What tokens are over when no signature is at hand."""


def _imprint(over: bytes, hash_name: str, digest: bytes) -> bytes:
    return token(over, imprint=sequence(digest_algorithm(hash_name), octets(digest)))


def _stamp(over: bytes, **changes: object) -> bytes:
    """A token whose statement is true and whose signature is not like it should be."""
    return enveloping(stamp_draft(stamp_statement(over), **changes))


def _instead(over: bytes, kind: str, *added: bytes) -> bytes:
    return _stamp(over, left_out=frozenset({kind}), added=added)


def _generated(over: bytes, text: bytes) -> bytes:
    return token(over, generated_at=wrapped(0x18, text))


def _around(content: bytes) -> bytes:
    """The signature over one statement around another."""
    return enveloping(stamp_draft(stamp_statement(b"else")), content=octets(content))


def _stripped(over: bytes) -> bytes:
    """The attributes of a token as the content of one without any."""
    true = stamp_draft(stamp_statement(over))
    return enveloping(stamp_draft(true.signed_set, has_attributes=False))


LIES: dict[str, dict[str, Callable[[bytes], bytes]]] = {
    "other-imprint": {
        "wrong imprint": lambda over: _imprint(over, "sha256", digest_of("sha256", b"else")),
        "imprint of nothing": lambda over: _imprint(over, "sha256", b""),
        "imprint cut off": lambda over: _imprint(over, "sha256", digest_of("sha256", over)[:16]),
        "imprint that goes on": lambda over: _imprint(over, "sha256", digest_of("sha256", over) + b"\0"),
        "imprint under another hash than said": lambda over: _imprint(
            over, "sha512", digest_of("sha256", over)
        ),
        "token of another signature": lambda over: token(b"the value of another signature"),
        "imprint of the digest": lambda over: token(digest_of("sha256", over)),
    },
    "weak": {
        "imprint under SHA-1": lambda over: token(over, hash="sha1"),
        "imprint under MD5": lambda over: token(over, hash="md5"),
        "signed under SHA-1": lambda over: _stamp(over, hash="sha1"),
        "signed with 1024 bits": lambda over: _stamp(over, who=time_stamper("rsa-1024")),
    },
    "altered": {
        "another statement put in": lambda over: _around(stamp_statement(over)),
        "time moved": lambda over: _around(
            stamp_statement(over, generated_at=wrapped(0x18, b"20200101000000Z"))
        ),
        "digest of nothing": lambda over: _instead(
            over, MESSAGE_DIGEST, attribute(MESSAGE_DIGEST, octets(b""))
        ),
    },
    "forged": {
        "not signed": lambda over: _stamp(over, value=b""),
        "signed with another key": lambda over: _stamp(
            over, value=draft(who=another()).signature_over(stamp_draft(stamp_statement(over)).signed_set)
        ),
        "zeros": lambda over: _stamp(over, value=bytes(256)),
        "signed over the statement": lambda over: _stamp(over, signed_over=stamp_statement(over)),
    },
    "no-signer": {
        "nobody signed": lambda over: signed_data(
            [],
            certificates=[time_stamper().certificate],
            content=octets(stamp_statement(over)),
            content_type=ID_TST_INFO,
        ),
    },
    "not-one-signer": {
        "two signers": lambda over: enveloping(
            stamp_draft(stamp_statement(over)), stamp_draft(stamp_statement(over), who=another())
        ),
    },
    "no-signed-attributes": {
        "none": lambda over: _stamp(over, has_attributes=False),
    },
    "time-stamp-authority-missing": {
        "certificate not there": lambda over: enveloping(stamp_draft(stamp_statement(over)), certificates=[]),
        "certificate of another": lambda over: enveloping(
            stamp_draft(stamp_statement(over)), certificates=[another().certificate]
        ),
    },
    "no-signing-certificate": {
        "certificate not bound": lambda over: _instead(over, ESS_V2),
    },
    "other-signing-certificate": {
        "bound to another": lambda over: _instead(over, ESS_V2, ess_v2(another().certificate)),
        "bound to another by the older attribute": lambda over: _instead(
            over, ESS_V2, ess_v1(another().certificate)
        ),
    },
    "other-content-type": {
        "statement called a document": lambda over: _stamp(over, content_type=ID_DATA),
        "attribute calls it a document": lambda over: _instead(
            over, CONTENT_TYPE, attribute(CONTENT_TYPE, object_id(ID_DATA))
        ),
    },
    "attribute-twice": {
        "digest twice": lambda over: _stamp(over, added=(attribute(MESSAGE_DIGEST, octets(bytes(32))),)),
    },
    "no-time-stamp": {
        "a signed document": lambda over: enveloping(draft(content=over)),
        "a detached signature": lambda over: signed(content=over),
        "attributes as the statement": _stripped,
        "version 2": lambda over: token(over, version=integer(2)),
        "no policy": lambda over: token(over, policy=None),
        "no imprint": lambda over: token(over, imprint=None),
        "no serial number": lambda over: token(over, serial=None),
        "no time": lambda over: token(over, generated_at=None),
        "time that is none": lambda over: _generated(over, b"20261321083000Z"),
        "time without a zone": lambda over: _generated(over, b"20261121083000"),
        "time before all time-stamps": lambda over: _generated(over, b"19700101000000Z"),
        "time at the end of the calendar": lambda over: _generated(over, b"99991231235959Z"),
        "time of the other form": lambda over: token(over, generated_at=making.utc_time("261121083000Z")),
        "critical extension": lambda over: token(
            over,
            extensions=wrapped(0xA1, sequence(object_id("1.2.3"), wrapped(0x01, b"\xff"), octets(b""))),
        ),
        "something behind it": lambda over: token(over, more=wrapped(0x0C, b"more")),
        "nothing": lambda over: enveloping(stamp_draft(b"")),
    },
    "algorithm-unknown": {
        "imprint under an unknown hash": lambda over: token(
            over, imprint=sequence(making.algorithm("1.2.3.4"), octets(bytes(32)))
        ),
    },
    "no-cms": {
        "answer instead of its token": lambda over: sequence(sequence(integer(0)), token(over)),
        "answer of a refusal": lambda over: sequence(sequence(integer(2))),
        "nothing at all": lambda over: sequence(),
    },
    "contents-followed": {"something behind it": lambda over: token(over) + sequence()},
}
