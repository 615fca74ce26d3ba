"""Qualified names (Namespaces in XML 1.0): refused here is whatever another strict parser refuses.

expat knows no namespaces as it is used here, so that names stay as written; the rules for them are these. A
parser that forgives what is ill-formed must never read another document than the one that was judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from signing.memo import remembering
from signing.xml import reasons
from signing.xml.limits import MAX_NAMESPACES
from signing.xml.names import XML, XMLNS
from signing.xml.reasons import NotTaken

_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME = re.compile(f"[{_START}][{_START}.0-9\u00b7\u0300-\u036f\u203f-\u2040-]*")
_LETTER = r"[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2}"
# RFC 3986 without users and literal addresses, which no namespace has.
_NAMESPACE = re.compile(
    rf"(?:[A-Za-z][A-Za-z0-9+.-]*:|(?![^/?#]*:))"
    rf"(?://(?:{_LETTER})*(?::[0-9]{{1,5}})?(?=[/?#]|\Z)|(?!//))"
    rf"(?:{_LETTER}|[:@/])*(?:\?(?:{_LETTER}|[:@/?])*)?(?:\#(?:{_LETTER}|[:@/?])*)?"
)


def declared_in(written: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the namespaces that a tag declares, by prefix, out of its attributes as written.

    Raises:
        NotTaken: XML forbids such a declaration.
    """
    declared = {}
    for name, namespace in written:
        if declares(name):
            prefix = name[6:]
            _demand_declaration(prefix, namespace, is_default=name == "xmlns")
            declared[prefix] = namespace
    return declared


def declares(name: str) -> bool:
    """Return whether an attribute of this name declares a namespace."""
    return name == "xmlns" or name.startswith("xmlns:")


def _demand_declaration(prefix: str, namespace: str, *, is_default: bool) -> None:
    is_reserved = prefix == "xmlns" or namespace == XMLNS or (prefix == "xml") != (namespace == XML)
    is_undone = not namespace and not is_default
    is_named = is_default or is_plain_name(prefix)
    if is_reserved or is_undone or not is_named or not _is_namespace(namespace):
        raise misused("a declaration that XML forbids")


def scope_inside(outer: Mapping[str, str], declared: Mapping[str, str]) -> Mapping[str, str]:
    """Return the namespaces by prefix inside an element.

    Raises:
        NotTaken: There are too many.
    """
    if not declared:
        return outer
    scope = {**outer, **declared}
    if len(scope) > MAX_NAMESPACES:
        raise NotTaken(reasons.TOO_MUCH.about(f"more than {MAX_NAMESPACES} namespaces"), "GENERIC")
    return scope


def meaning(name: str, scope: Mapping[str, str], *, default: str) -> tuple[str, str]:
    """Return the namespace and the local part of a name.

    Raises:
        NotTaken: Nothing declares its prefix, or it is no name.
    """
    prefix, colon, local = name.partition(":")
    if not colon:
        return default, name
    namespace = scope.get(prefix) if prefix else None
    if namespace is None:
        raise NotTaken(reasons.UNDECLARED, "GENERIC")  # as the packets of some programs are written
    if not is_plain_name(local):
        raise misused("no name behind a prefix")
    return namespace, local


@remembering(entries=1_024, longest=128)
def is_plain_name(name: str) -> bool:
    """Return whether it is a name without colon (NCName)."""
    return _NAME.fullmatch(name) is not None


@remembering(entries=1_024, longest=128)
def _is_namespace(written: str) -> bool:
    return _NAMESPACE.fullmatch(written) is not None


def misused(what: str) -> NotTaken:
    """Return the error for XML whose names mean one thing to some readers and another to others."""
    return NotTaken(reasons.NAMESPACE.about(what))
