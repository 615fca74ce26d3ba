"""The ways from a certificate up to an anchor: every step signed by the key above it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from asn1crypto.x509 import Certificate  # type: ignore[import-untyped]

from signing.chain.certificates import CertificateUnreadable, Known, read_certificate
from signing.effort import Effort
from signing.memo import Memo, remembering
from signing.trust import TrustStore

Path = tuple[Known, ...]
"""From the certificate itself to the anchor."""

_MAX_POOL = 1_000
_MAX_LENGTH = 8
_MAX_PATHS = 20
_MAX_ISSUERS = 10
"""Certificates of one name and key that are followed from one below them."""


class TooManyCertificates(ValueError):
    """The signature carries more certificates than any chain needs."""


def readable(pool: Iterable[bytes], *, effort: Effort) -> tuple[Known, ...]:
    """Return the certificates of a bag that can be read, each once.

    Raises:
        TooManyCertificates: There are too many to look through.
        Refused: The time is up.
    """
    distinct = tuple(dict.fromkeys(pool))
    if len(distinct) > _MAX_POOL:
        raise TooManyCertificates(str(len(distinct)))
    return tuple(_read(distinct, effort))


def paths(leaf: Known, *, pool: Sequence[Known], trust: TrustStore, effort: Effort) -> Iterator[Path]:
    """Yield the ways from a certificate to an anchor, the shortest first.

    Raises:
        Refused: The effort is spent.
    """
    found = 0
    waiting: deque[Path] = deque([(leaf,)])
    while waiting:
        path = waiting.popleft()
        if not trust.is_anchor(path[-1]):
            waiting += _beyond(path, issuers(path[-1], pool=pool, trust=trust, effort=effort))
            continue
        yield path
        found += 1
        if found == _MAX_PATHS:
            return


def _beyond(path: Path, above: Iterator[Known]) -> list[Path]:
    """Return the path with each issuer of its end put behind it."""
    if len(path) == _MAX_LENGTH:
        return []
    return [(*path, issuer) for issuer in islice(above, _MAX_ISSUERS) if issuer not in path]


def issuers(
    certificate: Known, *, pool: Sequence[Known], trust: TrustStore, effort: Effort
) -> Iterator[Known]:
    """Yield who issued a certificate, the trusted first.

    Nobody checks an anchor later on, so one that is no authority is passed over here: somebody trusted for
    his own signature alone.

    Raises:
        Refused: The effort is spent.
    """
    effort.step()
    for issuer in _possible_issuers(certificate, pool=pool, trust=trust):
        effort.step()
        if trust.is_anchor(issuer) and not issuer.may_issue:
            continue
        if _is_issued_by(certificate, issuer, effort=effort):
            yield issuer


_issued: Memo[bool] = Memo(limit=8_192)


def _is_issued_by(certificate: Known, issuer: Known, *, effort: Effort) -> bool:
    """Return whether a certificate names this issuer's key, if it names one, and is signed by it."""
    named, own = certificate.issuer_key_identifier, issuer.key_identifier
    if named and own and named != own:
        return False
    pair = (certificate.sha256, issuer.sha256)
    effort.signature(pair)
    return _issued.remembered(pair, lambda: certificate.is_signed_by(issuer))


def asn1(certificate: Known) -> Certificate:
    """Return a certificate as the path validation library wants it."""
    return _asn1(certificate.der)


def _possible_issuers(certificate: Known, *, pool: Sequence[Known], trust: TrustStore) -> Iterator[Known]:
    """Yield who may have issued a certificate, the trusted first."""
    name = certificate.issuer
    known = trust.by_subject.get(name, ())
    yield from known
    same = [each for each in pool if each.subject == name and each not in known]
    yield from same
    if known or same:
        return
    for each in (*trust.anchors, *trust.intermediates, *pool):
        if each.prepared_subject == certificate.prepared_issuer:
            yield each


def _read(pool: Iterable[bytes], effort: Effort) -> Iterator[Known]:
    for der in pool:
        effort.demand_time()
        try:
            yield read_certificate(der)
        except CertificateUnreadable:
            continue  # whoever needed it finds no path


@remembering(entries=128, longest=4_096)
def _asn1(der: bytes) -> Certificate:
    return Certificate.load(der)
