"""What later revisions may add to a signed one: further signatures, time-stamps and evidence. Nothing else.

pyHanko compares the revisions object by object; the rules are ours. Stricter than its own: no form is filled
in and no annotation made, for nobody does that to a signed official document, and the appearance of a field
can hide the text under it. More tolerant: objects may be freed that nothing signed leads to, as iText does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DiffResult,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.form_rules_api import FieldComparisonContext, FieldMDPRule, FormUpdate
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm

from signing.pdf import reasons
from signing.pdf.fields import entry
from signing.pdf.reader import BoundedReader
from signing.reasons import Refused

# By what a reader draws the fields that have no picture of their own.
_LOOK_OF_FIELDS = ("/DA", "/Q", "/NeedAppearances")
_FORM_KEYS = frozenset({"/Fields", "/DR", "/DA", "/Q", "/NeedAppearances", "/SigFlags"})
_MAX_FIELDS = 10_000
# What a signature field or its widget may say; above all no action, and no layer that can be switched off.
_FIELD_KEYS = frozenset(
    f"/{key}"
    for key in (
        *("Type", "Subtype", "FT", "T", "TU", "TM", "V", "F", "Ff", "P", "Rect", "AP", "AS", "MK", "Kids"),
        *("Parent", "Lock", "SV", "DA", "DR", "Q", "Border", "BS", "StructParent", "M", "NM", "H", "C"),
    )
)


@dataclass(frozen=True, slots=True)
class Permission:
    """What a signature itself says may follow it (DocMDP, FieldMDP)."""

    document: MDPPerm | None = None
    fields: FieldMDPSpec | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What was added after a signed revision, all of it allowed after an ordinary signature."""

    is_evidence_only: bool
    """Whether it is revocation evidence and document time-stamps alone."""
    fields: frozenset[str] = frozenset()
    """The signature fields that were filled or made."""


NO_CHANGES = Changes(is_evidence_only=True)


def permission(signature: generic.DictionaryObject, field: generic.DictionaryObject | None) -> Permission:
    """Return what a signature permits, read from the revision that it signed.

    Raises:
        Refused: It says so in a way that cannot be understood.
    """
    lock = entry(field, "/Lock") if field is not None else None
    document, fields = _transform(signature, "/DocMDP"), _transform(signature, "/FieldMDP")
    if isinstance(lock, generic.DictionaryObject):
        document = document if document is not None or "/P" not in lock else lock
        fields = fields if fields is not None or "/Action" not in lock else lock
    try:
        return Permission(
            MDPPerm(document.get("/P", 2)) if document is not None else None,
            FieldMDPSpec.from_pdf_object(fields) if fields is not None else None,
        )
    except (PdfError, ValueError, KeyError, TypeError, AttributeError) as strange:
        raise Refused(reasons.NOT_UNDERSTOOD) from strange


def _transform(signature: generic.DictionaryObject, method: str) -> generic.DictionaryObject | None:
    listed = entry(signature, "/Reference")
    for each in listed if isinstance(listed, generic.ArrayObject) else ():
        transform = each.get_object()
        if isinstance(transform, generic.DictionaryObject) and transform.get("/TransformMethod") == method:
            found = entry(transform, "/TransformParams")
            if isinstance(found, generic.DictionaryObject):
                return found
            # ISO 32000-2, table 256: without parameters the values by default count.
            return generic.DictionaryObject()  # type: ignore[no-untyped-call]
    return None


def changes_after(reader: BoundedReader, revision: int, *, permitted: Permission) -> Changes:
    """Return what was added after a revision.

    Raises:
        Refused: Something that may not follow a signature, or that this one does not permit.
    """
    if revision + 1 == reader.xrefs.total_revisions:
        return NO_CHANGES
    found = _POLICY.review_file(reader, revision, field_mdp_spec=permitted.fields, doc_mdp=permitted.document)
    if not isinstance(found, DiffResult) or found.modification_level > ModificationLevel.FORM_FILLING:
        restricted = permitted.document is not None or permitted.fields is not None
        raise Refused(reasons.NOT_PERMITTED if restricted else reasons.CONTENT_CHANGED)
    if permitted.document is not None and found.modification_level.value > permitted.document.value:
        raise Refused(reasons.NOT_PERMITTED)
    is_evidence_only = found.modification_level <= ModificationLevel.LTA_UPDATES
    return Changes(is_evidence_only, frozenset(str(name) for name in found.changed_form_fields))


class _ReachRule(WhitelistRule):
    """What is signed may be neither freed nor filled in later, nor replaced under another generation.

    A signed revision may lead to an object that is made only afterwards; it is none of the signer's.
    """

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        reached = _reached(old)
        xrefs = new.reader.xrefs
        for number, next_generation in xrefs.get_xref_data(new.revision).freed.items():
            if number in reached:
                raise SuspiciousModification(f"object {number} was freed")
            yield ReferenceUpdate(generic.Reference(number, next_generation - 1, new.reader))
        for made in xrefs.explicit_refs_in_revision(new.revision):
            if made.idnum not in reached or made.idnum in xrefs.get_xref_data(new.revision).freed:
                continue
            if xrefs.get_historical_ref(made, old.revision) is None:
                raise SuspiciousModification(f"object {made.idnum} was filled in")


