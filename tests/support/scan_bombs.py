"""Small PDFs that keep whoever looks through them busy, or fill the memory."""

from __future__ import annotations

import zlib
from base64 import a85encode
from collections.abc import Iterator

from tests.support.pdf_files import FIRST_PAGE, Objects, appended, classic, paper, stream, streamed

_FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 100 100]"
DORMANT = {900: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"}
"""A page that is in no tree: what is quickly seen must not be lost over a bomb."""
_C = 600


def _drawing(content: bytes, *, resources: bytes = b"/XObject << /C 600 0 R >>", pages: int = 1) -> Objects:
    """A paper whose pages all show a text and draw that."""
    objects = paper(pages)
    for page in range(FIRST_PAGE, FIRST_PAGE + 2 * pages, 2):
        text = b"/Contents %d 0 R" % (page + 1)
        again = objects[page].replace(text, b"/Contents %d 0 R" % (FIRST_PAGE + 1))
        objects[page] = again.replace(b"/Resources <<", b"/Resources << " + resources)
        del objects[page + 1]
    objects[FIRST_PAGE + 1] = stream(b"BT /F1 9 Tf 72 700 Td (100 dong) Tj ET " + content, packed=True)
    return objects


def _form(content: bytes, number: int | None = None, *, packed: bool = False) -> bytes:
    names = b" /Resources << /XObject << /C %d 0 R >> >>" % number if number else b""
    return stream(content, _FORM + names, packed=packed)


def nested_forms(*, depth: int = 6, width: int = 10) -> Objects:
    """A page that draws a form that draws a form …, each several times."""
    forms = {_C + level: _form(b"/C Do " * width, _C + level + 1) for level in range(depth)}
    return _drawing(b"/C Do") | forms | {_C + depth: _form(b"0 0 1 1 re f")}


def _escaped() -> Objects:
    objects = nested_forms()
    objects[_C] = _form(b"/#43 Do % \n" * 10, _C + 1).replace(b"/XObject <<", b"/X#4fbject <<")
    return objects


def _apart() -> Objects:
    """The names stand in objects of their own, behind comments."""
    objects = nested_forms()
    objects[_C] = stream(b"/C % c\n Do " * 10, _FORM + b" /Resources %( \n 700 0 R")
    return objects | {700: b"<< /XObject 701 % c\n 0 R >>", 701: b"<< /X (%%) /C %d 0 R >>" % (_C + 1)}


def _inherited() -> Objects:
    objects = nested_forms()
    resources = objects[FIRST_PAGE].partition(b"/Resources ")[2].rpartition(b">>")[0]
    objects[FIRST_PAGE] = objects[FIRST_PAGE].replace(b"/Resources " + resources, b"")
    objects[2] = objects[2].replace(b"/Type /Pages", b"/Type /Pages /Resources " + resources)
    return objects


def _shown_by_annotation() -> Objects:
    objects = nested_forms()
    note = b"<< /Type /Annot /Subtype /Stamp /Rect [0 0 9 9] /AP << /N << /On %d 0 R >> >> /AS /On >>" % _C
    objects |= {FIRST_PAGE + 1: stream(b"BT /F1 9 Tf (100) Tj ET"), 700: note}
    objects[FIRST_PAGE] = objects[FIRST_PAGE].replace(b"/MediaBox", b"/Annots [700 0 R] /MediaBox")
    return objects


def _drawn_again_and_again() -> Objects:
    """The page names one stream many times."""
    objects = _drawing(b"/C Do " * 10_000) | {_C: _form(b"0 0 1 1 re f")}
    many = b"[%s]" % (b"%d 0 R " % (FIRST_PAGE + 1) * 1_000)
    content = b"/Contents %d 0 R" % (FIRST_PAGE + 1)
    objects[FIRST_PAGE] = objects[FIRST_PAGE].replace(content, b"/Contents " + many)
    return objects


def _odd() -> Objects:
    """A key stands twice: which one counts differs from reader to reader."""
    objects = nested_forms()
    objects[FIRST_PAGE] = objects[FIRST_PAGE].replace(b"/Resources", b"/Resources << >> /Resources")
    return objects


def _circle() -> Objects:
    forms = {_C + each: stream(b"/A Do /B Do /D Do " * 9, _FORM + _circular()) for each in range(3)}
    return _drawing(b"/C Do") | forms


def _circular() -> bytes:
    return b" /Resources << /XObject << /A 600 0 R /B 601 0 R /D 602 0 R >> >>"


def _with_a_second_end() -> Objects:
    """The length stands elsewhere and leads behind the first keyword at the end."""
    objects = nested_forms()
    content = b"% endstream\n" + b"/C Do " * 10
    names = b" /Resources << /XObject << /C %d 0 R >> >> /Length 700 0 R" % (_C + 1)
    objects[_C] = b"<< %s >>\nstream\n%s\nendstream" % (_FORM + names, content)
    return objects | {700: b"%d" % len(content)}


def _in_letters() -> Objects:
    """As some programs write all streams."""
    objects = nested_forms()
    letters = b"<~" + a85encode(zlib.compress(b"/C Do " * 10)) + b"~>"
    names = b" /Resources << /XObject << /C %d 0 R >> >> /Filter [/ASCII85Decode /FlateDecode]" % (_C + 1)
    objects[_C] = stream(letters, _FORM + names)
    return objects


def nested() -> Iterator[tuple[str, bytes]]:
    """Yield files of a few kilobytes whose forms pdfium would lay out millions of times."""
    yield "plain", classic(nested_forms() | DORMANT)
    yield "names in an object stream", streamed(nested_forms() | DORMANT, packed=[FIRST_PAGE])
    # The cross-references lead to the bomb, not to what stands behind it.
    hidden = b"%d 0 obj\n%s\nendobj\n" % (_C, _form(b""))
    yield "hidden by a newer definition", classic(nested_forms() | DORMANT) + hidden
    yield "in an update", appended(classic(paper() | DORMANT), nested_forms())
    for build in (
        _escaped,
        _apart,
        _inherited,
        _shown_by_annotation,
        _drawn_again_and_again,
        _odd,
        _circle,
        _with_a_second_end,
        _in_letters,
    ):
        yield build.__name__.strip("_").replace("_", " "), classic(build() | DORMANT)
    yield "much text", classic(_drawing(b"(a) Tj " * 3_000_000) | {_C: _form(b"")} | DORMANT)


def begun_texts(streams: int) -> bytes:
    """Return a file with streams that no page shows, full of the beginnings of texts without an end."""
    begun = stream(b"BT " * 340_000, packed=True)
    return classic(paper() | {200 + number: begun for number in range(streams)} | DORMANT)


def many_streams() -> bytes:
    """Return a file with streams that no page shows, each as large as is looked at."""
    zeros = stream(b"\0" * 1024 * 1024, packed=True)
    return classic(paper() | {200 + number: zeros for number in range(400)} | DORMANT)


def many_covers(pages: int) -> bytes:
    """Return a file of pages with thousands of texts and as many forms beside them."""
    texts = b"".join(b"1 0 0 1 %d 800 Tm (a) Tj " % (place % 500) for place in range(2400))
    content = b"BT /F1 1 Tf " + texts + b"ET " + b"/C Do " * 2400
    return classic(_drawing(content, pages=pages) | {_C: _form(b"1 g 0 0 1 1 re f")} | DORMANT)


def streams_without_end() -> bytes:
    """Return a file of streams whose keyword at the end is searched for and never found."""
    return b"1 0 obj\n<<>>stream\n" * 100_000


def trailers_before_a_pointer() -> bytes:
    """Return a file of trailers that all seem to end at its end."""
    return b"trailer<<" * 100_000 + b"startxref"
