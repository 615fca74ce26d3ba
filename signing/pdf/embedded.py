"""The evidence that travels in a signed PDF beside its signatures: the security store. Not judged here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.rw_common import PdfHandler

from signing.evidence import Evidence
from signing.pdf.fields import entry

_MAX_PIECES = 200
_MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Kind:
    in_store: str
    in_entry: str
    purpose: DecodePurpose


_CERTIFICATES = _Kind("/Certs", "/Cert", DecodePurpose.CERTIFICATE)
_CRLS = _Kind("/CRLs", "/CRL", DecodePurpose.CRL)
_OCSPS = _Kind("/OCSPs", "/OCSP", DecodePurpose.OCSP_RESPONSE)


def stored_evidence(handler: PdfHandler, contents: bytes) -> Evidence:
    """Return what the security store holds for all signatures and for the one with these `/Contents`."""
    store = _dictionary(handler.root, "/DSS")
    if store is None:
        return Evidence()
    entries = _dictionary(store, "/VRI")
    # ISO 32000-2, 12.8.4.4: the key is the SHA-1 of the string as it stands, zeros and all. Only a name.
    key = "/" + sha1(contents, usedforsecurity=False).hexdigest().upper()
    own = _dictionary(entries, key) if entries is not None else None
    return Evidence(
        certificates=_pieces(store, own, _CERTIFICATES),
        crls=_pieces(store, own, _CRLS),
        ocsps=_pieces(store, own, _OCSPS),
    )


def _pieces(
    store: generic.DictionaryObject, own: generic.DictionaryObject | None, kind: _Kind
) -> tuple[bytes, ...]:
    found: dict[bytes, None] = {}
    total = 0
    places = [*_streams(store, kind.in_store), *(_streams(own, kind.in_entry) if own is not None else ())]
    for stream in places[:_MAX_PIECES]:
        piece = stream.read_data(kind.purpose)
        total += len(piece)
        if total > _MAX_BYTES:
            break
        found[piece] = None
    return tuple(found)


def _streams(holder: generic.DictionaryObject, key: str) -> Iterator[generic.StreamObject]:
    listed = entry(holder, key)
    for each in list(listed)[:_MAX_PIECES] if isinstance(listed, generic.ArrayObject) else ():
        stream = each.get_object()
        if isinstance(stream, generic.StreamObject):
            yield stream


def _dictionary(holder: generic.DictionaryObject, key: str) -> generic.DictionaryObject | None:
    value = entry(holder, key)
    return value if isinstance(value, generic.DictionaryObject) else None
