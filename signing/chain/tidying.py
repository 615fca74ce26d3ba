"""Certificates, revocation lists and OCSP answers of authorities that take DER lightly.

Some authorities write `critical FALSE` and `cA FALSE`, the values that count when nothing is written. Others
write their names as PrintableString, with an `&`, `@` or `_` that such a string may not have. What they mean
is plain, but a strict reader refuses the whole certificate.
"""

from __future__ import annotations

import re

from signing.cms.der import OCTET_STRING, SEQUENCE, Element, Malformed, whole, wrapped

_BOOLEAN_FALSE = b"\x01\x01\x00"
_EXTENSIONS_TAG = 0xA3
_BASIC_CONSTRAINTS = b"\x06\x03\x55\x1d\x13"
_CONSTRUCTED = 0x20
_UTF8_STRING = 0x0C
_PRINTABLE_STRING = 0x13
_PRINTABLE = re.compile(rb"[A-Za-z0-9 '()+,\-./:=?]*")
_MAX_LOOKED_AT = 8_192
"""Elements. A certificate has hundreds; the names in a list stand before its entries."""


def tidied(der: bytes) -> bytes:
    """Return the certificate with all of that put right: to be read, for its signature does not fit any more.

    Raises:
        Malformed: It has another form than a certificate.
    """
    body, *signed = whole(der, SEQUENCE).members()
    members = b"".join(_member(each) for each in body.members())
    certificate = wrapped(SEQUENCE, members) + b"".join(each.encoded for each in signed)
    return with_readable_names(wrapped(SEQUENCE, certificate))


def with_readable_names(der: bytes) -> bytes:
    """Return a structure with each PrintableString that is none as a UTF8String: to be read only, as above.

    Raises:
        Malformed: It is no structure in DER.
    """
    waiting = [whole(der, SEQUENCE)]
    read = bytearray(der)
    for each in waiting:  # which grows meanwhile, level by level
        if each.tag == _PRINTABLE_STRING and not _PRINTABLE.fullmatch(each.content):
            read[each.start] = _UTF8_STRING
        elif len(waiting) < _MAX_LOOKED_AT:
            waiting += _inside(each)
    return bytes(read)


def _inside(element: Element) -> list[Element]:
    """Return the elements inside one, also of an extension's value; of what is not taken apart, none."""
    is_value = element.tag == OCTET_STRING and element.source[element.body : element.body + 1] == b"\x30"
    try:
        return element.members() if is_value or element.tag & _CONSTRUCTED else []
    except Malformed:
        return []


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
