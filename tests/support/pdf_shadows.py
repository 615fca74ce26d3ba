"""Hostile PDFs that use what may follow a signature: shadows, certified files, further signatures."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from functools import cache, partial

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm
from pyhanko.sign.signers import PdfTimeStamper

from tests.support.pdf_attacks import (
    FORGED,
    NEW,
    WAYS,
    Case,
    covering_annotations,
    number_of,
    replacements,
    value,
    with_annotation,
    with_field,
    with_member,
)
from tests.support.pdf_files import (
    CATALOG,
    FIRST_PAGE,
    FONT,
    Objects,
    appended,
    classic,
    hybrid,
    paper,
    shown,
    stream,
)
from tests.support.pdf_signing import (
    LEADER_BOX,
    SEAL_BOX,
    Ink,
    leader_then_seal,
    signed_with,
    with_evidence,
)
from tests.support.pki import (
    NOW,
    agency_seal,
    leader,
    stranger,
    time_stamper,
    with_document_time_stamp,
)

OVER_TEXT = (60, 700, 300, 780)
_CONTENT = FIRST_PAGE + 1
_OTHER_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>"


@cache
def once() -> bytes:
    """A paper of two pages with the leader's visible signature."""
    return signed_with(classic(paper(2)), leader(), Ink(box=LEADER_BOX))


@cache
def twice() -> bytes:
    """The same with the seal."""
    return leader_then_seal(classic(paper(2)))


@cache
def certified(level: MDPPerm) -> bytes:
    """A paper certified at a level, with an empty text field in its form."""
    form = b"/AcroForm << /Fields [60 0 R] /DA (/F1 12 Tf) /DR << /Font << /F1 3 0 R >> >> >>"
    field = b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (So) /Rect [72 100 200 120] /F 4 >>"
    page = b"/Annots [60 0 R]"
    objects = paper(2, catalog=form, page=page) | {60: field}
    return signed_with(classic(objects), leader(), Ink(certifies=level))


def certification_attacks() -> Iterator[Case]:
    """What is done to certified files (EAA and SSA, IEEE S&P 2021), at each level."""
    for level in MDPPerm:
        pdf, code = certified(level), f"P{level.value}"
        for name, annotation in covering_annotations().items():
            yield Case(f"{code}/{name}", partial(_annotated, pdf, annotation))
        yield Case(f"{code}/form-filled", partial(_filled, pdf))
        yield Case(f"{code}/field-over-text", partial(_with_field_over, pdf))
        yield Case(f"{code}/content", partial(appended, pdf, {_CONTENT: stream(FORGED)}))
    # A first certificate that forbids everything keeps the tests' own signer from signing.
    yield Case("P2/signature-over-text", partial(_signed_over, certified(MDPPerm.FILL_FORMS)))
    yield Case("P3/signature-over-text", partial(_signed_over, certified(MDPPerm.ANNOTATE)))
    yield Case("locked-field", _with_locked_field_filled)


def _annotated(pdf: bytes, annotation: bytes) -> bytes:
    return appended(pdf, with_annotation(pdf, annotation, is_field=False))


def _filled(pdf: bytes) -> bytes:
    field = value(pdf, 60)
    changed = with_member(with_member(field, b"/V (900)"), b"/AP << /N %d 0 R >>" % NEW)
    return appended(
        pdf, {60: changed, NEW: stream(FORGED, b"/Type /XObject /Subtype /Form /BBox [0 0 128 20]")}
    )


def _with_field_over(pdf: bytes) -> bytes:
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Hai) /Rect [60 700 300 780] /F 132"
        b" /AP << /N %d 0 R >> >>" % NEW
    )
    return appended(pdf, with_annotation(pdf, field))


def _signed_over(pdf: bytes) -> bytes:
    return signed_with(pdf, leader(), Ink("Hai", box=OVER_TEXT))


def _with_locked_field_filled() -> bytes:
    locked = FieldMDPSpec(FieldMDPAction.ALL)
    form = b"/AcroForm << /Fields [60 0 R] >>"
    field = b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (So) /Rect [72 100 200 120] /F 4 >>"
    objects = paper(2, catalog=form, page=b"/Annots [60 0 R]") | {60: field}
    return _filled(signed_with(classic(objects), leader(), Ink(locks=locked)))


