"""Time-stamp tokens (RFC 3161): whose they are, of when, and whether they stamp these bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from signing.cms import der, reasons
from signing.cms.algorithms import WEAK_DIGESTS, algorithm_in, digest_name
from signing.cms.attributes import read_time
from signing.cms.der import Element, Fields, Malformed, oid
from signing.cms.digests import digest_of
from signing.cms.facts import Digest, Signer, Stamp
from signing.cms.signed_data import demand_signers, read_signer, reckoned
from signing.cms.structure import SignedData, signed_data
from signing.reasons import Refused

ID_TST_INFO = oid("1.2.840.113549.1.9.16.1.4")
_YEARS = range(1990, 2201)
_BOOLEAN = 0x01


def read_stamp(token: bytes, *, stamped: bytes, at_hand: Sequence[bytes] = ()) -> Stamp:
    """Return the time-stamp over these bytes: for a signature time-stamp, the signature value.

    The chain of its authority, and whether that may stamp at all, is not looked at.

    Args:
        token: The time-stamp token.
        stamped: What it should be over.
        at_hand: Certificates for a token that was asked for without any (RFC 3161, certReq).

    Raises:
        Refused: The token's form is not in order, or the certificate of its authority is missing
            (`NO_AUTHORITY`).
    """
    return read_document_stamp(token, digest=digest_of(stamped), at_hand=at_hand)


def read_document_stamp(token: bytes, *, digest: Digest, at_hand: Sequence[bytes] = ()) -> Stamp:
    """Return the time-stamp over content with this digest: for a document time-stamp in a PDF.

    Raises:
        Refused: As `read_stamp` does.
    """
    parts = replace(signed_data(token), at_hand=tuple(at_hand))
    (info,) = demand_signers(parts, 1)
    if parts.content is None:
        raise Refused(reasons.NO_STAMP)
    content = parts.content.content
    try:
        said = _statement(content)
    except Malformed as broken:
        raise Refused(reasons.NO_STAMP) from broken
    signer = _authority(parts, info, digest_of(content))
    if not signer.is_bound:  # RFC 3161 2.4.2: another certificate of the same key could be put in
        raise Refused(reasons.NO_SIGNING_CERTIFICATE, "NO_SIGNING_CERTIFICATE_FOUND")
    if said.hash in WEAK_DIGESTS:
        signer = replace(signer, is_weak=True)
    return Stamp(signer, said.generated_at, has_imprint=said.imprint == reckoned(digest, said.hash))


def _authority(parts: SignedData, info: Element, digest: Digest) -> Signer:
    try:
        return read_signer(parts, info, digest, content_type=ID_TST_INFO)
    except Refused as refused:
        if refused.reason is reasons.NO_SIGNING_CERTIFICATE:
            raise Refused(reasons.NO_AUTHORITY, refused.sub_indication) from refused
        raise


@dataclass(frozen=True, slots=True)
class _Statement:
    """What a TSTInfo says."""

    hash: str
    imprint: bytes
    generated_at: datetime


def _statement(encoded: bytes) -> _Statement:
    fields = Fields(der.whole(encoded, der.SEQUENCE))
    if der.number(fields.take(der.INTEGER)) != 1:
        raise Malformed("another version")
    fields.take(der.OBJECT_IDENTIFIER)
    imprint = Fields(fields.take(der.SEQUENCE))
    name = digest_name(algorithm_in(imprint.take(der.SEQUENCE)))
    digest = imprint.take(der.OCTET_STRING).content
    imprint.finish()
    fields.take(der.INTEGER)
    generated_at = read_time(fields.take(der.GENERALIZED_TIME))
    for tag in (der.SEQUENCE, _BOOLEAN, der.INTEGER, 0xA0):  # accuracy, ordering, nonce, name: nothing we use
        fields.maybe(tag)
    extensions = fields.maybe(0xA1)
    fields.finish()
    if extensions and any(len(each.members()) > 2 for each in extensions.members()):
        raise Malformed("a critical extension that is not known here")
    if generated_at is None or generated_at.year not in _YEARS:
        raise Malformed("no time")
    return _Statement(name, digest, generated_at)
