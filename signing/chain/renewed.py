"""The other keys of an authority: one that renewed its key speaks with any of them (RFC 5280 §6.3.3 (f))."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from signing.chain.certificates import Known
from signing.chain.paths import Path, paths
from signing.chain.rules import fault
from signing.effort import Effort
from signing.trust import TrustStore


def other_keys(
    authority: Known, *, anchor: Known, pool: Sequence[Known], trust: TrustStore, effort: Effort
) -> Iterator[Path]:
    """Yield the ways from certificates of an authority's other keys to its own anchor.

    A name can be had twice. A certificate is the same authority's only when it leads by all the rules to the
    anchor that the authority itself leads to; an anchor of the name with another key is another anchor.

    Args:
        authority: The one whose other keys are looked for.
        anchor: Where its own path ends.
        pool: Certificates that came with the file or were fetched.
        trust: The anchors, and the known intermediates.
        effort: What the search may still cost.

    Raises:
        Refused: The effort is spent.
    """
    known = (*trust.by_subject.get(authority.subject, ()), *pool)
    for other in dict.fromkeys(each for each in known if _is_other(each, authority)):
        for path in paths(other, pool=pool, trust=trust, effort=effort):
            if _is_same_anchor(path[-1], anchor) and fault(path) is None:
                yield path
                break


def _is_other(certificate: Known, authority: Known) -> bool:
    """Return whether a certificate is for another key of an authority, if it is genuine.

    Only whoever certified the authority, or the authority itself, may say so: others could certify its name
    too.
    """
    return (
        certificate.subject == authority.subject
        and certificate.spki != authority.spki
        and certificate.is_authority
        and certificate.issuer in (authority.issuer, authority.subject)
    )


def _is_same_anchor(one: Known, other: Known) -> bool:
    """Return whether two anchors are one: it may have been certified anew with the same key."""
    return (one.subject, one.spki) == (other.subject, other.spki)
