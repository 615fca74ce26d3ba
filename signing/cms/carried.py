"""What a SignerInfo carries beside its signature: time-stamps, and revocation evidence."""

from __future__ import annotations

from dataclasses import dataclass

from signing.cms import der
from signing.cms.attributes import SignedAttributes
from signing.cms.der import Element, Fields, Malformed, oid
from signing.cms.structure import Subject, attributes
from signing.evidence import Evidence

SIGNATURE_TIME_STAMP = oid("1.2.840.113549.1.9.16.2.14")
COUNTER_SIGNATURE = oid("1.2.840.113549.1.9.6")
CERTIFICATE_VALUES = oid("1.2.840.113549.1.9.16.2.23")
REVOCATION_VALUES = oid("1.2.840.113549.1.9.16.2.24")
ADOBE_REVOCATION = oid("1.2.840.113583.1.1.8")
ARCHIVE_TIME_STAMPS = {
    oid("1.2.840.113549.1.9.16.2.27"),
    oid("1.2.840.113549.1.9.16.2.48"),
    oid("0.4.0.1733.2.4"),
}
_KEY_IDENTIFIER = oid("2.5.29.14")
_MAX_PIECES = 100
_MAX_VALUES = 10
_BASIC_RESPONSE = oid("1.3.6.1.5.5.7.48.1.1")
_SUCCESSFUL = b"\x0a\x01\x00"


@dataclass(frozen=True, slots=True)
class Carried:
    """Signature time-stamps and evidence, in DER and not judged."""

    time_stamps: tuple[bytes, ...]
    evidence: Evidence
    is_counter_signed: bool
    is_archived: bool


def carried(signed: SignedAttributes, unsigned: Element | None) -> Carried:
    """Return what the attributes carry.

    Raises:
        Malformed: An attribute is not what it should be.
    """
    evidence = Evidence()
    if archived := signed.get(ADOBE_REVOCATION):
        evidence += _adobe(archived)
    loose: dict[bytes, list[Element]] = {}
    for kind, values in attributes(unsigned) if unsigned else ():
        loose.setdefault(kind, []).extend(values)
    for value in _few(loose.get(CERTIFICATE_VALUES, [])):
        evidence += Evidence(certificates=_encoded(value))
    for value in _few(loose.get(REVOCATION_VALUES, [])):
        evidence += _revocation_values(value)
    return Carried(
        tuple(value.encoded for value in _few(loose.get(SIGNATURE_TIME_STAMP, []))),
        evidence,
        is_counter_signed=COUNTER_SIGNATURE in loose,
        is_archived=not ARCHIVE_TIME_STAMPS.isdisjoint(loose),
    )


def key_identifier(of: Subject) -> bytes:
    """Return the subject key identifier of a certificate, empty when it has none."""
    try:
        extensions = of.extensions.only(der.SEQUENCE).members() if of.extensions else ()
        for extension in extensions:
            kind, *_, value = extension.members()
            if kind.content == _KEY_IDENTIFIER:
                return der.whole(value.content, der.OCTET_STRING).content
    except ValueError:  # malformed, which then names nobody
        return b""
    return b""


def _adobe(value: Element) -> Evidence:
    """Return what RevocationInfoArchival (PDF 2.0, 12.8.3.3.2) holds."""
    fields = Fields(value)
    crls, ocsps = fields.maybe(0xA0), fields.maybe(0xA1)
    return Evidence(
        crls=_encoded(crls.only(der.SEQUENCE)) if crls else (),
        ocsps=_encoded(ocsps.only(der.SEQUENCE)) if ocsps else (),
    )


def _revocation_values(value: Element) -> Evidence:
    """Return what RevocationValues (ETSI EN 319 122-1) holds; its answers are bare BasicOCSPResponses."""
    fields = Fields(value)
    crls, ocsps = fields.maybe(0xA0), fields.maybe(0xA1)
    answers = _encoded(ocsps.only(der.SEQUENCE)) if ocsps else ()
    return Evidence(
        crls=_encoded(crls.only(der.SEQUENCE)) if crls else (),
        ocsps=tuple(_ocsp_response(answer) for answer in answers),
    )


def _ocsp_response(basic: bytes) -> bytes:
    """Return a BasicOCSPResponse in its OCSPResponse (RFC 6960), as every other source has it."""
    kind = der.wrapped(der.OBJECT_IDENTIFIER, _BASIC_RESPONSE)
    body = der.wrapped(der.SEQUENCE, kind + der.wrapped(der.OCTET_STRING, basic))
    return der.wrapped(der.SEQUENCE, _SUCCESSFUL + der.wrapped(0xA0, body))


def _few(values: list[Element]) -> list[Element]:
    if len(values) > _MAX_VALUES:
        raise Malformed("too many values of an attribute")
    return values


def _encoded(of: Element) -> tuple[bytes, ...]:
    members = of.members()
    if len(members) > _MAX_PIECES:
        raise Malformed("too many pieces of evidence")
    return tuple(member.encoded for member in members)
