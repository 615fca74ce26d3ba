"""Updates by strangers that pdfium shows as nothing, and other readers as something else."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator, Mapping
from functools import cache, partial

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfTimeStamper

from tests.support.pdf_attacks import (
    FORGED,
    NEW,
    Case,
    number_of,
    value,
    with_annotation,
    with_field,
    with_member,
)
from tests.support.pdf_files import (
    CATALOG,
    FIRST_PAGE,
    FONT,
    PAGES,
    appended,
    classic,
    paper,
    pointer,
    stream,
    streamed,
)
from tests.support.pdf_shadows import once
from tests.support.pdf_signing import LEADER_BOX, Ink, signed_with
from tests.support.pki import NOW, agency_seal, leader, stranger, time_stamper

Row = tuple[int, int, int]
_ACROSS_TEXT = b"/Rect [60 700 300 780]"
_PREPARED = 60
_CONTENT = FIRST_PAGE + 1


def signed(objects: Mapping[int, bytes]) -> bytes:
    return signed_with(classic(objects), leader(), Ink(box=LEADER_BOX))


def with_new_field(pdf: bytes, members: bytes, more: Mapping[int, bytes] | None = None) -> bytes:
    """The file with one more signature field that nobody signed."""
    field = b"<< /Type /Annot /FT /Sig /T (Moi) /P %d 0 R %s >>" % (FIRST_PAGE, members)
    return appended(pdf, with_annotation(pdf, field) | dict(more or {}))


LOOKS = {
    "a look for print alone": b"/Subtype /Widget /F 36 /AP << /N %d 0 R >>" % NEW,
    "a background": b"/Subtype /Widget /F 4 /MK << /BG [1 1 1] >>",
    "a border": b"/Subtype /Widget /F 4 /MK << /BC [1 1 1] >> /BS << /W 80 >>",
    "another kind of annotation": b"/Subtype /FreeText /F 4 /C [1 1 1] /DA (/F1 12 Tf)",
    "a rectangle": b"/Subtype /Square /F 4 /C [1 1 1] /BS << /W 40 >>",
    "a look in a state": b"/Subtype /Widget /F 4 /AP << /N << /X %d 0 R >> >>" % NEW,
    "a look under the pointer": b"/Subtype /Widget /F 4 /AP << /N %d 0 R /R %d 0 R /D %d 0 R >>"
    % (NEW + 9, NEW, NEW),
    "hidden, with a look": b"/Subtype /Widget /F 2 /AP << /N %d 0 R >>" % NEW,
    "a place and nothing else": b"/Subtype /Widget /F 4",
}


def fields_of_nobody() -> Iterator[Case]:
    """New fields without a signature, or with a stranger's time-stamp, that some reader draws."""
    for name, members in LOOKS.items():
        yield Case(f"new field/{name}", partial(_field_of_nobody, members))
        yield Case(f"stamped field/{name}", partial(_stamped_field, members))
    yield Case("new field/in a kid", _field_with_kid)
    yield Case("prepared field/stamped with a look", _prepared_and_stamped)
    yield Case("prepared field/stamped with a comment", _stamped_with_comment)
    yield Case("prepared field/stamped with a look after a second signature", _stamped_after_second)


def _field_of_nobody(members: bytes) -> bytes:
    empty = stream(b"", b"/Type /XObject /Subtype /Form /BBox [0 0 10 10]")
    return with_new_field(once(), b"%s %s" % (_ACROSS_TEXT, members), {NEW + 9: empty})


def _stamped_field(members: bytes) -> bytes:
    return stamped(_field_of_nobody(members), "Moi")


