"""What is passed over: elements no standard knows, which two readers may understand in two ways.

So nothing of a packet's own may stand in them, and not much at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.edxml import faults
from adapters.edxml.faults import SAFETY, Mistakes, Refused
from adapters.edxml.fields import ROOTS, SIGNATURES, Element
from adapters.edxml.limits import MAX_SKIPPED


class Skipped:
    """The element that is being passed over right now, if there is one, with all in it."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._depth = 0
        self._is_mistake = False
        self._is_signature = False
        self._length = 0

    def __bool__(self) -> bool:
        return self._depth > 0

    def open(self, local: str, *texts: str, path: str, is_mistake: bool = False) -> None:
        """Pass over an element with the texts of its attributes.

        Args:
            local: Its local name.
            texts: What its attributes say.
            path: Where it stands.
            is_mistake: Whether the packet is refused for it anyhow. What is in it then says nothing more.

        Raises:
            Refused: Too much is passed over.
        """
        if not self._depth:
            self._is_mistake = is_mistake
            self._is_signature = local.casefold() in _SIGNATURES
        self._depth += 1
        if not self._is_mistake and local.casefold() in _KNOWN:
            self._mistakes.add(faults.HIDDEN, element=path, rule=SAFETY)
        for text in texts:
            self.text(text, path=path)

    def text(self, piece: str, *, path: str) -> None:
        """Pass over text. That of a signature is long, and counts with the other texts of the packet only.

        Raises:
            Refused: It is too much.
        """
        if self._is_signature or piece.isspace():
            return
        self._length += len(piece)
        if self._length > MAX_SKIPPED:
            raise Refused(faults.SKIPPED_TOO_LONG, element=path)

    def close(self) -> None:
        """Leave the innermost element."""
        self._depth -= 1


def _names(element: Element) -> Iterator[str]:
    for name, child in (element.children or {}).items():
        yield name.rpartition(":")[2].casefold()
        yield from _names(child)


# Senders put these where they do not belong (a Telephone in StaffInfo); nothing is decided by them.
_HARMLESS = frozenset(
    {"departmentid", "department", "email", "fax", "mobile", "organadd", "staff", "staffid", "telephone"}
    | {"direction", "fieldname", "format", "mimetype", "pageamount", "promulgationamount", "website"}
)
_SIGNATURES = frozenset(name.casefold() for name in SIGNATURES)
_OF_SIGNATURES = _SIGNATURES.union(*(_names(each) for each in SIGNATURES.values()))
_KNOWN = frozenset(
    {name.rpartition(":")[2].casefold() for name in ROOTS}.union(*(_names(each) for each in ROOTS.values()))
    - _OF_SIGNATURES
    - _HARMLESS
)
"""Every name of the grammar but those of signatures, which are carried and not judged, and the harmless."""
