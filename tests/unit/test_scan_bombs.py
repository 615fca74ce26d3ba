"""No file keeps the scan busy or fills its memory, and what is quickly seen is told all the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest

from signing.report import Warning as ReportWarning
from signing.scan import Finding, scan
from tests.support import scan_bombs
from tests.support.pdf_files import FIRST_PAGE, classic, paper, stream
from tests.support.scan_bombs import nested_forms

_SECONDS = 4
"""Of the processor, and generous: without the bounds it is minutes."""
_NESTED = dict(scan_bombs.nested())
_LONG: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "a text begun often": (lambda: scan_bombs.begun_texts(8), {Finding.DORMANT_CONTENT}),
    "many streams": (scan_bombs.many_streams, {Finding.DORMANT_CONTENT, Finding.NOT_SCANNED}),
    "many covers": (lambda: scan_bombs.many_covers(6), {Finding.DORMANT_CONTENT, Finding.NOT_SCANNED}),
    "streams without end": (scan_bombs.streams_without_end, set()),
    "trailers before a pointer": (scan_bombs.trailers_before_a_pointer, set()),
}


def scanned(pdf: bytes, folder: Path) -> tuple[ReportWarning, ...]:
    path = folder / "document.pdf"
    path.write_bytes(pdf)
    return scan(path)


def codes(pdf: bytes, folder: Path) -> set[str]:
    return {warning.code for warning in scanned(pdf, folder)}


@pytest.mark.parametrize("name", _LONG)
def test_long_looking_ends_in_time_and_keeps_what_was_seen(name: str, tmp_path: Path) -> None:
    build, expected = _LONG[name]
    pdf = build()
    started = time.process_time()

    found = codes(pdf, tmp_path)

    assert time.process_time() - started < _SECONDS
    assert expected <= found


@pytest.mark.parametrize("name", _NESTED)
def test_pages_that_draw_too_much_are_not_laid_out(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Laid out, some would end the test run.
    monkeypatch.setattr(pdfium.PdfDocument, "__getitem__", lambda *_: pytest.fail("a page was laid out"))

    found = codes(_NESTED[name], tmp_path)

    assert {Finding.NOT_SCANNED, Finding.DORMANT_CONTENT} <= found


def test_forms_that_are_drawn_a_few_times_are_looked_at(tmp_path: Path) -> None:
    assert codes(classic(nested_forms(depth=4, width=5)), tmp_path) == set()


def test_form_that_is_drawn_on_many_pages_is_looked_at(tmp_path: Path) -> None:
    objects = paper(40) | {
        600: stream(b"0 0 1 1 re f" * 50_000, b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    }
    for page in range(FIRST_PAGE, FIRST_PAGE + 80, 2):
        names = b"/Resources << /XObject << /C 600 0 R >> "
        objects[page] = objects[page].replace(b"/Resources << ", names)
        objects[page + 1] = stream(b"BT /F1 9 Tf (1) Tj ET /C Do")

    assert codes(classic(objects), tmp_path) == set()
