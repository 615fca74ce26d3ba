"""What later revisions may add to a signed one: further signatures, time-stamps and evidence. Nothing else.

pyHanko compares the revisions object by object; the rules are ours. Stricter than its own: no form is filled
in and no annotation made, for nobody does that to a signed official document, and the appearance of a field
can hide the text under it. More tolerant: objects may be freed that nothing signed leads to, as iText does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DiffResult,
    DocInfoRule,
    DSSCompareRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm

from signing.pdf import reasons
from signing.pdf.field_rules import FORM_KEYS, FormRule, LookRule
from signing.pdf.fields import entry
from signing.pdf.reader import BoundedReader
from signing.reasons import Refused

# What of a signed revision may be written anew, by the way that leads to it: the catalog, the form and its
# fields, pages for their list of annotations, evidence. What may change in these is for the other rules.
_REPLACEABLE = re.compile(
    r"/Root(?:/AcroForm(?:/Fields(?:/\d+(?:/Kids(?:/\d+)?)*(?:/AP(?:/N)?)?)?)?|/DSS(?:/.*)?|/Metadata"
    r"|/Extensions|/MarkInfo|/Pages(?:/Kids/\d+)+(?:/Annots(?:/\d+(?:/AP(?:/N)?)?)?)?)?|/Info(?:/.*)?"
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


def changes_after(
    reader: BoundedReader, revision: int, *, permitted: Permission, sound: Collection[str] = ()
) -> Changes:
    """Return what was added after a revision.

    Args:
        reader: The file.
        revision: The one that a signature covers.
        permitted: What that signature permits.
        sound: The fields of later signatures that were found sound, whose pictures may be there.

    Raises:
        Refused: Something that may not follow a signature, or that this one does not permit.
    """
    if revision + 1 == reader.xrefs.total_revisions:
        return NO_CHANGES
    for later in range(revision + 1, reader.xrefs.total_revisions):
        _demand_leads(reader.get_historical_resolver(revision), reader.get_historical_resolver(later))
    found = _policy(sound).review_file(
        reader, revision, field_mdp_spec=permitted.fields, doc_mdp=permitted.document
    )
    if not isinstance(found, DiffResult) or found.modification_level > ModificationLevel.FORM_FILLING:
        restricted = permitted.document is not None or permitted.fields is not None
        raise Refused(reasons.NOT_PERMITTED if restricted else reasons.CONTENT_CHANGED)
    if permitted.document is not None and found.modification_level.value > permitted.document.value:
        raise Refused(reasons.NOT_PERMITTED)
    is_evidence_only = found.modification_level <= ModificationLevel.LTA_UPDATES
    return Changes(is_evidence_only, frozenset(str(name) for name in found.changed_form_fields))


class _ReachRule(WhitelistRule):
    """What is signed may be neither freed nor filled in later, nor replaced under another generation; and
    only what has to be written anew for a further signature may be replaced at all.

    A signed revision may lead to an object that is made only afterwards; it is none of the signer's.
    """

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        if old.root_ref != new.root_ref:
            # Anything could be made the catalog, and nobody would ask any more what it was.
            raise SuspiciousModification("another catalog")
        ways = _ways(old)
        containers = _containers(old)
        section = new.reader.xrefs.get_xref_data(new.revision)
        for number, next_generation in section.freed.items():
            if number in ways or number in containers:
                raise SuspiciousModification(f"object {number} was freed")
            yield ReferenceUpdate(generic.Reference(number, next_generation - 1, new.reader))
        for made in _made(new):
            if made.idnum in containers:
                raise SuspiciousModification(f"object stream {made.idnum} was replaced")
            if made.idnum not in ways or made.idnum in section.freed:
                continue
            if not _has(old, made):
                raise SuspiciousModification(f"object {made.idnum} was filled in")
            if not (any(map(_REPLACEABLE.fullmatch, ways[made.idnum])) or _is_copy(old(made), new(made))):
                raise SuspiciousModification(f"object {made.idnum} was replaced")


def _is_copy(before: generic.PdfObject, after: generic.PdfObject) -> bool:
    """Return whether an object was written once more as it was, as some programs do."""
    if not isinstance(before, generic.StreamObject) or not isinstance(after, generic.StreamObject):
        return type(before) is type(after) and before == after
    return dict(before) == dict(after) and before.encoded_data == after.encoded_data


def _demand_leads(old: HistoricalResolver, new: HistoricalResolver) -> None:
    """Pass when what a later revision adds leads to nothing that is not there, and is no other catalog.

    Readers that stumble over such a reference search the file for objects themselves, and may come upon
    others than the cross-references name; a catalog is what they look for first.
    """
    made = [each for each in _made(new) if _has(new, each)]
    pairs = [(new(each), old(each) if _has(old, each) else None) for each in made]
    for after, before in [(new.trailer_view, old.trailer_view), *pairs]:
        if not all(_has(new, each) for each in _references(after) - _references(before)):
            raise Refused(reasons.STRANGE_SECTION.about("a reference to no object"))
    for each in made:
        value = new(each)
        is_catalog = isinstance(value, generic.DictionaryObject) and value.get("/Type") == "/Catalog"
        if is_catalog and each != new.root_ref:
            raise Refused(reasons.STRANGE_SECTION.about("another catalog"))


def _made(in_revision: HistoricalResolver) -> set[generic.Reference]:
    """Return the objects that a revision lists, made anew or freed."""
    found: set[generic.Reference] = in_revision.reader.xrefs.explicit_refs_in_revision(in_revision.revision)
    return found


def _has(revision: HistoricalResolver, reference: generic.Reference) -> bool:
    return revision.reader.xrefs.get_historical_ref(reference, revision.revision) is not None


def _references(value: object) -> set[generic.Reference]:
    """Return what an object refers to itself."""
    if isinstance(value, generic.IndirectObject):
        return {value.reference}
    inside: Iterable[object] = ()
    if isinstance(value, generic.DictionaryObject):
        inside = dict.values(value)
    elif isinstance(value, generic.ArrayObject):
        inside = list.__iter__(value)
    return {reference for each in inside for reference in _references(each)}


class _MetadataRule(MetadataUpdateRule):
    """Metadata that was signed as it is may be as odd as it likes."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        before, after = (dict.get(each.root, "/Metadata") for each in (old, new))
        if not isinstance(after, generic.IndirectObject) or after != before:
            return super().apply(old, new)
        return super().apply(old, new) if after.reference in _made(new) else ()


