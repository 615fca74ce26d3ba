"""Office files that are ZIP packages (Office Open XML, OpenDocument): what in their XML acts.

Parts are known by what they hold, never by where they lie: any relationship may give any part any role.

Source: ECMA-376 parts 1 and 2 (fields 17.16, relationships), OpenDocument 1.3.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from xml.parsers import expat

from adapters.containers.findings import ActiveContent, BadContainer, Findings

CONTENT_TYPES = "[content_types].xml"
_FAMILIES = {"wordprocessingml": "word", "spreadsheetml": "sheet", "presentationml": "presentation"}

_INERT_ROOTS = frozenset({"worksheet", "sst", "styleSheet", "sld", "theme"})
"""Roots of large parts that name nothing outside of themselves: what they use stands in relationships."""
_MACRO_TYPES = ("macroenabled", "vbaproject", "macrosheet")
_FIELD_MAX = 64 * 1024
_MAX_TOKEN_BYTES = 1024 * 1024
"""One tag: the parser holds it whole, and reads it from its beginning with each piece."""
# Over fields whose white space is made single: no padding hides anything, none costs much.
_QUOTED = re.compile(r"QUOTE((?: \d{1,3})+)", re.IGNORECASE)
_DDE_FIELD = re.compile(r"(?:^|\{)[ \"]{0,9}DDE(?:AUTO)?\b", re.IGNORECASE)
_FETCHING_FIELD = re.compile(
    r"\b(?:INCLUDEPICTURE|INCLUDETEXT|IMPORT|LINK)\b[^}]{0,99}?(?:https?:|ftp:|file:|\\\\\\\\|//)",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"\s*(?:https?:|ftp:|smb:|file:|\\\\|//)", re.IGNORECASE)
_OWN_DISK = re.compile(r"\s*file:/{2,3}[a-z]:", re.IGNORECASE)


class PackagePart:
    """One XML part of a package, read piece by piece. What it finds goes into `findings` under its name."""

    def __init__(self, name: str, findings: Findings) -> None:
        self.content_types: set[str] = set()
        self._name = name
        self._findings = findings
        self._must_be_xml = name.casefold().endswith((".xml", ".rels"))
        self._root = ""
        self._field: list[str] = []
        self._field_length = 0
        self._depth = 0
        self._in_instruction = False
        self._is_done = False
        self._fed_bytes = 0
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = _refuse_entities

    def feed(self, piece: bytes, *, is_last: bool = False) -> None:
        """Read on.

        Raises:
            BadContainer: It is no XML though its name says so, or declares entities, or is encrypted.
        """
        if self._is_done:
            return
        try:
            self._parser.Parse(piece, is_last)
            self._fed_bytes += len(piece)
            if self._fed_bytes - max(self._parser.CurrentByteIndex, 0) > _MAX_TOKEN_BYTES:
                raise BadContainer(f"{self._name} holds a tag that does not end")
        except expat.ExpatError as broken:
            self._is_done = True
            if self._must_be_xml:
                raise BadContainer(f"{self._name} is not well-formed XML") from broken
        if is_last:
            self._end_field()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        local = tag.rpartition(":")[2]
        if not self._root:
            self._root = local
            if local in _INERT_ROOTS:
                self._is_done = True
        match local:
            case "Relationship":
                self._relationship(attributes)
            case "Override" | "Default":
                self._content_type(attributes.get("ContentType", "").casefold())
            case "instrText":
                self._in_instruction = True
            case "fldChar":
                self._field_character(_attribute(attributes, "fldCharType"))
            case "fldSimple":
                self._check_field(_attribute(attributes, "instr"))
            case "ddeLink" | "dde-source" | "dde-connection-decl":
                self._note(ActiveContent.DDE)
            case "encryption-data":
                raise BadContainer("the file is encrypted")
            case "a":
                pass  # a link to follow, not one that is followed
            case _ if self._root.startswith("document-"):
                self._open_document(attributes)

    def _end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "instrText":
            self._in_instruction = False

    def _text(self, text: str) -> None:
        if self._in_instruction and self._field_length < _FIELD_MAX:
            self._field.append(text)
            self._field_length += len(text)

    def _relationship(self, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode", "").casefold() != "external":
            return
        is_link = attributes.get("Type", "").casefold().endswith("/hyperlink")
        if not is_link and not _OWN_DISK.match(attributes.get("Target", "")):
            self._note(ActiveContent.EXTERNAL_CONTENT)

    def _content_type(self, media_type: str) -> None:
        self.content_types.add(media_type)
        if any(each in media_type for each in _MACRO_TYPES):
            self._note(ActiveContent.MACROS)
        if "activex" in media_type:
            self._note(ActiveContent.EMBEDDED_OBJECT)

    def _field_character(self, kind: str) -> None:
        if kind == "begin":
            self._depth += 1
            self._text_of_field("{")
        elif kind == "end":
            self._depth -= 1
            self._text_of_field("}")
            if self._depth <= 0:
                self._end_field()

    def _text_of_field(self, text: str) -> None:
        if self._field_length < _FIELD_MAX:
            self._field.append(text)
            self._field_length += len(text)

    def _end_field(self) -> None:
        self._check_field("".join(self._field))
        self._field.clear()
        self._field_length = self._depth = 0

    def _check_field(self, instruction: str) -> None:
        plain = _QUOTED.sub(_unquoted, " ".join(instruction.split()))
        if _DDE_FIELD.search(plain):
            self._note(ActiveContent.DDE)
        if _FETCHING_FIELD.search(plain):
            self._note(ActiveContent.EXTERNAL_CONTENT)

    def _open_document(self, attributes: dict[str, str]) -> None:
        if _ELSEWHERE.match(_attribute(attributes, "href")):
            self._note(ActiveContent.EXTERNAL_CONTENT)
        if "DDE(" in _attribute(attributes, "formula").upper():
            self._note(ActiveContent.DDE)

    def _note(self, found: ActiveContent) -> None:
        self._findings.note(found, at=self._name)


def check_family(media_type: str, content_types: Collection[str]) -> None:
    """Pass when an Office Open XML package holds what its type says; other types pass.

    Raises:
        BadContainer: It holds something else.
    """
    for family in _FAMILIES:
        if family in media_type and not any(
            family in each or _legacy(family) in each for each in content_types
        ):
            raise BadContainer(f"the file holds no {_FAMILIES[family]}, as its type says")


def looks_like_xml(head: bytes) -> bool:
    """Return whether a part begins like XML, in whatever encoding."""
    return head.lstrip(b"\xef\xbb\xbf\xfe\xff\x00 \t\r\n").startswith(b"<")


def _legacy(family: str) -> str:
    """Return how types of files with macros name the family: `application/vnd.ms-word.…`."""
    return {"wordprocessingml": "ms-word", "spreadsheetml": "ms-excel"}.get(family, "ms-powerpoint")


def _attribute(attributes: dict[str, str], local: str) -> str:
    return next((value for name, value in attributes.items() if name.rpartition(":")[2] == local), "")


def _unquoted(match: re.Match[str]) -> str:
    return "".join(map(chr, map(int, match[1].split())))


def _refuse_entities(*_: object) -> None:
    raise BadContainer("a part of the file declares entities")
