"""Makes fields out of elements as they come: no tree, only the elements that are open right now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from adapters.edxml import faults
from adapters.edxml.attachments import Attachments, Sink
from adapters.edxml.faults import LENGTHS, SAFETY, STANDARD, Mistakes, Refused
from adapters.edxml.fields import (
    ATTACHMENT,
    HEADER,
    IGNORED,
    MESSAGE_HEADER,
    ROOTS,
    TRACE_HEADER_LIST,
    Element,
)
from adapters.edxml.limits import ReadLimits
from adapters.edxml.packet import NAMESPACE
from adapters.edxml.skipped import Skipped
from gateway.domain.envelope import Dialect

OLDER_NAMESPACE = "http://www.e-doc.vn/Schema/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XLINK = "http://www.w3.org/1999/xlink"
XML = "http://www.w3.org/XML/1998/namespace"

_ID = re.compile(r"[\w.-]{1,128}")
_MAX_SHOWN_NAME = 40
_DOTNET_ATTRIBUTES = frozenset({"mustUnderstand", "actor"})
_OLDER_NAMES = frozenset({"OrganInCharge", "Status", "Manifest"})


class Name(NamedTuple):
    """The name of an element or attribute."""

    uri: str
    local: str
    prefix: str = ""


Attributes = Sequence[tuple[Name, str]]


@dataclass(slots=True)
class Frame:
    """An element that is open. A group that is no part shares fields and `seen` with the part around it."""

    element: Element
    path: str
    rule: str
    fields: dict[str, Any]
    seen: set[Element]
    counts: dict[str, int] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    cdata_sections: int = 0
    has_elements: bool = False
    sink: Sink | None = None

    @property
    def is_value(self) -> bool:
        """Whether the element's text is what counts."""
        return self.element.children is None or (self.element.or_text and not self.has_elements)

    @property
    def has_text(self) -> bool:
        """Whether there is more than white space."""
        return any(not piece.isspace() for piece in self.text)


@dataclass(slots=True)
class _Ids:
    """The ids of a packet: two readers must not understand them differently."""

    mistakes: Mistakes
    _values: set[str] = field(default_factory=set)
    _name: Name | None = None

    def check(self, attributes: Attributes, *, element: str) -> None:
        """Note what is ambiguous about the ids of one element."""
        for name, text in attributes:
            if name.local.lower() != "id" or not text:
                continue
            self._name = self._name or name
            if (name.uri, name.local) != (self._name.uri, self._name.local):
                self.mistakes.add(faults.AMBIGUOUS_ID, element=element, rule=SAFETY)
            if not _ID.fullmatch(text):
                self.mistakes.add(faults.BAD_ID, element=element, rule=SAFETY)
            if text in self._values:
                self.mistakes.add(faults.DUPLICATE_ID, element=element, rule=SAFETY)
            self._values.add(text)


