"""An update that only one reader unpacks as it was meant is no update to trust."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from signing.report import Verdict
from tests.support.pdf_attacks import NEW
from tests.support.pdf_files import CATALOG, appended, object_stream, pointer, stream
from tests.support.pdf_other_readers import with_double, with_rows
from tests.support.pki import verdict_on

_ROW_BYTES = 7


def update(parameters: bytes, *, filtered: int = 2, behind: bytes = b"") -> bytes:
    """The file with an update whose rows are filtered before they are packed, as some programs do."""
    base = with_double()
    written = base + b"%d 0 obj\n(x)\nendobj\n" % NEW
    own = NEW + 1
    rows = [b"\x01" + place.to_bytes(4) + b"\0\0" for place in (len(base), len(written))]
    packed = zlib.compress(b"".join(bytes([filtered]) + row for row in _filtered(rows, filtered)))
    members = b"/Type /XRef /Size %d /Root %d 0 R /Prev %d /W [1 4 2] /Index [%d 2] /Filter /FlateDecode %s"
    section = stream(packed + behind, members % (own + 1, CATALOG, pointer(base), NEW, parameters))
    return written + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (own, section, len(written))


def _filtered(rows: list[bytes], kind: int) -> list[bytes]:
    if kind == 0:
        return rows
    above = [bytes(_ROW_BYTES), *rows]
    return [
        bytes((one - two) % 256 for one, two in zip(row, above[at], strict=True))
        for at, row in enumerate(rows)
    ]


def test_rows_filtered_as_programs_do_are_taken(tmp_path: Path) -> None:
    pdf = update(b"/DecodeParms << /Predictor 12 /Columns 7 >>")

    assert verdict_on(pdf, tmp_path).verdict is Verdict.TOTAL_PASSED


@pytest.mark.parametrize(
    "parameters",
    [
        b"/DecodeParms << /Predictor 12 /Columns 7 /Colors 2 >>",
        b"/DecodeParms << /Predictor 12 /Columns 7 /BitsPerComponent 16 >>",
        b"/DecodeParms << /Predictor 12 /Columns 7 /EarlyChange 0 >>",
        b"/DP << /Predictor 12 /Columns 7 >>",
        b"/FFilter /ASCIIHexDecode /DecodeParms << /Predictor 12 /Columns 7 >>",
    ],
)
def test_rows_that_some_readers_unpack_otherwise_are_not(parameters: bytes, tmp_path: Path) -> None:
    assert verdict_on(update(parameters), tmp_path).verdict is Verdict.TOTAL_FAILED


@pytest.mark.parametrize("behind", [b"more", zlib.compress(b"\x02" + bytes(_ROW_BYTES))])
def test_packed_rows_end_where_their_stream_does(behind: bytes, tmp_path: Path) -> None:
    pdf = update(b"/DecodeParms << /Predictor 12 /Columns 7 >>", behind=behind)

    assert verdict_on(pdf, tmp_path).verdict is Verdict.TOTAL_FAILED


@pytest.mark.parametrize(
    "inside", [b"trailer\n<< /Root 950 0 R >>\n", b"startxref\n9\n", b"xref\n0 1\n", b"%%EOF\n"]
)
def test_what_reads_like_a_section_stands_nowhere_else(inside: bytes, tmp_path: Path) -> None:
    pdf = appended(with_double(), {NEW: stream(b"\n" + inside)})

    report = verdict_on(pdf, tmp_path)

    assert report.signatures[0].codes == ("unknown-object",)


@pytest.mark.parametrize("is_packed", [False, True])
def test_another_catalog_is_not_added(is_packed: bool, tmp_path: Path) -> None:
    other = b"<< /Type /Catalog /Pages 2 0 R >>"
    packed = {NEW + 1: object_stream({NEW: other})}
    pdf = appended(with_double(), {NEW: other}) if not is_packed else _with_packed(packed)

    assert verdict_on(pdf, tmp_path).verdict is Verdict.TOTAL_FAILED


def _with_packed(containers: dict[int, bytes]) -> bytes:
    return with_rows(with_double(), {NEW: (2, NEW + 1, 0)}, containers)
