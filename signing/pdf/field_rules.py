"""What later revisions may do to the form of a signed PDF: fill in signature fields, and make new ones.

Other readers show more than the one that draws the pictures we compare: looks under the pointer, states, and
borders and backgrounds that they make up themselves. So what a field may show is bounded by its form as well:
the field of a sound signature has one plain picture, every other one that is new or changed shows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import FormUpdatingRule, ModificationLevel, SuspiciousModification
from pyhanko.sign.diff_analysis.form_rules_api import (
    FieldComparisonContext,
    FieldComparisonSpec,
    FieldMDPRule,
    FormUpdate,
)

from signing.pdf.fields import entry

FORM_KEYS = frozenset({"/Fields", "/DR", "/DA", "/Q", "/NeedAppearances", "/SigFlags"})
"""The entries of a form that may change; how is for `FormRule`."""
# By what a reader draws the fields that have no picture of their own.
_LOOK_OF_FIELDS = ("/DA", "/Q", "/NeedAppearances")
_FONT_NAME = re.compile(rb"/([^\s/<>\[\](){}%]+)")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_MAX_FIELDS = 10_000
# What a signature field or its widget may say; above all no action, and no layer that can be switched off.
_FIELD_KEYS = frozenset(
    f"/{key}"
    for key in (
        *("Type", "Subtype", "FT", "T", "TU", "TM", "V", "F", "Ff", "P", "Rect", "AP", "AS", "MK", "Kids"),
        *("Parent", "Lock", "SV", "DA", "DR", "Q", "Border", "BS", "StructParent", "M", "NM", "H", "C"),
    )
)
_DRAWING_KEYS = frozenset({"/AS", "/MK", "/Border", "/BS", "/C"})
_HARMLESS_FLAGS = 4 | 64 | 128 | 512
"""To be printed, and not to be changed (ISO 32000-1, table 165); the others hide or turn what is shown."""
_HIDING_FLAGS = 2 | 32
"""Two ways to say that a signature is not shown (§12.7.4.5)."""
_COMMENTS = re.compile(rb"%[^\r\n]*")
_DRAWS_NOTHING = b"\x00\t\n\x0c\r qQn"
"""White space, and operators that need something before them to draw it."""
_MAX_EMPTY_BYTES = 1_024
_FILTERS = {"None", "/FlateDecode"}
_OF_EMPTY_PICTURE = frozenset(
    ("/Type", "/Subtype", "/FormType", "/BBox", "/Matrix", "/Resources", "/Length", "/Filter", "/Name")
)


class FormRule(FormUpdatingRule):
    """The form keeps its fonts, and no reader is told to draw its fields anew."""

    def apply(
        self, old: HistoricalResolver, new: HistoricalResolver
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        """Return what pyHanko's rule returns, once the two forms are drawn alike."""
        old_form, new_form = entry(old.root, "/AcroForm"), entry(new.root, "/AcroForm")
        if isinstance(old_form, generic.DictionaryObject) and isinstance(new_form, generic.DictionaryObject):
            _demand_same_drawing(old_form, new_form)
        return super().apply(old, new)


class LookRule(FieldMDPRule):
    """What a signature field that is new or was changed may show."""

    def __init__(self, sound: Collection[str]) -> None:
        """Let the fields of these names, whose signatures are sound, have a picture."""
        self._sound = sound

    def apply(self, context: FieldComparisonContext) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        """Allow nothing; pyHanko's rules do that.

        Raises:
            SuspiciousModification: A field says or shows what it may not.
        """
        for name, spec in context.field_specs.items():
            for before, after in _changed_widgets(spec):
                _demand_widget(before, after)
                if name in self._sound:
                    _demand_one_picture(before, after)
                else:
                    _demand_blank(before, after)
        return ()


_Dictionary = generic.DictionaryObject


