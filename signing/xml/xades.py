"""XAdES (ETSI EN 319 132-1): what a signature says and carries besides its value."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signing.evidence import Evidence
from signing.xml import reasons
from signing.xml.algorithms import digest_named
from signing.xml.canonical import INCLUSIVE, Method
from signing.xml.limits import MAX_STAMPS
from signing.xml.names import BLANKS, DS, XADES, XADES_141
from signing.xml.reasons import NotTaken
from signing.xml.signed_info import base64_of, canonicalisation_in
from signing.xml.tree import Node, is_of_signatures


@dataclass(frozen=True, slots=True)
class Properties:
    """The qualifying properties of one signature."""

    signed: Node
    certificate_digest: tuple[str, bytes] | None
    """Hash algorithm and digest of the signer's certificate."""
    claimed_at: datetime | None
    stamp_method: Method
    """How the signature value was canonicalised for its time-stamps."""
    time_stamps: tuple[bytes, ...]
    has_other_stamps: bool
    """Whether there are time-stamps that are not judged: archive time-stamps, or one made another way."""
    evidence: Evidence


def properties_in(signature: Node) -> Properties | None:
    """Return the XAdES properties of a signature, None when it has none.

    Raises:
        NotTaken: They are another signature's, or not built as the standard says.
    """
    holders = [
        each
        for one in signature.all("Object")
        for each in one.children
        if each.is_(XADES, "QualifyingProperties")
    ]
    if not holders:
        return None
    if len(holders) > 1:
        raise NotTaken(reasons.STRUCTURE.about("several QualifyingProperties"))
    own_id = signature.tag.value("Id")
    if own_id is None or holders[0].tag.value("Target") != f"#{own_id}":
        raise NotTaken(reasons.FOREIGN_PROPERTIES)
    signed = holders[0].one("SignedProperties", XADES)
    stamps = _stamps(_unsigned(holders[0]))
    return Properties(
        signed=signed,
        certificate_digest=_certificate_digest(signed),
        claimed_at=_claimed_at(signed),
        stamp_method=stamps.method,
        time_stamps=stamps.tokens,
        has_other_stamps=stamps.has_others,
        evidence=_evidence(_unsigned(holders[0])),
    )


def certificate_named(named: tuple[str, bytes], certificates: Sequence[bytes]) -> bytes:
    """Return the certificate whose digest was signed.

    Raises:
        NotTaken: It is not among them.
    """
    name, digest = named
    for each in certificates:
        if hashlib.new(name, each, usedforsecurity=False).digest() == digest:
            return each
    raise NotTaken(reasons.NOT_SAME_CERTIFICATE, "NO_SIGNING_CERTIFICATE_FOUND", facet="identity")


@dataclass(frozen=True, slots=True)
class _Stamps:
    tokens: tuple[bytes, ...] = ()
    method: Method = INCLUSIVE
    has_others: bool = False


def _unsigned(holder: Node) -> Node | None:
    unsigned = holder.maybe("UnsignedProperties", XADES)
    return None if unsigned is None else unsigned.maybe("UnsignedSignatureProperties", XADES)


def _stamps(unsigned: Node | None) -> _Stamps:
    if unsigned is None:
        return _Stamps()
    holders = unsigned.all("SignatureTimeStamp", XADES)
    others = unsigned.all("ArchiveTimeStamp", XADES_141) + unsigned.all("ArchiveTimeStamp", XADES)
    if len(holders) > MAX_STAMPS:
        raise NotTaken(reasons.TOO_MUCH.about(f"more than {MAX_STAMPS} time-stamps"), "GENERIC")
    methods = [canonicalisation_in(each.maybe("CanonicalizationMethod")) for each in holders]
    same = [each for each, method in zip(holders, methods, strict=True) if method == methods[0]]
    tokens = [base64_of(token) for each in same for token in each.all("EncapsulatedTimeStamp", XADES)]
    has_others = bool(others) or len(same) < len(holders)
    return _Stamps(tuple(tokens), methods[0] if methods else INCLUSIVE, has_others)


def _evidence(unsigned: Node | None) -> Evidence:
    if unsigned is None:
        return Evidence()
    certificates = unsigned.all("CertificateValues", XADES)
    answers = unsigned.all("RevocationValues", XADES)
    return Evidence(
        certificates=_values(certificates, "EncapsulatedX509Certificate"),
        crls=_values(
            [each for one in answers for each in one.all("CRLValues", XADES)], "EncapsulatedCRLValue"
        ),
        ocsps=_values(
            [each for one in answers for each in one.all("OCSPValues", XADES)], "EncapsulatedOCSPValue"
        ),
    )


def _values(holders: Sequence[Node], name: str) -> tuple[bytes, ...]:
    return tuple(base64_of(each) for holder in holders for each in holder.all(name, XADES))


def _signature_properties(signed: Node) -> Node | None:
    return signed.maybe("SignedSignatureProperties", XADES)


def _certificate_digest(signed: Node) -> tuple[str, bytes] | None:
    """Return the first digest in SigningCertificate(V2), which is the signer's own.

    SHA-1 will do here: nobody finds another certificate for it.
    """
    properties = _signature_properties(signed)
    if properties is None:
        return None
    old = properties.maybe("SigningCertificate", XADES)
    new = properties.maybe("SigningCertificateV2", XADES)
    named = new if new is not None else old
    if named is None:
        return None
    certificates = named.all("Cert", XADES)
    if not certificates:
        raise NotTaken(reasons.STRUCTURE.about("no Cert"))
    first = certificates[0].one("CertDigest", XADES)
    algorithm = first.one("DigestMethod").tag.value("Algorithm") or ""
    return digest_named(algorithm), base64_of(first.one("DigestValue"))


def _claimed_at(signed: Node) -> datetime | None:
    properties = _signature_properties(signed)
    time = properties.maybe("SigningTime", XADES) if properties is not None else None
    if time is None:
        return None
    try:
        claimed = datetime.fromisoformat(time.text.strip())
    except ValueError:
        return None
    if claimed.tzinfo is None:
        claimed = claimed.replace(tzinfo=UTC)
    return claimed


def is_properties_object(node: Node) -> bool:
    """Return whether a `ds:Object` holds XAdES properties and nothing else, neither beside nor inside them.

    Of the properties only the signed ones are covered by the signature: what else there is must be of a kind
    that nobody takes for a content.
    """
    if not _holds_properties_alone(node):
        return False
    holder = node.children[0]
    unsigned = holder.all("UnsignedProperties", XADES)
    if holder.text.strip(BLANKS) or len(unsigned) + len(holder.all("SignedProperties", XADES)) != len(
        holder.children
    ):
        return False
    return all(map(_is_expected, (each for one in unsigned for each in one.walk())))


def _holds_properties_alone(node: Node) -> bool:
    if node.has_remarks or node.has_other_text:
        return False
    return len(node.children) == 1 and node.children[0].is_(XADES, "QualifyingProperties")


def _is_expected(node: Node) -> bool:
    return is_of_signatures(node) and (not node.is_(DS, "Object") or _holds_properties_alone(node))
