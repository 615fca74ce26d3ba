"""Small trees: signature elements, kept whole while the file around them passes by."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from signing.xml import reasons
from signing.xml.canonical import Canonicaliser, Method
from signing.xml.limits import MAX_SIGNATURE_TEXT, NODE_LETTERS
from signing.xml.names import BLANKS, DS, DS_MORE, DSIG_11, EXCLUSIVE, XADES, XADES_141
from signing.xml.reader import Tag, read
from signing.xml.reasons import NotTaken


@dataclass(slots=True)
class Node:
    """One element and what is in it, in its order."""

    tag: Tag
    parts: list[Node | str] = field(default_factory=list)
    has_remarks: bool = False
    """Whether a comment or processing instruction stands directly in it."""
    has_other_text: bool = False
    """Whether text stands directly in it that is not kept: that of a `ds:Object`."""

    @property
    def children(self) -> list[Node]:
        """Return the elements directly in it."""
        return [part for part in self.parts if isinstance(part, Node)]

    @property
    def text(self) -> str:
        """Return all text directly in it."""
        return "".join(part for part in self.parts if isinstance(part, str))

    def is_(self, namespace: str, local: str) -> bool:
        """Return whether it is an element of this name."""
        return self.tag.namespace == namespace and self.tag.local == local

    def all(self, local: str, namespace: str = DS) -> list[Node]:
        """Return the elements of a name directly in it."""
        return [each for each in self.children if each.is_(namespace, local)]

    def maybe(self, local: str, namespace: str = DS) -> Node | None:
        """Return the one element of a name directly in it, None without one.

        Raises:
            NotTaken: There are several.
        """
        found = self.all(local, namespace)
        if len(found) > 1:
            raise NotTaken(reasons.STRUCTURE.about(f"several {local}"))
        return found[0] if found else None

    def one(self, local: str, namespace: str = DS) -> Node:
        """Return the one element of a name directly in it.

        Raises:
            NotTaken: There is none, or there are several.
        """
        found = self.maybe(local, namespace)
        if found is None:
            raise NotTaken(reasons.STRUCTURE.about(f"no {local}"))
        return found

    def walk(self) -> Iterator[Node]:
        """Yield it and every element in it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def canonical(self, method: Method) -> bytes:
        """Return its canonical form."""
        written = io.BytesIO()
        writer = Canonicaliser(method, written.write, is_document=False)
        _replay(self, writer)
        return written.getvalue()


def _replay(node: Node, writer: Canonicaliser) -> None:
    writer.start(node.tag)
    for part in node.parts:
        if isinstance(part, str):
            writer.text(part)
        else:
            _replay(part, writer)
    writer.end()


class TreeBuilder:
    """Builds the tree of one element. The content that a signature envelops is left out of its tree."""

    def __init__(self, tag: Tag, *, room: int = MAX_SIGNATURE_TEXT) -> None:
        self.root = Node(tag)
        self.letters = 0
        self._room = room
        self._open = [self.root]
        self._passed_over = 0

    @property
    def is_done(self) -> bool:
        """Return whether the element has ended."""
        return not self._open

    def start(self, tag: Tag) -> None:
        """Hear a start tag inside the element.

        Raises:
            NotTaken: There is more of it than a signature can be.
        """
        if self._passed_over:
            self._passed_over += 1
            return
        node, around = Node(tag), self._open[-1]
        if around.is_(DS, "Object") and tag.local != "QualifyingProperties":
            self._passed_over = 1
            if tag.local != "Manifest" and _ends_with_a_stranger(around):
                return  # that there is something is known already
        else:
            self._open.append(node)
        self._count(NODE_LETTERS)
        around.parts.append(node)

    def end(self) -> None:
        """Hear an end tag."""
        if self._passed_over:
            self._passed_over -= 1
            return
        self._open.pop()

    def text(self, text: str) -> None:
        """Hear a piece of text.

        Raises:
            NotTaken: There is more of it than a signature can be.
        """
        if self._passed_over:
            return
        if self._open[-1].is_(DS, "Object"):
            self._open[-1].has_other_text |= bool(text.strip(BLANKS))
            return
        self._count(len(text))
        self._open[-1].parts.append(text)

    def _count(self, letters: int) -> None:
        self.letters += letters
        if self.letters > self._room:
            raise NotTaken(reasons.TOO_MUCH.about("signatures of that length"), "GENERIC")

    def remark(self) -> None:
        """Hear a comment or processing instruction."""
        if not self._passed_over:
            self._open[-1].has_remarks = True


def is_of_signatures(node: Node) -> bool:
    """Return whether it is an element of signatures, holding either elements or text."""
    is_mixed = bool(node.children) and bool(node.text.strip(BLANKS))
    return node.tag.namespace in (DS, DS_MORE, DSIG_11, EXCLUSIVE, XADES, XADES_141) and not is_mixed


def _ends_with_a_stranger(holder: Node) -> bool:
    last = holder.parts[-1] if holder.parts else None
    return isinstance(last, Node) and last.tag.local not in ("Manifest", "QualifyingProperties")


def demand_no_remarks(signature: Node) -> None:
    """Pass when no comment or instruction stands in what the signature says of itself.

    Raises:
        NotTaken: One does: programs that read the first piece of a text would see another value.
    """
    for node in signature.walk():
        is_own = node.tag.namespace in (DS, XADES, XADES_141) and not node.is_(DS, "Object")
        if node.has_remarks and is_own:
            raise NotTaken(reasons.COMMENT)


class _WholeTree:
    """Hears a file that is one small element."""

    def __init__(self) -> None:
        self.builder: TreeBuilder | None = None

    def start(self, tag: Tag) -> None:
        if self.builder is None:
            self.builder = TreeBuilder(tag)
        else:
            self.builder.start(tag)

    def end(self) -> None:
        if self.builder is not None:
            self.builder.end()

    def text(self, text: str) -> None:
        if self.builder is not None:
            self.builder.text(text)

    def comment(self) -> None:
        raise NotTaken(reasons.COMMENT)

    def instruction(self, target: str, text: str) -> None:
        del target, text
        raise NotTaken(reasons.COMMENT)


def parsed_again(canonical: bytes) -> Node:
    """Return the tree of canonical octets: what is read from it is what was signed.

    Raises:
        NotTaken: They hold a comment or an instruction.
    """
    whole = _WholeTree()
    read(io.BytesIO(canonical), whole)
    assert whole.builder is not None
    return whole.builder.root