def _field_with_kid() -> bytes:
    page = value(once(), FIRST_PAGE)
    listed = re.search(rb"/Annots \[([^\]]*)\]", page)
    assert listed is not None
    kid = b"<< /Parent %d 0 R /Type /Annot /Subtype /Widget %s /F 4 /MK << /BG [1 1 1] >> >>"
    objects = {
        NEW + 1: b"<< /FT /Sig /T (Moi) /Kids [%d 0 R] >>" % (NEW + 2),
        NEW + 2: kid % (NEW + 1, _ACROSS_TEXT),
        FIRST_PAGE: with_member(page, b"/Annots [%s %d 0 R]" % (listed[1], NEW + 2)),
    }
    return appended(once(), objects | with_field(once(), NEW + 1))


def stamped(pdf: bytes | IncrementalPdfFileWriter, field: str) -> bytes:
    """The file with a time-stamp of an authority that nobody trusts, in this field."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf)) if isinstance(pdf, bytes) else pdf
    stamper = PdfTimeStamper(time_stamper(stranger().time_stamper, NOW), field_name=field)
    target = asyncio.run(stamper.async_timestamp_pdf(writer, "sha256", bytes_reserved=24_576))
    content: bytes = target.getvalue()
    return content


@cache
def prepared() -> bytes:
    """A paper that was signed with an empty field in it, as forms are prepared for a second signature."""
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Trong) %s /F 4 /P %d 0 R >>"
    form = b"/AcroForm << /Fields [%d 0 R] /SigFlags 1 >>" % _PREPARED
    objects = paper(2, catalog=form, page=b"/Annots [%d 0 R]" % _PREPARED)
    return signed(objects | {_PREPARED: field % (_ACROSS_TEXT, FIRST_PAGE)})


def _prepared_and_stamped() -> bytes:
    return _stamped_with_look(prepared())


def _stamped_after_second() -> bytes:
    return _stamped_with_look(signed_with(prepared(), leader(), Ink("ConDau")))


def _stamped_with_comment() -> bytes:
    """A picture that is a comment, and drawing in hexadecimal digits to whoever takes its short filter."""
    writer = IncrementalPdfFileWriter(io.BytesIO(prepared()))
    name = generic.NameObject
    box = generic.ArrayObject(map(generic.NumberObject, (0, 0, 240, 80)))
    members = {name("/Subtype"): name("/Form"), name("/F"): name("/ASCIIHexDecode"), name("/BBox"): box}
    drawing = b"%%0%s>" % b"\n1 1 1 rg 0 0 240 80 re f".hex().encode()
    look = generic.StreamObject(generic.DictionaryObject(members), encoded_data=drawing)  # type: ignore[no-untyped-call]
    field = writer.get_object(generic.Reference(_PREPARED, 0, writer))
    looks = {name("/N"): writer.add_object(look)}
    field[name("/AP")] = generic.DictionaryObject(looks)  # type: ignore[no-untyped-call]
    writer.mark_update(generic.Reference(_PREPARED, 0, writer))
    return stamped(writer, "Trong")


def _stamped_with_look(pdf: bytes) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    reference = generic.Reference(_PREPARED, 0, writer)
    look = generic.StreamObject(
        generic.DictionaryObject(  # type: ignore[no-untyped-call]
            {
                generic.NameObject("/Type"): generic.NameObject("/XObject"),
                generic.NameObject("/Subtype"): generic.NameObject("/Form"),
                generic.NameObject("/BBox"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 440, 100))),
            }
        ),
        stream_data=b"1 1 1 rg 0 0 440 100 re f",
    )
    states = generic.DictionaryObject({generic.NameObject("/X"): writer.add_object(look)})  # type: ignore[no-untyped-call]
    looks = generic.DictionaryObject({generic.NameObject("/N"): states})  # type: ignore[no-untyped-call]
    writer.get_object(reference)[generic.NameObject("/AP")] = looks
    writer.mark_update(reference)
    return stamped(writer, "Trong")


@cache
def with_attachment(*, packed: tuple[int, ...] = ()) -> bytes:
    """A signed paper with a file attached, which no picture shows."""
    objects = paper(2, catalog=b"/Names 40 0 R") | _attachment(b"QUYET DINH: 100 dong", first=40)
    made = streamed(objects, packed=packed) if packed else classic(objects)
    return signed_with(made, leader(), Ink(box=LEADER_BOX))


def _attachment(content: bytes, *, first: int) -> dict[int, bytes]:
    file = b"<< /Type /Filespec /F (phu-luc.txt) /UF (phu-luc.txt) /EF << /F %d 0 R >> >>" % (first + 3)
    return {
        first: b"<< /EmbeddedFiles %d 0 R >>" % (first + 1),
        first + 1: b"<< /Names [(phu-luc.txt) %d 0 R] >>" % (first + 2),
        first + 2: file,
        first + 3: stream(content, b"/Type /EmbeddedFile"),
    }


def objects_overwritten() -> Iterator[Case]:
    """Signed objects that no picture shows, replaced or freed."""
    for number in (40, 41, 42, 43):
        yield Case(f"the catalog over {number}", partial(_catalog_over, number))
    for generation in (0, 1):
        yield Case(f"object stream freed/{generation}", partial(_container_freed, generation))
    for name, pairs, index in _PACKED_TWICE:
        yield Case(f"packed catalog/{name}", partial(_packed_catalog, pairs, index))


def _catalog_over(number: int) -> bytes:
    base = with_attachment()
    moved = appended(base, {number: value(base, CATALOG)})
    head, _, tail = moved.rpartition(b"/Root %d 0 R" % CATALOG)
    return head + b"/Root %d 0 R" % number + tail


def _container_freed(generation: int) -> bytes:
    base = with_attachment(packed=(40, 41, 42))
    container = int(re.findall(rb"(\d+) 0 obj\s*<<[^>]*/ObjStm", base)[0])
    return appended(base, {NEW: b"(x)"}, freed=[(container, generation)])


_PACKED_TWICE = [
    ("a key twice, ours first", (b"/Names 40 0 R /Names 340 0 R",), 0),
    ("a key twice, ours last", (b"/Names 340 0 R /Names 40 0 R",), 0),
    ("the object twice, ours first", (b"/Names 40 0 R", b"/Names 340 0 R"), 1),
    ("the object twice, ours last", (b"/Names 340 0 R", b"/Names 40 0 R"), 1),
]


def _packed_catalog(names: tuple[bytes, ...], index: int) -> bytes:
    base = with_attachment()
    catalog = value(base, CATALOG)
    written = [catalog.replace(b"/Names 40 0 R", each) for each in names]
    starts = [sum(len(each) + 1 for each in written[:place]) for place in range(len(written))]
    heads = b" ".join(b"%d %d" % (CATALOG, start) for start in starts)
    members = b"/Type /ObjStm /N %d /First %d" % (len(written), len(heads) + 1)
    packed = stream(heads + b"\n" + b"\n".join(written) + b"\n", members)
    forged = _attachment(b"QUYET DINH: 900 dong", first=340)
    return with_rows(base, {CATALOG: (2, 350, index)}, forged | {350: packed})


def with_rows(
    pdf: bytes, rows: Mapping[int, Row], objects: Mapping[int, bytes], *, widths: Row = (1, 4, 2)
) -> bytes:
    """The file with an update under a cross-reference stream that has these rows too."""
    places, written = {}, pdf
    for number, content in objects.items():
        places[number] = len(written)
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    own = max([*objects, *rows]) + 1
    entries = {number: (1, place, 0) for number, place in (places | {own: len(written)}).items()} | dict(rows)
    numbers = sorted(entries)
    pairs = [pair for each in numbers for pair in zip(entries[each], widths, strict=True)]
    table = b"".join(number.to_bytes(width) for number, width in pairs)
    index = b" ".join(b"%d 1" % number for number in numbers)
    members = b"/Type /XRef /Size %d /Root %d 0 R /Prev %d /W [%d %d %d] /Index [%s]"
    section = stream(table, members % (own + 1, CATALOG, pointer(pdf), *widths, index))
    return written + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (own, section, len(written))


@cache
def with_double() -> bytes:
    """A signed paper with a second definition of its first page's text inside a stream that nothing draws."""
    return signed(_double())


