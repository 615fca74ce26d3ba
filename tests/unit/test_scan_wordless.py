"""A file counts as without text only when pdfium, which lays it out, finds none either."""

from __future__ import annotations

import mmap
import random
import re
import zlib
from pathlib import Path

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]
import pytest

from signing.pdf.wordless import is_wordless
from signing.scan import Finding, scan
from tests.support.pdf_files import appended, pointer, streamed
from tests.support.scan_pdfs import CATALOG, FONT, PAGES, TEXT, assembled, page, stream

DRAWS_PICTURE = b"q 595 0 0 842 0 0 cm /Im1 Do Q"
PICTURE = b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"


def scanned(content: bytes = stream(DRAWS_PICTURE), picture: bytes = b"\xff") -> dict[int, bytes]:
    """A page that is a picture."""
    return {
        1: CATALOG,
        2: PAGES,
        3: page(resources=b"/XObject << /Im1 6 0 R >> "),
        4: content,
        5: FONT,
        6: stream(picture, PICTURE),
    }


def wordless(pdf: bytes, folder: Path) -> bool:
    path = folder / "document.pdf"
    path.write_bytes(pdf)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        return is_wordless(path, raw)


def shows_text(pdf: bytes) -> bool:
    """The plain rule: what pdfium draws is looked at, piece by piece."""
    try:
        document = pdfium.PdfDocument(pdf)
    except pdfium.PdfiumError:
        return False
    return any(
        drawn.type == pdfium_c.FPDF_PAGEOBJ_TEXT
        for number in range(len(document))
        for drawn in document[number].get_objects(max_depth=1)
    )


WORDLESS = {
    "a picture": assembled(scanned()),
    "a picture, deflated": assembled(scanned(stream(DRAWS_PICTURE, deflated=True))),
    "a picture that reads like text": assembled(scanned(picture=TEXT)),
    "an update": appended(assembled(scanned()), {4: stream(b" " + DRAWS_PICTURE)}),
    "parts": assembled(scanned() | {3: scanned()[3].replace(b"4 0 R", b"[4 0 R 7 0 R]"), 7: stream(b"q Q")}),
}


@pytest.mark.parametrize("name", WORDLESS)
def test_scanned_paper_shows_no_text(tmp_path: Path, name: str) -> None:
    assert wordless(WORDLESS[name], tmp_path)
    assert not shows_text(WORDLESS[name])


def hidden_in_the_picture() -> bytes:
    """The page draws text that stands inside the picture's bytes; what a search finds draws none."""
    inner = b"4 0 obj\n%s\nendobj\n" % stream(TEXT)
    pdf = assembled(scanned(picture=inner))
    entry = b"%010d 00000 n" % pdf.index(b"4 0 obj\n%s" % stream(DRAWS_PICTURE)[:12])
    return pdf.replace(entry, b"%010d 00000 n" % pdf.index(inner))


def found_by_searching() -> bytes:
    """The table leads nowhere, and a reader that searches takes the last object 4, with text."""
    pdf = assembled(scanned())
    return pdf[: pointer(pdf)] + b"4 0 obj\n%s\nendobj\n" % stream(TEXT) + pdf[pointer(pdf) :]


def with_contents(written: bytes, **more: bytes) -> bytes:
    objects = scanned() | {int(number[1:]): text for number, text in more.items()}
    return assembled(objects | {3: objects[3].replace(b"/Contents 4 0 R", written)})


def with_predictor() -> bytes:
    """Text of which only the differences from byte to byte are written."""
    text = b"BT /F1 8 Tf 72 700 Td (Cong van) Tj ET"
    rows = b"".join(
        bytes([2, (byte - before) % 256]) for before, byte in zip(b"\0" + text, text, strict=False)
    )
    members = b"/DecodeParms << /Predictor 12 /Columns 1 >>"
    return assembled(scanned(stream(rows, members, deflated=True)))


def searched_after_all() -> bytes:
    """The tables are plain, but lead to no pages: then pdfium searches, and finds these in the picture."""
    inner = {1: CATALOG, 2: PAGES, 3: page(), 4: stream(TEXT)}
    hidden = b"".join(b"\n%d 0 obj\n%s\nendobj\n" % each for each in inner.items())
    return assembled(scanned(picture=hidden) | {1: b"<< /Type /Catalog >>", 2: b"<<>>", 3: b"<<>>"})


