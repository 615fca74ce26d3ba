"""Hostile PDFs made from good ones: signatures forged (USF) or wrapped (SWA), files appended to (ISA)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.support.pdf_files import (
    CATALOG,
    FIRST_PAGE,
    FONT,
    PAGES,
    Objects,
    appended,
    pointer,
    shown,
    stream,
    streamed,
)

NEW = 900
"""Numbers from here on are free in every file."""

FORGED = shown("Forged 900 dong", at=(72, 760), size=30)
_BYTE_RANGE = re.compile(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]\s*")
_CONTENTS = re.compile(rb"/Contents <([0-9A-Fa-f]+)>")
_SUB_FILTER = re.compile(rb"/SubFilter /[A-Za-z0-9.]+")
_FIELDS = re.compile(rb"/Fields \[([^\]]*)\]")


@dataclass(frozen=True)
class Case:
    """One hostile file."""

    name: str
    make: Callable[[], bytes]


def value(pdf: bytes, number: int) -> bytes:
    """The newest value of an object that is written openly."""
    found: list[bytes] = re.findall(rb"(?<!\d)%d 0 obj\s(.*?)\s*endobj" % number, pdf, re.DOTALL)
    return found[-1]


def number_of(pdf: bytes, text: bytes) -> int:
    """The number of the newest object whose value holds a text."""
    found = [
        int(each[1])
        for each in re.finditer(rb"(?<!\d)(\d+) 0 obj\s(.*?)\s*endobj", pdf, re.DOTALL)
        if text in each[2]
    ]
    return found[-1]


def with_member(dictionary: bytes, member: bytes) -> bytes:
    """A dictionary with one more member at its end; one of that name before is taken out."""
    name = re.escape(member.split()[0])
    bare = re.sub(
        name + rb"\s+(?:\d+ \d+ R|\[[^\]]*\]|/\w+|\([^)]*\)|<<[^<>]*>>|[\d.]+)", b"", dictionary, count=1
    )
    return bare[: bare.rindex(b">>")] + b" " + member + b" >>"


# --- forged and wrapped signatures -------------------------------------------------------------------------


BYTE_RANGES = {
    "missing": b"/ByteRangX [0 1 2 3]",
    "null": b"/ByteRange null",
    "empty": b"/ByteRange []",
    "one": b"/ByteRange [0]",
    "three": b"/ByteRange [0 %(first)d %(second)d]",
    "five": b"/ByteRange [0 %(first)d %(second)d %(rest)d 0]",
    "six": b"/ByteRange [0 1 1 1 2 2]",
    "negative": b"/ByteRange [0 -1 %(second)d %(rest)d]",
    "negative-rest": b"/ByteRange [0 %(first)d %(second)d -1]",
    "zeros": b"/ByteRange [0 0 0 0]",
    "overlapping": b"/ByteRange [0 %(second)d %(first)d %(rest)d]",
    "not-from-zero": b"/ByteRange [1 %(first)d %(second)d %(rest)d]",
    "beyond-the-end": b"/ByteRange [0 %(first)d %(second)d 99999999]",
    "huge": b"/ByteRange [0 9 99999999999999999999 1]",
    "reals": b"/ByteRange [0.0 %(first)d.0 9.5 1.0]",
    "texts": b"/ByteRange [(0) (1) (2) (3)]",
    "nested": b"/ByteRange [[0 1] [2 3]]",
    "truths": b"/ByteRange [true true true true]",
    "number": b"/ByteRange 0",
    "reference": b"/ByteRange 1 0 R",
    "name": b"/ByteRange /All",
    "twice": b"/ByteRange [0 1 2 3] /ByteRange 1",
    "no-gap": b"/ByteRange [0 %(first)d %(first)d %(rest)d]",
}


def with_byte_range(pdf: bytes, form: bytes) -> bytes:
    """The file with another byte range, everything else in its place."""
    found = _last(_BYTE_RANGE, pdf)
    numbers = dict(zip((b"start", b"first", b"second", b"rest"), map(int, found.groups()), strict=True))
    text: bytes = form % numbers if b"%" in form else form
    return _in_place(pdf, found, text)


CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "missing": lambda _: b"/ContentX <00>",
    "null": lambda _: b"/Contents null",
    "empty": lambda _: b"/Contents <>",
    "blank": lambda digits: b"/Contents <" + b" " * len(digits) + b">",
    "zeros": lambda digits: b"/Contents <" + b"0" * len(digits) + b">",
    "one-byte": lambda _: b"/Contents <30>",
    "odd": lambda digits: b"/Contents <" + digits[:-1] + b" >",
    "no-hex": lambda digits: b"/Contents <" + digits[:200] + b"xyz" + digits[203:] + b">",
    "mixed-case": lambda digits: b"/Contents <" + _mixed(digits) + b">",
    "text": lambda digits: b"/Contents (" + b"0" * len(digits) + b")",
    "name": lambda _: b"/Contents /None",
    "number": lambda _: b"/Contents 0",
    "reference": lambda _: b"/Contents 1 0 R",
    "array": lambda _: b"/Contents [<30>]",
    "endless": lambda digits: b"/Contents <" + digits,
    "followed": lambda digits: b"/Contents <" + digits[:-8] + b"deadbeef>",
    "wrapped": lambda digits: b"/Contents <" + digits[:-60] + b"> /Forged (" + b"x" * 40 + b")",
    "half": lambda digits: b"/Contents <" + digits[:400] + b"0" * (len(digits) - 400) + b">",
    "indefinite": lambda digits: b"/Contents <3080" + digits[4:] + b">",
    "long-length": lambda digits: b"/Contents <3084ffffffff" + digits[12:] + b">",
}


def _mixed(digits: bytes) -> bytes:
    small = digits.lower()
    place = re.search(rb"[a-f]", small)
    assert place is not None
    return small[: place.start()] + small[place.start() : place.end()].upper() + small[place.end() :]


def with_contents(pdf: bytes, form: Callable[[bytes], bytes]) -> bytes:
    """The file with other contents of the newest signature, everything else in its place."""
    found = _last(_CONTENTS, pdf)
    return _in_place(pdf, found, form(found[1]))


SUB_FILTERS = {
    "missing": b"/SubFiltex /None",
    "null": b"/SubFilter null",
    "unknown": b"/SubFilter /XXXX.CAdES",
    "raw-rsa": b"/SubFilter /adbe.x509.rsa_sha1",
    "sha1": b"/SubFilter /adbe.pkcs7.sha1",
    "stamp": b"/SubFilter /ETSI.RFC3161",
    "text": b"/SubFilter (ETSI)",
    "empty": b"/SubFilter /",
}


def with_sub_filter(pdf: bytes, form: bytes) -> bytes:
    """The file with another format named, everything else in its place."""
    return _in_place(pdf, _last(_SUB_FILTER, pdf), form)


def wrapped(pdf: bytes, *, objects: Objects) -> bytes:
    """The signed bytes unchanged, around a gap that holds another document (SWA).

    The digest holds: only that the gap is not the signature's own contents gives it away.
    """
    found = _last(_BYTE_RANGE, pdf)
    _, first, second, rest = (int(number) for number in found.groups())
    contents, tail, section = pdf[first:second], pdf[second : second + rest], pointer(pdf)
    table_end = section + 4_000
    room = sum(len(each) + 40 for each in objects.values()) + len(contents) + 1_000
    gap_end = table_end + room
    dictionary = (
        b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 %d %d %d]"
        b" /Contents %s >>" % (first, gap_end, rest, contents)
    )
    made: bytes = (pdf[:first] + contents + b"\n>>\nendobj\n").ljust(table_end)
    places = _places(pdf, section)
    for number, content in {**objects, number_of(pdf, b"/ByteRange"): dictionary}.items():
        places[number] = len(made)
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    trailer = re.findall(rb"trailer\s*(<<.*?>>)", pdf, re.DOTALL)[-1]
    table = b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % item for item in sorted(places.items()))
    table += b"trailer\n" + trailer + b"\n"
    made = made[:section] + table + made[section + len(table) :]
    return made.ljust(gap_end) + tail


def _places(pdf: bytes, section: int) -> dict[int, int]:
    """Where the newest cross-reference table says that objects stand."""
    found, number = {}, 0
    for line in pdf[section:].split(b"trailer")[0].splitlines()[1:]:
        parts = line.split()
        if len(parts) == 2:
            number = int(parts[0])
            continue
        if parts[2] == b"n":
            found[number] = int(parts[0])
        number += 1
    return found


# --- appended to (ISA) -------------------------------------------------------------------------------------


def replacements(pdf: bytes) -> dict[str, Objects]:
    """What an attacker replaces or adds, by what it is."""
    catalog, page = value(pdf, CATALOG), value(pdf, FIRST_PAGE)
    field = number_of(pdf, b"/FT /Sig")
    content = FIRST_PAGE + 1
    pages = b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % NEW
    new_page = (
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
        b" /Resources << /Font << /F1 %d 0 R >> >> >>" % (PAGES, NEW + 1, FONT)
    )
    made: dict[str, Objects] = {
        "content": {content: stream(FORGED)},
        "packed-content": {content: stream(FORGED, packed=True)},
        "page-with-other-content": {
            FIRST_PAGE: with_member(page, b"/Contents %d 0 R" % NEW),
            NEW: stream(FORGED),
        },
        "page-with-more-content": {
            FIRST_PAGE: with_member(page, b"/Contents [%d 0 R %d 0 R]" % (content, NEW)),
            NEW: stream(FORGED),
        },
        "page-turned": {FIRST_PAGE: with_member(page, b"/Rotate 180")},
        "page-cropped": {FIRST_PAGE: with_member(page, b"/CropBox [0 0 300 300]")},
        "page-resources": {FIRST_PAGE: with_member(page, b"/Resources << >>")},
        "page-action": {
            FIRST_PAGE: with_member(page, b"/AA << /O << /S /JavaScript /JS (app.alert\\(1\\)) >> >>")
        },
        "pages-replaced": {PAGES: pages, NEW: new_page, NEW + 1: stream(FORGED)},
        "page-added": {
            PAGES: b"<< /Type /Pages /Count 3 /Kids [%d 0 R %d 0 R %d 0 R] >>"
            % (FIRST_PAGE, FIRST_PAGE + 2, NEW),
            NEW: new_page,
            NEW + 1: stream(FORGED),
        },
        "page-removed": {PAGES: b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % FIRST_PAGE},
        "pages-reordered": {
            PAGES: b"<< /Type /Pages /Count 2 /Kids [%d 0 R %d 0 R] >>" % (FIRST_PAGE + 2, FIRST_PAGE)
        },
        "font-replaced": {FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>"},
        "font-encoding": {
            FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding"
            b" << /Differences [49 /nine 57 /one] >> >>"
        },
        "catalog-pages": {
            CATALOG: with_member(catalog, b"/Pages %d 0 R" % (NEW + 2)),
            NEW: new_page,
            NEW + 1: stream(FORGED),
            NEW + 2: pages,
        },
        "catalog-without-form": {
            CATALOG: re.sub(rb"/AcroForm (\d+ 0 R|<<.*?>>)", b"", catalog, flags=re.DOTALL)
        },
    }
    for name, member in _CATALOG_MEMBERS.items():
        made[f"catalog-{name}"] = {CATALOG: with_member(catalog, member)}
    for name, annotation in covering_annotations().items():
        made[f"annotation-{name}"] = with_annotation(pdf, annotation)
    dictionary = value(pdf, field)
    for name, member in _FIELD_MEMBERS.items():
        made[f"field-{name}"] = {field: with_member(dictionary, member), NEW: _appearance()}
    return made


_CATALOG_MEMBERS = {
    "open-action": b"/OpenAction << /S /JavaScript /JS (this.print) >>",
    "names": b"/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (1) >>] >> >>",
    "layers": b"/OCProperties << /OCGs [] /D << /BaseState /OFF >> >>",
    "additional-actions": b"/AA << /WP << /S /JavaScript /JS (1) >> >>",
    "viewer": b"/ViewerPreferences << /HideToolbar true >>",
    "outlines": b"/Outlines << /Type /Outlines >>",
    "labels": b"/PageLabels << /Nums [0 << /S /r >>] >>",
    "collection": b"/Collection << /View /H >>",
    "permissions": b"/Perms << >>",
}
_FIELD_MEMBERS = {
    "appearance": b"/AP << /N %d 0 R >>" % NEW,
    "moved": b"/Rect [72 700 500 800]",
    "renamed": b"/T (Khac)",
    "emptied": b"/V null",
    "action": b"/A << /S /URI /URI (http://example.invalid) >>",
    "other-kind": b"/FT /Tx",
    "other-value": b"/V << /Type /Sig /SubFilter /ETSI.CAdES.detached >>",
}


def covering_annotations() -> dict[str, bytes]:
    """Annotations that cover or add text (EAA), by their kind."""
    box = b"/Rect [60 700 500 800]"
    look = b"/AP << /N %d 0 R >>" % NEW
    kinds = (
        "FreeText",
        "Stamp",
        "Square",
        "Circle",
        "Line",
        "Ink",
        "Highlight",
        "Redact",
        "Polygon",
        "Caret",
    )
    made = {
        kind.lower(): b"<< /Type /Annot /Subtype /%s %s %s /F 4 >>" % (kind.encode(), box, look)
        for kind in kinds
    }
    made["link"] = (
        b"<< /Type /Annot /Subtype /Link %s /A << /S /URI /URI (http://example.invalid) >> >>" % box
    )
    made["popup"] = b"<< /Type /Annot /Subtype /Popup %s /Open true >>" % box
    made["text-field"] = b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (So) /V (900) %s %s /F 4 >>" % (
        box,
        look,
    )
    made["button"] = b"<< /Type /Annot /Subtype /Widget /FT /Btn /T (Nut) %s %s /F 4 >>" % (box, look)
    return made


def with_annotation(pdf: bytes, annotation: bytes, *, is_field: bool | None = None) -> Objects:
    """The objects that put an annotation on the first page, and into the form when it is a field."""
    page = value(pdf, FIRST_PAGE)
    listed = re.search(rb"/Annots \[([^\]]*)\]", page)
    entries = (listed[1] if listed else b"") + b" %d 0 R" % (NEW + 1)
    made = {
        FIRST_PAGE: with_member(page, b"/Annots [%s]" % entries),
        NEW: _appearance(),
        NEW + 1: annotation,
    }
    if is_field if is_field is not None else b"/FT" in annotation:
        made |= with_field(pdf, NEW + 1)
    return made


def with_field(pdf: bytes, *fields: int, keep: bool = True) -> Objects:
    """The object that lists more fields in the form, or only these."""
    holder = number_of(pdf, b"/Fields")
    form = value(pdf, holder)
    listed = _FIELDS.search(form)
    assert listed is not None
    entries = (listed[1] if keep else b"") + b"".join(b" %d 0 R" % number for number in fields)
    return {holder: form[: listed.start()] + b"/Fields [%s]" % entries + form[listed.end() :]}


def _appearance() -> bytes:
    members = (
        b"/Type /XObject /Subtype /Form /BBox [0 0 440 100] /Resources << /Font << /F1 %d 0 R >> >>" % FONT
    )
    return stream(b"1 1 1 rg 0 0 440 100 re f 0 g " + shown("Forged", at=(10, 10), size=40), members)


WAYS: dict[str, Callable[[bytes, Objects], bytes]] = {
    "table": appended,
    "stream": lambda pdf, objects: streamed(objects, pdf=pdf),
    "bare": lambda pdf, objects: pdf + _objects(objects),
    "bare-with-end": lambda pdf, objects: (
        pdf + _objects(objects) + b"startxref\n%d\n%%%%EOF\n" % pointer(pdf)
    ),
    "table-that-lists-nothing": lambda pdf, objects: _with_empty_section(pdf + _objects(objects), pdf),
    "table-that-lists-another": lambda pdf, objects: appended(pdf + _objects(objects), {NEW + 50: b"(x)"}),
    "no-end": lambda pdf, objects: appended(pdf, objects).rsplit(b"startxref", 1)[0],
    "wrong-pointer": lambda pdf, objects: _with_pointer(appended(pdf, objects), 7),
}


def _objects(objects: Objects) -> bytes:
    return b"".join(b"%d 0 obj\n%s\nendobj\n" % item for item in objects.items())


def _with_empty_section(longer: bytes, pdf: bytes) -> bytes:
    root = re.findall(rb"/Root (\d+ \d+ R)", pdf)[-1]
    size = max(int(each) for each in re.findall(rb"/Size (\d+)", pdf))
    trailer = b"<< /Size %d /Root %s /Prev %d >>" % (size, root, pointer(pdf))
    return longer + b"xref\n0 0\ntrailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (trailer, len(longer))


def _with_pointer(pdf: bytes, place: int) -> bytes:
    return pdf.rsplit(b"startxref", 1)[0] + b"startxref\n%d\n%%%%EOF\n" % place


def appendings(pdf: bytes, *, ways: tuple[str, ...] = tuple(WAYS)) -> Iterator[Case]:
    """Every replacement in every way of appending it."""
    for name, objects in replacements(pdf).items():
        for way in ways:
            yield Case(f"{name}/{way}", partial(WAYS[way], pdf, objects))


def _last(pattern: re.Pattern[bytes], pdf: bytes) -> re.Match[bytes]:
    return list(pattern.finditer(pdf))[-1]


def _in_place(pdf: bytes, found: re.Match[bytes], text: bytes) -> bytes:
    room = found.end() - found.start()
    assert len(text) <= room, (text, room)
    return pdf[: found.start()] + text.ljust(room) + pdf[found.end() :]