Plan = tuple[Objects, Callable[[bytes], Objects]]
"""A paper prepared before signing, and what is appended to it afterwards."""


def shadow_attacks() -> Iterator[Case]:
    """Papers prepared before signing, and what is revealed or swapped afterwards (NDSS 2021)."""
    for name, (objects, change) in {**_hiding(), **_swapping(), **_replacing()}.items():
        pdf = signed_with(classic(objects), leader())
        for way in ("table", "stream", "bare", "table-that-lists-another"):
            yield Case(f"{name}/{way}", partial(WAYS[way], pdf, change(pdf)))
    for generation in (0, 1, 2, 65_535):
        yield Case(f"freed/content/{generation}", partial(_freed, generation))


def _hiding() -> dict[str, Plan]:
    """What was covered when it was signed, and is uncovered."""
    covered = paper(2) | {
        FIRST_PAGE: paper(2)[FIRST_PAGE].replace(b"/Resources <<", b"/Resources << /XObject << /C 70 0 R >>"),
        _CONTENT: stream(FORGED + b"q 1 0 0 1 60 740 cm /C Do Q " + shown("100 dong", at=(72, 600))),
        70: _cover(),
    }
    return {
        "hide/cover-emptied": (covered, lambda _: {70: _cover(drawn=b"")}),
        "hide/cover-shrunk": (covered, lambda _: {70: _cover(box=b"[0 0 0 0]")}),
        "hide/cover-not-drawn": (
            covered,
            lambda pdf: {FIRST_PAGE: value(pdf, FIRST_PAGE).replace(b"/C 70 0 R", b"")},
        ),
    }


def _swapping() -> dict[str, Plan]:
    """What lay in the file unused, or was not there yet, and takes the place of what was signed."""
    page = paper(2)[FIRST_PAGE]
    dormant = paper(2) | {70: stream(FORGED), 71: with_member(page, b"/Contents 70 0 R")}
    dangling = paper(2) | {FIRST_PAGE: with_member(page, b"/Contents [%d 0 R %d 0 R]" % (_CONTENT, NEW))}
    return {
        "hide-and-replace/content-swapped": (
            dormant,
            lambda pdf: {FIRST_PAGE: with_member(value(pdf, FIRST_PAGE), b"/Contents 70 0 R")},
        ),
        "hide-and-replace/page-swapped": (
            dormant,
            lambda _: {2: b"<< /Type /Pages /Count 2 /Kids [71 0 R %d 0 R] >>" % (FIRST_PAGE + 2)},
        ),
        "hide-and-replace/dangling-filled": (dangling, lambda _: {NEW: stream(FORGED)}),
    }


def _replacing() -> dict[str, Plan]:
    """Fields and fonts that draw over what was signed, or draw it differently."""
    fields = b"/AcroForm << /Fields [60 0 R] /DR << /Font << /F1 3 0 R >> >> >>"
    overlaid = paper(2, catalog=fields, page=b"/Annots [60 0 R]") | {
        60: b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (So) /V (100) /Rect [60 700 300 780] /F 4"
        b" /AP << /N 70 0 R >> /DA (/F1 12 Tf) >>",
        70: _cover(),
    }
    look = b"/AP << /N %d 0 R >>" % NEW
    unpainted = paper(2, catalog=fields, page=b"/Annots [60 0 R]") | {
        60: b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (So) /V (100) /Rect [60 400 300 430] /F 4 >>"
    }
    return {
        "replace/field-value": (overlaid, lambda pdf: {60: with_member(value(pdf, 60), b"/V (900)")}),
        "replace/field-appearance": (overlaid, lambda _: {70: _cover(drawn=FORGED)}),
        "replace/field-other-appearance": (
            overlaid,
            lambda pdf: {60: with_member(value(pdf, 60), look), NEW: _cover(drawn=FORGED)},
        ),
        "replace/field-removed": (
            overlaid,
            lambda pdf: {FIRST_PAGE: with_member(value(pdf, FIRST_PAGE), b"/Annots []")},
        ),
        "replace/field-hidden": (overlaid, lambda pdf: {60: with_member(value(pdf, 60), b"/F 2")}),
        "replace/font": (paper(2), lambda _: {FONT: _OTHER_FONT}),
        "replace/form-font": (overlaid, _with_other_form_font),
        "replace/fields-drawn-anew": (overlaid, _with_fields_drawn_anew),
        "replace/colour-of-fields": (unpainted, lambda pdf: _with_form(pdf, b"/DA (/F1 12 Tf 1 g)")),
        "replace/size-of-fields": (unpainted, lambda pdf: _with_form(pdf, b"/DA (/F1 .1 Tf 0 g)")),
        "replace/side-of-fields": (unpainted, lambda pdf: _with_form(pdf, b"/Q 2")),
        "replace/fields-drawn-or-not": (unpainted, lambda pdf: _with_form(pdf, b"/NeedAppearances false")),
    }


