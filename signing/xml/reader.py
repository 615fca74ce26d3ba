"""Reads an XML file piece by piece with expat, within budgets; what is in it goes to a listener.

The same parser reads edXML packets (ADR 0010): what is judged is what is read later. Nothing of the file is
kept here, so a packet of any size takes the memory of its largest tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO, NamedTuple, Protocol
from xml.parsers import expat

from signing.xml import reasons
from signing.xml.limits import (
    CHUNK_BYTES,
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_INHERITED,
    MAX_NODES,
    MAX_TOKEN_BYTES,
)
from signing.xml.names import IDS, XML
from signing.xml.qualified import declared_in, declares, is_plain_name, meaning, misused, scope_inside
from signing.xml.reasons import NotTaken


class Attribute(NamedTuple):
    """One attribute; its name as written, and what the name means."""

    name: str
    namespace: str
    local: str
    value: str


class Tag(NamedTuple):
    """One start tag."""

    ordinal: int
    """Of the element in the file, from 0: the root."""
    name: str
    """As written, with its prefix."""
    namespace: str
    local: str
    attributes: tuple[Attribute, ...]
    """Without namespace declarations."""
    scope: Mapping[str, str]
    """Namespaces by prefix."""
    declared: frozenset[str]
    """Prefixes that the tag itself declares."""
    inherited: Mapping[str, Attribute]
    """Attributes `xml:…` of the elements around it, by local name."""

    @property
    def ids(self) -> frozenset[str]:
        """Return what the element may be referred to by."""
        return frozenset(each.value for each in self.attributes if each.local in IDS)

    @property
    def prefix(self) -> str:
        """Return the prefix of the name, empty without one."""
        return self.name.partition(":")[0] if ":" in self.name else ""

    def value(self, name: str) -> str | None:
        """Return the value of an attribute without namespace."""
        return next((each.value for each in self.attributes if each.name == name), None)


class Listener(Protocol):
    """Hears what is in the file, in its order."""

    def start(self, tag: Tag) -> None:
        """Hear a start tag."""

    def end(self) -> None:
        """Hear an end tag."""

    def text(self, text: str) -> None:
        """Hear a piece of text; one text may come in many pieces."""

    def comment(self) -> None:
        """Hear that there is a comment."""

    def instruction(self, target: str, text: str) -> None:
        """Hear a processing instruction."""


_NONE: Mapping[str, str] = {"": "", "xml": XML}


def read(source: BinaryIO, listener: Listener) -> None:
    """Tell the listener everything in an XML file.

    Raises:
        NotTaken: It is not well-formed, not UTF-8, has a DOCTYPE, or breaks a budget.
    """
    _Reading(listener).feed(source)


class _Reading:
    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._ordinal = 0
        self._nodes = 0
        self._scopes: list[Mapping[str, str]] = [_NONE]
        self._inherited: list[Mapping[str, Attribute]] = [{}]
        self._xml_ids: set[int] = set()
        """Hashes of them: the values may be long."""
        # Told to be UTF-8, expat passes over what the file declares, though not over UTF-16: see `feed`.
        parser = self._parser = expat.ParserCreate("UTF-8")
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.buffer_size = CHUNK_BYTES
        parser.XmlDeclHandler = self._on_declaration
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = listener.text
        parser.CommentHandler = self._on_comment
        parser.ProcessingInstructionHandler = self._on_instruction

    def feed(self, source: BinaryIO) -> None:
        fed = reached = 0
        while chunk := source.read(CHUNK_BYTES):
            if b"\0" in chunk:
                raise NotTaken(reasons.ENCODING)
            self._parse(chunk, is_last=False)
            fed += len(chunk)
            # Debian's expat tries an unfinished tag again only when there is twice as much of it, and until
            # then may not say where it is (-1).
            reached = max(reached, self._parser.CurrentByteIndex)
            if fed - reached > 2 * MAX_TOKEN_BYTES + CHUNK_BYTES:
                raise _too_much(f"one tag of more than {MAX_TOKEN_BYTES} bytes")
        self._parse(b"", is_last=True)

    def _parse(self, chunk: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(chunk, is_last)
        except expat.ExpatError as broken:
            error = expat.ErrorString(broken.code) or "error"
            raise NotTaken(reasons.XML_BROKEN.about(error)) from broken
        except UnicodeDecodeError as broken:
            raise NotTaken(reasons.ENCODING) from broken

    def _on_declaration(self, version: str, encoding: str | None, _standalone: int) -> None:
        if version != "1.0":
            raise NotTaken(reasons.XML_BROKEN.about("version"))
        if encoding is not None and encoding.upper() != "UTF-8":
            raise NotTaken(reasons.ENCODING)

    def _on_doctype(self, *_: object) -> None:
        raise NotTaken(reasons.DOCTYPE)

    def _on_comment(self, _text: str) -> None:
        self._listener.comment()

    def _on_instruction(self, target: str, text: str) -> None:
        if ":" in target:
            raise misused("an instruction with a colon")
        self._listener.instruction(target, text)

    def _on_start(self, name: str, flat: list[str]) -> None:
        self._nodes += 1 + len(flat) // 2
        if self._nodes > MAX_NODES:
            raise _too_much(f"more than {MAX_NODES} elements and attributes")
        if len(self._scopes) > MAX_DEPTH:
            raise _too_much(f"deeper than {MAX_DEPTH}")
        if len(flat) > 2 * MAX_ATTRIBUTES:
            raise _too_much(f"more than {MAX_ATTRIBUTES} attributes")
        tag = self._tag(name, list(zip(flat[::2], flat[1::2], strict=True)))
        self._ordinal += 1
        self._scopes.append(tag.scope)
        own = {each.local: each for each in tag.attributes if each.namespace == XML}
        if "id" in own:
            self._demand_new_id(own["id"].value)
        inherited = {**tag.inherited, **own} if own else tag.inherited
        if len(inherited) > MAX_INHERITED:
            raise _too_much(f"more than {MAX_INHERITED} attributes of xml:")
        self._inherited.append(inherited)
        self._listener.start(tag)

    def _on_end(self, _name: str) -> None:
        self._scopes.pop()
        self._inherited.pop()
        self._listener.end()

    def _demand_new_id(self, xml_id: str) -> None:
        """Pass when this `xml:id` is a name, and the first of it: other parsers refuse the file otherwise."""
        name = xml_id.strip(" ")
        if hash(name) in self._xml_ids or not is_plain_name(name):
            raise misused("xml:id")
        self._xml_ids.add(hash(name))

    def _tag(self, name: str, written: list[tuple[str, str]]) -> Tag:
        declared = declared_in(written)
        scope = scope_inside(self._scopes[-1], declared)
        namespace, local = meaning(name, scope, default=scope[""])
        attributes = tuple(
            Attribute(each, *meaning(each, scope, default=""), value)
            for each, value in written
            if not declares(each)
        )
        if len({(each.namespace, each.local) for each in attributes}) != len(attributes):
            raise misused("one attribute twice")
        own = frozenset(declared)
        return Tag(self._ordinal, name, namespace, local, attributes, scope, own, self._inherited[-1])


def _too_much(what: str) -> NotTaken:
    return NotTaken(reasons.TOO_MUCH.about(what), "GENERIC")
