"""What a PDF holds that nobody sees, or that acts: looked for before signing, and told beside a verdict.

A finding does not make a signature bad. Content that is prepared to appear later (the shadow attacks: hide,
replace, hide-and-replace) is harmless until somebody appends a few bytes; who signs it signs both.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from signing.pdf.doubles import doubled_objects
from signing.pdf.fonts import misnamed_fonts
from signing.pdf.forms import form_findings
from signing.pdf.objects import ObjectGraph, PdfObject, TooCostly, read_graph
from signing.pdf.overlays import covered_text, may_cover
from signing.pdf.wordless import is_wordless
from signing.report import Warning as ReportWarning


class Finding(StrEnum):
    """What the scan names; the values are codes of warnings."""

    DORMANT_CONTENT = "dormant-content"
    JAVASCRIPT = "javascript"
    XFA = "xfa"
    LAUNCH_ACTION = "launch-action"
    EXTERNAL_ACTION = "external-action"
    EMBEDDED_FILE = "embedded-file"
    RICH_MEDIA = "rich-media"
    ENCRYPTION = "encryption"
    HYBRID_CROSS_REFERENCES = "hybrid-cross-references"
    NOT_SCANNED = "not-scanned"


_MAX_DETAILS = 5
_MAX_SCANNED_BYTES = 256 * 1024 * 1024

_ACTIVE = (
    (Finding.JAVASCRIPT, re.compile(rb"/S\s*/JavaScript\b|/JS\b|/JavaScript\b"), "It holds JavaScript."),
    (Finding.XFA, re.compile(rb"/XFA\b"), "It holds an XFA form, which most viewers do not show."),
    (Finding.LAUNCH_ACTION, re.compile(rb"/S\s*/Launch\b"), "It can start another program."),
    (
        Finding.EXTERNAL_ACTION,
        re.compile(rb"/S\s*/(?:SubmitForm|ImportData|GoToR|GoToE)\b"),
        "It can send or fetch something elsewhere.",
    ),
    (Finding.EMBEDDED_FILE, re.compile(rb"/EmbeddedFiles?\b"), "Another file is embedded in it."),
    (
        Finding.RICH_MEDIA,
        re.compile(rb"/Subtype\s*/(?:RichMedia|3D|Movie|Sound|Screen)\b"),
        "It holds sound, video or a 3D model.",
    ),
)
_ENCRYPTED = re.compile(rb"/Encrypt\b")
_HYBRID = re.compile(rb"/XRefStm\b")

# What somebody could show later. Not: metadata, hints of a linearised file, colour profiles.
_CONTENT = re.compile(
    rb"/Type\s*/(?:Page|Catalog|Annot|XObject|Font)\b|/BBox\b|/Subtype\s*/(?:Image|Form|Widget)\b|/FT\b"
)
_NAMED_STREAM = re.compile(rb"/(?:Type|Subtype|S|N|Length1)\b")
_DRAWS_OBJECT = re.compile(rb"/[^\s/]++\s++Do\b")
_BEGINS_TEXT, _SHOWS_TEXT = re.compile(rb"\bBT\b"), re.compile(rb"\bT[jJ]\b")
_MAX_STREAM_BYTES = 1024 * 1024
_HIDDEN_LAYERS = re.compile(rb"/OFF\s*\[\s*\d|/BaseState\s*/OFF\b")
_HIDDEN_FLAG, _NO_VIEW_FLAG = 2, 32
_FLAGS = re.compile(rb"/F\s+(\d{1,9})\b")
_ANNOTATION = re.compile(rb"/Subtype\s*/(?:Widget|FreeText|Stamp|Square|Circle|Polygon|Ink|Line)\b")
_SIGNATURE = re.compile(rb"/FT\s*/Sig\b")
_APPEARANCE = re.compile(rb"/AP\b")


def scan(path: Path) -> tuple[ReportWarning, ...]:
    """Return a warning for each kind of finding in a PDF, with what was found and where.

    What cannot be looked at is a finding too.

    Raises:
        OSError: The file is not there.
    """
    with path.open("rb") as stream:
        if not stream.read(1):
            return ()
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            return _scan(path, raw)


def _scan(path: Path, raw: mmap.mmap) -> tuple[ReportWarning, ...]:
    if len(raw) > _MAX_SCANNED_BYTES:
        return (ReportWarning(Finding.NOT_SCANNED, "The file is too large to be looked through."),)
    graph = read_graph(raw)
    # Also what older revisions hold: they can be brought back.
    everything = b"\n".join(found.text for found in graph.every)
    warnings = [ReportWarning(code, detail) for code, detail in _active(everything)]
    if any(_ENCRYPTED.search(trailer) for trailer in graph.trailers):
        warnings.append(ReportWarning(Finding.ENCRYPTION, "It is encrypted."))
    if any(_HYBRID.search(trailer) for trailer in graph.trailers):
        detail = "It can be read in two ways: hybrid cross-references."
        warnings.append(ReportWarning(Finding.HYBRID_CROSS_REFERENCES, detail))
    if not graph.is_complete:
        detail = "It has more objects than are looked at."
        warnings.append(ReportWarning(Finding.NOT_SCANNED, detail))
    dormant, is_whole = _dormant(path, raw, graph, everything)
    if not is_whole:
        detail = "Not all of it was looked at for dormant content: it is too much, or too oddly written."
        warnings.append(ReportWarning(Finding.NOT_SCANNED, detail))
    if dormant:
        detail = " ".join(dict.fromkeys(dormant[:_MAX_DETAILS]))
        warnings.append(ReportWarning(Finding.DORMANT_CONTENT, detail))
    return tuple(warnings)


def _active(everything: bytes) -> Iterator[tuple[Finding, str]]:
    for code, pattern, detail in _ACTIVE:
        if pattern.search(everything):
            yield code, detail


def _dormant(path: Path, raw: mmap.mmap, graph: ObjectGraph, everything: bytes) -> tuple[Sequence[str], bool]:
    """Return what was found, and whether all was looked at: what is quickly seen is told in any case."""
    found: list[str] = []
    is_whole = True
    for looking in _looks(path, raw, graph, everything):
        try:
            for sentence in looking:
                found.append(sentence)
        except TooCostly:
            is_whole = False
    return found, is_whole


def _looks(path: Path, raw: mmap.mmap, graph: ObjectGraph, everything: bytes) -> Iterator[Iterator[str]]:
    # Most files have nothing that most of these look for, and objects by the thousand.
    for words, look in _LOOKS:
        if any(everything.rfind(word) >= 0 for word in words):  # much faster than `in`
            yield look(raw, graph)
    covers = any(b"/Subtype" in found.text and may_cover(found) for found in graph.objects.values())
    if covers and not is_wordless(path, raw):
        yield covered_text(path, raw, graph)


def _unreachable(raw: mmap.mmap, graph: ObjectGraph) -> Iterator[str]:
    reachable = graph.reachable()
    unreachable = [found for number, found in graph.objects.items() if number not in reachable]
    yield from (_unseen(found) for found in unreachable if found.has(_CONTENT))
    # A stream that has no name could be what a page shows. Last, for there can be too many to look at.
    for found in unreachable:
        is_named = found.stream_at is None or found.has(_CONTENT) or found.has(_NAMED_STREAM)
        if not is_named and _draws(graph.content(raw, found, limit=_MAX_STREAM_BYTES)):
            yield _unseen(found)


def _unseen(found: PdfObject) -> str:
    return f"Object {found.number} holds content that no page shows."


def _draws(content: bytes) -> bool:
    text = _BEGINS_TEXT.search(content)
    if text and _SHOWS_TEXT.search(content, text.end()):
        return True
    return _DRAWS_OBJECT.search(content) is not None


def _hidden(_: mmap.mmap, graph: ObjectGraph) -> Iterator[str]:
    for number, found in graph.objects.items():
        if b"/OFF" in found.text and found.has(_HIDDEN_LAYERS):
            yield "A layer is switched off."
        flags = _FLAGS.search(found.text) if b"/AP" in found.text else None
        is_hidden = flags is not None and int(flags[1]) & (_HIDDEN_FLAG | _NO_VIEW_FLAG)
        if is_hidden and found.has(_ANNOTATION) and found.has(_APPEARANCE) and not found.has(_SIGNATURE):
            yield f"Object {number} is an annotation that is hidden."


_LOOKS: tuple[tuple[tuple[bytes, ...], Callable[[mmap.mmap, ObjectGraph], Iterator[str]]], ...] = (
    ((b"",), _unreachable),
    ((b"",), doubled_objects),
    ((b"/OFF", b"/AP"), _hidden),
    ((b"/Widget",), form_findings),
    ((b"/FontDescriptor",), misnamed_fonts),
)
"""What looks for dormant content, and the words without one of which it finds none."""
