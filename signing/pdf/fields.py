"""The signature fields of a PDF, in every sense: what any reader might show as a signature is listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.rw_common import PdfHandler

from signing.pdf import reasons
from signing.pdf.reader import BoundedReader
from signing.pdf.texts import text
from signing.reasons import Refused

_MAX_FIELDS = 10_000
_MAX_SIGNATURES = 50


@dataclass(frozen=True, slots=True)
class SignatureField:
    """A signature and the field that holds it; a signature that stands in several has all their names."""

    names: tuple[str, ...]
    field: generic.Reference | None
    value: generic.Reference | None
    """Where the signature stands; none when it is written into the field itself."""
    is_removed: bool = False
    """Whether only an earlier revision of the file holds it."""

    @property
    def name(self) -> str:
        """Return the names as one."""
        return ", ".join(self.names)


def signature_fields(reader: BoundedReader) -> list[SignatureField]:
    """Return the filled signature fields in the order of the form, each signature once, removed ones last.

    Raises:
        Refused: The form has more fields or signatures than any document needs.
    """
    present = _filled(reader)
    found = dict(present)
    for revision in range(reader.xrefs.total_revisions - 1):
        for key, field in _filled(reader.get_historical_resolver(revision)).items():
            found.setdefault(key, replace(field, is_removed=True))
    if len(found) > _MAX_SIGNATURES:
        raise Refused(reasons.TOO_MANY_SIGNATURES.about(str(_MAX_SIGNATURES)), "GENERIC")
    return list(found.values())


def _filled(handler: PdfHandler) -> dict[object, SignatureField]:
    found: dict[object, SignatureField] = {}
    for name, reference, dictionary in _signatures(handler):
        value = dictionary.raw_get("/V")
        target = value.reference if isinstance(value, generic.IndirectObject) else None
        key = (target.idnum, target.generation) if target else ("direct", name)
        known = found.get(key)
        if known is None:
            found[key] = SignatureField((name,), reference, target)
        elif name not in known.names:
            found[key] = replace(known, names=(*known.names, name))
    certified = _certification(handler)
    if certified is not None:
        found.setdefault((certified.idnum, certified.generation), SignatureField(("",), None, certified))
    return found


def _certification(handler: PdfHandler) -> generic.Reference | None:
    """Return the signature that certifies the document; it may stand outside the form."""
    permissions = entry(handler.root, "/Perms")
    if not isinstance(permissions, generic.DictionaryObject) or "/DocMDP" not in permissions:
        return None
    value = permissions.raw_get("/DocMDP")
    return value.reference if isinstance(value, generic.IndirectObject) else None


def _signatures(
    handler: PdfHandler,
) -> Iterator[tuple[str, generic.Reference | None, generic.DictionaryObject]]:
    """Yield name, place and dictionary of each field that holds a signature, or what looks like one."""
    form = entry(handler.root, "/AcroForm")
    if not isinstance(form, generic.DictionaryObject):
        return
    waiting = [("", "", kid) for kid in reversed(_array(form, "/Fields"))]
    seen: set[tuple[int, int]] = set()
    while waiting:
        parent, inherited, node = waiting.pop()
        reference = None
        if isinstance(node, generic.IndirectObject):
            reference = node.reference
            if (node.idnum, node.generation) in seen:
                continue
            seen.add((node.idnum, node.generation))
            node = node.get_object()  # type: ignore[no-untyped-call]
        if len(seen) + len(waiting) > _MAX_FIELDS:
            raise Refused(reasons.TOO_MANY_FIELDS, "GENERIC")
        if not isinstance(node, generic.DictionaryObject):
            continue
        name = ".".join(part for part in (parent, _partial_name(node)) if part)
        kind = str(entry(node, "/FT") or inherited)
        waiting += [(name, kind, kid) for kid in reversed(_array(node, "/Kids"))]
        value = entry(node, "/V")
        if value is not None and (kind == "/Sig" or _looks_signed(value)):
            yield name, reference, node


def _partial_name(field: generic.DictionaryObject) -> str:
    name = entry(field, "/T")
    # What is in none of the encodings for text comes as bytes.
    return text(name) if isinstance(name, bytes) else str(name or "")


def _looks_signed(value: generic.PdfObject) -> bool:
    return isinstance(value, generic.DictionaryObject) and ("/ByteRange" in value or "/SubFilter" in value)


def entry(dictionary: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    """Return the value under a key with its reference resolved, which `get` does not do."""
    try:
        value: generic.PdfObject = dictionary[key]
    except KeyError:
        return None
    return value


def _array(dictionary: generic.DictionaryObject, key: str) -> list[object]:
    value = entry(dictionary, key)
    return list(value) if isinstance(value, generic.ArrayObject) else []
