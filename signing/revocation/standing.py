"""Whether a certificate was revoked, by every answer at hand; nothing is fetched here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from signing.basis import Basis
from signing.chain.certificates import Known
from signing.evidence import Evidence
from signing.evidence_keys import crl_issuer_key, crl_key, ocsp_key_of, wanted_answers
from signing.report import Kept, Wanted
from signing.revocation.answers import distinct, from_crl, from_ocsp
from signing.revocation.statement import Statement

SKEW = timedelta(minutes=5)
"""How far another clock may be ahead of ours."""
_MAX_PIECES = 200
"""Answers of each kind in one file that are looked at."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one certificate's revocation at a moment."""

    is_settled: bool
    """Whether an answer says that it held, or that it did not."""
    revoked_at: datetime | None = None
    """Set only when the revocation counts at that moment."""
    kept: tuple[Kept, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    inside_until: datetime | None = None
    """Until when the answers in the file itself speak of the certificate; None without any."""


def standing(
    certificate: Known, *, issuer: Known, at: datetime, basis: Basis, evidence: Evidence
) -> Standing:
    """Return whether a certificate was revoked.

    Answers that have become old settle nothing about today; about the past they do when they cover it, or
    were given after it. A revocation is never forgotten, except a hold that a newer answer has lifted.

    Args:
        certificate: Whose revocation is asked for.
        issuer: Its issuer, as the path has it.
        at: The present (`basis.at`), or an earlier moment at which the signature is proven to have existed.
        basis: The present, and what is in the store.
        evidence: What is in the file.
    """
    heard = [
        each
        for each in _heard(certificate, issuer, basis=basis, evidence=evidence)
        if each.said.issued_at <= basis.at + SKEW
    ]
    inside_until = max((each.said.until for each in heard if each.source == "file"), default=None)
    revoked = _revocation(heard)
    if revoked is not None:
        revoked_at = revoked.said.revoked_at
        counts = at >= basis.at or (revoked_at is not None and revoked_at <= at)
        return Standing(True, revoked_at if counts else None, (revoked.kept,), inside_until=inside_until)
    for each in heard:
        if _clears(each.said, at, certificate=certificate):
            return Standing(True, kept=(each.kept,), inside_until=inside_until)
    return Standing(False, wanted=wanted_answers(certificate, issuer=issuer), inside_until=inside_until)


class _Heard(NamedTuple):
    """A statement, and where the answer lies that it stands in."""

    said: Statement
    source: str

    @property
    def kept(self) -> Kept:
        return Kept(self.said.kind, self.said.sha256, self.source)


def _heard(certificate: Known, issuer: Known, *, basis: Basis, evidence: Evidence) -> Iterator[_Heard]:
    """Yield every statement of somebody entitled to it: what the file carries first."""
    asked = basis.store.get(ocsp_key_of(certificate, issuer=issuer))
    ocsps = [(der, "file") for der in distinct(evidence.ocsps)[:_MAX_PIECES]]
    ocsps += [(asked, "store")] if asked else []
    crls = [(der, "file") for der in distinct(evidence.crls)[:_MAX_PIECES]]
    crls += [(listed, "store") for key in _crl_keys(certificate, issuer) if (listed := basis.store.get(key))]
    for der, source in ocsps:
        said = from_ocsp(der, certificate, issuer=issuer)
        if said and not _is_dismissed(said.delegate, issuer, crls=[listed for listed, _ in crls]):
            yield _Heard(said, source)
    for der, source in crls:
        if said := from_crl(der, certificate, issuer=issuer):
            yield _Heard(said, source)


def _is_dismissed(delegate: Known | None, issuer: Known, *, crls: Sequence[bytes]) -> bool:
    """Return whether a list at hand revokes the one who answers.

    Delegates are short-lived and mostly exempt from being asked about (id-pkix-ocsp-nocheck), so a list that
    is not at hand is not asked for.
    """
    if delegate is None:
        return False
    listed = (from_crl(der, delegate, issuer=issuer) for der in crls)
    return any(said.revoked_at is not None for said in listed if said)


def _crl_keys(certificate: Known, issuer: Known) -> tuple[str, ...]:
    by_address = (crl_key(url) for url in certificate.crl_urls)
    by_issuer = (
        crl_issuer_key(issuer.subject, key_identifier=identifier)
        for identifier in {issuer.key_identifier, None}
    )
    return (*by_address, *by_issuer)


def _revocation(heard: Sequence[_Heard]) -> _Heard | None:
    """Return the revocation that stands, the earliest if there are several."""
    newest = max((each.said.issued_at for each in heard), default=None)
    revocations = [
        each
        for each in heard
        if each.said.revoked_at is not None and (not each.said.is_hold or each.said.issued_at == newest)
    ]
    return min(revocations, key=lambda each: each.said.revoked_at or each.said.issued_at, default=None)


def _clears(said: Statement, at: datetime, *, certificate: Known) -> bool:
    """Return whether a statement says of a moment that the certificate was not revoked then."""
    if said.revoked_at is not None:
        return False
    if said.issued_at - SKEW <= at <= said.until:
        return True
    # Given later, it still knows: authorities keep a revocation on record as long as the certificate lasts.
    return at < said.issued_at <= certificate.not_after
