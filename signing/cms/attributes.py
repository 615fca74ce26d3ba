"""The signed attributes of a SignerInfo: which have to be there, and what they say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha1, sha256

from signing.cms import der, reasons
from signing.cms.algorithms import Algorithm, algorithm_in, digest_name
from signing.cms.der import Element, Fields, Malformed, oid
from signing.cms.digests import digest_of
from signing.cms.names import is_same_name
from signing.cms.structure import Subject, attributes, subject
from signing.reasons import Refused

CONTENT_TYPE = oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4")
SIGNING_TIME = oid("1.2.840.113549.1.9.5")
ALGORITHM_PROTECTION = oid("1.2.840.113549.1.9.52")
SIGNING_CERTIFICATE = oid("1.2.840.113549.1.9.16.2.12")
SIGNING_CERTIFICATE_V2 = oid("1.2.840.113549.1.9.16.2.47")

_NAMES = {CONTENT_TYPE: "content-type", MESSAGE_DIGEST: "message-digest"}
_SHA256 = Algorithm(oid("2.16.840.1.101.3.4.2.1"))
_REST_OF_TIME = rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:\.\d{1,9})?(Z|[+-]\d{4})"
_TIMES = {
    der.UTC_TIME: re.compile(rb"(\d{2})" + _REST_OF_TIME),
    der.GENERALIZED_TIME: re.compile(rb"(\d{4})" + _REST_OF_TIME),
}

SignedAttributes = dict[bytes, Element]
"""The one value of each attribute."""


def signed_attributes(of: Element | None) -> SignedAttributes:
    """Return the signed attributes.

    They are demanded because a signature with them can be replayed as one without
    (IETF draft-ietf-lamps-cms-euf-cma-signeddata).

    Raises:
        Refused: There are none, or one occurs twice or does not have exactly one value.
        Malformed: They are no attributes.
    """
    if of is None or of.body == of.end:
        raise Refused(reasons.NO_SIGNED_ATTRIBUTES)
    found: SignedAttributes = {}
    for kind, values in attributes(of):
        if kind in found or len(values) != 1:
            raise Refused(reasons.TWICE)
        found[kind] = values[0]
    return found


def value_of(signed: SignedAttributes, kind: bytes, *, tag: int) -> bytes:
    """Return the value of an attribute that has to be there.

    Raises:
        Refused: It is missing.
        Malformed: It has another type.
    """
    value = signed.get(kind)
    if value is None:
        raise Refused(reasons.NO_ATTRIBUTE.about(_NAMES[kind]))
    if value.tag != tag:
        raise Malformed("another type was expected")
    return value.content


def demand_protected(signed: SignedAttributes, *, digest: Algorithm, signature: Algorithm) -> None:
    """Pass when the algorithms are those that were signed (RFC 6211), where they were.

    Raises:
        Refused: They are not.
        Malformed: The attribute is not what it should be.
    """
    protection = signed.get(ALGORITHM_PROTECTION)
    if protection is None:
        return
    fields = Fields(protection)
    said_digest = algorithm_in(fields.take(der.SEQUENCE))
    said_signature = algorithm_in(fields.take(0xA1))
    fields.finish()
    if (said_digest.bare, said_signature.bare) != (digest.bare, signature.bare):
        raise Refused(reasons.ALGORITHMS_DIFFER)


def names_certificate(signed: SignedAttributes) -> bool:
    """Return whether an attribute says which certificate was signed with (RFC 5035)."""
    return SIGNING_CERTIFICATE in signed or SIGNING_CERTIFICATE_V2 in signed


def is_named(certificate: bytes, signed: SignedAttributes) -> bool:
    """Return whether every signing-certificate attribute there is means this certificate.

    Raises:
        Refused: One names its certificate by a digest that is not known here.
        Malformed: One is not what it should be.
    """
    facts = subject(certificate)
    if facts is None:
        return False
    older, newer = signed.get(SIGNING_CERTIFICATE), signed.get(SIGNING_CERTIFICATE_V2)
    if newer is not None and not _is_named_v2(certificate, facts, Fields(_first_certificate(newer))):
        return False
    return older is None or _is_named_v1(certificate, facts, Fields(_first_certificate(older)))


def _first_certificate(attribute: Element) -> Element:
    """Return the entry about the signer's own certificate; those behind it are about its issuers."""
    if attribute.tag != der.SEQUENCE:
        raise Malformed("no signing certificate")
    return Fields(Fields(attribute).take(der.SEQUENCE)).take(der.SEQUENCE)


def _is_named_v1(certificate: bytes, facts: Subject, fields: Fields) -> bool:
    # SHA-1 by definition; finding another certificate for a given digest is not feasible.
    digest = sha1(certificate, usedforsecurity=False).digest()
    return fields.take(der.OCTET_STRING).content == digest and _is_issued_as_said(facts, fields)


def _is_named_v2(certificate: bytes, facts: Subject, fields: Fields) -> bool:
    identifier = fields.maybe(der.SEQUENCE)
    algorithm = algorithm_in(identifier) if identifier else _SHA256
    said = fields.take(der.OCTET_STRING).content
    if algorithm == _SHA256:
        digest = sha256(certificate).digest()
    elif (name := digest_name(algorithm)) != "md5":
        digest = digest_of(certificate)(name)
    else:
        return False
    return said == digest and _is_issued_as_said(facts, fields)


def _is_issued_as_said(facts: Subject, fields: Fields) -> bool:
    """Return whether issuer and serial number, where they are told as well, are the certificate's."""
    told = fields.maybe(der.SEQUENCE)
    fields.finish()
    if told is None:
        return True
    members = Fields(told)
    issuer, serial = members.take(der.SEQUENCE), members.take(der.INTEGER).content
    members.finish()
    return serial == facts.serial and is_same_name(issuer.only(0xA4).content, facts.issuer)


def claimed_time(signed: SignedAttributes) -> datetime | None:
    """Return the signing time that is claimed, if it can be read."""
    value = signed.get(SIGNING_TIME)
    return None if value is None else read_time(value)


def read_time(value: Element) -> datetime | None:
    """Return a UTCTime or GeneralizedTime in UTC, without fractions; None when it is none."""
    form = _TIMES.get(value.tag)
    found = form.fullmatch(value.content) if form else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if value.tag == der.UTC_TIME:
        year += 1900 if year >= 50 else 2000
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=_zone(found[7]))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(said: bytes) -> timezone:
    if said == b"Z":
        return UTC
    offset = timedelta(hours=int(said[1:3]), minutes=int(said[3:5]))
    return timezone(-offset if said[:1] == b"-" else offset)
