"""How much pdfium would lay out to show a page, counted before it is let near the file.

It lays out a form anew each time that it is drawn, and keeps all of it: forms that draw forms that draw forms
make a page of two kilobytes take gigabytes.
"""

from __future__ import annotations

import re
import time
from base64 import a85decode
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from mmap import mmap

from signing.pdf import reasons
from signing.pdf.objects import ObjectGraph, PdfObject, TooCostly, names_undone, read_graph
from signing.pdf.sections import FILTERS
from signing.pdf.syntax import Dictionary, Name, NotPlain, Reference, Value, read_indirect, read_value
from signing.reasons import Refused

_MAX_DRAWN_BYTES = 8 * 1024 * 1024
"""On one page, of what draws it: pdfium takes up to fifty times as much memory."""
_BYTES_OF_USE = 48
"""What drawing a form once counts beside its own bytes."""
_MAX_NESTED = 40
_MAX_PARENTS = 50
_PAGE = re.compile(rb"/Contents[\0\t\n\f\r ]*+[0-9\[%]")
"""What a page has; the contents of a signature are a string."""
_END = re.compile(rb"[\0\t-\r ]{0,64}+endstream")
_USE = re.compile(rb"(?>(?:/([^\0\t\n\f\r ()<>\[\]{}/%]*+)[\0\t\n\f\r ]++)?)(?<![A-Za-z])Do(?![A-Za-z])")
_IN_LETTERS: Value = [Name("ASCII85Decode"), Name("FlateDecode")]

Names = Mapping[str, set[int]]
"""The objects that a name in a content stream may stand for."""


def demand_drawable(raw: mmap | bytes, graph: ObjectGraph) -> None:
    """Pass when no page of any revision takes too much to lay out.

    Raises:
        TooCostly: One does.
        NotPlain: What one draws is not written plainly enough to be counted.
    """
    drawing = _Drawing(raw, graph)
    for found in graph.every:
        if found.stream_at is None and found.has(_PAGE):
            drawing.demand_little(found)


def demand_pictures(raw: mmap, *, until: float) -> None:
    """Pass when the pages of a file may be drawn, found within that much processor time of this process.

    Raises:
        Refused: They take too much.
    """
    graph = read_graph(raw)
    graph.until = until
    try:
        # What is too odd to be counted is let through: most of it is no bomb, and a worker has walls.
        with suppress(NotPlain):
            demand_drawable(raw, graph)
    except TooCostly as bomb:
        is_late = time.process_time() > until
        reason = reasons.PICTURES_TOO_MANY if is_late else reasons.NOT_DRAWN.about("its pages draw too much")
        raise Refused(reason, "GENERIC") from bomb