def _cover(*, drawn: bytes = b"1 g 0 0 400 100 re f", box: bytes = b"[0 0 400 100]") -> bytes:
    return stream(drawn, b"/Type /XObject /Subtype /Form /BBox " + box)


def _freed(generation: int) -> bytes:
    return appended(signed_with(classic(paper(2)), leader()), {}, freed=[(_CONTENT, generation)])


def _with_other_form_font(pdf: bytes) -> Objects:
    holder = number_of(pdf, b"/Fields")
    other = value(pdf, holder).replace(b"/F1 3 0 R", b"/F1 %d 0 R" % NEW)
    return {holder: other, NEW: _OTHER_FONT}


def _with_fields_drawn_anew(pdf: bytes) -> Objects:
    holder = number_of(pdf, b"/Fields")
    return {holder: value(pdf, holder).replace(b"/Fields", b"/NeedAppearances true /Fields")}


def _with_form(pdf: bytes, member: bytes) -> Objects:
    holder = number_of(pdf, b"/Fields")
    return {holder: value(pdf, holder).replace(b"/Fields", member + b" /Fields")}


def signature_attacks() -> Iterator[Case]:
    """What is done with the signatures themselves: taken out, swapped, borrowed, laid over text."""
    seal, first = agency_seal(), leader()
    yield Case("seal-over-text", lambda: signed_with(once(), seal, Ink("ConDau", box=OVER_TEXT)))
    yield Case("seal-too-large", lambda: signed_with(once(), seal, Ink("ConDau", box=(60, 60, 560, 500))))
    yield Case(
        "seal-of-a-stranger",
        lambda: signed_with(once(), stranger().seal("UBND"), Ink("ConDau", box=SEAL_BOX)),
    )
    yield Case(
        "edited-then-sealed",
        lambda: signed_with(appended(once(), {_CONTENT: stream(FORGED)}), seal, Ink("ConDau")),
    )
    yield Case(
        "sealed-edited-sealed",
        lambda: signed_with(appended(twice(), {_CONTENT: stream(FORGED)}), seal, Ink("Ba")),
    )
    yield Case(
        "edited-then-stamped", lambda: with_document_time_stamp(appended(once(), {_CONTENT: stream(FORGED)}))
    )
    yield Case("edited-then-evidence", lambda: with_evidence(appended(once(), {_CONTENT: stream(FORGED)})))
    yield Case("evidence-then-edited", lambda: appended(with_evidence(once()), {_CONTENT: stream(FORGED)}))
    yield Case("removed", lambda: appended(twice(), with_field(twice(), keep=False)))
    yield Case(
        "removed-and-signed-again",
        lambda: signed_with(appended(once(), with_field(once(), keep=False)), first, Ink("Moi")),
    )
    yield Case("values-swapped", lambda: appended(twice(), _swapped(twice())))
    yield Case("value-borrowed", lambda: appended(twice(), _borrowed(twice())))
    yield Case("appearance-of-the-seal-changed", lambda: appended(twice(), _repainted(twice())))
    yield Case(
        "field-with-an-action",
        lambda: appended(once(), _new_field(once(), b"/A << /S /JavaScript /JS (1) >>")),
    )
    yield Case(
        "field-with-a-layer", lambda: appended(once(), _new_field(once(), b"/OC << /Type /OCG /Name (x) >>"))
    )
    for name, pdf in (("once", once()), ("sealed", twice())):
        yield Case(f"{name}/empty-field-with-a-picture", partial(with_painted_field, pdf))
        yield Case(f"{name}/time-stamp-with-a-picture", partial(_stamped_with_a_picture, pdf))
    for name in ("content", "font-replaced", "page-added", "annotation-freetext", "catalog-names"):
        for way in WAYS:
            yield Case(f"sealed/{name}/{way}", partial(WAYS[way], twice(), replacements(twice())[name]))