def _double() -> dict[int, bytes]:
    forged = b"\n%d 0 obj\n%s\nendobj\n" % (_CONTENT, stream(FORGED))
    return paper(2, page=b"/PieceInfo 50 0 R") | {50: b"<< /X 51 0 R >>", 51: stream(forged)}


ROWS = {
    "type 3": ((3, 0, 0), (1, 4, 2)),
    "type 7": ((7, 0, 0), (1, 4, 2)),
    "type 255": ((255, 0, 0), (1, 4, 2)),
    "a free row far away": ((0, 2**63, 0), (1, 8, 2)),
    "a high generation": ((0, 0, 70_000), (1, 4, 4)),
}


def searches() -> Iterator[Case]:
    """What makes some readers give up the cross-references and search the file for objects themselves."""
    for name, (row, widths) in ROWS.items():
        yield Case(f"row/{name}", partial(_with_odd_row, row, widths))
    for key in (b"/Version", b"/MarkInfo", b"/Extensions"):
        yield Case(f"dangling/{key.decode()}", partial(_dangling_in_catalog, key))
    for key in (b"/TU", b"/Lock", b"/MK", b"/Kids", b"/AP"):
        yield Case(f"dangling/field {key.decode()}", partial(_dangling_in_field, key))
    yield Case("a section with its filter in short", _with_filter_in_short)
    yield Case("rows from 1", _one_number_off)
    yield Case("linearised by some white space", _lengthened)
    yield Case("dangling/trailer", lambda: appended(with_double(), {NEW: b"(x)"}, members=b"/Info 999 0 R"))


