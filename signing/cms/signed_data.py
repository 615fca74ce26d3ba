"""What the cryptography of a CMS signature says. Nobody is trusted here yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from signing.cms import der, reasons
from signing.cms.algorithms import digest_name, scheme_of
from signing.cms.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SignedAttributes,
    claimed_time,
    demand_protected,
    is_named,
    names_certificate,
    signed_attributes,
    value_of,
)
from signing.cms.ber import to_der
from signing.cms.carried import carried, key_identifier
from signing.cms.der import Element, Malformed, oid, wrapped
from signing.cms.digests import digest_of_range
from signing.cms.facts import Digest, Signer
from signing.cms.keys import is_weak, verification_key
from signing.cms.names import is_same_name
from signing.cms.structure import SignedData, SignerInfo, attributes, signed_data, signer_info, subject
from signing.evidence import Evidence
from signing.reasons import Refused

ID_DATA = oid("1.2.840.113549.1.7.1")
MAX_DISGUISE_BYTES = 1 << 16
"""No set of attributes that anybody signs is larger."""

_MAX_ELEMENTS = 10_000
_COMPARED_BY = "sha256"


def read_signers(contents: bytes, *, digest: Digest | None, max_signers: int = 1) -> tuple[Signer, ...]:
    """Return the signers of a CMS signature whose form is in order, in their order.

    Args:
        contents: The ContentInfo in DER (or BER: then each signer `is_lenient`); zeros may follow it.
        digest: Of the document, for a detached signature; None: the document is inside.
        max_signers: How many SignerInfos there may be.

    Raises:
        Refused: The form of the structure or of one of its signers is not in order.
    """
    parts = signed_data(contents)
    of_content = content_digest(parts, digest)
    return tuple(read_signer(parts, info, of_content) for info in demand_signers(parts, max_signers))


def demand_signers(parts: SignedData, max_signers: int) -> Sequence[Element]:
    """Return the SignerInfos, not yet read.

    Raises:
        Refused: There is none, or more than there may be.
    """
    if not parts.signers:
        raise Refused(reasons.NO_SIGNER)
    if len(parts.signers) > max_signers:
        raise Refused(
            reasons.NOT_ONE_SIGNER if max_signers == 1 else reasons.TOO_LARGE.about(str(len(parts.signers)))
        )
    return parts.signers


def content_digest(parts: SignedData, digest: Digest | None) -> Digest:
    """Return the digest of what was signed: of the document that was given, or of that inside.

    Raises:
        Refused: Both are there and differ, or neither is; or what is signed was made to be taken for
            attributes.
    """
    content = parts.content
    if content is None:
        if digest is None:
            raise Refused(reasons.NO_CONTENT, "SIGNED_DATA_NOT_FOUND")
        return digest
    inside = digest_of_range(content.source, start=content.body, end=content.end)
    if digest is not None and digest(_COMPARED_BY) != inside(_COMPARED_BY):
        raise Refused(reasons.TWO_CONTENTS)
    if content.end - content.body <= MAX_DISGUISE_BYTES:
        demand_no_attributes(content.content)
    return inside


def demand_no_attributes(content: bytes) -> None:
    """Pass when a document is not itself a set of attributes, as a forger would have it signed.

    Raises:
        Refused: It is.
    """
    try:
        is_disguise = bool(content) and bool(attributes(der.whole(content, der.SET)))
    except Malformed:
        return
    if is_disguise:
        raise Refused(reasons.ATTRIBUTES_AS_CONTENT)


def read_signer(parts: SignedData, info: Element, digest: Digest, *, content_type: bytes = ID_DATA) -> Signer:
    """Return what one SignerInfo says, and whether it holds.

    Raises:
        Refused: Its form is not in order.
    """
    try:
        return _signer(parts, signer_info(info), digest, content_type)
    except Malformed:
        pass  # an unsigned attribute may have been put in as it came, in BER
    try:
        encoded, _ = to_der(info.encoded, max_elements=_MAX_ELEMENTS)
        loose = replace(parts, is_lenient=True)
        return _signer(loose, signer_info(der.whole(encoded, der.SEQUENCE)), digest, content_type)
    except Malformed as broken:
        raise Refused(reasons.MALFORMED.about(str(broken))) from broken


def _signer(parts: SignedData, info: SignerInfo, digest: Digest, content_type: bytes) -> Signer:
    signed = signed_attributes(info.signed)
    if not content_type == parts.content_type == value_of(signed, CONTENT_TYPE, tag=der.OBJECT_IDENTIFIER):
        raise Refused(reasons.OTHER_CONTENT_TYPE)
    said = value_of(signed, MESSAGE_DIGEST, tag=der.OCTET_STRING)
    demand_protected(signed, digest=info.digest, signature=info.algorithm)
    algorithm = digest_name(info.digest)
    scheme = scheme_of(info.algorithm, algorithm)
    certificate, spki = _signing_certificate(parts, info, signed)
    key = verification_key(spki)
    brought = carried(signed, info.unsigned)
    forms = _signed_forms(info.signed)
    return Signer(
        certificate=certificate,
        evidence=Evidence(parts.certificates, parts.crls, parts.ocsps) + brought.evidence,
        is_intact=said == reckoned(digest, algorithm),
        is_genuine=any(key.has_signed(form, info.value, scheme) for form in forms),
        is_weak=is_weak(key, scheme, algorithm),
        is_bound=names_certificate(signed),
        value=info.value,
        claimed_at=claimed_time(signed),
        time_stamps=brought.time_stamps,
        is_lenient=parts.is_lenient
        or scheme.is_sloppy
        or len(forms) > 1
        or info.digest.kind not in parts.digests,
        is_counter_signed=brought.is_counter_signed,
        is_archived=brought.is_archived,
    )


def reckoned(digest: Digest, algorithm: str) -> bytes:
    """Return the digest of the content under a hash algorithm.

    Raises:
        Refused: Whoever reads the content does not know the algorithm.
    """
    try:
        return digest(algorithm)
    except ValueError as unknown:
        raise Refused(reasons.ALGORITHM_UNKNOWN, "CRYPTO_CONSTRAINTS_FAILURE") from unknown


def _signed_forms(signed: Element | None) -> list[bytes]:
    """Return what the value may be a signature over: the attributes as they stand, and in DER's order.

    Some signers write them in another order than they sign them in, so that both count.
    """
    assert signed is not None
    members = [member.encoded for member in signed.members()]
    forms = dict.fromkeys((b"".join(members), b"".join(sorted(members))))
    return [wrapped(der.SET, form) for form in forms]


def _signing_certificate(
    parts: SignedData, info: SignerInfo, signed: SignedAttributes
) -> tuple[bytes, bytes]:
    """Return the signer's certificate and the key in it."""
    named = [each for each in parts.certificates if _is_of(each, info)]
    named = named or [each for each in dict.fromkeys(parts.at_hand) if _is_of(each, info)]
    if not named:
        raise Refused(reasons.NO_SIGNING_CERTIFICATE, "NO_SIGNING_CERTIFICATE_FOUND")
    meant = [each for each in named if is_named(each, signed)] if names_certificate(signed) else named
    if len(meant) != 1:
        raise Refused(reasons.OTHER_CERTIFICATE, "NO_SIGNING_CERTIFICATE_FOUND")
    facts = subject(meant[0])
    assert facts is not None
    return meant[0], facts.spki


def _is_of(certificate: bytes, info: SignerInfo) -> bool:
    facts = subject(certificate)
    if facts is None:
        return False
    if info.key_id:
        return key_identifier(facts) == info.key_id
    return facts.serial == info.serial and is_same_name(facts.issuer, info.issuer)
