"""Certificates in which somebody wrote out what DER leaves out.

Some authorities write `critical FALSE` and `cA FALSE`, the values that count when nothing is written. That
means the same, but a strict reader refuses the whole certificate.
"""

from __future__ import annotations

from signing.cms.der import OCTET_STRING, SEQUENCE, Element, Malformed, whole, wrapped

_BOOLEAN_FALSE = b"\x01\x01\x00"
_EXTENSIONS_TAG = 0xA3
_BASIC_CONSTRAINTS = b"\x06\x03\x55\x1d\x13"


def tidied(der: bytes) -> bytes:
    """Return the certificate without those values: to be read, for its signature does not fit any more.

    Raises:
        Malformed: It has another form than a certificate.
    """
    body, *signed = whole(der, SEQUENCE).members()
    members = b"".join(_member(each) for each in body.members())
    return wrapped(SEQUENCE, wrapped(SEQUENCE, members) + b"".join(each.encoded for each in signed))


def _member(member: Element) -> bytes:
    if member.tag != _EXTENSIONS_TAG:
        return member.encoded
    extensions = b"".join(_extension(each) for each in member.only(SEQUENCE).members())
    return wrapped(_EXTENSIONS_TAG, wrapped(SEQUENCE, extensions))


def _extension(extension: Element) -> bytes:
    members = extension.members()
    if not members or members[-1].tag != OCTET_STRING:
        raise Malformed("not an extension")
    name, value = members[0].encoded, members[-1].encoded
    if name == _BASIC_CONSTRAINTS:
        value = wrapped(OCTET_STRING, _without_false(whole(members[-1].content, SEQUENCE)))
    critical = [each.encoded for each in members[1:-1] if each.encoded != _BOOLEAN_FALSE]
    return wrapped(SEQUENCE, b"".join((name, *critical, value)))


def _without_false(sequence: Element) -> bytes:
    kept = (each.encoded for each in sequence.members() if each.encoded != _BOOLEAN_FALSE)
    return wrapped(SEQUENCE, b"".join(kept))
