"""Form fields whose look and value differ, or that the form does not know: both can be turned over after
signing by an update that many viewers take for filling in a form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from mmap import mmap

from signing.pdf.objects import ObjectGraph, PdfObject

_MAX_LOOK_BYTES = 256 * 1024
_MAX_COMPARED = 300

_WIDGET = re.compile(rb"/Subtype\s*/Widget\b")
_TEXT_FIELD = re.compile(rb"/FT\s*/(?:Tx|Ch)\b")
_SIGNATURE_FIELD = re.compile(rb"/FT\s*/Sig\b")
_PARENT = re.compile(rb"/Parent\s+(\d+)\s+\d+\s+R")
_FORM = re.compile(rb"/Fields\s*(\[[^\]]{0,200000}+\]|\d+\s+\d+\s+R)")
_KIDS = re.compile(rb"/Kids\s*\[([^\]]{0,200000}+)\]")
_REFERENCE = re.compile(rb"(\d+)\s+\d+\s+R")
_VALUE = re.compile(rb"/V\s*\(((?>(?:[^()\\]|\\.){0,4096}))\)", re.DOTALL)
_NORMAL_LOOK = re.compile(rb"/AP\s*<<\s*/N\s+(\d+)\s+\d+\s+R")
_STRING = re.compile(rb"\(((?>(?:[^()\\]|\\.){0,4096}))\)", re.DOTALL)
_BOX = re.compile(rb"/Rect\s*\[\s*([-+.\d]+)\s+([-+.\d]+)\s+([-+.\d]+)\s+([-+.\d]+)\s*\]")

Box = tuple[float, float, float, float]


def form_findings(raw: mmap | bytes, graph: ObjectGraph) -> Iterator[str]:
    """Yield a sentence for each field that shows something else than its value, belongs to no form, or lies
    over another.

    Raises:
        TooCostly: What the fields show is too much to look at.
    """
    widgets = {
        number: found
        for number, found in graph.objects.items()
        if found.text.rfind(b"/Widget") >= 0 and found.has(_WIDGET)  # much faster than `in`
    }
    if not widgets:
        return
    known = _known_fields(graph)
    boxes: list[Box] = []
    for number, found in widgets.items():
        if found.has(_SIGNATURE_FIELD):
            continue
        parent = _PARENT.search(found.text)
        if number not in known and not (parent and int(parent[1]) in known):
            yield f"The field of object {number} belongs to no form."
        box = _BOX.search(found.text)
        if box:
            boxes.append(_sorted(box))
    if any(_lies_over(one, other) for one, other in combinations(boxes[:_MAX_COMPARED], 2)):
        yield "Form fields lie over each other."
    # Last, for what others show can be more than there is time to look at.
    for number, found in widgets.items():
        if found.has(_TEXT_FIELD) and _shows_something_else(raw, graph, found):
            yield f"The field of object {number} shows something else than its value."


def _known_fields(graph: ObjectGraph) -> set[int]:
    """Return the numbers of all fields that a form names, and of those beneath them."""
    waiting = [number for found in graph.objects.values() for number in _fields_named(graph, found)]
    known: set[int] = set()
    while waiting:
        number = waiting.pop()
        field = graph.objects.get(number)
        if field is None or number in known:
            continue
        known.add(number)
        kids = _KIDS.search(field.text)
        waiting += [int(each) for each in _REFERENCE.findall(kids[1])] if kids else []
    return known


def _fields_named(graph: ObjectGraph, found: PdfObject) -> list[int]:
    named = _FORM.search(found.text)
    if named is None:
        return []
    listed = named[1]
    if not listed.startswith(b"["):  # the list is an object of its own
        apart = graph.objects.get(int(listed.split()[0]))
        listed = apart.text if apart else b""
    return [int(each) for each in _REFERENCE.findall(listed)]


def _shows_something_else(raw: mmap | bytes, graph: ObjectGraph, field: PdfObject) -> bool:
    value, pointer = _VALUE.search(field.text), _NORMAL_LOOK.search(field.text)
    look = graph.objects.get(int(pointer[1])) if pointer else None
    if value is None or look is None:
        return False
    shown = _STRING.findall(graph.content(raw, look, limit=_MAX_LOOK_BYTES))
    # Drawn with glyph numbers instead of letters it cannot be compared without the font.
    return bool(shown) and _letters(b"".join(shown)) != _letters(value[1])


def _letters(text: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", re.sub(rb"\s", b"", text))


def _sorted(box: re.Match[bytes]) -> Box:
    try:
        left, bottom, right, top = (float(each) for each in box.groups())
    except ValueError:
        return (0, 0, 0, 0)
    return min(left, right), min(bottom, top), max(left, right), max(bottom, top)


def _lies_over(one: Box, other: Box) -> bool:
    """Return whether two boxes share more than half of the smaller one; pages are not told apart."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width > 0 and height > 0 and width * height > smaller / 2