def _changed_widgets(spec: FieldComparisonSpec) -> Iterator[tuple[_Dictionary | None, _Dictionary]]:
    """Yield a field and its widgets as they were (None: not there) and are, where these differ."""
    if spec.new_field is None:
        return
    old = [spec.old_field, *_widgets(spec.old_field)] if spec.old_field is not None else []
    new = [spec.new_field, *_widgets(spec.new_field)]
    for place, after in enumerate(new):
        before = old[place] if place < len(old) else None
        if before is None or before != after or not _looks_same(before, after):
            yield before, after


def _widgets(field: _Dictionary) -> Iterator[_Dictionary]:
    """Yield the kids of a field that are its widgets; one with a name is a field of its own."""
    return (kid for kid in _kids(field) if "/T" not in kid)


def _demand_widget(before: _Dictionary | None, after: _Dictionary) -> None:
    if any(key not in _FIELD_KEYS for key in after if not _is_same(before, after, key)):
        raise SuspiciousModification("a signature field with more than a signature")
    if str(entry(after, "/Subtype") or "/Widget") != "/Widget":
        raise SuspiciousModification("a signature field that is another annotation")
    flags = entry(after, "/F")
    allowed = _HARMLESS_FLAGS if _has_picture(after) else _HARMLESS_FLAGS | _HIDING_FLAGS
    is_harmless = flags is None or (isinstance(flags, int) and not flags & ~allowed)
    if not (is_harmless or _is_same(before, after, "/F")):
        raise SuspiciousModification("a signature field that does not show what it holds")


def _is_same(before: _Dictionary | None, after: _Dictionary, key: str) -> bool:
    return before is not None and key in before and entry(before, key) == entry(after, key)


def _demand_one_picture(before: _Dictionary | None, after: _Dictionary) -> None:
    """Pass when a sound signature is shown by one picture for all occasions, or by none."""
    if _has_picture(after):
        if not isinstance(_picture(after), generic.StreamObject) or len(_looks(after)) != 1:
            raise SuspiciousModification("a signature with several pictures")
    elif _has_drawing(before, after):
        raise SuspiciousModification("a signature that a reader is told to draw")


def _demand_blank(before: _Dictionary | None, after: _Dictionary) -> None:
    """Pass when a field shows nothing, in any reader: there is no sound signature to answer for it."""
    if before is None and _is_visible(after):
        raise SuspiciousModification("a field with a place on the page, and no sound signature in it")
    if _has_drawing(before, after):
        raise SuspiciousModification("a field that is drawn, and no sound signature in it")
    if _has_picture(after) and (before is None or not _looks_same(before, after)):
        picture = _picture(after)
        if len(_looks(after)) != 1 or not isinstance(picture, generic.StreamObject) or not _is_empty(picture):
            raise SuspiciousModification("a field with a picture, and no sound signature in it")


def _has_drawing(before: _Dictionary | None, after: _Dictionary) -> bool:
    """Return whether a reader is newly told what to draw besides the picture."""
    told = {key for key in _DRAWING_KEYS & after.keys() if not _says_nothing(key, entry(after, key))}
    return not all(_is_same(before, after, key) for key in told)


def _says_nothing(key: str, value: generic.PdfObject | None) -> bool:
    """Return whether an entry draws nothing: a rotation alone, a border of no width."""
    match key, value:
        case "/MK", generic.DictionaryObject():
            return value.keys() <= {"/R"}
        case "/BS", generic.DictionaryObject():
            return bool(value.get("/W", 1) == 0)
        case "/Border", generic.ArrayObject():
            return len(value) == 3 and value[2] == 0
    return False


def _looks(widget: _Dictionary) -> _Dictionary:
    """Return the pictures of a widget: under N, under the pointer (R), pressed (D)."""
    looks = entry(widget, "/AP")
    return looks if isinstance(looks, _Dictionary) else _Dictionary()  # type: ignore[no-untyped-call]


def _has_picture(widget: _Dictionary) -> bool:
    return "/AP" in widget


def _picture(widget: _Dictionary) -> generic.PdfObject | None:
    return entry(_looks(widget), "/N")


