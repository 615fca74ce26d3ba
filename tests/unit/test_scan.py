"""What a PDF holds that nobody sees, or that acts: the scan before signing names it."""

from __future__ import annotations

import io
import re
import tempfile
import time
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from signing.report import Warning as ReportWarning
from signing.scan import Finding, scan
from tests.support.pdf_files import FIRST_PAGE, appended, classic, paper, pointer, streamed
from tests.support.scan_pdfs import (
    CATALOG,
    TEXT,
    assembled,
    packed,
    page,
    plain,
    stream,
    text_field,
)

IMAGE = stream(
    b"\xff", b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
)


def scanned(pdf: bytes) -> tuple[ReportWarning, ...]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(pdf)
        file.flush()
        return scan(Path(file.name))


def codes(pdf: bytes) -> set[str]:
    return {warning.code for warning in scanned(pdf)}


def detail(pdf: bytes) -> str:
    return " ".join(warning.detail for warning in scanned(pdf) if warning.code == Finding.DORMANT_CONTENT)


# --- nothing to tell -----------------------------------------------------------------------------


def test_ordinary_page_has_no_finding() -> None:
    assert codes(assembled(plain())) == set()


def test_printed_document_with_a_picture_has_no_finding() -> None:
    target = io.BytesIO()
    canvas = Canvas(target)
    for _ in range(2):
        canvas.drawString(72, 720, "V/v thu 100 dong")
        canvas.rect(72, 600, 100, 40, fill=1)
        canvas.linkURL("https://example.invalid", (72, 500, 100, 520))
        canvas.bookmarkPage("trang")
        canvas.showPage()
    canvas.save()
    assert codes(target.getvalue()) == set()


def test_field_that_shows_its_value_has_no_finding() -> None:
    assert codes(assembled(text_field(value=b"UBND", shown=b"UBND"))) == set()


def test_picture_beside_the_text_has_no_finding() -> None:
    objects = plain() | {
        3: page(resources=b"/XObject << /Im1 6 0 R >> "),
        4: stream(TEXT + b" q 100 0 0 50 300 100 cm /Im1 Do Q"),
        6: IMAGE,
    }
    assert codes(assembled(objects)) == set()


def test_invisible_text_layer_beneath_a_scan_has_no_finding() -> None:
    objects = plain() | {
        3: page(resources=b"/XObject << /Im1 6 0 R >> "),
        4: stream(b"BT 3 Tr /F1 12 Tf 72 700 Td (Chuyen) Tj ET q 595 0 0 842 0 0 cm /Im1 Do Q"),
        6: IMAGE,
    }
    assert codes(assembled(objects)) == set()


# --- dormant content -----------------------------------------------------------------------------

DORMANT = {
    "unused page": (
        plain() | {6: page().replace(b"4 0 R", b"7 0 R"), 7: stream(b"BT (Khac) Tj ET")},
        "no page",
    ),
    "unused stream that draws": (
        plain() | {6: stream(b"BT /F1 9 Tf (Khac) Tj ET", deflated=True)},
        "no page",
    ),
    "unused form": (plain() | {6: stream(b"", b"/Type /XObject /Subtype /Form /BBox [0 0 1 1]")}, "no page"),
    "second catalogue": (plain() | {6: CATALOG}, "no page"),
    "unused page in an object stream": (plain() | {9: packed({6: page()})}, "no page"),
    "reference only inside a string": (
        plain() | {5: b"<< /Type /Font /BaseFont /F /X (6 0 R) >>", 6: page()},
        "no page",
    ),
    "layer switched off": (
        plain()
        | {1: b"<< /Type /Catalog /Pages 2 0 R /OCProperties << /D << /OFF [6 0 R] >> >> >>", 6: b"<<>>"},
        "layer",
    ),
    "hidden annotation": (
        plain()
        | {
            3: page(b"/Annots [6 0 R] "),
            6: b"<< /Type /Annot /Subtype /Stamp /F 2 /Rect [0 0 9 9] /AP << /N 7 0 R >> >>",
            7: stream(b"", b"/Subtype /Form /BBox [0 0 9 9]"),
        },
        "hidden",
    ),
    "field that shows something else": (text_field(value=b"Ke gian", shown=b"UBND"), "something else"),
    "field of no form": (text_field(value=b"UBND", shown=b"UBND") | {1: CATALOG}, "belongs to no form"),
    "field over text": (
        text_field(value=b"UBND", shown=b"UBND", box=b"60 690 300 720"),
        "lies over text",
    ),
    "picture over text": (
        plain()
        | {
            3: page(resources=b"/XObject << /Im1 6 0 R >> "),
            4: stream(TEXT + b" q 595 0 0 842 0 0 cm /Im1 Do Q"),
            6: IMAGE,
        },
        "lies over text",
    ),
    "embedded font with two names": (
        plain()
        | {
            5: b"<< /Type /Font /Subtype /TrueType /BaseFont /Arial /FontDescriptor 6 0 R >>",
            6: b"<< /Type /FontDescriptor /FontName /Times#20New /FontFile2 7 0 R >>",
            7: stream(b"\0", b"/Length1 1"),
        },
        "two names",
    ),
}


