"""Drives expat over a packet piece by piece, within budgets, and keeps where things are in its bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from adapters.edxml import faults
from adapters.edxml.builder import Builder, Name
from adapters.edxml.faults import XML, Refused
from adapters.edxml.fields import TRACE_HEADER, TRACE_HEADER_LIST
from adapters.edxml.limits import (
    CHUNK_BYTES,
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_NAME,
    MAX_NAMES,
    MAX_NODES,
    MAX_SPACE,
    MAX_TOKEN_BYTES,
    ReadLimits,
)

_BOM = b"\xef\xbb\xbf"
_WHITE_SPACE = b" \t\r\n"
_BETWEEN_NAMES = " "
_JUNK_AFTER_ROOT = expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]

# Whatever begins with `<!` and is neither comment nor CDATA belongs to a DOCTYPE.
_DECLARATION = re.compile(rb"<!(?!--|\[CDATA\[)")
_LONGEST_OPENING = len(b"<![CDATA[")


class Places(NamedTuple):
    """Offsets in the packet's bytes, see `Read`."""

    starts_at: int
    ends_at: int
    trace_at: int | None


class Parse:
    """One packet's parse. What its elements mean is the builder's affair."""

    def __init__(self, builder: Builder, limits: ReadLimits) -> None:
        self._builder = builder
        self._max_text_bytes = limits.max_text_bytes
        self._depth = 0
        self._nodes = 0
        self._declared = 0  # namespaces, by the element that comes next
        self._text_bytes = 0
        self._space = 0  # between elements
        self._names: set[str] = set()
        self._in_content = False
        self._starts_at = 0
        self._root_ends_at: int | None = None  # where its end tag begins
        self._trace_at: int | None = None
        self._awaits_trace_place = False
        self._trace_headers = 0
        self._parser = self._make_parser()

    def feed(self, source: BinaryIO) -> None:
        """Parse a whole packet.

        Raises:
            Refused: It is not XML, or it breaks a budget or a rule of safety.
        """
        fed, reached, tail = 0, 0, b""
        chunk = self._after_white_space(source.read(CHUNK_BYTES))
        while chunk:
            tail = _without_declaration(tail, chunk)
            self._parse(chunk, is_last=False)
            fed += len(chunk)
            reached = max(reached, self._parser.CurrentByteIndex)  # -1: it has not looked yet
            if fed - reached > MAX_TOKEN_BYTES:
                raise Refused(faults.TOKEN_TOO_LONG, element=self._builder.path)
            chunk = source.read(CHUNK_BYTES)
        self._parse(b"", is_last=True)

    def places(self, source: BinaryIO) -> Places:
        """Return where things are in the packet that has been parsed."""
        assert self._root_ends_at is not None
        source.seek(self._root_ends_at)
        ends_at = self._root_ends_at + source.read(MAX_TOKEN_BYTES).find(b">") + 1
        return Places(self._starts_at, ends_at, self._place_of_trace(source))

    def _place_of_trace(self, source: BinaryIO) -> int | None:
        if self._trace_at is None or self._trace_headers:
            return self._trace_at
        source.seek(self._trace_at - 2)
        is_self_closed = source.read(2) == b"/>"
        return None if is_self_closed else self._trace_at

    def _make_parser(self) -> expat.XMLParserType:
        # Told to be UTF-8, expat takes nothing else, whatever the packet declares.
        parser = expat.ParserCreate("UTF-8", _BETWEEN_NAMES)
        parser.namespace_prefixes = True
        parser.XmlDeclHandler = self._on_declaration
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.EntityDeclHandler = self._on_doctype
        parser.ProcessingInstructionHandler = self._on_instruction
        parser.StartNamespaceDeclHandler = self._on_namespace
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_text
        parser.CommentHandler = self._on_comment
        parser.StartCdataSectionHandler = self._on_cdata
        parser.EndCdataSectionHandler = self._on_cdata_end
        return parser

    def _after_white_space(self, first: bytes) -> bytes:
        xml = first.removeprefix(_BOM).lstrip(_WHITE_SPACE)
        self._starts_at = len(first) - len(xml)
        if not xml.startswith(b"<") or xml.startswith(b"<!--"):
            raise Refused(faults.NOT_XML, rule=XML)
        return xml

    def _parse(self, chunk: bytes, *, is_last: bool) -> None:
        if b"\0" in chunk:
            raise Refused(faults.NOT_UTF8, element=self._builder.path, rule=XML)
        try:
            self._parser.Parse(chunk, is_last)
        except UnicodeDecodeError as broken:
            raise Refused(faults.NOT_UTF8, element=self._builder.path, rule=XML) from broken
        except expat.ExpatError as broken:
            if broken.code == _JUNK_AFTER_ROOT:
                raise Refused(faults.TRAILING, rule=XML) from broken
            error = expat.ErrorString(broken.code) or "error"
            wording = faults.not_well_formed(error, line=broken.lineno, column=broken.offset)
            raise Refused(wording, element=self._builder.path, rule=XML) from broken

    # --- what expat sees -------------------------------------------------------------------------

    def _on_declaration(self, version: str, encoding: str | None, _standalone: int) -> None:
        if version != "1.0":
            raise Refused(faults.NOT_XML_10, rule=XML)
        if encoding is None or encoding.lower() == "utf-8":
            return
        if encoding.lower() != "utf8":
            raise Refused(faults.NOT_UTF8, rule=XML)
        self._builder.note(faults.OTHER_ENCODING_NAME)

    def _on_doctype(self, *_: object) -> None:
        raise Refused(faults.DECLARATION)

    def _on_instruction(self, *_: object) -> None:
        raise Refused(faults.INSTRUCTION, element=self._builder.path)

    def _on_namespace(self, prefix: str | None, uri: str | None) -> None:
        self._declared += 1
        self._count_names(prefix or "", uri or "")

    def _on_start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._note_place()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(faults.TOO_DEEP, element=self._builder.path)
        if len(attributes) + self._declared > MAX_ATTRIBUTES:
            raise Refused(faults.TOO_MANY_ATTRIBUTES, element=self._builder.path)
        self._count_nodes(1 + len(attributes) + self._declared)
        self._count_text(*attributes.values())
        self._count_names(name, *attributes)
        self._declared = 0
        named = [(_named(attribute), text) for attribute, text in attributes.items()]
        element = self._builder.start(_named(name), named)
        if element is TRACE_HEADER_LIST:
            self._awaits_trace_place = True
        if element is not None and element.is_content:
            self._in_content = True
            self._parser.buffer_size = CHUNK_BYTES  # which turns buffering on
            self._parser.buffer_text = True  # else expat gives every line of base64 by itself

    def _on_end(self, _name: str) -> None:
        self._note_place()
        self._depth -= 1
        element = self._builder.end()
        if element is TRACE_HEADER:
            self._trace_headers += 1
            self._awaits_trace_place = True
        if element is not None and element.is_content:
            self._in_content = False
            self._parser.buffer_text = False  # else places would be those of the text's end
        if self._depth == 0:
            self._root_ends_at = self._starts_at + self._parser.CurrentByteIndex

    def _on_text(self, text: str) -> None:
        self._note_place()
        if not self._in_content:
            self._count_text(text)
        self._builder.text(text)

    def _on_comment(self, _text: str) -> None:
        self._note_place()
        if self._root_ends_at is not None:
            raise Refused(faults.TRAILING, rule=XML)
        self._count_nodes(1)
        self._builder.comment()

    def _on_cdata(self) -> None:
        self._note_place()
        self._builder.open_cdata()

    def _on_cdata_end(self) -> None:
        self._builder.close_cdata()

    def _note_place(self) -> None:
        """Keep where a relay's TraceHeader goes: an event begins where the one before it has ended."""
        if self._awaits_trace_place:
            self._trace_at = self._starts_at + self._parser.CurrentByteIndex
            self._awaits_trace_place = False

    # --- budgets ---------------------------------------------------------------------------------

    def _count_nodes(self, more: int) -> None:
        self._nodes += more
        if self._nodes > MAX_NODES:
            raise Refused(faults.TOO_MANY_NODES)

    def _count_text(self, *texts: str) -> None:
        for text in texts:
            if text.isspace() and not self._builder.in_value:
                self._space += len(text)
            else:
                self._text_bytes += len(text) if text.isascii() else len(text.encode())
        if self._text_bytes > self._max_text_bytes:
            raise Refused(faults.header_too_long(self._max_text_bytes), element=self._builder.path)
        if self._space > MAX_SPACE:
            raise Refused(faults.TOO_MUCH_SPACE, element=self._builder.path)

    def _count_names(self, *names: str) -> None:
        for name in names:
            if name in self._names:
                continue
            if any(len(part) > MAX_NAME for part in name.split(_BETWEEN_NAMES)):
                raise Refused(faults.NAME_TOO_LONG, element=self._builder.path)
            self._names.add(name)
        if len(self._names) > MAX_NAMES:
            raise Refused(faults.TOO_MANY_NAMES, element=self._builder.path)


def _without_declaration(tail: bytes, chunk: bytes) -> bytes:
    """Return the end of the chunk, to be looked at again with the next one.

    Raises:
        Refused: There is a DOCTYPE, or a part of one. The parser refuses it too, but has then begun it.
    """
    window = tail + chunk
    for found in _DECLARATION.finditer(window):
        if found.start() <= len(window) - _LONGEST_OPENING:
            raise Refused(faults.DECLARATION)
    return window[-_LONGEST_OPENING + 1 :]


def _named(name: str) -> Name:
    """Return the name in expat's form: `local`, `namespace local` or `namespace local prefix`."""
    parts = name.split(_BETWEEN_NAMES)
    if len(parts) == 1:
        return Name("", name)
    return Name(parts[0], parts[1], parts[2] if len(parts) > 2 else "")
