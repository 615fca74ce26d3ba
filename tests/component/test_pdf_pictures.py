"""The file looks as its signed revision did, but for later signatures where they may be."""

from __future__ import annotations

import mmap
import time
from pathlib import Path

import pytest

from signing.pdf.pages import Box
from signing.pdf.pictures import Comparison
from signing.reasons import Refused
from tests.support.pdf_attacks import FORGED, NEW, value, with_member
from tests.support.pdf_files import FIRST_PAGE, appended, classic, paper, paper_texts, shown, stream
from tests.support.pdf_shadows import once, twice
from tests.support.pdf_signing import LEADER_BOX, SEAL_BOX, Ink, signed_with
from tests.support.pki import agency_seal, leader
from tests.support.scan_bombs import nested_forms

_CONTENT = FIRST_PAGE + 1
_LATER, _EARLIER = ("ConDau",), ("ChuKy",)


def complaint(pdf: bytes, folder: Path, *, first: bytes | None = None, seconds: float = 60) -> str:
    """What is found when the first revision of a file is compared with all of it; empty when nothing is."""
    path = folder / "document.pdf"
    path.write_bytes(pdf)
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        comparison = Comparison(raw, until=time.process_time() + seconds)
        try:
            comparison.demand_same(end=len(first or once()), later=_LATER, earlier=_EARLIER)
        except Refused as refused:
            return refused.reason.code
    return ""


def with_content(content: bytes) -> bytes:
    return appended(once(), {_CONTENT: stream(content)})


def sealed(look: bytes, *, box: tuple[int, int, int, int] = SEAL_BOX, first: bytes | None = None) -> bytes:
    """The leader's paper with a seal that looks so."""
    pdf = signed_with(first or once(), agency_seal(), Ink("ConDau", box=box))
    picture = stream(look, b"/Type /XObject /Subtype /Form /BBox [0 0 100 100]")
    seal = int(value(pdf, FIRST_PAGE).split(b"/Annots [")[1].split(b"]")[0].split()[-3])
    return appended(pdf, {seal: with_member(value(pdf, seal), b"/AP << /N %d 0 R >>" % NEW), NEW: picture})


_RED_RING = b"0.9 0 0 RG 6 w 8 8 84 84 re S"
_WHITE_SHEET = b"1 g 0 0 100 100 re f"


def test_same_file_looks_the_same(tmp_path: Path) -> None:
    assert complaint(once(), tmp_path) == ""


def test_seal_over_the_leaders_picture_may_lie_there(tmp_path: Path) -> None:
    assert complaint(twice(), tmp_path) == ""
    assert complaint(sealed(_RED_RING), tmp_path) == ""


@pytest.mark.parametrize(
    "content",
    [
        FORGED,
        paper_texts()[0] + shown("0", at=(300, 100), size=6),
        paper_texts()[0] + b"0 0 0.02 rg 590 2 1 1 re f",
        b"",
    ],
)
def test_any_other_pixel_is_seen(tmp_path: Path, content: bytes) -> None:
    assert complaint(with_content(content), tmp_path) == "looks-different"


def test_turned_page_is_seen(tmp_path: Path) -> None:
    page = with_member(value(once(), FIRST_PAGE), b"/Rotate 90")

    assert complaint(appended(once(), {FIRST_PAGE: page}), tmp_path) == "looks-different"


def test_missing_page_is_seen(tmp_path: Path) -> None:
    pages = b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % FIRST_PAGE

    assert complaint(appended(once(), {2: pages}), tmp_path) == "page-count-differs"


def test_seal_over_text_is_seen(tmp_path: Path) -> None:
    assert complaint(sealed(_RED_RING, box=(70, 650, 170, 750)), tmp_path) == "appearance-over-text"


def test_seal_that_takes_up_the_page_is_seen(tmp_path: Path) -> None:
    assert complaint(sealed(_RED_RING, box=(40, 40, 500, 400)), tmp_path) == "appearance-too-large"