@pytest.mark.parametrize("name", DORMANT)
def test_dormant_content_is_named(name: str) -> None:
    objects, expected = DORMANT[name]
    assert expected in detail(assembled(objects))


def test_fields_over_each_other_are_named() -> None:
    objects = text_field(value=b"A", shown=b"A")
    objects[8] = objects[6]
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R 8 0 R] >> >>"
    objects[3] = page(b"/Annots [6 0 R 8 0 R] ")
    assert "over each other" in detail(assembled(objects))


def with_hidden_copy(pdf: bytes) -> bytes:
    """The file with a second object 4 before its cross-references, which do not know it."""
    start = pointer(pdf)
    hidden = b"4 0 obj\n%s\nendobj\n" % stream(TEXT)
    moved = pdf[start:].replace(b"startxref\n%d" % start, b"startxref\n%d" % (start + len(hidden)))
    return pdf[:start] + hidden + moved


def test_definition_that_no_table_names_is_found() -> None:
    assert "Object 4 stands in the file twice" in detail(with_hidden_copy(assembled(plain())))


def test_definition_behind_an_end_of_file_that_is_none_is_found() -> None:
    pdf = with_hidden_copy(assembled(plain())).replace(b"endobj\nxref", b"endobj\n%startxref %%EOF\nxref")
    moved = re.sub(rb"startxref\n\d+", b"startxref\n%d" % (pdf.rindex(b"\nxref") + 1), pdf)

    assert "Object 4 stands in the file twice" in detail(moved)


def test_definition_that_no_stream_names_is_found() -> None:
    first = streamed(paper())
    start = pointer(first)
    own = b"%d 0 obj\n%s\nendobj\n" % (FIRST_PAGE + 1, stream(TEXT))
    pdf = (
        first[:start]
        + own
        + first[start:].replace(b"startxref\n%d" % start, b"startxref\n%d" % (start + len(own)))
    )

    assert "stands in the file twice" in detail(pdf)


@pytest.mark.parametrize("first", [classic(paper()), streamed(paper())], ids=["table", "stream"])
def test_ordinary_updates_define_no_object_twice(first: bytes) -> None:
    page_again = {FIRST_PAGE: paper()[FIRST_PAGE]}
    once = appended(first, page_again)

    for pdf in (once, appended(once, page_again), streamed(page_again, pdf=once)):
        assert codes(pdf) == set()


def test_wrong_entries_alone_are_no_hidden_definition() -> None:
    pdf = appended(classic(paper()), {FIRST_PAGE: paper()[FIRST_PAGE]})

    assert codes(re.sub(rb"\d{10}(?= 00000 n)", b"0000000007", pdf)) == set()


AGAIN = b"4 0 obj\n<< /Length 3 >>\nstream\nq Q\nendstream\nendobj\n"
_PICTURE = b"/Type /XObject /Subtype /Image "
INSIDE_STREAMS = {
    "plain": stream(b"\n" + AGAIN[: AGAIN.index(b"endstream")], b"/Type /X"),
    "whole": stream(b"\n" + AGAIN, b"/Type /X"),
    "behind what is deflated": stream(b"x\x9c\x03\0\0\0\0\x01" + AGAIN, b"/Filter /FlateDecode"),
    "a picture": stream(b"\xff\n" + AGAIN, _PICTURE),
    "large": stream(b"\xff" * 100_000 + AGAIN, b"/Type /EmbeddedFile"),
    "an object stream": stream(AGAIN, b"/Type /ObjStm /N 0 /First 0"),
    "with other spaces": stream(AGAIN.replace(b"4 0 obj", b"04\t\x0c0\r\nobj<<"), b"/Type /X"),
    "another generation": stream(AGAIN.replace(b"4 0 obj", b"4 7 obj"), b"/Type /X"),
}


@pytest.mark.parametrize("name", INSIDE_STREAMS)
def test_definition_inside_a_stream_is_found(name: str) -> None:
    objects = plain() | {1: CATALOG.replace(b">>", b"/X 6 0 R >>"), 6: INSIDE_STREAMS[name]}

    assert "A stream defines objects (4) again" in detail(assembled(objects))