def _reached(old: HistoricalResolver) -> set[int]:
    """Return the numbers of all objects a revision leads to, but for those of its evidence alone."""
    old._load_reverse_xref_cache()  # type: ignore[no-untyped-call]
    cache = old._indirect_object_access_cache or {}
    return {
        reference.idnum
        for reference, paths in cache.items()
        if any(tuple(path)[:2] != ("/Root", "/DSS") for path in paths)
    }


class _FormRule(FormUpdatingRule):
    """The form keeps its fonts, and no reader is told to draw its fields anew."""

    def apply(
        self, old: HistoricalResolver, new: HistoricalResolver
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        old_form, new_form = entry(old.root, "/AcroForm"), entry(new.root, "/AcroForm")
        if isinstance(old_form, generic.DictionaryObject) and isinstance(new_form, generic.DictionaryObject):
            _demand_same_drawing(old_form, new_form)
        return super().apply(old, new)


def _demand_same_drawing(old: generic.DictionaryObject, new: generic.DictionaryObject) -> None:
    if _is_true(entry(new, "/NeedAppearances")) and not _is_true(entry(old, "/NeedAppearances")):
        raise SuspiciousModification("fields are to be drawn anew")
    if _has_other_fields(old) and any(entry(old, key) != entry(new, key) for key in _LOOK_OF_FIELDS):
        raise SuspiciousModification("fields are to be drawn differently")
    before, after = entry(old, "/DR"), entry(new, "/DR")
    if not isinstance(before, generic.DictionaryObject):
        return
    for kind in before:
        resources = entry(before, kind)
        remaining = entry(after, kind) if isinstance(after, generic.DictionaryObject) else None
        if not isinstance(resources, generic.DictionaryObject):
            continue
        for name in resources:
            kept = remaining.get(name) if isinstance(remaining, generic.DictionaryObject) else None
            if kept != resources.get(name):
                raise SuspiciousModification(f"resource {name} of the form was replaced")


def _has_other_fields(form: generic.DictionaryObject) -> bool:
    """Return whether a form has anything to fill in but signatures."""
    waiting: list[tuple[object, generic.DictionaryObject]] = [(None, kid) for kid in _kids(form, "/Fields")]
    for _ in range(_MAX_FIELDS):
        if not waiting:
            return False
        inherited, field = waiting.pop()
        kind = entry(field, "/FT") or inherited
        kids = [(kind, kid) for kid in _kids(field)]
        if kind not in (None, "/Sig") or (kind is None and not kids):
            return True
        waiting += kids
    return True


def _is_true(value: generic.PdfObject | None) -> bool:
    return isinstance(value, generic.BooleanObject) and bool(value.value)


class _PlainFieldRule(FieldMDPRule):
    """A new signature field says only what signature fields say; that of a time-stamp shows nothing."""

    def apply(self, context: FieldComparisonContext) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        for spec in context.field_specs.values():
            if spec.new_field is None or spec.old_field is not None:
                continue
            dictionaries = [spec.new_field, *_kids(spec.new_field)]
            if any(not dictionary.keys() <= _FIELD_KEYS for dictionary in dictionaries):
                raise SuspiciousModification("a signature field with more than a signature")
            if _is_time_stamp(spec.new_field) and any(_has_picture(each) for each in dictionaries):
                raise SuspiciousModification("a time-stamp with a picture")
        return ()


def _is_time_stamp(field: generic.DictionaryObject) -> bool:
    signature = entry(field, "/V")
    return isinstance(signature, generic.DictionaryObject) and signature.get("/SubFilter") == "/ETSI.RFC3161"


def _has_picture(widget: generic.DictionaryObject) -> bool:
    corners = entry(widget, "/Rect")
    if "/AP" not in widget or not isinstance(corners, generic.ArrayObject) or len(corners) != 4:
        return "/AP" in widget and "/Rect" in widget
    left, bottom, right, top = (corner.get_object() for corner in corners)
    return bool(left != right and bottom != top)


def _kids(field: generic.DictionaryObject, key: str = "/Kids") -> Iterator[generic.DictionaryObject]:
    kids = entry(field, key)
    for kid in kids if isinstance(kids, generic.ArrayObject) else ():
        dictionary = kid.get_object()
        if isinstance(dictionary, generic.DictionaryObject):
            yield dictionary


_POLICY = StandardDiffPolicy(
    global_rules=[
        _ReachRule().as_qualified(ModificationLevel.LTA_UPDATES),
        CatalogModificationRule(),  # type: ignore[no-untyped-call]
        DocInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        DSSCompareRule().as_qualified(ModificationLevel.LTA_UPDATES),
        MetadataUpdateRule().as_qualified(  # type: ignore[no-untyped-call]
            ModificationLevel.LTA_UPDATES
        ),
    ],
    form_rule=_FormRule(
        field_rules=[
            _PlainFieldRule(),
            SigFieldCreationRule(),  # type: ignore[no-untyped-call]
            SigFieldModificationRule(),
        ],
        ignored_acroform_keys=_FORM_KEYS,
    ),
    reject_object_freeing=False,
)