def _with_filter_in_short() -> bytes:
    """An update whose cross-reference stream has its filter under a name that only some readers take."""
    section = with_rows(with_double(), {}, {NEW: b"(x)"})
    head, _, tail = section.rpartition(b"/Type /XRef")
    return head + b"/F /ASCIIHexDecode /Type /XRef" + tail


def _one_number_off() -> bytes:
    """An update that frees object 1 and repeats two others: some readers take them for objects 0, 1 and 2."""
    moved = {4 if number == CATALOG else number: content for number, content in _double().items()}
    base = classic(moved).replace(b"/Root %d 0 R" % CATALOG, b"/Root 4 0 R")
    base = signed_with(base, leader(), Ink(box=LEADER_BOX))
    places, written = [], base
    for number in (PAGES, FONT):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, value(base, number))
    rows = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"<< /Size 400 /Root 4 0 R /Prev %d >>" % pointer(base)
    return written + b"xref\n1 3\n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (rows, trailer, len(written))


def _linearised(length: int) -> bytes:
    """A signed paper whose first object says that it is linearised when it has a certain length."""
    described = b"<< /Linearized 1 /L %010d /H [500 20] /O 10 /E 3000 /N 2 /T 9000 >>" % length
    return signed({30: described} | paper(2))


def _lengthened() -> bytes:
    room = 500
    return _linearised(len(_linearised(0)) + room) + b"\n" * room


def _with_odd_row(row: Row, widths: Row) -> bytes:
    return with_rows(with_double(), {299: row}, {NEW: b"(x)"}, widths=widths)


def _dangling_in_field(key: bytes) -> bytes:
    return with_new_field(with_double(), b"/Subtype /Widget /Rect [0 0 0 0] /F 132 %s 999 0 R" % key)


def _dangling_in_catalog(key: bytes) -> bytes:
    catalog = with_member(value(with_double(), CATALOG), key + b" 999 0 R")
    return appended(with_double(), {CATALOG: catalog})