def _looks_same(before: _Dictionary, after: _Dictionary) -> bool:
    """Return whether a widget has the pictures that it had, and none of them was written anew."""
    one, other = _looks(before), _looks(after)
    return one == other and all(_content(entry(one, key)) == _content(entry(other, key)) for key in one)


def _content(picture: generic.PdfObject | None) -> object:
    return (dict(picture), picture.encoded_data) if isinstance(picture, generic.StreamObject) else picture


def _is_empty(picture: generic.StreamObject) -> bool:
    if not picture.keys() <= _OF_EMPTY_PICTURE or str(entry(picture, "/Filter")) not in _FILTERS:
        return False
    content = picture.data if len(picture.encoded_data) <= _MAX_EMPTY_BYTES else b"too long"
    return not _COMMENTS.sub(b"", content).strip(_DRAWS_NOTHING)


def _is_visible(widget: _Dictionary) -> bool:
    corners = entry(widget, "/Rect")
    if corners is None:
        return False
    if not isinstance(corners, generic.ArrayObject) or len(corners) != 4:
        return True
    left, bottom, right, top = (corner.get_object() for corner in corners)
    return bool(left != right and bottom != top)


def _demand_same_drawing(old: _Dictionary, new: _Dictionary) -> None:
    if _is_true(entry(new, "/NeedAppearances")) and not _is_true(entry(old, "/NeedAppearances")):
        raise SuspiciousModification("fields are to be drawn anew")
    others = list(_other_fields(old))
    if others and any(entry(old, key) != entry(new, key) for key in _LOOK_OF_FIELDS):
        raise SuspiciousModification("fields are to be drawn differently")
    before, after = (_resources(form) for form in (old, new))
    for known, resource in before.items():
        if after.get(known) != resource:
            raise SuspiciousModification(f"resource {known} of the form was replaced")
    drawn_with = {name for field in (old, *others) for name in _font_names(field)}
    for _, name in after.keys() - before.keys():
        if name in drawn_with:
            raise SuspiciousModification(f"resource {name}, which a field asks for, was added to the form")


def _resources(form: _Dictionary) -> dict[tuple[str, str], object]:
    """Return what the fields of a form may be drawn with, by kind and name."""
    kinds = entry(form, "/DR")
    if not isinstance(kinds, _Dictionary):
        return {}
    return {
        (str(kind), str(name)): resources.raw_get(name)
        for kind in kinds
        if isinstance(resources := entry(kinds, kind), _Dictionary)
        for name in resources
    }


def _font_names(field: _Dictionary) -> set[str]:
    """Return every name in what a field is drawn by."""
    asked = entry(field, "/DA")
    if not isinstance(asked, generic.TextStringObject | generic.ByteStringObject):
        return set()
    names = (
        _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), name)
        for name in _FONT_NAME.findall(asked.original_bytes)
    )
    return {f"/{name.decode('latin-1')}" for name in names}


def _other_fields(form: _Dictionary) -> Iterator[_Dictionary]:
    """Yield what a form has to fill in besides signatures."""
    waiting: list[tuple[object, _Dictionary]] = [(None, kid) for kid in _kids(form, "/Fields")]
    for _ in range(_MAX_FIELDS):
        if not waiting:
            return
        inherited, field = waiting.pop()
        kind = entry(field, "/FT") or inherited
        kids = [(kind, kid) for kid in _kids(field)]
        if kind not in (None, "/Sig") or (kind is None and not kids):
            yield field
        waiting += kids
    raise SuspiciousModification("too many fields")


def _is_true(value: generic.PdfObject | None) -> bool:
    return isinstance(value, generic.BooleanObject) and bool(value.value)


def _kids(field: _Dictionary, key: str = "/Kids") -> Iterator[_Dictionary]:
    kids = entry(field, key)
    for kid in kids if isinstance(kids, generic.ArrayObject) else ():
        dictionary = kid.get_object()
        if isinstance(dictionary, _Dictionary):
            yield dictionary