@pytest.mark.parametrize("before", range(262_130, 262_150))
def test_definition_inside_a_large_stream_is_found_wherever_it_stands(before: int) -> None:
    inside = stream(b"x" * before + b"\n4 0 obj\n<<>>\nendobj\n" + b"x" * 300_000)
    objects = plain() | {1: CATALOG.replace(b">>", b"/X 6 0 R >>"), 6: inside}

    assert "A stream defines objects (4) again" in detail(assembled(objects))


def test_definition_inside_a_stream_of_a_packed_object_is_found() -> None:
    objects = paper() | {30: stream(b"\n%d 0 obj\n<<>>\nendobj\n" % FIRST_PAGE)}
    objects[1] = objects[1].replace(b">>", b"/X 30 0 R >>")

    assert "defines objects (10) again" in detail(streamed(objects, packed=[FIRST_PAGE]))


@pytest.mark.parametrize("content", [b"7 0 obj", b"objects 4 0 and others", b"4 objects", b"4.0 0 obj"])
def test_stream_that_defines_none_of_the_objects_has_no_finding(content: bytes) -> None:
    objects = plain() | {1: CATALOG.replace(b">>", b"/X 6 0 R >>"), 6: stream(content, b"/Type /X")}

    assert codes(assembled(objects)) == set()


# --- what acts -----------------------------------------------------------------------------------

ACTS = {
    Finding.JAVASCRIPT: b"<< /S /JavaScript /JS (app.alert) >>",
    Finding.XFA: b"<< /XFA 5 0 R >>",
    Finding.LAUNCH_ACTION: b"<< /S /Launch /F (cmd.exe) >>",
    Finding.EXTERNAL_ACTION: b"<< /S /SubmitForm /F (http://x) >>",
    Finding.EMBEDDED_FILE: b"<< /Names << /EmbeddedFiles 5 0 R >> >>",
    Finding.RICH_MEDIA: b"<< /Type /Annot /Subtype /RichMedia >>",
}


def with_action(text: bytes) -> dict[int, bytes]:
    return plain() | {1: b"<< /Type /Catalog /Pages 2 0 R /OpenAction 6 0 R >>", 6: text}


@pytest.mark.parametrize("finding", ACTS)
@pytest.mark.parametrize("way", ["plain", "escaped", "packed", "replaced"])
def test_what_acts_is_named_however_it_is_written(finding: Finding, way: str) -> None:
    text = ACTS[finding]
    if way == "escaped":
        text = text.replace(b"JavaScript", b"J#61vaScript").replace(b"/Launch", b"/L#61unch")
        text = text.replace(b"XFA", b"X#46A").replace(b"SubmitForm", b"Submit#46orm")
    objects = with_action(text)
    if way == "packed":
        objects |= {6: b"null", 9: packed({7: text})}
    pdf = assembled(objects)
    if way == "replaced":  # an older revision can be brought back
        pdf += b"6 0 obj\n<< >>\nendobj\n"
    assert finding in codes(pdf)


def test_encryption_and_hybrid_cross_references_are_named() -> None:
    found = codes(assembled(plain(), trailer=b"/Encrypt 5 0 R /XRefStm 9"))
    assert found == {Finding.ENCRYPTION, Finding.HYBRID_CROSS_REFERENCES}


# --- hostile bytes -------------------------------------------------------------------------------

BOMBS = {
    "open strings": b"1 0 obj\n" + b"(" * 400_000,
    "open hex strings": b"1 0 obj\n" + b"<0" * 200_000,
    "nested strings": b"1 0 obj\n" + b"((" * 200_000 + b")" * 400_000,
    "definitions": b"1 0 obj\n" * 300_000,
    "field lists": b"1 0 obj\n" + b"/Fields [" * 50_000,
    "text in a look": assembled(text_field(value=b"a", shown=b")(" * 100_000)),
    "object stream without places": assembled(plain() | {9: stream(b"", b"/Type /ObjStm /N 1 /First 5")}),
    "nothing": b"",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_looked_through_within_bounds(name: str) -> None:
    started = time.process_time()
    scanned(BOMBS[name])
    assert time.process_time() - started < 10  # generous: without the bounds it is minutes


def test_inflated_object_streams_are_bounded() -> None:
    bomb = stream(b"\0" * 64 * 1024 * 1024, b"/Type /ObjStm /N 1 /First 9", deflated=True)
    assert Finding.NOT_SCANNED in codes(assembled(plain() | {9: bomb, 10: bomb}))