def fonts_of_the_form() -> Iterator[Case]:
    """A font that a signed field asks for, and that was not there: readers draw its value anew."""
    yield Case("font/none before", partial(_with_font, b""))
    yield Case("font/another before", partial(_with_font, b"/DR << /Font << /Helv 3 0 R >> >>"))


def _with_font(resources: bytes) -> bytes:
    field = b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (So) /V (100 111) /Rect [60 400 300 430] /F 4 %s >>"
    form = b"/AcroForm << /Fields [%d 0 R] %s >>" % (_PREPARED, resources)
    objects = paper(2, catalog=form, page=b"/Annots [%d 0 R]" % _PREPARED)
    base = signed(objects | {_PREPARED: field % b"/DA (/F#6fo 14 Tf 0 g)"})
    holder = number_of(base, b"/Fields")
    bare = re.sub(rb"/DR\s*<<\s*/Font\s*<<[^>]*>>\s*>>", b"", value(base, holder))
    added = b"/DR << /Font << /Foo %d 0 R /Helv 3 0 R >> >> /Fields" % NEW
    encoding = b"<< /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [49 /nine] >>"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding %s >>" % encoding
    return appended(base, {holder: bare.replace(b"/Fields", added), NEW: font})


QUIET = {
    "nothing": b"/F 132",
    "an empty MK": b"/F 132 /MK << >>",
    "a rotation": b"/F 132 /MK << /R 0 >>",
    "a border of no width": b"/F 132 /Border [0 0 0]",
    "a style of no width": b"/F 132 /BS << /W 0 /S /S >>",
    "hidden": b"/F 134",
    "not on the screen": b"/F 36",
    "an empty picture": b"/F 132 /AP << /N %d 0 R >>" % (NEW + 9),
}


def linearised_once() -> bytes:
    """A signed paper that was linearised before it was signed: its length is another now."""
    return _linearised(0)


def quiet_fields() -> Iterator[Case]:
    """Second signatures, and time-stamps, in fields that show nothing as programs write them."""
    for name, members in QUIET.items():
        yield Case(f"signed/{name}", partial(_signed_field, members))
        yield Case(f"stamped/{name}", partial(_stamped_quietly, members))
    yield Case("signed/below a parent", _signed_below_parent)


def _quiet_field(members: bytes) -> bytes:
    picture = stream(b"q Q % DSBlank\n", b"/Type /XObject /Subtype /Form /BBox [0 0 0 0]")
    return with_new_field(once(), b"/Subtype /Widget /Rect [0 0 0 0] %s" % members, {NEW + 9: picture})


def _signed_field(members: bytes) -> bytes:
    return signed_with(_quiet_field(members), agency_seal(), Ink("Moi"))


def _stamped_quietly(members: bytes) -> bytes:
    return stamped(_quiet_field(members), "Moi")


def _signed_below_parent() -> bytes:
    widget = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (ConDau) /Parent %d 0 R /F 4 /P %d 0 R %s >>"
    objects = {
        _PREPARED: b"<< /T (form1) /Kids [%d 0 R] >>" % (_PREPARED + 1),
        _PREPARED + 1: widget % (_PREPARED, FIRST_PAGE, b"/Rect [280 180 380 280]"),
    }
    form = b"/AcroForm << /Fields [%d 0 R] /SigFlags 1 >>" % _PREPARED
    base = signed(paper(2, catalog=form, page=b"/Annots [%d 0 R]" % (_PREPARED + 1)) | objects)
    return signed_with(base, agency_seal(), Ink("form1.ConDau"))


def copies() -> Iterator[Case]:
    """Objects written once more as they were: nothing was changed."""
    for number in (CATALOG, PAGES, FONT, FIRST_PAGE, _CONTENT):
        yield Case(f"copy of {number}", partial(_copied, number))


def _copied(number: int) -> bytes:
    return appended(once(), {number: value(once(), number)})
