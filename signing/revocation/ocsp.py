"""OCSP answers (RFC 6960): whose they are, and what they say about a certificate."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.chain.certificates import Known, read_certificate
from signing.chain.signed import Signed, read_signed
from signing.chain.tidying import with_readable_names
from signing.cms.der import (
    GENERALIZED_TIME,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    Element,
    Fields,
    whole,
)
from signing.evidence_keys import issuer_hash
from signing.revocation.statement import Statement, has_unknown_demand

_MAX_INSIDE = 10
_SAME_TIME = timedelta(minutes=5)
_ALWAYS_FRESH = timedelta(days=1)
"""How long an answer counts that names no time for the next."""
_BOOLEAN = 0x01
_ENUMERATED = 0x0A
_ANSWER_TAG = 0xA0
_VERSION_TAG = 0xA0
_RESPONDER_TAGS = (0xA1, 0xA2)
_EXTENSIONS_TAG = 0xA1
_CERTIFICATES_TAG = 0xA0


def stated_in_ocsp(
    der: bytes, certificate: Known, *, issuer: Known, by: Known, sha256: str
) -> Statement | None:
    """Return what an OCSP answer says about a certificate of this issuer; None when that is nothing.

    Args:
        der: The answer.
        certificate: Whose revocation is asked for.
        issuer: Its issuer.
        by: Who has to have signed, or appointed who did: the issuer, or a certificate of another key of it,
            which appoints nobody here (§4.2.2.2: the appointed one is of the same key as the certificate).
        sha256: The digest of the answer.

    Raises:
        ValueError: It is broken; so do other errors of the decoder.
    """
    response = read_ocsp(der)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return None
    found = [each for each in response.responses if _is_about(each, certificate, issuer=issuer)]
    single = min(found, key=_badness, default=None)
    if single is None or single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return None
    basic = _basic(der)
    answer = read_signed(basic)
    responder = _authorised(response, by, basic=basic, answer=answer, at=single.this_update_utc)
    if responder is not by and by is not issuer:
        return None
    if responder is None or has_unknown_demand(response.extensions) or _has_demand(answer):
        return None
    delegate = None if responder is by else responder
    is_revoked = single.certificate_status is ocsp.OCSPCertStatus.REVOKED
    return Statement(
        kind="ocsp",
        sha256=sha256,
        issued_at=single.this_update_utc,
        made_at=response.produced_at_utc,
        until=min(_until(single), delegate.not_after) if delegate else _until(single),
        revoked_at=single.revocation_time_utc if is_revoked else None,
        is_hold=single.revocation_reason is x509.ReasonFlags.certificate_hold,
        delegate=delegate,
    )


def read_ocsp(der: bytes) -> ocsp.OCSPResponse:
    """Return an OCSP answer as the library reads it: of a sloppy one a tidied copy, which nobody signed.

    Raises:
        ValueError: It is none.
    """
    try:
        return ocsp.load_der_ocsp_response(der)
    except ValueError:
        return ocsp.load_der_ocsp_response(with_readable_names(der))


def _is_about(single: ocsp.OCSPSingleResponse, certificate: Known, *, issuer: Known) -> bool:
    algorithm = single.hash_algorithm.name
    return (
        single.serial_number == certificate.serial_number
        and single.issuer_name_hash == issuer_hash(certificate.issuer, algorithm)
        and single.issuer_key_hash == issuer_hash(issuer.key_bits, algorithm)
    )


def _badness(single: ocsp.OCSPSingleResponse) -> tuple[int, datetime]:
    """Order statements about one certificate, the worst first: a hold can be taken back."""
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        is_hold = single.revocation_reason is x509.ReasonFlags.certificate_hold
        return int(is_hold), single.revocation_time_utc or single.this_update_utc
    return 2 if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN else 3, _until(single)


def _until(single: ocsp.OCSPSingleResponse) -> datetime:
    return single.next_update_utc or single.this_update_utc + _ALWAYS_FRESH


def _basic(der: bytes) -> bytes:
    """Return the BasicOCSPResponse in an answer.

    Raises:
        Malformed: It is not strict DER.
    """
    fields = Fields(whole(der, SEQUENCE))
    fields.take(_ENUMERATED)
    inner = Fields(fields.take(_ANSWER_TAG).only(SEQUENCE))
    inner.take(OBJECT_IDENTIFIER)
    return inner.take(OCTET_STRING).content


def _has_demand(answer: Signed) -> bool:
    """Return whether a statement has a critical extension, which the library passes over.

    Raises:
        Malformed: The answer is not strict DER.
    """
    fields = Fields(whole(answer.content, SEQUENCE))
    fields.maybe(_VERSION_TAG)
    for tag in _RESPONDER_TAGS:
        fields.maybe(tag)
    fields.take(GENERALIZED_TIME)
    for single in fields.take(SEQUENCE).members():
        *_, last = single.members()
        if last.tag == _EXTENSIONS_TAG and any(_is_critical(each) for each in last.only(SEQUENCE).members()):
            return True
    return False


def _is_critical(extension: Element) -> bool:
    return any(member.tag == _BOOLEAN and member.content != b"\0" for member in extension.members())


def _authorised(
    response: ocsp.OCSPResponse, issuer: Known, *, basic: bytes, answer: Signed, at: datetime
) -> Known | None:
    """Return who signed an answer: the issuer, or somebody it appointed for that (§4.2.2.2)."""
    if _is_responder(response, issuer) and _is_signed(answer, issuer):
        return issuer
    produced_at = response.produced_at_utc
    if at > produced_at + _SAME_TIME:
        return None  # who has expired could say so of an earlier day
    for each in _certificates(basic):
        found = read_certificate(each)
        if _is_responder(response, found) and _is_appointed(found, issuer, at=produced_at):
            return found if _is_signed(answer, found) else None
    return None


def _certificates(basic: bytes) -> list[bytes]:
    """Return the certificates in an answer as they stand: the library would write those it reads tidied.

    Raises:
        Malformed: The answer is not strict DER.
    """
    *_, last = whole(basic, SEQUENCE).members()
    inside = last.only(SEQUENCE).members() if last.tag == _CERTIFICATES_TAG else []
    return [each.encoded for each in inside[:_MAX_INSIDE]]


def _is_responder(response: ocsp.OCSPResponse, certificate: Known) -> bool:
    name = response.responder_name
    if name is not None:
        return name == certificate.certificate.subject
    return response.responder_key_hash == issuer_hash(certificate.key_bits, "sha1")


def _is_appointed(responder: Known, issuer: Known, *, at: datetime) -> bool:
    purposes = responder.extension(x509.ExtendedKeyUsage)
    usage = responder.extension(x509.KeyUsage)
    return (
        purposes is not None
        and ExtendedKeyUsageOID.OCSP_SIGNING in purposes
        and (usage is None or usage.digital_signature)
        and responder.not_before <= at <= responder.not_after
        and responder.issuer == issuer.subject
        and not responder.signed.is_weak
        and not responder.key.is_weak
        and not has_unknown_demand(responder.extensions)
        and responder.is_signed_by(issuer)
    )


def _is_signed(answer: Signed, by: Known) -> bool:
    return not answer.is_weak and answer.is_by(by.key)