class Builder:
    """Takes what the parser sees and keeps the fields it knows; notes what is wrong on the way."""

    def __init__(self, mistakes: Mistakes, *, into: Path, limits: ReadLimits) -> None:
        self.fields: dict[str, Any] = {}
        self.seen: set[Element] = set()
        self.dialect = Dialect.JAVA
        self.attachments = Attachments(into, limits, mistakes)
        self.trace_prefix = ""
        self._mistakes = mistakes
        self._frames: list[Frame] = []
        self._skipped = Skipped(mistakes)
        self._counts: dict[Element, int] = {}
        self._namespace: str | None = None
        self._ids = _Ids(mistakes)

    @property
    def path(self) -> str:
        """Where in the packet we are."""
        return (self._frames[-1].path if self._frames else "") or "edXML"

    def start(self, name: Name, attributes: Attributes) -> Element | None:
        """Open an element; None when it is passed over with everything in it.

        Raises:
            Refused: It is no packet's root, or one too many, or too much is passed over.
        """
        self._ids.check(attributes, element=self.path)
        if self._skipped:
            self._skip(name, attributes)
            return None
        element = self._known(name)
        if element is None or not self._may_come(element, name):
            is_mistake = element is not None or self._frames[-1].element.children is None
            self._skip(name, attributes, is_mistake=is_mistake)
            return None
        frame = self._open(element, name.local)
        self._frames.append(frame)
        self._note_dialect(name, attributes)
        self._read_attributes(frame, attributes)
        return element

    def end(self) -> Element | None:
        """Close the innermost element; None when it had been passed over."""
        if self._skipped:
            self._skipped.close()
            return None
        frame = self._frames.pop()
        if frame.sink is not None:
            frame.sink.close()
            frame.fields |= {"path": str(frame.sink.path), "size_bytes": frame.sink.size_bytes}
        elif frame.is_value:
            self._close_value(frame)
        else:
            self._close_group(frame)
        return frame.element

    def note(self, wording: faults.Wording) -> None:
        """Take note of what is odd about the packet's XML."""
        self._mistakes.warn(wording, element="edXML", rule=faults.XML)

    def close(self) -> None:
        """Close the file of an attachment that broke off."""
        for frame in self._frames:
            if frame.sink is not None:
                frame.sink.abandon()

    def text(self, piece: str) -> None:
        """Take text of the innermost element.

        Raises:
            Refused: It follows a CDATA section in a value, or is too much.
        """
        if self._skipped:
            self._skipped.text(piece, path=self.path)
            return
        if not self._frames:
            return
        frame = self._frames[-1]
        if frame.cdata_sections == 2 and not piece.isspace():
            raise Refused(faults.SPLIT, element=self.path)
        if frame.sink is not None:
            frame.sink.write(piece)
        elif frame.is_value:
            frame.text.append(piece)
        elif not piece.isspace():
            self._mistakes.add(faults.MIXED, element=self.path, rule=frame.rule)

    def comment(self) -> None:
        """Take a comment, which may stand between elements only.

        Raises:
            Refused: It is inside a value.
        """
        if self.in_value:
            raise Refused(faults.SPLIT, element=self.path)

    def open_cdata(self) -> None:
        """Take the start of a CDATA section, which must be all of a value.

        Raises:
            Refused: It is only a part of it.
        """
        if not self.in_value:
            return
        frame = self._frames[-1]
        if frame.cdata_sections or frame.has_text or (frame.sink is not None and frame.sink.has_text):
            raise Refused(faults.SPLIT, element=self.path)
        frame.cdata_sections = 1

    def close_cdata(self) -> None:
        """Take the end of a CDATA section: no text may follow."""
        if self.in_value:
            self._frames[-1].cdata_sections = 2

    @property
    def in_value(self) -> bool:
        """Whether all text counts right now, white space too."""
        return not self._skipped and bool(self._frames) and self._frames[-1].is_value

    # --- opening ---------------------------------------------------------------------------------

    def _known(self, name: Name) -> Element | None:
        """Return what is known of an element here; None, and a note, when it has no place here."""
        known = self._frames[-1].element.children if self._frames else ROOTS
        if known is None:
            self._mistakes.add(faults.ELEMENT_IN_VALUE, element=self.path, rule=STANDARD)
            return None
        if not self._is_ours(name):
            self._warn(faults.FOREIGN, name)
            return None
        local = f"soap:{name.local}" if name.uri == SOAP else name.local
        element = known.get(local) or known.get(local.replace("Business", "Bussiness", 1))
        if element is None and not self._frames:
            raise Refused(faults.NOT_EDXML, rule=STANDARD)
        if element is None and local not in IGNORED:
            self._warn(faults.UNKNOWN, name)
        return element

    def _skip(self, name: Name, attributes: Attributes, *, is_mistake: bool = False) -> None:
        path = self._path_of(name.local[:_MAX_SHOWN_NAME])
        texts = (text for _, text in attributes)
        self._skipped.open(name.local, *texts, path=path, is_mistake=is_mistake)

    def _is_ours(self, name: Name) -> bool:
        """Return whether an element is of the packet's one namespace, which its first element decides."""
        if name.uri == SOAP and name.local in {"Envelope", "Header", "Body"}:
            return True
        if self._namespace is None and name.uri in {NAMESPACE, OLDER_NAMESPACE}:
            self._namespace = name.uri
        if not self._frames and name.uri != self._namespace:
            raise Refused(faults.NOT_EDXML, rule=STANDARD)
        return name.uri == self._namespace

    def _may_come(self, element: Element, name: Name) -> bool:
        """Return whether an element is not a second one of those that come once."""
        if not self._frames:
            return True
        around = self._frames[-1]
        around.has_elements = True
        if around.element.or_text and around.has_text:
            self._mistakes.add(faults.MIXED, element=self.path, rule=around.rule)
        is_second = element in around.seen or (element.field and element.field in around.fields)
        around.seen.add(element)
        if is_second and not element.many:
            self._mistakes.add(
                faults.REPEATED, element=self._path_of(name.local), rule=self._rule_of(element)
            )
            return False
        return True

    def _open(self, element: Element, local: str) -> Frame:
        around = self._frames[-1] if self._frames else None
        path = "" if element.is_wrapper else self._path_of(local)
        if around is not None and element.many:
            around.counts[local] = count = around.counts.get(local, 0) + 1
            path += f"[{count}]" if count > 1 else ""
            self._counts[element] = self._counts.get(element, 0) + 1
            if self._counts[element] > element.most:
                raise Refused(faults.too_many(element.most), element=path)
        if element is MESSAGE_HEADER and around is not None and around.element is not HEADER:
            self.dialect = Dialect.BKAV  # flat or in SOAP: nobody else writes it so
        if element.part is not None:
            return Frame(element, path, self._rule_of(element), {}, set(), sink=None)
        fields, seen = (around.fields, around.seen) if around else (self.fields, self.seen)
        sink = self.attachments.open(path) if element.is_content else None
        return Frame(element, path, self._rule_of(element), fields, seen, sink=sink)

    def _path_of(self, local: str) -> str:
        around = self._frames[-1].path if self._frames else ""
        return f"{around}/{local}" if around else local

    def _rule_of(self, element: Element) -> str:
        if element.clause:
            return f"{STANDARD} {element.clause}"
        return self._frames[-1].rule if self._frames else STANDARD

    def _warn(self, wording: faults.Wording, name: Name) -> None:
        shown = self._path_of(name.local[:_MAX_SHOWN_NAME])
        self._mistakes.warn(wording, element=shown, rule=self._frames[-1].rule if self._frames else STANDARD)

    # --- attributes ------------------------------------------------------------------------------

    def _read_attributes(self, frame: Frame, attributes: Attributes) -> None:
        for name, text in attributes:
            if name.local == "href" and not text.strip().lower().startswith(("cid:", "#")):
                self._mistakes.add(faults.EXTERNAL, element=frame.path, rule=SAFETY)
            local = "id" if name.local.lower() == "id" else name.local
            field_name = frame.element.attributes.get(local)
            if field_name is None or name.uri not in {"", XLINK, XML}:
                continue
            if frame.element.many and frame.element.part is None:
                frame.fields.setdefault(field_name, []).append(text.strip())
            else:
                frame.fields.setdefault(field_name, text.strip())

    def _note_dialect(self, name: Name, attributes: Attributes) -> None:
        if (
            name.uri in {SOAP, OLDER_NAMESPACE}
            or name.local.startswith("Business")
            or name.local in _OLDER_NAMES
        ):
            self.dialect = Dialect.BKAV
        if self._frames[-1].element is TRACE_HEADER_LIST:
            self.trace_prefix = f"{name.prefix}:" if name.prefix else ""
        is_dotnet = name.local == "DigitalSignature" or any(
            attribute.uri == XLINK or attribute.local in _DOTNET_ATTRIBUTES for attribute, _ in attributes
        )
        if is_dotnet and self.dialect is Dialect.JAVA:
            self.dialect = Dialect.DOTNET

    # --- closing ---------------------------------------------------------------------------------

    def _close_value(self, frame: Frame) -> None:
        text = "".join(frame.text).strip()
        if not text:
            return
        element = frame.element
        checked = element.check(text)
        if checked.fault is not None:
            self._mistakes.add(checked.fault, element=frame.path, rule=frame.rule)
        elif element.longest is not None and len(checked.text) > element.longest:
            self._mistakes.add(faults.too_long(element.longest), element=frame.path, rule=LENGTHS)
        if checked.remark is not None:
            self._mistakes.warn(checked.remark, element=frame.path, rule=frame.rule)
        if element.many:
            frame.fields.setdefault(element.field, []).append(checked.text)
        else:
            frame.fields[element.field] = checked.text

    def _close_group(self, frame: Frame) -> None:
        element = frame.element
        for required in element.required:
            assert element.children is not None
            if not frame.fields.get(element.children[required].field):
                self._mistakes.add(faults.MISSING, element=f"{frame.path}/{required}", rule=frame.rule)
        if element.part is None:
            return
        part = element.part(**{**element.constants, **tuples(frame.fields)})
        around = self._frames[-1].fields if self._frames else self.fields
        if not element.many:
            around[element.field] = part
        elif frame.fields or element is ATTACHMENT:  # an empty element of a list says nothing
            around.setdefault(element.field, []).append(part)


def tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with their lists closed."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
