"""Whether two distinguished names mean the same, when they are not written the same."""

from __future__ import annotations

from signing.cms import der
from signing.cms.der import Element, Malformed
from signing.memo import remembering

_ENCODINGS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}

_MAX_NAME_BYTES = 4096
"""Longer ones are compared byte by byte alone: nobody's name is, and reading one for each of many
certificates would cost seconds."""


def is_same_name(one: bytes, other: bytes) -> bool:
    """Return whether two Names in DER say the same: their kinds of string and their spacing say nothing.

    Case does, other than in RFC 5280 section 7.1: who writes the name copies it from the certificate, and a
    letter changed there is a change.
    """
    if one == other:
        return True
    if max(len(one), len(other)) > _MAX_NAME_BYTES:
        return False
    try:
        return _meaning(one) == _meaning(other)
    except (Malformed, UnicodeError):
        return False


@remembering(entries=64, longest=_MAX_NAME_BYTES)
def _meaning(name: bytes) -> tuple[frozenset[tuple[bytes, object]], ...]:
    return tuple(
        frozenset(_entry(entry) for entry in relative.members())
        for relative in der.whole(name, der.SEQUENCE).members()
    )


def _entry(of: Element) -> tuple[bytes, object]:
    members = of.members()
    if len(members) != 2:
        raise Malformed("no entry of a name")
    kind, value = members
    encoding = _ENCODINGS.get(value.tag)
    if encoding is None:
        return kind.content, value.encoded
    return kind.content, " ".join(value.content.decode(encoding).split())
