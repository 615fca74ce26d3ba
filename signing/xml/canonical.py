"""Canonical XML 1.0 and 1.1 and Exclusive Canonical XML 1.0, written while a file is read.

Written anew because libxml2 needs four times a packet's size for it: text is held three times over. The tests
compare it with libxml2 (lxml) and with xmlsec1.

Source: W3C Recommendations Canonical XML 1.0 and 1.1, Exclusive XML Canonicalization 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from signing.xml import reasons
from signing.xml.names import EXCLUSIVE, XML
from signing.xml.reader import Attribute, Tag
from signing.xml.reasons import NotTaken

_C14N_10 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"
_WITH_COMMENTS = "WithComments"
_INHERITED_11 = frozenset({"lang", "space"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Method:
    """A way to canonicalise. Comments are never written: same-document references leave them out."""

    is_exclusive: bool = False
    is_11: bool = False
    asks_for_comments: bool = False
    inclusive_prefixes: frozenset[str] = frozenset()
    """For the exclusive way: prefixes treated in the inclusive one; empty is the default namespace."""


def method_of(algorithm: str, *, prefix_list: str | None = None) -> Method | None:
    """Return the way that an algorithm's identifier names, None when it is not one of those known."""
    base, _, suffix = algorithm.partition("#")
    is_exclusive = base + "#" == EXCLUSIVE
    if suffix not in ("", _WITH_COMMENTS) or (not suffix and is_exclusive != algorithm.endswith("#")):
        return None
    if not is_exclusive and (base not in (_C14N_10, _C14N_11) or prefix_list is not None):
        return None
    prefixes = frozenset("" if each == "#default" else each for each in (prefix_list or "").split())
    return Method(is_exclusive, base == _C14N_11, suffix == _WITH_COMMENTS, prefixes)


INCLUSIVE = Method()


class _Open(NamedTuple):
    """An element that was begun: its name, and the namespaces written for it so far."""

    name: str
    written: Mapping[str, str]


class Canonicaliser:
    """Writes the canonical form of one element, or of a whole document, as it hears of its parts."""

    def __init__(self, method: Method, write: Callable[[bytes], object], *, is_document: bool) -> None:
        self._method = method
        self._write = write
        self._is_document = is_document
        self._open: list[_Open] = []
        self._has_begun = False

    def start(self, tag: Tag) -> None:
        """Write a start tag."""
        around = self._open[-1] if self._open else _Open("", {})
        namespaces = self._namespaces(tag, around)
        parts = [f"<{tag.name}"]
        parts += [_declaration(prefix, namespaces[prefix]) for prefix in sorted(namespaces)]
        for each in sorted(self._attributes(tag), key=lambda one: (one.namespace, one.local)):
            parts.append(f' {each.name}="{_attribute(each.value)}"')
        self._write("".join([*parts, ">"]).encode())
        written = {**around.written, **namespaces} if namespaces else around.written
        self._open.append(_Open(tag.name, written))
        self._has_begun = True

    def end(self) -> None:
        """Write the end tag of the element begun last."""
        self._write(f"</{self._open.pop().name}>".encode())

    def text(self, text: str) -> None:
        """Write a piece of text."""
        if self._open:
            self._write(_text(text).encode())

    def instruction(self, target: str, text: str) -> None:
        """Write a processing instruction; outside the root it has a line of its own."""
        written = f"<?{target} {text.replace(chr(13), '&#xD;')}?>" if text else f"<?{target}?>"
        if self._open:
            self._write(written.encode())
        elif self._is_document:
            self._write((f"\n{written}" if self._has_begun else f"{written}\n").encode())

    def _namespaces(self, tag: Tag, around: _Open) -> dict[str, str]:
        new: dict[str, str] = {}
        for prefix in self._wanted(tag):
            namespace = tag.scope.get(prefix)
            if prefix == "xml" or namespace is None or around.written.get(prefix, "") == namespace:
                continue
            if namespace and not _ABSOLUTE.match(namespace):
                raise NotTaken(reasons.CANONICALISATION_CHANGED)
            new[prefix] = namespace
        return new

    def _wanted(self, tag: Tag) -> Iterable[str]:
        """Return the prefixes whose namespaces must be known at an element."""
        if not self._method.is_exclusive:
            # Those of the elements around it have been written with them.
            return tag.declared if self._open else tag.scope
        used = {each.name.partition(":")[0] for each in tag.attributes if each.namespace}
        return used | {tag.prefix} | self._method.inclusive_prefixes

    def _attributes(self, tag: Tag) -> list[Attribute]:
        """Return an element's attributes; the outermost one inherits those of `xml:` around it."""
        own = list(tag.attributes)
        if self._open or self._method.is_exclusive or not tag.inherited:
            return own
        there = {each.local for each in own if each.namespace == XML}
        missing = {local: each for local, each in tag.inherited.items() if local not in there}
        if not self._method.is_11:
            return own + list(missing.values())
        if "base" in tag.inherited:
            # 1.1 joins the addresses; nobody was seen to need it.
            raise NotTaken(reasons.CANONICALISATION.about("xml:base"), "GENERIC")
        return own + [each for local, each in missing.items() if local in _INHERITED_11]


def _declaration(prefix: str, namespace: str) -> str:
    return f' xmlns:{prefix}="{_attribute(namespace)}"' if prefix else f' xmlns="{_attribute(namespace)}"'


def _text(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#xD;")


def _attribute(value: str) -> str:
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return value.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")
