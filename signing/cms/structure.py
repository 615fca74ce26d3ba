"""The parts of a CMS SignedData structure (RFC 5652 section 5), cut out but not yet judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signing.cms import der, reasons
from signing.cms.algorithms import Algorithm, algorithm_in
from signing.cms.ber import to_der
from signing.cms.der import Element, Fields, Malformed, Source, oid
from signing.memo import remembering
from signing.reasons import Refused

SIGNED_DATA = oid("1.2.840.113549.1.7.2")
OCSP_RESPONSE = oid("1.3.6.1.5.5.7.16.2")

_OPTIONAL_CONTENT = 0xA0
_CERTIFICATES = 0xA0
_LISTS = 0xA1
_OTHER_LIST = 0xA1
_SIGNED = 0xA0
_UNSIGNED = 0xA1
_KEY_ID = 0x80

_MAX_CERTIFICATES = 200
_MAX_CERTIFICATE_BYTES = 65_536
_MAX_LISTS = 100
_MAX_SIGNERS = 1_000
_MAX_ATTRIBUTES = 100
_MAX_KIND_BYTES = 32
_MAX_LOOSE_BYTES = 64 << 20
"""What is not DER is copied as it is read."""


# RFC 5652 sections 5.1 and 5.3. Nobody signs these numbers, so only the true ones are taken.
_VERSIONS = {b"\1", b"\3", b"\4", b"\5"}
_BY_ISSUER, _BY_KEY_ID = b"\1", b"\3"


@dataclass(frozen=True, slots=True)
class SignedData:
    """One SignedData. Certificates, lists and answers are in DER, each once, in order."""

    content_type: bytes
    content: Element | None
    digests: tuple[bytes, ...]
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    signers: tuple[Element, ...]
    is_lenient: bool
    at_hand: tuple[bytes, ...] = ()
    """Certificates from elsewhere, for a signer whose own is not inside."""


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One SignerInfo: who signed (`issuer` and `serial`, or `key_id`), how, and what."""

    issuer: bytes
    serial: bytes
    key_id: bytes
    digest: Algorithm
    signed: Element | None
    algorithm: Algorithm
    value: bytes
    unsigned: Element | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What of a certificate is asked here: who issued it, and its key."""

    issuer: bytes
    serial: bytes
    spki: bytes
    extensions: Element | None


def signed_data(contents: Source) -> SignedData:
    """Return the parts of the CMS structure at the start of these bytes; only zeros may follow it.

    Raises:
        Refused: It is no SignedData, something follows, or it holds more than any true one needs.
    """
    try:
        return _read(contents, is_lenient=False)
    except Malformed:
        pass
    try:
        if len(contents) > _MAX_LOOSE_BYTES:
            raise Malformed("too large for what is not DER")
        encoded, end = to_der(contents)
        _demand_only_padding(contents, end)
        return _read(encoded, is_lenient=True)
    except Malformed as broken:
        raise Refused(reasons.MALFORMED.about(str(broken))) from broken


def signer_info(of: Element) -> SignerInfo:
    """Return the parts of a SignerInfo.

    Raises:
        Malformed: It is none.
    """
    fields = Fields(of)
    version = fields.take(der.INTEGER).content
    issuer = serial = key_id = b""
    if named := fields.maybe(der.SEQUENCE):
        names = Fields(named)
        issuer, serial = names.take(der.SEQUENCE).encoded, names.take(der.INTEGER).content
        names.finish()
    else:
        key_id = fields.take(_KEY_ID).content
    digest = algorithm_in(fields.take(der.SEQUENCE))
    signed = fields.maybe(_SIGNED)
    algorithm = algorithm_in(fields.take(der.SEQUENCE))
    value = fields.take(der.OCTET_STRING).content
    unsigned = fields.maybe(_UNSIGNED)
    fields.finish()
    if version != (_BY_KEY_ID if key_id else _BY_ISSUER):
        raise Malformed("a version that its signer does not have")
    return SignerInfo(issuer, serial, key_id, digest, signed, algorithm, value, unsigned)


def attributes(of: Element) -> list[tuple[bytes, list[Element]]]:
    """Return the kind and the values of each attribute in a SET OF Attribute, in its order.

    Raises:
        Malformed: It is none, or holds more than any true one needs.
    """
    members = of.members()
    if len(members) > _MAX_ATTRIBUTES:
        raise Malformed("too many attributes")
    found = []
    for member in members:
        fields = Fields(member)
        kind, values = fields.take(der.OBJECT_IDENTIFIER), fields.take(der.SET)
        fields.finish()
        if member.tag != der.SEQUENCE:
            raise Malformed("no attribute")
        found.append((kind.content, values.members()))
    return found


@remembering(entries=1_024, longest=4_096)
def subject(certificate: bytes) -> Subject | None:
    """Return what a certificate says of itself; None when it is built like no certificate."""
    try:
        body = Fields(Fields(der.whole(certificate, der.SEQUENCE)).take(der.SEQUENCE))
        body.maybe(0xA0)
        serial = body.take(der.INTEGER).content
        body.take(der.SEQUENCE)
        issuer = body.take(der.SEQUENCE).encoded
        body.take(der.SEQUENCE)
        body.take(der.SEQUENCE)
        spki = body.take(der.SEQUENCE).encoded
        body.maybe(0x81)
        body.maybe(0x82)
        return Subject(issuer, serial, spki, body.maybe(0xA3))
    except Malformed:
        return None


def _read(contents: Source, *, is_lenient: bool) -> SignedData:
    container = der.element(contents, 0, len(contents))
    if container.tag != der.SEQUENCE:
        raise Refused(reasons.NO_CMS)
    _demand_only_padding(contents, container.end)
    fields = Fields(container)
    kind = fields.maybe(der.OBJECT_IDENTIFIER)
    if kind is None or kind.content != SIGNED_DATA:
        raise Refused(reasons.NO_CMS)
    body = fields.take(_OPTIONAL_CONTENT).only(der.SEQUENCE)
    fields.finish()
    return _signed_data(Fields(body), is_lenient=is_lenient)


def _signed_data(fields: Fields, *, is_lenient: bool) -> SignedData:
    if fields.take(der.INTEGER).content not in _VERSIONS:
        raise Malformed("a version that there is not")
    digests = tuple(_bare(member) for member in _few(fields.take(der.SET), _MAX_SIGNERS))
    content_type, content = _encapsulated(fields.take(der.SEQUENCE))
    certificates = _certificates(fields.maybe(_CERTIFICATES))
    crls, ocsps = _lists(fields.maybe(_LISTS))
    signers = tuple(_few(fields.take(der.SET), _MAX_SIGNERS))
    fields.finish()
    return SignedData(content_type, content, digests, certificates, crls, ocsps, signers, is_lenient)


def _bare(identifier: Element) -> bytes:
    """Return the kind of a digest algorithm, which nobody signs here: so it has no room for more."""
    algorithm = algorithm_in(identifier)
    if identifier.tag != der.SEQUENCE or algorithm.bare.parameters or len(algorithm.kind) > _MAX_KIND_BYTES:
        raise Malformed("a digest algorithm that holds more than its name")
    return algorithm.kind


def _encapsulated(of: Element) -> tuple[bytes, Element | None]:
    fields = Fields(of)
    content_type = fields.take(der.OBJECT_IDENTIFIER).content
    content = fields.maybe(_OPTIONAL_CONTENT)
    fields.finish()
    return content_type, content and content.only(der.OCTET_STRING)


def _certificates(of: Element | None) -> tuple[bytes, ...]:
    """Return the X.509 certificates of a bag; attribute certificates say nothing about a signature."""
    found = [member for member in _few(of, _MAX_CERTIFICATES) if member.tag == der.SEQUENCE]
    if any(member.end - member.start > _MAX_CERTIFICATE_BYTES for member in found):
        raise Refused(reasons.TOO_LARGE.about("certificate"))
    return tuple(dict.fromkeys(member.encoded for member in found))


def _lists(of: Element | None) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return revocation lists, and OCSP answers in the form of RFC 5940."""
    crls, ocsps = [], []
    for member in _few(of, _MAX_LISTS):
        if member.tag == der.SEQUENCE:
            crls.append(member.encoded)
        elif member.tag == _OTHER_LIST:
            kind, *answer = member.members()
            ocsps += [each.encoded for each in answer if kind.content == OCSP_RESPONSE]
    return tuple(crls), tuple(ocsps)


def _few(of: Element | None, most: int) -> Sequence[Element]:
    if of is None:
        return ()
    members = of.members()
    if len(members) > most:
        raise Refused(reasons.TOO_LARGE.about(str(len(members))))
    return members


def _demand_only_padding(contents: Source, end: int) -> None:
    if contents[end:].strip(b"\0"):
        raise Refused(reasons.FOLLOWED)