def _ways(old: HistoricalResolver) -> dict[int, list[str]]:
    """Return the ways that lead to each object of a revision, but for those that only its evidence has."""
    old._load_reverse_xref_cache()  # type: ignore[no-untyped-call]
    found: dict[int, list[str]] = {}
    for reference, paths in (old._indirect_object_access_cache or {}).items():
        if not all(tuple(path)[:2] == ("/Root", "/DSS") for path in paths):
            found.setdefault(reference.idnum, []).extend(map(_written, paths))
    return found


def _written(path: Iterable[str | int]) -> str:
    """Return a way as one text; a slash within a name is none between two."""
    return "".join("/" + str(step).lstrip("/").replace("/", "#") for step in path)


def _containers(old: HistoricalResolver) -> set[int]:
    """Return the numbers of the object streams of a revision: no way leads to them from the catalog."""
    found: set[int] = set()
    for number in range(old.revision + 1):
        section = old.reader.xrefs.get_xref_data(number)
        found.update(place.obj_stream_id for place in section.xrefs_in_objstm.values())
    streams = (old(generic.Reference(number, 0, old)) for number in found)
    lengths = (dict.get(each, "/Length") for each in streams if isinstance(each, generic.DictionaryObject))
    return found.union(each.idnum for each in lengths if isinstance(each, generic.IndirectObject))


def _policy(sound: Collection[str]) -> StandardDiffPolicy:
    return StandardDiffPolicy(
        global_rules=[
            _ReachRule().as_qualified(ModificationLevel.LTA_UPDATES),
            CatalogModificationRule(),  # type: ignore[no-untyped-call]
            DocInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
            XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
            ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
            DSSCompareRule().as_qualified(ModificationLevel.LTA_UPDATES),
            _MetadataRule().as_qualified(ModificationLevel.LTA_UPDATES),  # type: ignore[no-untyped-call]
        ],
        form_rule=FormRule(
            field_rules=[
                LookRule(sound),
                SigFieldCreationRule(),  # type: ignore[no-untyped-call]
                SigFieldModificationRule(),
            ],
            ignored_acroform_keys=FORM_KEYS,
        ),
        reject_object_freeing=False,
    )
