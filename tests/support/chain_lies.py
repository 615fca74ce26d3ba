"""True answers of authorities, and lies that look like them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.chain_answers import (
    CLERK,
    CRL_URL,
    ISSUING,
    LEADER,
    OTHER_ISSUING,
    STRANGER,
    TOP,
    lists,
    reason,
    refuses,
    responder,
    says,
    says_revoked,
    scope,
)
from tests.support.chain_damage import (
    answering_often,
    asn1_ocsp,
    crl_with_sha_1,
    demanding,
    ocsp_with_pss,
    ocsp_with_sha_1,
    produced_at,
    signed_anew,
)
from tests.support.chain_pki import (
    DAY,
    HOUR,
    NOW,
    authority,
    limits,
    make,
    purposes,
    rsa_key,
    signer,
    usage,
)

_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
_STATUS = ocsp.OCSPResponseStatus

RENAMED = authority("Issuing under another name", by=TOP, key=ISSUING.key)
EXPIRED_RESPONDER = responder(until=NOW - DAY)
RSA_RESPONDER = responder(key=rsa_key(2048))
REVOKED_RESPONDER = responder(label="Revoked responder")
LIST_OF_RESPONDER = lists((REVOKED_RESPONDER, NOW - 9 * DAY), until=NOW - HOUR)


def _flipped(answer: bytes, *, at: int = -1) -> bytes:
    damaged = bytearray(answer)
    damaged[at] ^= 1
    return bytes(damaged)


def _without_signature(answer: bytes) -> bytes:
    def strip(response: object) -> None:
        response["signature"] = b""  # type: ignore[index]

    return asn1_ocsp(answer, strip)


OCSP_LIES: dict[str, Callable[[], bytes]] = {
    "nothing at all": lambda: b"",
    "a page in HTML": lambda: b"<html><body>502 Bad Gateway</body></html>",
    "an answer cut off": lambda: says()[:-20],
    "try later": lambda: refuses(_STATUS.TRY_LATER),
    "unauthorized": lambda: refuses(_STATUS.UNAUTHORIZED),
    "malformed request": lambda: refuses(_STATUS.MALFORMED_REQUEST),
    "internal error": lambda: refuses(_STATUS.INTERNAL_ERROR),
    "signature required": lambda: refuses(_STATUS.SIG_REQUIRED),
    "status unknown": lambda: says(status=ocsp.OCSPCertStatus.UNKNOWN),
    "unsigned": lambda: _without_signature(says()),
    "signature turned around": lambda: _flipped(says()),
    "content changed after signing": lambda: says_revoked().replace(b"\xa1", b"\x80", 1),
    "signed by a stranger of the same name": lambda: says(by=STRANGER, certificates=()),
    "signed by a stranger who brings his certificate": lambda: says(by=STRANGER),
    "signed by the signer": lambda: says(by=LEADER),
    "signed by another signer of the authority": lambda: says(by=CLERK),
    "signed by another authority below the same root": lambda: says(by=OTHER_ISSUING),
    "signed by the root": lambda: says(by=TOP),
    "signed by a stranger who says he is the authority": lambda: signed_anew(says(), STRANGER.key),
    "about another serial number": lambda: says(CLERK),
    "about the same serial number at another authority": lambda: says(
        signer("Leader", by=OTHER_ISSUING, serial=LEADER.certificate.serial_number), issuer=OTHER_ISSUING
    ),
    "about the same serial number under another name of the authority": lambda: says(
        signer("Leader", by=RENAMED, serial=LEADER.certificate.serial_number),
        issuer=RENAMED,
        by=RENAMED,
        identified_by=ocsp.OCSPResponderEncoding.HASH,
    ),
    "about another authority but signed by ours": lambda: says(issuer=OTHER_ISSUING),
    "stale by a second": lambda: says(since=NOW - DAY, until=NOW - HOUR / 3600),
    "stale by years": lambda: says(since=NOW - 700 * DAY, until=NOW - 699 * DAY),
    "without an end, and two days old": lambda: says(since=NOW - 2 * DAY, until=None),
    "from the future": lambda: says(since=NOW + HOUR, until=NOW + DAY),
    "from far in the future": lambda: says(since=NOW + 300 * DAY, until=NOW + 301 * DAY),
    "made in the future about today": lambda: says(made_at=NOW + HOUR),
    "made in the future by a delegate of the future": lambda: says(
        by=responder(since=NOW + DAY), made_at=NOW + 2 * DAY
    ),
    "signed with SHA-1": lambda: ocsp_with_sha_1(says(), ISSUING.key),
    "with a critical demand": lambda: says(extensions=[(_UNKNOWN, True)]),
    "with a critical demand to one statement": lambda: demanding(says(), key=ISSUING.key),
    "good first, unknown behind": lambda: answering_often(
        says(), says(status=ocsp.OCSPCertStatus.UNKNOWN), key=ISSUING.key
    ),
    "good first, stale behind": lambda: answering_often(
        says(), says(since=NOW - 2 * DAY, until=NOW - DAY), key=ISSUING.key
    ),
    "by a delegate without the purpose": lambda: says(
        by=responder(purposes(ExtendedKeyUsageOID.EMAIL_PROTECTION))
    ),
    "by a delegate for any purpose": lambda: says(
        by=responder(purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE))
    ),
    "by a delegate without any purpose": lambda: says(by=make("Responder", limits(ca=False), by=ISSUING)),
    "by a delegate that may not sign": lambda: says(by=responder(usage("key_encipherment"))),
    "by a delegate of another authority": lambda: says(by=responder(by=OTHER_ISSUING)),
    "by a delegate of the root": lambda: says(by=responder(by=TOP)),
    "by a delegate one authority further down": lambda: says(by=responder(by=authority("Sub", by=ISSUING))),
    "by a self-signed delegate": lambda: says(
        by=make("Responder", limits(ca=False), purposes(ExtendedKeyUsageOID.OCSP_SIGNING))
    ),
    "by a delegate whose certificate is not there": lambda: says(by=responder(), certificates=()),
    "by a delegate who expired before": lambda: says(by=responder(until=NOW - DAY)),
    "by a delegate who expired before and dates its answer back": lambda: signed_anew(
        produced_at(says(by=EXPIRED_RESPONDER), NOW - 2 * DAY), EXPIRED_RESPONDER.key
    ),
    "by a delegate of the future": lambda: says(by=responder(since=NOW + DAY)),
    "by a delegate with a critical demand": lambda: says(by=responder((_UNKNOWN, True))),
    "by a delegate of a stranger": lambda: says(by=responder(by=STRANGER)),
    "with the wrong delegate's certificate": lambda: says(
        by=responder(), certificates=[responder(key=ec.generate_private_key(ec.SECP256R1()))]
    ),
    "by a delegate with a short key": lambda: says(by=responder(key=rsa_key(1024))),
    "by a delegate whom the authority has revoked": lambda: says(by=REVOKED_RESPONDER),
    "a list in place of an answer": lambda: lists(),
    "a certificate in place of an answer": lambda: LEADER.der,
    "larger than any answer": lambda: says(
        extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x04" * 300_000), False)]
    ),
}


CRL_LIES: dict[str, Callable[[], bytes]] = {
    "an empty file": lambda: b"",
    "a list cut off": lambda: lists()[:-10],
    "signature turned around": lambda: _flipped(lists()),
    "stale by a second": lambda: lists(until=NOW - HOUR / 3600),
    "stale by years": lambda: lists(since=NOW - 700 * DAY, until=NOW - 699 * DAY),
    "from the future": lambda: lists(since=NOW + HOUR, until=NOW + DAY),
    "signed by a stranger of the same name": lambda: lists(by=STRANGER),
    "of another authority": lambda: lists(by=OTHER_ISSUING),
    "of another authority under our name": lambda: lists(by=OTHER_ISSUING, issuer=ISSUING.name),
    "of our authority's key under another name": lambda: lists(issuer=OTHER_ISSUING.name),
    "of the root": lambda: lists(by=TOP),
    "signed by the signer": lambda: lists(by=LEADER, issuer=ISSUING.name),
    "a delta": lambda: lists(extensions=[(x509.DeltaCRLIndicator(4), True)]),
    "a delta that says so softly": lambda: lists(extensions=[(x509.DeltaCRLIndicator(4), False)]),
    "indirect": lambda: lists(extensions=[scope(urls=[CRL_URL], indirect=True)]),
    "indirect, by a stranger": lambda: lists(by=OTHER_ISSUING, extensions=[scope(indirect=True)]),
    "of authorities alone": lambda: lists(extensions=[scope(authorities=True)]),
    "of attribute certificates alone": lambda: lists(extensions=[scope(attributes=True)]),
    "of some reasons alone": lambda: lists(
        extensions=[scope(reasons=frozenset({x509.ReasonFlags.key_compromise}))]
    ),
    "of another distribution point": lambda: lists(extensions=[scope(urls=["http://elsewhere.invalid/a"])]),
    "with a critical demand": lambda: lists(extensions=[(_UNKNOWN, True)]),
    "an entry with a critical demand": lambda: lists((LEADER, NOW - DAY), of_entries=[(_UNKNOWN, True)]),
    "an entry of another issuer": lambda: lists(
        (LEADER, NOW - DAY), of_entries=[(x509.CertificateIssuer([x509.DirectoryName(TOP.name)]), True)]
    ),
    "an entry removed, outside a delta": lambda: lists(
        (LEADER, NOW - DAY), of_entries=[reason(x509.ReasonFlags.remove_from_crl)]
    ),
    "signed with SHA-1": lambda: crl_with_sha_1(lists(), ISSUING.key),
    "an answer in place of a list": lambda: says(),
}


CLEARING = {
    "an answer of the authority": lambda: says(),
    "an answer without an end, fresh": lambda: says(until=None),
    "an answer that ends this second": lambda: says(until=NOW),
    "an answer of a clock a little ahead": lambda: says(since=NOW + timedelta(minutes=4), until=NOW + HOUR),
    "an answer that names by SHA-256": lambda: says(id_hash=hashes.SHA256()),
    "an answer that names its maker by key": lambda: says(identified_by=ocsp.OCSPResponderEncoding.HASH),
    "an answer of a delegate": lambda: says(by=responder()),
    "an answer of a delegate named by key": lambda: says(
        by=responder(), identified_by=ocsp.OCSPResponderEncoding.HASH
    ),
    "an answer of a delegate with an RSA key": lambda: says(by=responder(key=rsa_key(2048))),
    "an answer of a delegate who signs with PSS": lambda: ocsp_with_pss(
        says(by=RSA_RESPONDER), RSA_RESPONDER.key
    ),
    "an answer of a delegate with two purposes": lambda: says(
        by=responder(purposes(ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH))
    ),
    "an answer of a delegate exempt from revocation": lambda: says(by=responder((x509.OCSPNoCheck(), False))),
    "an answer with a nonce nobody asked for": lambda: says(extensions=[(x509.OCSPNonce(b"1" * 16), False)]),
}
CLEARING_LISTS = {
    "an empty list": lambda: lists(),
    "a list of others": lambda: lists((CLERK, NOW - DAY)),
    "a list of its distribution point": lambda: lists(extensions=[scope(urls=[CRL_URL])]),
    "a list of users": lambda: lists(extensions=[scope(users=True)]),
    "a numbered list": lambda: lists(extensions=[(x509.CRLNumber(7), False)]),
    "a list that ends this second": lambda: lists(until=NOW),
}