class _Drawing:
    """What the pages of a file draw, by any definition of each object: which one counts is not asked."""

    def __init__(self, raw: mmap | bytes, graph: ObjectGraph) -> None:
        self._raw = raw
        self._graph = graph
        self._definitions: dict[int, list[PdfObject]] = {}
        for found in graph.every:
            self._definitions.setdefault(found.number, []).append(found)
        self._costs: dict[int, int] = {}
        self._open: set[int] = set()

    def demand_little(self, found: PdfObject) -> None:
        """Pass when an object is no page, or draws little."""
        page = self._value(found)
        if not isinstance(page, dict):
            return
        content = b" ".join(self._contents(page))
        cost = self._cost(content, self._names_of_page(page) if b"Do" in content else {})
        looks = Counter(number for each in self._listed(page.get("Annots")) for number in self._look(each))
        _demand_little(cost + sum(times * self._cost_of_form(number) for number, times in looks.items()))

    def _contents(self, page: Dictionary) -> Iterator[bytes]:
        """Yield the bytes of all streams that draw a page, as often as they do."""
        total = 0
        for each in self._listed(page.get("Contents")):
            for found in self._definitions.get(each.number, ()) if isinstance(each, Reference) else ():
                content = self._content(found)
                total += len(content)
                _demand_little(total)
                yield content

    def _look(self, annotation: Value) -> Iterator[int]:
        """Yield the forms that an annotation may show; it has one for each state."""
        for each in self._values(annotation):
            waiting = [each.get("AP")] if isinstance(each, dict) else []
            while waiting:
                value = waiting.pop()
                if isinstance(value, Reference):
                    yield value.number
                elif isinstance(value, dict):
                    waiting += value.values()

    def _cost(self, content: bytes, names: Names) -> int:
        cost = len(content)
        for written, times in Counter(_USE.findall(content)).items() if b"Do" in content else ():
            name = names_undone(written).decode("latin-1")
            # Without a name that is plain to see it may be any.
            drawn = names.get(name, set()) if written else set().union(*names.values())
            cost += times * (_BYTES_OF_USE + max(map(self._cost_of_form, drawn), default=0))
        return _demand_little(cost)

    def _cost_of_form(self, number: int) -> int:
        if number not in self._costs:
            if number in self._open or len(self._open) > _MAX_NESTED:
                raise TooCostly
            self._open.add(number)
            definitions = self._definitions.get(number, ())
            self._costs[number] = max(map(self._cost_of_definition, definitions), default=0)
            self._open.remove(number)
        return self._costs[number]

    def _cost_of_definition(self, found: PdfObject) -> int:
        form = self._value(found)
        if found.stream_at is None or not isinstance(form, dict):
            return 0
        kind = form.get("Subtype")
        if isinstance(kind, Name) and kind != "Form":
            return 0
        content = self._content(found)
        if "Resources" not in form and b"Do" in content and _USE.search(content):
            raise NotPlain("a form that draws by the names of another")
        return self._cost(content, self._names(form.get("Resources")))

    def _names_of_page(self, page: Dictionary) -> Names:
        """Return the names of a page, or of the nearest node above that has some."""
        for _ in range(_MAX_PARENTS):
            if "Resources" in page:
                return self._names(page["Resources"])
            above = [each for each in self._values(page.get("Parent")) if isinstance(each, dict)]
            if len(above) != 1:
                break
            page = above[0]
        raise NotPlain("a page without resources")

    def _names(self, resources: Value) -> Names:
        names: dict[str, set[int]] = {}
        for held in self._values(resources):
            for objects in self._values(held.get("XObject")) if isinstance(held, dict) else ():
                for name, drawn in objects.items() if isinstance(objects, dict) else ():
                    if isinstance(drawn, Reference):
                        names.setdefault(name, set()).add(drawn.number)
        return names

    def _content(self, found: PdfObject) -> bytes:
        """Return all that a stream holds, or more than may be drawn."""
        described = self._value(found)
        if found.stream_at is None or not isinstance(described, dict):
            return b""
        size = found.stream_end - found.stream_at
        for length in self._values(described.get("Length")):
            # A length that stands elsewhere was not followed; it may lead to a later end.
            if type(length) is int and length > size and _END.match(self._raw, found.stream_at + length):
                raise NotPlain("a stream with two ends")
        if described.get("DecodeParms") is not None:
            raise NotPlain("a stream with parameters")
        raw = self._raw
        if described.get("Filter") == _IN_LETTERS:
            raw = _from_letters(raw[found.stream_at : found.stream_end])
            found = found._replace(stream_at=0, stream_end=len(raw))
        elif described.get("Filter") not in FILTERS:
            raise NotPlain("a stream that is not plainly written")
        found = found._replace(text=b"/Filter /FlateDecode" if "Filter" in described else b"")
        content = self._graph.content(raw, found, limit=_MAX_DRAWN_BYTES + 1)
        if size and not content:
            raise NotPlain("a damaged stream")
        return content

    def _listed(self, value: Value) -> Iterator[Value]:
        """Yield the members of an array, wherever it is written; of something else, that itself."""
        written = self._values(value)
        for each in written:
            yield from each if isinstance(each, list) else ()
        if not any(isinstance(each, list) for each in written):
            yield value

    def _values(self, value: Value) -> list[Value]:
        """Return a value, or all that its reference may lead to."""
        if not isinstance(value, Reference):
            return [value]
        return [self._value(found) for found in self._definitions.get(value.number, ())]

    def _value(self, found: PdfObject) -> Value:
        """Return an object's value, as the strict reader has it.

        Raises:
            NotPlain: It cannot be read in one way alone.
        """
        self._graph.demand_time()
        if found.at is None:
            return read_value(found.text, 0)[0]
        return read_indirect(self._raw, found.at)[1]


def _from_letters(letters: bytes) -> bytes:
    try:
        return a85decode(letters.strip(), adobe=True)
    except ValueError as damaged:
        raise NotPlain("a damaged stream") from damaged


def _demand_little(cost: int) -> int:
    if cost > _MAX_DRAWN_BYTES:
        raise TooCostly
    return cost
