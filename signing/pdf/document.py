"""A signed PDF: where each of its signatures stands, what it covers, what came after."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from mmap import mmap
from typing import BinaryIO

from pyhanko.pdf_utils import generic

from signing.faults import TOO_COSTLY
from signing.pdf import reasons
from signing.pdf.changes import NO_CHANGES, Changes, Permission, changes_after, permission
from signing.pdf.fields import SignatureField, signature_fields
from signing.pdf.hybrid import demand_agreement
from signing.pdf.pictures import Comparison
from signing.pdf.reader import BoundedReader
from signing.pdf.structure import SignedRange, signature_dictionary, signed_range, sub_filter
from signing.pdf.syntax import Dictionary, Reference
from signing.pdf.tail import demand_explained_tail, demand_whole_revision, revision_signed
from signing.reasons import Refused

_MAX_METADATA_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Located:
    """A signature whose own bytes are in order."""

    field: SignatureField
    signature: Dictionary
    covered: SignedRange


class Document:
    """A parsed PDF and its bytes."""

    def __init__(self, raw: mmap, stream: BinaryIO, reader: BoundedReader) -> None:
        self.raw = raw
        self.reader = reader
        self._stream = stream

    @cached_property
    def fields(self) -> Sequence[SignatureField]:
        """The signatures in the file, each once."""
        return signature_fields(self.reader)

    @cached_property
    def ends(self) -> Mapping[SignatureField, int]:
        """Up to which byte each signature covers the file, where its own bytes are in order."""
        found: dict[SignatureField, int] = {}
        for field in self.fields:
            with suppress(Refused, ValueError):
                found[field] = self.located(field).covered.end
        return found

    @cached_property
    def _comparison(self) -> Comparison:
        return Comparison(self.raw, until=self.reader.until)

    def dictionary(self, field: SignatureField) -> Dictionary:
        """Return a signature as it is written.

        Raises:
            Refused: It is not plainly written, or cannot be signed where it stands.
        """
        if field.value is None:
            raise Refused(reasons.NOT_WHERE_SAID)
        place = self.reader.xrefs[field.value]
        if not isinstance(place, int):
            raise Refused(reasons.NO_DICTIONARY if place is None else reasons.COMPRESSED)
        reference = Reference(field.value.idnum, field.value.generation)
        return signature_dictionary(self.raw, place, reference=reference)

    def located(self, field: SignatureField) -> Located:
        """Return where a signature stands and what it covers.

        Raises:
            Refused: Its own bytes are not in order.
        """
        signature = self.dictionary(field)
        return Located(field, signature, signed_range(self.raw, signature))

    def revision(self, located: Located) -> int:
        """Return the revision that a signature covers to its last byte.

        Raises:
            Refused: There is none, or the cross-references can be read in two ways.
        """
        demand_agreement(self.reader.xrefs)
        end = located.covered.end
        revision = revision_signed(self.reader, end=end)
        assert located.field.value is not None
        if self.reader.xrefs.get_last_change(located.field.value) > revision:
            raise Refused(reasons.NOT_WHOLE_REVISION)
        if not located.covered.is_whole(self.raw):
            demand_whole_revision(self.raw, self.reader, end=end, revision=revision)
        return revision

    def permission(self, located: Located, *, revision: int) -> Permission:
        """Return what a signature permits to follow it, read from the revision it covers.

        Raises:
            Refused: It cannot be understood.
        """
        then = self.reader.get_historical_resolver(revision)
        assert located.field.value is not None
        signature = then(located.field.value)
        holder = then(located.field.field) if located.field.field else None
        if not isinstance(signature, generic.DictionaryObject):
            raise Refused(reasons.NO_DICTIONARY)
        return permission(signature, holder if isinstance(holder, generic.DictionaryObject) else None)

    def changes(self, located: Located, *, revision: int, sound: Collection[str], may_draw: bool) -> Changes:
        """Return what came after the revision that a signature covers.

        Args:
            located: The signature.
            revision: The one that it covers.
            sound: The fields of later signatures that were found sound, whose pictures may be there.
            may_draw: Whether pdfium may draw the file; `looks` of the basis.

        Raises:
            Refused: Something that may not.
        """
        covered = located.covered
        if covered.is_whole(self.raw):
            return NO_CHANGES
        demand_explained_tail(self.raw, self._stream, self.reader, end=covered.end, revision=revision)
        permitted = self.permission(located, revision=revision)
        changes = changes_after(self.reader, revision, permitted=permitted, sound=sound)
        if not may_draw:
            raise Refused(reasons.NOT_DRAWN.about("it broke the limits of time or memory"), "GENERIC")
        # Even when it is evidence alone: another reader may find another document in what was added.
        self._demand_small_metadata(revision)
        earlier = {name for field, end in self.ends.items() if end <= covered.end for name in field.names}
        self._comparison.demand_same(
            end=covered.end, later=changes.fields.intersection(sound), earlier=earlier
        )
        return changes

    def _demand_small_metadata(self, revision: int) -> None:
        """Refuse what would keep pdfium busy: it parses all metadata when it opens a file."""
        for root in (self.reader.get_historical_root(revision), self.reader.root):
            metadata = root.raw_get("/Metadata").get_object() if "/Metadata" in root else None
            if isinstance(metadata, generic.StreamObject) and len(metadata.data) > _MAX_METADATA_BYTES:
                raise Refused(TOO_COSTLY, "GENERIC")

    def format(self, field: SignatureField) -> str:
        """Return the format that a signature names, empty when it cannot be read."""
        try:
            return sub_filter(self.dictionary(field))
        except Refused:
            return ""
