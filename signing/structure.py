"""Rules on the bytes of a signed PDF that are asked before any cryptography.

They close what a lenient reading leaves open: forged or wrapped signatures (the gap of `/ByteRange`
must be this signature's own `/Contents`) and bytes after the signed revision that our parser does not
see but another one would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from asn1crypto import cms, parser  # type: ignore[import-untyped]
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

_MAX_FIELDS = 10_000
_DICTIONARY_REACH_BYTES = 65_536
_TRACE = re.compile(rb"/ByteRange|/FT\s*/Sig\b|/Type\s*/Sig\b|/adbe\.|/ETSI\.")
_CONTENTS_KEY = re.compile(rb"/Contents\s*\Z")
_HEX = re.compile(rb"[0-9A-Fa-f]+")
_OBJECT_HEADER = re.compile(rb"\s*\d+\s+\d+\s+(?=obj)")
_OBJECT_KEYWORD = re.compile(rb"(?<![A-Za-z])obj(?![A-Za-z])")
_END_OF_FILE = re.compile(rb"%%EOF\s*\Z")


class Refused(Exception):
    """The bytes break a rule; the text is a plain sentence saying which."""


@dataclass(frozen=True, slots=True)
class SignatureField:
    """A filled signature field: its full name, its dictionary, and where its value stands."""

    name: str
    dictionary: generic.DictionaryObject
    value: generic.Reference | None

    @property
    def signature(self) -> generic.DictionaryObject:
        """Return the signature dictionary.

        Raises:
            Refused: The value is no dictionary.
        """
        value = entry(self.dictionary, "/V")
        if not isinstance(value, generic.DictionaryObject):
            raise Refused("The signature field holds no signature dictionary.")
        return value

    @property
    def sub_filter(self) -> str:
        """Return the format of the signature, empty when it names none.

        Raises:
            Refused: The value is no dictionary.
        """
        return str(entry(self.signature, "/SubFilter") or "")


@dataclass(frozen=True, slots=True)
class SignedRange:
    """What a signature covers: everything from byte 0 to `end_bytes` but its own `/Contents`."""

    contents: bytes
    end_bytes: int


def shows_traces(raw: mmap) -> bool:
    """Return whether anything in the bytes looks like a digital signature."""
    return _TRACE.search(raw) is not None


def signature_fields(reader: PdfFileReader) -> list[SignatureField]:
    """Return the filled signature fields in the order of the form, each signature once.

    Raises:
        Refused: The form has more fields than any document needs.
    """
    found: dict[object, SignatureField] = {}
    for name, dictionary in _terminal_fields(reader):
        if "/V" not in dictionary:
            continue
        value = dictionary.raw_get("/V")
        reference = value.reference if isinstance(value, generic.IndirectObject) else None
        key = (reference.idnum, reference.generation) if reference else id(value)
        found.setdefault(key, SignatureField(name, dictionary, reference))
    return list(found.values())


def _terminal_fields(reader: PdfFileReader) -> Iterator[tuple[str, generic.DictionaryObject]]:
    form = entry(reader.root, "/AcroForm")
    if not isinstance(form, generic.DictionaryObject):
        return
    waiting = [("", "", kid) for kid in reversed(_array(form, "/Fields"))]
    seen: set[tuple[int, int]] = set()
    while waiting:
        parent, inherited, node = waiting.pop()
        if isinstance(node, generic.IndirectObject):
            if (node.idnum, node.generation) in seen:
                continue
            seen.add((node.idnum, node.generation))
            node = node.get_object()  # type: ignore[no-untyped-call]
        if len(seen) + len(waiting) > _MAX_FIELDS:
            raise Refused("The form has too many fields.")
        if not isinstance(node, generic.DictionaryObject):
            continue
        name = ".".join(part for part in (parent, str(entry(node, "/T") or "")) if part)
        kind = str(entry(node, "/FT") or inherited)
        waiting += [(name, kind, kid) for kid in reversed(_array(node, "/Kids"))]
        if kind == "/Sig":
            yield name, node


def entry(dictionary: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    """Return the value under a key with its reference resolved, which `get` does not do."""
    try:
        value: generic.PdfObject = dictionary[key]
    except KeyError:
        return None
    return value


def _array(dictionary: generic.DictionaryObject, key: str) -> list[object]:
    value = entry(dictionary, key)
    return list(value.iterate()) if isinstance(value, generic.ArrayObject) else []


def signed_range(raw: mmap, reader: PdfFileReader, field: SignatureField) -> SignedRange:
    """Return what a signature covers.

    Raises:
        Refused: `/ByteRange` is not two ranges from the first byte on whose gap is exactly the hex
            string of this signature's own `/Contents`.
    """
    start, first, second, rest = _byte_range(field.signature)
    end = second + rest
    if start != 0 or not 0 < first < second < end <= len(raw):
        raise Refused("The byte range does not run from the first byte of the file around the signature.")
    gap = raw[first:second]
    if gap[:1] != b"<" or gap[-1:] != b">" or not _HEX.fullmatch(gap, 1, len(gap) - 1):
        raise Refused("The gap in the byte range is not the signature's own hex string.")
    contents = field.signature.raw_get("/Contents")
    if not isinstance(contents, generic.ByteStringObject | generic.TextStringObject):
        raise Refused("The signature has no contents.")
    if len(gap) % 2 or bytes.fromhex(gap[1:-1].decode("ascii")) != contents.original_bytes:
        raise Refused("The gap in the byte range holds something else than the signature.")
    _demand_own_gap(raw, reader, field, first=first)
    return SignedRange(contents.original_bytes, end)


def _byte_range(signature: generic.DictionaryObject) -> list[int]:
    numbers = [int(number) for number in _array(signature, "/ByteRange") if isinstance(number, int)]
    if len(numbers) != 4 or len(_array(signature, "/ByteRange")) != 4:
        raise Refused("The byte range is missing or is not made of two ranges.")
    return numbers


def _demand_own_gap(raw: mmap, reader: PdfFileReader, field: SignatureField, *, first: int) -> None:
    """Refuse a signature that borrows the `/Contents` of another object."""
    location = reader.xrefs[field.value] if field.value else None
    if not isinstance(location, int) or not 0 <= first - location <= _DICTIONARY_REACH_BYTES:
        raise Refused("The signature dictionary does not stand where its byte range says.")
    before = raw[location:first]
    if not _CONTENTS_KEY.search(before) or b"endobj" in before:
        raise Refused("The gap in the byte range belongs to another object.")


def demand_plain_cms(contents: bytes) -> None:
    """Pass when the contents are one CMS signature of one signer with signed attributes.

    Signed attributes are demanded because a signature with them can be replayed as one without
    (IETF draft-ietf-lamps-cms-euf-cma-signeddata).

    Raises:
        Refused: They are not.
    """
    if contents[parser.peek(contents) :].strip(b"\0"):
        raise Refused("Something follows the signature inside its contents.")
    container = cms.ContentInfo.load(contents)
    if container["content_type"].native != "signed_data":
        raise Refused("The contents are no CMS signature.")
    signers = container["content"]["signer_infos"]
    if len(signers) != 1:
        raise Refused("The CMS signature does not have exactly one signer.")
    attributes = signers[0]["signed_attrs"]
    if not isinstance(attributes, cms.CMSAttributes):
        raise Refused("The CMS signature has no signed attributes.")
    kinds = [attribute["type"].dotted for attribute in attributes]
    if len(kinds) != len(set(kinds)) or any(len(attribute["values"]) != 1 for attribute in attributes):
        raise Refused("A signed attribute of the CMS signature occurs more than once.")


def demand_explained_tail(raw: mmap, reader: PdfFileReader, *, end: int, revision: int) -> None:
    """Pass when every object after `end` is known to the cross-reference of a later revision.

    What stands there unseen by our parser might be the document another viewer shows.

    Raises:
        Refused: Something there is not.
    """
    if not raw[end:].strip():
        return
    xrefs = reader.xrefs
    later = range(revision + 1, xrefs.total_revisions)
    if any(not xrefs.get_xref_data(number).explicit_refs_in_revision for number in later):
        raise Refused("An empty cross-reference section was appended after signing.")
    if sum(1 for _ in re.finditer(rb"startxref", raw[end:])) != len(later):
        raise Refused("Bytes were appended after signing that belong to no revision of the document.")
    if not _END_OF_FILE.search(raw, max(end, len(raw) - 1024)):
        raise Refused("Bytes were appended after the end of the document.")
    known = set(_known_objects(raw, reader, later))
    if any(keyword.start() not in known for keyword in _OBJECT_KEYWORD.finditer(raw, end)):
        raise Refused("An object was appended after signing that no cross-reference knows.")


def _known_objects(raw: mmap, reader: PdfFileReader, later: range) -> Iterator[int]:
    """Yield where the keyword `obj` of each cross-referenced object stands."""
    for number in later:
        offsets = [offset for _, offset in reader.xrefs.get_xref_data(number).standard_xrefs.values()]
        offsets.append(reader.xrefs.get_xref_container_info(number).start_location)
        for offset in offsets:
            header = _OBJECT_HEADER.match(raw, offset)
            if header:
                yield header.end()
