"""Reads the signature of a plain PDF without parsing the file: what most signed documents are.

Plain is: classic cross-reference tables, one signature in the form, all of the file signed. Then nothing was
added, and only the few objects on the way from the trailer to the signature need to be read. Whatever else is
not plain, and is left to pyHanko; a file that is read here gets the same verdict there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from mmap import mmap

from signing.pdf.sections import ENTRY, ENTRY_BYTES, Section, read_table
from signing.pdf.structure import SignedRange, signature_dictionary, signed_range
from signing.pdf.syntax import Dictionary, Name, NotPlain, Reference, String, Value, read_indirect
from signing.reasons import Refused

_MAX_SECTIONS = 20
_MAX_FIELDS = 20
_HEADER = re.compile(rb"%PDF-\d\.\d[\r\n ]")
_POINTER = re.compile(rb"startxref(?:\r\n|\r|\n)(\d{1,12})(?:\r\n|\r|\n)%%EOF[\r\n]*\Z")
_NOT_PLAIN = {"XRefStm", "Encrypt"}


@dataclass(frozen=True, slots=True)
class PlainSignature:
    """The one signature of a plain PDF."""

    name: String | None
    signature: Dictionary
    covered: SignedRange


def read_plain(raw: mmap) -> PlainSignature | None:
    """Return the signature of a plain PDF, its own bytes in order; none when the file is not plain."""
    try:
        return _Plain(raw).signature()
    except (NotPlain, Refused):
        return None


def read_plain_sections(raw: mmap) -> Sequence[Section]:
    """Return the tables of all sections of a file, the newest first.

    Raises:
        NotPlain: It has another beginning or end than most files, or sections that are no such tables.
    """
    pointer = _POINTER.search(raw, max(0, len(raw) - 64))
    if pointer is None or not _HEADER.match(raw):
        raise NotPlain("no plain beginning and end")
    place = int(pointer[1])
    sections: list[Section] = []
    seen: set[int] = set()
    while place not in seen and len(seen) < _MAX_SECTIONS:
        seen.add(place)
        section = read_table(raw, place)
        if section.trailer.keys() & _NOT_PLAIN:
            raise NotPlain("no plain trailer")
        sections.append(section)
        before = section.trailer.get("Prev")
        if before is None:
            return sections
        if type(before) is not int:
            break
        place = before
    raise NotPlain("no plain chain of sections")


class _Plain:
    def __init__(self, raw: mmap) -> None:
        self._raw = raw
        self._sections = read_plain_sections(raw)

    def signature(self) -> PlainSignature:
        """Return the one signature, when there is one and it covers the file.

        Raises:
            NotPlain: There is none, or more, or it does not.
            Refused: Its own bytes are not in order.
        """
        filled = self._filled()
        if len(filled) != 1:
            raise NotPlain("not one signature")
        value = filled[0]["V"]
        if not isinstance(value, Reference):
            raise NotPlain("a signature inside its field")
        signature = signature_dictionary(self._raw, self._place(value), reference=value)
        covered = signed_range(self._raw, signature)
        if not covered.is_whole(self._raw):
            raise NotPlain("not all is signed")
        name = self._value(filled[0].get("T"))
        self._demand_none_before()
        # All that is not signed is the hex string of the signature, and white space.
        lone = covered.with_word_once(self._raw, b"/ByteRange")
        if lone is None:
            raise NotPlain("something like another signature")
        return PlainSignature(name if isinstance(name, String) else None, signature, lone)

    def _demand_none_before(self) -> None:
        """Pass when no earlier revision held a signature, which was then taken out."""
        while len(self._sections) > 1:
            self._sections = self._sections[1:]
            if self._filled():
                raise NotPlain("a signature that was removed")

    def _filled(self) -> list[Dictionary]:
        """Return the signature fields that hold something, as the newest of the sections has them."""
        root = self._dictionary(
            next(filter(None, (each.trailer.get("Root") for each in self._sections)), None)
        )
        if "DSS" in root or "Perms" in root:
            raise NotPlain("with evidence or a certification")
        if root.get("AcroForm") is None:
            return []
        form = self._dictionary(root["AcroForm"])
        listed = self._value(form.get("Fields"))
        if not isinstance(listed, list) or len(listed) > _MAX_FIELDS:
            raise NotPlain("no plain form")
        return [field for field in map(self._dictionary, listed) if self._is_filled(field)]

    def _is_filled(self, field: Dictionary) -> bool:
        if "Kids" in field or "Parent" in field:
            raise NotPlain("fields within fields")
        kind = self._value(field.get("FT"))
        if not isinstance(kind, Name):
            raise NotPlain("a field without a kind")
        return kind == "Sig" and field.get("V") is not None

    def _place(self, reference: Reference) -> int:
        for table in (each for section in self._sections for each in section.subsections):
            if 0 <= reference.number - table.first < table.count:
                entry = ENTRY.match(self._raw, table.place + (reference.number - table.first) * ENTRY_BYTES)
                if entry is None or entry[3] != b"n" or int(entry[2]) != reference.generation:
                    raise NotPlain("an object that is not in use")
                return int(entry[1])
        raise NotPlain("an object that is not there")

    def _value(self, value: Value) -> Value:
        if not isinstance(value, Reference):
            return value
        found, resolved = read_indirect(self._raw, self._place(value))
        if found != value or isinstance(resolved, Reference):
            raise NotPlain("another object than the one looked for")
        return resolved

    def _dictionary(self, value: Value) -> Dictionary:
        resolved = self._value(value)
        if not isinstance(resolved, dict):
            raise NotPlain("no dictionary")
        return resolved
