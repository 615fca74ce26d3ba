"""What is appended after signing is in the one form that every reader takes alike, or the signature fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from signing.report import FacetState, SignatureReport, Verdict
from tests.component.test_pdf_valid import levels
from tests.support.pdf_attacks import FORGED, value, with_member
from tests.support.pdf_files import (
    CATALOG,
    FIRST_PAGE,
    appended,
    classic,
    cross_reference_stream,
    paper,
    pointer,
    stream,
    streamed,
)
from tests.support.pdf_signing import SEAL_BOX, Ink, signed_with
from tests.support.pki import agency_seal, leader, verdict_on

_ROW = re.compile(rb"(?<= [nf]) \n")

Rewrite = Callable[[bytes], bytes]


@cache
def signed() -> bytes:
    return signed_with(classic(paper()), leader())


@cache
def evidence() -> dict[int, bytes]:
    return {CATALOG: with_member(value(signed(), CATALOG), b"/DSS << /Type /DSS >>")}


def table() -> bytes:
    """What an update with a cross-reference table appends."""
    return appended(signed(), evidence())[len(signed()) :]


def cross_stream() -> bytes:
    """What an update with a cross-reference stream appends."""
    return streamed(evidence(), pdf=signed())[len(signed()) :]


def replaced(old: bytes, new: bytes) -> Rewrite:
    return lambda added: (
        new.join(added.rsplit(old, 1)) if old in added else pytest.fail(f"{old!r} is not there")
    )


def resized(size: int) -> Rewrite:
    return lambda added: re.sub(rb"/Size \d+", b"/Size %d" % size, added)


def with_line_ends(end: bytes) -> Rewrite:
    """The section with other line ends, as long as before."""
    return lambda added: _in_section(
        added, lambda section: _ROW.sub(b"\r\n", section).replace(b"xref\n", b"xref" + end)
    )


def _in_section(added: bytes, rewrite: Rewrite) -> bytes:
    start = added.rindex(b"\nxref\n") + 1
    return added[:start] + rewrite(added[start:])


SAME: dict[str, Rewrite] = {
    "as it is": lambda added: added,
    "other line ends": with_line_ends(b"\r\n"),
    "a comment of the program": replaced(b"startxref", b"%iText-7.1.5\nstartxref"),
    "a line end after the end": lambda added: added + b"\r\n",
}
STRANGE_TABLES: dict[str, Rewrite] = {
    "rows of 19 bytes": lambda added: _in_section(added, lambda section: _ROW.sub(b"\n", section)),
    "a bracket after the word": replaced(b"\nxref\n", b"\nxref("),
    "a letter after the word": replaced(b"\nxref\n", b"\nxrefs\n"),
    "head and row on one line": replaced(b"f \n1 1\n", b"f 1 1\n"),
    "a head of no objects": replaced(b"0 1\n", b"7 0\n0 1\n"),
    "a comment before the trailer": replaced(b"trailer\n", b"trailer %x\n"),
    "a size below all": resized(1),
    "a size below the one before": resized(11),
    "a size beyond what readers know": resized(99_999_999),
    "a real number as place": lambda added: re.sub(rb"/Prev (\d+)", rb"/Prev \1.0", added),
    "a key twice": replaced(b"/Prev ", b"/Prev 5 /Prev "),
    "a stream besides": replaced(b"/Prev ", b"/XRefStm 0 /Prev "),
    "the place behind spaces": replaced(b"startxref\n", b"startxref\n" + b" " * 700),
    "the trailer of a stream": replaced(b"/Prev ", b"/Type /XRef /Prev "),
    "no space before the end": replaced(b">>\nstartxref", b">>startxref"),
}
STRANGE_STREAMS: dict[str, Rewrite] = {
    "a dictionary half closed": lambda added: re.sub(
        rb"(/W .*)>>\nstream", rb"\1> \nstream", added, flags=re.DOTALL
    ),
    "a word before the stream": lambda added: re.sub(
        rb"(/W .*)>>\nstream", rb"\1>>x\nstream", added, flags=re.DOTALL
    ),
    "another kind": replaced(b"/Type /XRef", b"/Type /XReg"),
    "four widths": replaced(b"/W [1 4 2]", b"/W [1 4 2 0]"),
    "no widths": replaced(b"/W [1 4 2]", b"/V [1 4 2]"),
    "a real number as width": replaced(b"/W [1 4 2]", b"/W [1 4 2.0]"),
    "a size below all": resized(2),
    "more entries than bytes": replaced(b"/Index [", b"/Index [500 9 "),
    "an entry twice": replaced(b"/Index [", b"/Index [1 1 "),
    "a length that is none": lambda added: re.sub(rb"/Length \d+ (?=\s*/Type /XRef)", b"/Length 3 ", added),
    "another filter": replaced(b"/FlateDecode", b"/Fl"),
}


def first(pdf: bytes, folder: Path) -> SignatureReport:
    report = verdict_on(pdf, folder)
    return next((each for each in report.signatures if each.field == "ChuKy"), report.signatures[0])


def is_refused(report: SignatureReport) -> bool:
    facets = report.facets
    return {facets.integrity, facets.coverage, facets.changes} != {FacetState.OK}


@pytest.mark.parametrize("name", SAME)
def test_section_as_programs_write_it_passes(tmp_path: Path, name: str) -> None:
    assert verdict_on(signed() + SAME[name](table()), tmp_path).verdict is Verdict.TOTAL_PASSED


def test_section_as_a_stream_passes(tmp_path: Path) -> None:
    assert verdict_on(signed() + cross_stream(), tmp_path).verdict is Verdict.TOTAL_PASSED


@pytest.mark.parametrize("name", STRANGE_TABLES)
def test_table_in_another_form_is_refused(tmp_path: Path, name: str) -> None:
    assert is_refused(first(signed() + STRANGE_TABLES[name](table()), tmp_path))


@pytest.mark.parametrize("name", STRANGE_STREAMS)
def test_stream_in_another_form_is_refused(tmp_path: Path, name: str) -> None:
    assert is_refused(first(signed() + STRANGE_STREAMS[name](cross_stream()), tmp_path))


def test_reason_says_that_the_section_is_strange(tmp_path: Path) -> None:
    report = first(signed() + resized(1)(table()), tmp_path)

    assert "strange-section" in report.codes


def test_object_that_a_later_table_lists_twice_is_refused(tmp_path: Path) -> None:
    old = signed().index(b"\n%d 0 obj" % CATALOG) + 1
    twice = replaced(b"1 1\n", b"1 1\n%010d 00000 n \n1 1\n" % old)

    assert is_refused(first(signed() + twice(table()), tmp_path))


def test_entry_that_points_back_into_what_was_signed_is_refused(tmp_path: Path) -> None:
    old = signed().index(b"\n%d 0 obj" % FIRST_PAGE) + 1
    back = replaced(b"trailer", b"%d 1\n%010d 00000 n \ntrailer" % (FIRST_PAGE, old))

    assert "strange-section" in first(signed() + back(table()), tmp_path).codes


def test_entry_of_a_stream_that_points_back_is_refused(tmp_path: Path) -> None:
    old = signed().index(b"\n%d 0 obj" % FIRST_PAGE) + 1
    written = signed() + b"%d 0 obj\n%s\nendobj\n" % (CATALOG, evidence()[CATALOG])
    entries = {CATALOG: (1, len(signed()), 0), FIRST_PAGE: (1, old, 0), 80: (1, len(written), 0)}
    section = cross_reference_stream(entries, b"/Size 81 /Root 1 0 R /Prev %d" % pointer(signed()))
    pdf = written + b"80 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (section, len(written))

    assert "strange-section" in first(pdf, tmp_path).codes


@pytest.mark.parametrize("letter", [b"\0", b" ", b"\n", b"x"])
def test_long_trail_is_refused_at_once_with_its_reason(tmp_path: Path, letter: bytes) -> None:
    (report,) = verdict_on(levels()[0] + letter * 1_500_000, tmp_path).signatures

    assert report.codes == ("trailing-bytes",)


def test_name_of_a_field_in_no_encoding_leaves_the_other_signature_sound(tmp_path: Path) -> None:
    once = signed_with(classic(paper()), leader(), Ink(box=(330, 200, 480, 270)))
    twice = signed_with(once, agency_seal(), Ink("Ten\0", box=SEAL_BOX))
    assert rb"/T (Ten\255)" in twice

    assert verdict_on(twice, tmp_path).verdict is Verdict.TOTAL_PASSED


def test_hidden_object_and_a_section_that_readers_repair_is_refused(tmp_path: Path) -> None:
    base = classic(paper())
    hidden = b"%d 0 obj\n%s\nendobj\n" % (FIRST_PAGE + 1, stream(FORGED))
    start = pointer(base)
    shadow = (
        base[:start]
        + hidden
        + base[start:].replace(b"startxref\n%d" % start, b"startxref\n%d" % (start + len(hidden)))
    )
    pdf = signed_with(shadow, leader())
    members = {CATALOG: with_member(value(pdf, CATALOG), b"/DSS << /Type /DSS >>")}
    added = appended(pdf, members)[len(pdf) :]

    assert is_refused(first(pdf + STRANGE_TABLES["rows of 19 bytes"](added), tmp_path))
    assert verdict_on(pdf + added, tmp_path).verdict is Verdict.TOTAL_PASSED
