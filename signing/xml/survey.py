"""The first look at a file: which signatures stand in it, and where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import BinaryIO

from signing.xml import reasons
from signing.xml.limits import MAX_NESTED, MAX_SIGNATURE_TEXT, MAX_SIGNATURES
from signing.xml.names import DS, EDXML, EDXML_OLD, XADES
from signing.xml.reader import Tag, read
from signing.xml.reasons import NotTaken
from signing.xml.tree import Node, TreeBuilder


@dataclass(frozen=True, slots=True)
class Found:
    """One signature element, and where it stands."""

    node: Node
    path: str
    is_counter_signature: bool = False

    @property
    def field(self) -> str:
        """Return what it is called in the report: its Id, else its path."""
        return self.node.tag.value("Id") or self.path

    @property
    def is_root(self) -> bool:
        """Return whether the file is this signature, with what it signs inside."""
        return self.node.tag.ordinal == 0


@dataclass(slots=True)
class Survey:
    """What the first look found."""

    is_edxml: bool = False
    elements: int = 0
    signatures: list[Found] = field(default_factory=list)
    dialect: list[Found] = field(default_factory=list)
    """Signature elements of the edXML dialect, which are no XML signatures."""
    has_comment_in_text: bool = False
    has_instruction_outside: bool = False
    """Whether a processing instruction stands before or behind the root. A stylesheet does so, by which a
    program shows another text."""

    @property
    def ordinals(self) -> frozenset[int]:
        """Return the places of all signature elements."""
        return frozenset(each.node.tag.ordinal for each in self.signatures)


def look(source: BinaryIO) -> Survey:
    """Return what stands in a file.

    Raises:
        NotTaken: It cannot be read as XML, or breaks a budget.
    """
    looking = _Looking()
    read(source, looking)
    return looking.survey


@dataclass(slots=True)
class _Level:
    """An element that is open."""

    tag: Tag
    step: str
    children: Counter[str] = field(default_factory=Counter)
    has_comment: bool = False
    has_text: bool = False


class _Looking:
    def __init__(self) -> None:
        self.survey = Survey()
        self._levels: list[_Level] = []
        self._trees: list[TreeBuilder] = []
        """Signatures being read, outermost first."""
        self._letters = 0

    def start(self, tag: Tag) -> None:
        self.survey.elements += 1
        if not self._levels:
            self.survey.is_edxml = tag.namespace in (EDXML, EDXML_OLD) or tag.local == "edXML"
        self._levels.append(_Level(tag, self._step(tag)))
        for tree in self._trees:
            tree.start(tag)
        if tag.local == "Signature" and tag.namespace == DS:
            self._begin(tag)
        elif self._is_dialect(tag):
            self.survey.dialect.append(Found(self._tree(tag), self._path()))

    def end(self) -> None:
        level = self._levels.pop()
        if level.has_comment and level.has_text:
            self.survey.has_comment_in_text = True
        for tree in self._trees:
            tree.end()
        while self._trees and self._trees[-1].is_done:
            self._letters += self._trees.pop().letters

    def text(self, text: str) -> None:
        level = self._levels[-1]
        if not level.has_text and not text.isspace():
            level.has_text = True
        for tree in self._trees:
            tree.text(text)

    def comment(self) -> None:
        self._remark()

    def instruction(self, target: str, text: str) -> None:
        del target, text
        self._remark(is_comment=False)

    def _remark(self, *, is_comment: bool = True) -> None:
        if not self._levels:
            self.survey.has_instruction_outside |= not is_comment
            return
        self._levels[-1].has_comment |= is_comment
        for tree in self._trees:
            tree.remark()

    def _step(self, tag: Tag) -> str:
        if not self._levels:
            return tag.name
        around = self._levels[-1].children
        around[tag.name] += 1
        return tag.name if around[tag.name] == 1 else f"{tag.name}[{around[tag.name]}]"

    def _begin(self, tag: Tag) -> None:
        around = self._levels[-2].tag if len(self._levels) > 1 else None
        is_counter = around is not None and (around.namespace, around.local) == (XADES, "CounterSignature")
        is_counter &= any(tree.root.is_(DS, "Signature") for tree in self._trees)
        self.survey.signatures.append(Found(self._tree(tag), self._path(), is_counter))

    def _is_dialect(self, tag: Tag) -> bool:
        is_named_so = tag.local in ("Signature", "DigitalSignature") and tag.namespace != DS
        if not is_named_so or not self.survey.is_edxml or len(self._levels) < 2:
            return False
        return self._levels[-2].tag.local == "edXMLHeader"

    def _tree(self, tag: Tag) -> Node:
        """Begin to keep an element, and return what it will have become when it has ended."""
        if len(self.survey.signatures) + len(self.survey.dialect) >= MAX_SIGNATURES:
            raise NotTaken(reasons.TOO_MUCH.about(f"more than {MAX_SIGNATURES} signatures"), "GENERIC")
        if len(self._trees) >= MAX_NESTED:
            raise NotTaken(reasons.TOO_MUCH.about(f"more than {MAX_NESTED} signatures in one"), "GENERIC")
        tree = TreeBuilder(tag, room=MAX_SIGNATURE_TEXT - self._letters)
        self._trees.append(tree)
        return tree.root

    def _path(self) -> str:
        return "/".join(level.step for level in self._levels)