@pytest.mark.parametrize(
    ("look", "code"),
    [
        (_WHITE_SHEET, "appearance-over-text"),
        (_RED_RING, ""),
        (b"0.9 0 0 rg 0 0 100 100 re f", "appearance-over-text"),
        (_RED_RING.replace(b"0.9 0 0 RG", b"0 0 0.9 RG"), "appearance-over-text"),
        (b"0 g 88 62 10 8 re f", "appearance-over-text"),
        (b"0 g 88 20 10 8 re f", ""),
    ],
    ids=["hidden", "crossed by a seal", "hidden in red", "crossed in blue", "extended", "left alone"],
)
def test_text_beside_the_leaders_picture_stays_as_it_was(tmp_path: Path, look: bytes, code: str) -> None:
    box = (LEADER_BOX[0] - 60, LEADER_BOX[1] + 60, LEADER_BOX[0] + 20, LEADER_BOX[1] + 160)
    text = paper_texts()[0] + shown("CHU TICH", at=(box[0] + 4, box[3] - 40))
    first = signed_with(classic(paper() | {_CONTENT: stream(text)}), leader(), Ink(box=LEADER_BOX))

    assert complaint(sealed(look, box=box, first=first), tmp_path, first=first) == code


@pytest.mark.parametrize("colour", ["0.5 g", "0.6 g", "0 0.6 0 rg", "1 0.8 0 rg"])
def test_text_of_any_colour_is_text(tmp_path: Path, colour: str) -> None:
    text = colour.encode() + b" " + shown("Han tra no: 30 ngay", at=(72, 400))
    first = signed_with(classic(paper() | {_CONTENT: stream(text)}), leader())

    hidden = sealed(_WHITE_SHEET, box=(70, 390, 220, 420), first=first)

    assert complaint(hidden, tmp_path, first=first) == "appearance-over-text"


def test_picture_that_ends_where_text_begins_may_not_extend_it(tmp_path: Path) -> None:
    text = shown("100", at=(72, 400))
    first = signed_with(classic(paper() | {_CONTENT: stream(text)}), leader())

    extended = sealed(b"0 g 0 40 40 30 re f", box=(98, 390, 148, 420), first=first)

    assert complaint(extended, tmp_path, first=first) == "appearance-over-text"


def test_field_that_was_empty_frees_no_text(tmp_path: Path) -> None:
    form, widget = (
        b"/AcroForm << /Fields [60 0 R] >>",
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Trong)",
    )
    objects = paper(catalog=form, page=b"/Annots [60 0 R]") | {
        60: widget + b" /Rect [60 600 400 800] /F 4 /P %d 0 R >>" % FIRST_PAGE
    }
    first = signed_with(classic(objects), leader())

    assert complaint(sealed(_WHITE_SHEET, box=(60, 700, 160, 780), first=first), tmp_path, first=first) == (
        "appearance-over-text"
    )


def test_too_much_to_draw_is_said_so(tmp_path: Path) -> None:
    assert complaint(twice(), tmp_path, seconds=-1) == "too-many-pages-to-compare"


def test_what_cannot_be_drawn_is_said_so(tmp_path: Path) -> None:
    assert complaint(b"%PDF-1.7\n" + b"x" * 2_000, tmp_path) == "not-drawn"


def test_box_is_cut_to_what_it_is_within() -> None:
    box = Box(0, 0, 10, 10).within(Box(5, 5, 20, 20))

    assert (box, box.area) == (Box(5, 5, 10, 10), 25)
    assert box.within(Box(11, 11, 12, 12)).area == 0


def test_pages_that_draw_millions_of_forms_are_not_drawn(tmp_path: Path) -> None:
    first = signed_with(classic(nested_forms()), leader())
    started = time.process_time()

    assert complaint(appended(first, {NEW: b"(x)"}), tmp_path, first=first) == "not-drawn"
    assert time.process_time() - started < 2  # it would be many seconds, and gigabytes
