"""Whether a certificate was revoked, by every answer at hand; nothing is fetched here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from signing.basis import Basis
from signing.chain.certificates import Known
from signing.evidence import Evidence
from signing.evidence_keys import Scope, crl_issuer_key, crl_key, ocsp_key_of, wanted_answers
from signing.report import Kept, Wanted, earliest
from signing.revocation.answers import distinct, from_crl, from_ocsp
from signing.revocation.statement import OtherKey, Statement

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
    holds_until: datetime | None = None
    """When the answers at hand may say something else: the one that clears today ends, or one begins."""


def standing(
    certificate: Known,
    *,
    issuer: Known,
    at: datetime,
    basis: Basis,
    evidence: Evidence,
    others: Sequence[OtherKey] = (),
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
        others: The other keys of the issuer.
    """
    everything = tuple(_Hearing(certificate, issuer, others, basis, evidence).heard())
    heard = [each for each in everything if each.speaks_from <= basis.at or each.tells_of(basis.at)]
    begins = earliest(each.speaks_from for each in everything if each.speaks_from > basis.at)
    inside_until = max((each.said.until for each in heard if each.source == "file"), default=None)
    revoked = _revocation(heard)
    if revoked is not None:
        revoked_at = revoked.said.revoked_at
        if revoked.said.is_hold and at < basis.at:  # it may still be lifted, as if it had never been
            return Standing(False, None, (revoked.kept,), (), inside_until, begins)
        counts = at >= basis.at or (revoked_at is not None and revoked_at <= at)
        return Standing(True, revoked_at if counts else None, (revoked.kept,), (), inside_until, begins)
    for each in heard:
        if _clears(each.said, at, certificate=certificate):
            ends = each.said.until if at >= basis.at else None
            return Standing(True, None, (each.kept,), (), inside_until, earliest((begins, ends)))
    wanted = wanted_answers(certificate, issuer=issuer, others=[other.certificate for other in others])
    wanted += tuple(wanted for other in others for wanted in other.wanted)
    return Standing(False, None, (), wanted, inside_until, begins)


_Piece = tuple[bytes, str]
"""An answer or list in DER, and where it lies."""


class _Heard(NamedTuple):
    """A statement, and where the answer lies that it stands in."""

    said: Statement
    source: str

    @property
    def speaks_from(self) -> datetime:
        """Return when it is no longer one from the future."""
        return max(self.said.issued_at, self.said.made_at) - SKEW

    def tells_of(self, moment: datetime) -> bool:
        """Return whether it says, however much later, that the certificate was revoked by a moment."""
        return self.said.revoked_at is not None and self.said.revoked_at <= moment

    @property
    def kept(self) -> Kept:
        return Kept(self.said.kind, self.said.sha256, self.source)


@dataclass(frozen=True, slots=True)
class _Hearing:
    """Everybody entitled to speak of a certificate, and everything they may have said."""

    certificate: Known
    issuer: Known
    others: Sequence[OtherKey]
    basis: Basis
    evidence: Evidence

    def heard(self) -> Iterator[_Heard]:
        """Yield every statement of somebody entitled to it: what the file carries first."""
        ocsps, crls = self._ocsps(), self._crls()
        for der, source in ocsps:
            said = from_ocsp(der, self.certificate, issuer=self.issuer)
            if said and not self._is_dismissed(said.delegate, crls):
                yield _Heard(said, source)
        for der, source in crls:
            if said := from_crl(der, self.certificate, issuer=self.issuer):
                yield _Heard(said, source)
        for other in self.others:
            yield from self._heard_by(other, ocsps, crls)

    def _heard_by(self, other: OtherKey, ocsps: Sequence[_Piece], crls: Sequence[_Piece]) -> Iterator[_Heard]:
        """Yield what the issuer says with another key.

        Some authorities keep a list for each key, and cannot clear whom they issued with another: a list that
        only the file has counts then when it names the place where the certificate says that it is published.
        """
        key = other.certificate
        found = [
            (from_ocsp(der, self.certificate, issuer=self.issuer, by=key), source) for der, source in ocsps
        ]
        found += [
            (from_crl(der, self.certificate, issuer=self.issuer, by=key), source) for der, source in crls
        ]
        for said, source in found:
            if said is None:
                continue
            can_clear = other.can_clear and said.made_at <= other.until
            if said.revoked_at or (can_clear and (said.is_addressed or source == "store")):
                yield _Heard(replace(said, until=min(said.until, other.until)), source)

    def _is_dismissed(self, delegate: Known | None, crls: Sequence[_Piece]) -> bool:
        """Return whether a list at hand revokes the one who answers.

        Delegates are short-lived and mostly exempt from being asked about (id-pkix-ocsp-nocheck), so a list
        that is not at hand is not asked for.
        """
        if delegate is None:
            return False
        keys = (self.issuer, *(other.certificate for other in self.others))
        listed = (from_crl(der, delegate, issuer=self.issuer, by=key) for key in keys for der, _ in crls)
        return any(said.revoked_at is not None for said in listed if said)

    def _ocsps(self) -> list[_Piece]:
        asked = self.basis.store.get(ocsp_key_of(self.certificate, issuer=self.issuer))
        ocsps = [(der, "file") for der in distinct(self.evidence.ocsps)[:_MAX_PIECES]]
        return [*ocsps, *([(asked, "store")] if asked else [])]

    def _crls(self) -> list[_Piece]:
        keys = _crl_keys(self.certificate, (self.issuer, *(other.certificate for other in self.others)))
        crls = [(der, "file") for der in distinct(self.evidence.crls)[:_MAX_PIECES]]
        return [*crls, *((listed, "store") for key in keys if (listed := self.basis.store.get(key)))]


def _crl_keys(certificate: Known, issuers: Sequence[Known]) -> tuple[str, ...]:
    by_address = [crl_key(url) for url in certificate.crl_urls]
    scopes: tuple[Scope, ...] = ("all", "authorities" if certificate.is_authority else "users")
    by_issuer = [
        crl_issuer_key(issuer.subject, key_identifier=identifier, scope=scope)
        for issuer in issuers
        for identifier in (issuer.key_identifier, None)
        for scope in scopes
    ]
    return tuple(dict.fromkeys([*by_address, *by_issuer]))


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
