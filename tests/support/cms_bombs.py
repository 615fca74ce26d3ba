"""CMS structures that are there to cost time or memory (B42)."""

from __future__ import annotations

from collections.abc import Callable

from signing.cms.der import OBJECT_IDENTIFIER, SEQUENCE, head, wrapped
from tests.support.cms_holders import holder
from tests.support.cms_hostile import indefinite
from tests.support.cms_making import (
    ADOBE_REVOCATION,
    ID_SIGNED_DATA,
    MESSAGE_DIGEST,
    SIGNATURE_TIME_STAMP,
    attribute,
    detached,
    digest_algorithm,
    draft,
    integer,
    object_id,
    octets,
    sequence,
    signed,
    signed_data,
)

_DEEP = 100_000


def nested(depth: int) -> bytes:
    """Sequences with a definite length, one inside the other."""
    heads, size = [], 0
    for _ in range(depth):
        heads.append(head(SEQUENCE, size))
        size += len(heads[-1])
    return b"".join(reversed(heads))


def _numbered(count: int) -> tuple[bytes, ...]:
    return tuple(attribute(f"1.2.3.{number}", integer(number)) for number in range(count))


def _unsigned(*attributes: bytes) -> bytes:
    return signed(unsigned=lambda value: attributes)


def _open_pieces(count: int) -> bytes:
    """A document in very many pieces."""
    content = b"\x24\x80" + octets(b"x") * count + b"\0\0"
    return indefinite(detached(draft(), content=content))


BOMBS: dict[str, Callable[[], bytes]] = {
    "very deep": lambda: nested(_DEEP),
    "very deep and open": lambda: b"\x30\x80" * _DEEP,
    "very deep in a certificate": lambda: detached(
        draft(), certificates=[holder().certificate, nested(_DEEP)]
    ),
    "very deep in an attribute, open": lambda: indefinite(
        signed(added=(attribute("1.2.3", nested(10_000)),))
    ),
    "very deep in a parameter": lambda: signed(
        signature_algorithm=sequence(object_id("1.2.840.113549.1.1.10"), nested(_DEEP))
    ),
    "very deep after the content": lambda: signed_data([nested(_DEEP)], certificates=[]),
    "length of 2 GiB": lambda: b"\x30\x84\x80\x00\x00\x00" + signed()[4:],
    "length of 2^63": lambda: b"\x30\x88\x80" + bytes(7) + signed()[4:],
    "length of 2^1000": lambda: b"\x30\xfd" + b"\xff" * 125 + signed()[4:],
    "open length of a string": lambda: b"\x30\x80\x04\x80" + signed(),
    "tag of very many bytes": lambda: b"\x3f" + b"\xff" * _DEEP + signed(),
    "10,000 certificates": lambda: detached(draft(), certificates=[holder().certificate] * 10_000),
    "certificate of 1 MiB": lambda: detached(
        draft(), certificates=[holder().certificate, sequence(bytes(1 << 20))]
    ),
    "10,000 signers": lambda: signed_data([draft().made()] * 10_000, certificates=[holder().certificate]),
    "10,000 digest algorithms": lambda: detached(draft(), digests=[digest_algorithm("sha256")] * 10_000),
    "10,000 signed attributes": lambda: signed(added=_numbered(10_000)),
    "10,000 unsigned attributes": lambda: _unsigned(*_numbered(10_000)),
    "10,000 values of an attribute": lambda: signed(
        added=(attribute(MESSAGE_DIGEST, *[octets(b"x")] * 10_000),)
    ),
    "1,000 time-stamps": lambda: _unsigned(attribute(SIGNATURE_TIME_STAMP, *[sequence()] * 1_000)),
    "time-stamps in 99 attributes": lambda: _unsigned(*[attribute(SIGNATURE_TIME_STAMP, sequence())] * 99),
    "1,000 revocation lists in an attribute": lambda: signed(
        added=(attribute(ADOBE_REVOCATION, sequence(wrapped(0xA0, sequence(sequence() * 1_000)))),)
    ),
    "name of 1 MiB": lambda: signed(
        named=sequence(sequence(bytes(1 << 20)), integer(holder().x509.serial_number))
    ),
    "10,000 revocation lists": lambda: detached(draft(), lists=sequence() * 10_000),
    "object identifier of 1 MiB": lambda: sequence(
        wrapped(OBJECT_IDENTIFIER, b"\xff" * (1 << 20)), wrapped(0xA0, sequence())
    ),
    "hash algorithm of 1 MiB": lambda: signed(
        digest_algorithm=sequence(wrapped(OBJECT_IDENTIFIER, b"\xff" * (1 << 20)))
    ),
    "serial number of 1 MiB": lambda: signed(
        named=sequence(holder().x509.issuer.public_bytes(), wrapped(0x02, b"\x7f" * (1 << 20)))
    ),
    "salt of 1 MiB": lambda: signed(
        signature_algorithm=sequence(
            object_id("1.2.840.113549.1.1.10"),
            sequence(wrapped(0xA2, wrapped(0x02, b"\x7f" * (1 << 20)))),
        )
    ),
    "value of 4 MiB": lambda: signed(value=b"\x7f" * (4 << 20)),
    "half a million empty elements": lambda: indefinite(
        sequence(object_id(ID_SIGNED_DATA), wrapped(0xA0, sequence(b"\x05\x00" * 500_000)))
    ),
    "document in 400,000 pieces": lambda: _open_pieces(400_000),
}
