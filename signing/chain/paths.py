"""The ways from a certificate up to an anchor: every step signed by the key above it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from asn1crypto.x509 import Certificate  # type: ignore[import-untyped]

from signing.chain.certificates import CertificateUnreadable, Known, read_certificate
from signing.memo import Memo
from signing.trust import TrustStore

Path = tuple[Known, ...]
"""From the certificate itself to the anchor."""

_MAX_POOL = 1_000
_MAX_LENGTH = 8
_MAX_PATHS = 20
_MAX_ISSUERS = 10
"""Certificates of one name and key that are followed from one below them."""
_MAX_STEPS = 1_000
_MAX_SIGNATURES = 100


class TooManyCertificates(ValueError):
    """The signature carries more certificates than any chain needs."""


def readable(pool: Iterable[bytes]) -> tuple[Known, ...]:
    """Return the certificates of a bag that can be read, each once.

    Raises:
        TooManyCertificates: There are too many to look through.
    """
    distinct = tuple(dict.fromkeys(pool))
    if len(distinct) > _MAX_POOL:
        raise TooManyCertificates(str(len(distinct)))
    return tuple(_read(distinct))


class Effort:
    """What the search for the chains of one certificate may still cost.

    A bag of certificates that sign each other has no end. A signature counts whether it is remembered from
    another file or not: the verdict must not depend on what was judged before.
    """

    def __init__(self) -> None:
        """Start with all of it."""
        self._steps_left = _MAX_STEPS
        self._looked_at: set[tuple[str, str]] = set()

    @property
    def is_spent(self) -> bool:
        """Return whether the search ends here."""
        return self._steps_left <= 0 or len(self._looked_at) >= _MAX_SIGNATURES

    def step(self) -> None:
        """Count one certificate that was compared with another."""
        self._steps_left -= 1

    def signature(self, pair: tuple[str, str]) -> None:
        """Count one signature, of the first certificate by the second, each named by its digest."""
        self._looked_at.add(pair)


def paths(leaf: Known, *, pool: Sequence[Known], trust: TrustStore, effort: Effort) -> Iterator[Path]:
    """Yield the ways from a certificate to an anchor, the shortest first."""
    found = 0
    waiting: list[Path] = [(leaf,)]
    while waiting:
        path = waiting.pop(0)
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
    """Yield who issued a certificate, the trusted first, as far as the effort goes.

    Nobody checks an anchor later on, so one that is no authority is passed over here: somebody trusted for
    his own signature alone.
    """
    for issuer in _possible_issuers(certificate, pool=pool, trust=trust):
        if effort.is_spent:
            return
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


def _read(pool: Iterable[bytes]) -> Iterator[Known]:
    for der in pool:
        try:
            yield read_certificate(der)
        except CertificateUnreadable:
            continue  # whoever needed it finds no path


@lru_cache(maxsize=128)
def _asn1(der: bytes) -> Certificate:
    return Certificate.load(der)
