"""Certificates of authorities that were missing in a file and have been fetched since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from signing.chain.certificates import CertificateUnreadable, Known, read_certificate
from signing.chain.paths import issuers
from signing.effort import Effort
from signing.evidence import EvidenceStore
from signing.evidence_keys import issuer_key, wanted_issuer
from signing.report import Wanted
from signing.trust import TrustStore

_MAX_CLIMB = 8
_MAX_IN_ANSWER = 20


def fetched_issuers(ends: Sequence[Known], *, store: EvidenceStore) -> tuple[Known, ...]:
    """Return the certificates in the store that carry chains on beyond their ends, as far as they go."""
    found: list[Known] = []
    waiting = list(ends)
    for _ in range(_MAX_CLIMB):
        answers = [
            answer for end in waiting for url in end.issuer_urls if (answer := store.get(issuer_key(url)))
        ]
        waiting = [known for answer in answers for known in _certificates(answer) if known not in found]
        found += waiting
    return tuple(found)


def ends(leaf: Known, *, pool: Sequence[Known], trust: TrustStore, effort: Effort) -> tuple[Known, ...]:
    """Return the certificates, going up from one, above which nothing is known."""
    seen: list[Known] = []
    found: list[Known] = []
    waiting = [leaf]
    while waiting and len(seen) < _MAX_CLIMB:
        certificate = waiting.pop(0)
        seen.append(certificate)
        issued_by = issuers(certificate, pool=pool, trust=trust, effort=effort)
        above = [issuer for issuer in issued_by if issuer not in seen]
        waiting += above
        if not above:
            found.append(certificate)
    return tuple(found)


def missing(ends: Sequence[Known]) -> tuple[Wanted, ...]:
    """Return where the next certificates are said to be."""
    return tuple(wanted for end in ends for wanted in wanted_issuer(end))


def _certificates(answer: bytes) -> Iterator[Known]:
    """Yield the certificates of an answer: one in DER, or a bag of them (PKCS #7)."""
    try:
        yield read_certificate(answer)
    except CertificateUnreadable:
        yield from _bag(answer)


def _bag(answer: bytes) -> Iterator[Known]:
    try:
        bag = pkcs7.load_der_pkcs7_certificates(answer)
        for each in bag[:_MAX_IN_ANSWER]:
            yield read_certificate(each.public_bytes(Encoding.DER))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return  # an answer that is none carries no chain on