ENCODED = TEXT.hex().encode() + b">"
WITH_TEXT = {
    "text": assembled(scanned(stream(TEXT))),
    "text, deflated": assembled(scanned(stream(TEXT, deflated=True))),
    "text in parts": assembled(scanned(stream(b"BT /F1 9 Tf [(a)] TJ ET"))),
    "text on the next line": assembled(scanned(stream(b"BT /F1 9 Tf (a) ' ET".replace(b"Tf", b"Tf 9 TL")))),
    "spaced text": assembled(scanned(stream(b'BT /F1 9 Tf 1 1 (a) " ET'))),
    "a second part": with_contents(b"/Contents [4 0 R 7 0 R]", _7=stream(TEXT)),
    "an array apart": with_contents(b"/Contents 8 0 R", _7=stream(TEXT), _8=b"[4 0 R 7 0 R]"),
    "an escaped name": with_contents(b"/C#6fntents 7 0 R", _7=stream(TEXT)),
    "a comment between": with_contents(b"/Contents %4 0 R\n7 0 R", _7=stream(TEXT)),
    "another filter": assembled(scanned(stream(ENCODED, b"/Filter /ASCIIHexDecode"))),
    "two filters": assembled(
        scanned(stream(zlib.compress(TEXT).hex().encode() + b">", b"/Filter [/ASCIIHexDecode /FlateDecode]"))
    ),
    "cut off": assembled(scanned(stream(zlib.compress(TEXT)[:-4], b"/Filter /FlateDecode"))),
    "far behind": assembled(scanned(stream(b" " * 300_000 + TEXT, deflated=True))),
    "a predictor": with_predictor(),
    "a font by another way": assembled(
        scanned(stream(b"/G gs 1 0 0 1 72 700 cm (a) '"))
        | {3: page(resources=b"/ExtGState << /G << /Font [5 0 R 12] >> >>")}
    ),
    "another length": assembled(scanned(stream(TEXT).replace(b"/Length", b"/Length 0 /Was"))),
    "a picture as contents": with_contents(b"/Contents 6 0 R", _6=stream(TEXT, PICTURE)),
    "an update": appended(assembled(scanned()), {4: stream(TEXT)}),
    "a page in its parent": assembled(
        scanned(stream(TEXT)) | {2: b"<< /Type /Pages /Count 1 /Kids [%s] >>" % page(), 3: b"<<>>"}
    ),
    "no table": re.sub(rb"xref\n0 .*?trailer", b"trailer", assembled(scanned(stream(TEXT))), flags=re.DOTALL),
    "cross-reference stream": streamed(scanned(stream(TEXT))),
    "hidden in the picture": hidden_in_the_picture(),
    "found by searching": found_by_searching(),
    "searched after all": searched_after_all(),
}


@pytest.mark.parametrize("name", WITH_TEXT)
def test_text_is_missed_nowhere(tmp_path: Path, name: str) -> None:
    assert not wordless(WITH_TEXT[name], tmp_path)


def test_all_of_these_but_one_show_their_text() -> None:
    silent = {name for name, pdf in WITH_TEXT.items() if not shows_text(pdf)}

    assert silent <= {"searched after all"}


def test_contents_named_by_each_page_are_looked_at_once(tmp_path: Path) -> None:
    many = {number: page() for number in range(10, 400)}
    bomb = stream(b" " * 250_000, deflated=True)

    assert wordless(assembled(scanned(bomb) | many), tmp_path)


@pytest.mark.parametrize("seed", range(300))
def test_damaged_file_counts_as_wordless_only_where_pdfium_finds_no_text(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    pdf = bytearray(chance.choice([*WORDLESS.values(), *WITH_TEXT.values()]))
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(pdf))
        pdf[place : place + chance.choice((0, 1))] = chance.choice((b"", b"0", b"4", b"7", b" ", b"\n", b"T"))

    assert not (wordless(bytes(pdf), tmp_path) and shows_text(bytes(pdf)))


def test_picture_over_text_is_still_named(tmp_path: Path) -> None:
    path = tmp_path / "document.pdf"
    path.write_bytes(assembled(scanned(stream(TEXT + b" " + DRAWS_PICTURE))))

    assert Finding.DORMANT_CONTENT in {warning.code for warning in scan(path)}