def _fields(pdf: bytes) -> tuple[int, int]:
    return number_of(pdf, b"/T (ChuKy)"), number_of(pdf, b"/T (ConDau)")


def _swapped(pdf: bytes) -> Objects:
    one, two = _fields(pdf)
    values = [
        with_v.split(b"/V ")[1].split(b" R")[0] + b" R" for with_v in (value(pdf, one), value(pdf, two))
    ]
    return {
        one: with_member(value(pdf, one), b"/V " + values[1]),
        two: with_member(value(pdf, two), b"/V " + values[0]),
    }


def _borrowed(pdf: bytes) -> Objects:
    one, two = _fields(pdf)
    borrowed = value(pdf, one).split(b"/V ")[1].split(b" R")[0] + b" R"
    return {two: with_member(value(pdf, two), b"/V " + borrowed)}


def _repainted(pdf: bytes) -> Objects:
    _, seal = _fields(pdf)
    look = stream(FORGED, b"/Type /XObject /Subtype /Form /BBox [0 0 100 100]")
    return {seal: with_member(value(pdf, seal), b"/AP << /N %d 0 R >>" % NEW), NEW: look}


def _new_field(pdf: bytes, member: bytes) -> Objects:
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Moi) /Rect [0 0 0 0] /F 132 %s >>" % member
    return {NEW + 1: field} | with_field(pdf, NEW + 1)


def with_painted_field(pdf: bytes) -> bytes:
    """The PDF with an empty signature field that shows a text."""
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Moi) /Rect [72 400 272 450] /F 132 /P %d 0 R"
        b" /AP << /N %d 0 R >> >>" % (FIRST_PAGE, NEW)
    )
    return appended(pdf, with_annotation(pdf, field))


def _stamped_with_a_picture(pdf: bytes) -> bytes:
    stamper = PdfTimeStamper(time_stamper(stranger().time_stamper, NOW), field_name="Moi")
    writer = IncrementalPdfFileWriter(io.BytesIO(with_painted_field(pdf)))
    made = asyncio.run(stamper.async_timestamp_pdf(writer, "sha256", bytes_reserved=24_576))
    assert isinstance(made, io.BytesIO)
    return made.getvalue()


def hybrid_attacks() -> Iterator[Case]:
    """Files that are two documents: one for old readers, another for newer ones."""
    forged = stream(FORGED)
    yield Case("hybrid/content", lambda: _hybrid({_CONTENT: forged}))
    yield Case(
        "hybrid/page", lambda: _hybrid({FIRST_PAGE: with_member(paper(2)[FIRST_PAGE], b"/Contents 30 0 R")})
    )
    yield Case(
        "hybrid/pages", lambda: _hybrid({2: b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % FIRST_PAGE})
    )
    yield Case("hybrid/font", lambda: _hybrid({FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>"}))
    yield Case("hybrid/appended", _with_hybrid_update)


def _hybrid(moved: Objects) -> bytes:
    made = hybrid(paper(2), {30: b"<< /Type /StructTreeRoot >>"}, moved=moved)
    return signed_with(made, leader(), is_strict=False)


def _with_hybrid_update() -> bytes:
    """A table that says nothing, and a stream beside it that replaces a page."""
    from tests.support.pdf_files import cross_reference_stream, pointer

    pdf = once()
    place = len(pdf)
    pdf += b"%d 0 obj\n%s\nendobj\n" % (_CONTENT, stream(FORGED))
    section = len(pdf)
    members = b"/Size %d /Root %d 0 R" % (NEW + 1, CATALOG)
    pdf += b"%d 0 obj\n%s\nendobj\n" % (
        NEW,
        cross_reference_stream({_CONTENT: (1, place, 0), NEW: (1, section, 0)}, members),
    )
    return pdf + b"xref\n0 0\ntrailer\n<< %s /Prev %d /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        members,
        pointer(once()),
        section,
        len(pdf),
    )
