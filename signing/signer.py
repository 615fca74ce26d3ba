"""The verdict on whoever made a signature: cryptography, time, chain, role, level (EN 319 102-1)."""

from __future__ import annotations

from collections.abc import Sequence

from signing.basis import Basis
from signing.chain.certificates import read_certificate
from signing.chain.judge import ChainVerdict, judge_chain
from signing.cms.facts import Signer, Stamp
from signing.evidence import Evidence
from signing.judgement import Facet, Judgement
from signing.names import names_of
from signing.report import Warning as ReportWarning
from signing.revocation.standing import SKEW
from signing.signer_time import Time, judge_time

_CLAIMED_YEARS = range(1970, 2201)
"""Other claimed times are nonsense; near the ends of the calendar they cannot even be shown in +07:00."""
_FAMILIES = {"PAdES", "CAdES", "XAdES"}
_NOT_BOUND = ReportWarning(
    "certificate-not-bound", "The signature does not name its certificate in what was signed."
)
_FROM_THE_FUTURE = ReportWarning(
    "claimed-time-in-future", "The signer claims a time of signing that has not come yet."
)
# What speaks against the moment or the standing of a certificate, not against whose it is.
_OF_TIME = {"OUT_OF_BOUNDS_NO_POE"}
_OF_STANDING = {"REVOKED", "REVOKED_NO_POE", "REVOKED_CA_NO_POE", "TRY_LATER"}


def judge_signer(
    signer: Signer, *, basis: Basis, evidence: Evidence, judgement: Judgement, proofs: Sequence[Stamp] = ()
) -> None:
    """Add to a judgement everything that is to be said about who signed, when, and whether that holds.

    `judgement.level` comes in as the family of the signature (`PAdES`, `CAdES`, `XAdES`) and goes out with
    the level that it was made to (`PAdES-B-LT`); any other word there stays as it is. A signature that its
    certificate's key did not make is judged no further: whose it is says nothing then.

    Args:
        signer: What the cryptography says.
        basis: Whom to trust, the present, and the evidence store.
        evidence: What came with the file beside the signature itself.
        judgement: What was found so far; gets the findings.
        proofs: Document time-stamps that cover this signature, each covered by all after it.
    """
    judgement.signer, judgement.organisation = names_of(signer.certificate)
    if signer.claimed_at is not None and signer.claimed_at.year in _CLAIMED_YEARS:
        judgement.signed_at = signer.claimed_at
    if not signer.is_intact:
        judgement.against("HASH_FAILURE")
    if not signer.is_genuine:
        judgement.against("SIG_CRYPTO_FAILURE")
        return
    at_hand = signer.evidence + evidence
    time = judge_time(signer, basis=basis, evidence=at_hand, judgement=judgement, proofs=proofs)
    if time.proven is None and judgement.signed_at and judgement.signed_at > basis.at + SKEW:
        judgement.warnings.append(_FROM_THE_FUTURE)
    judgement.signed_at = time.proven or judgement.signed_at
    judgement.signed_at_proven = time.proven is not None
    _judge_strength(signer, judgement, time=time)
    verdict = _chain(signer, time, basis=basis, evidence=at_hand)
    _record(verdict, judgement)
    if time.proven and verdict.path and time.proven < read_certificate(verdict.path[0]).not_before:
        judgement.against("NOT_YET_VALID")
    if judgement.level in _FAMILIES:
        if not signer.is_bound:
            judgement.warnings.append(_NOT_BOUND)
        judgement.level += _level(verdict, judgement, time=time)


def _judge_strength(signer: Signer, judgement: Judgement, *, time: Time) -> None:
    if not signer.is_weak:
        judgement.fine("integrity")
        return
    # No proof is old enough: what is refused here was weak before the first time-stamps of this country.
    judgement.against("CRYPTO_CONSTRAINTS_FAILURE" if time.proven else "CRYPTO_CONSTRAINTS_FAILURE_NO_POE")


def _chain(signer: Signer, time: Time, *, basis: Basis, evidence: Evidence) -> ChainVerdict:
    """Return the verdict by today, or when that does not hold, by the moment that is proven."""
    verdict = judge_chain(
        signer.certificate, pool=evidence.certificates, basis=basis, evidence=evidence, at=basis.at
    )
    if verdict.is_good or time.proven is None:
        return verdict
    return judge_chain(
        signer.certificate, pool=evidence.certificates, basis=basis, evidence=evidence, at=time.proven
    ).beside(verdict)


def _record(verdict: ChainVerdict, judgement: Judgement) -> None:
    judgement.hold_until(verdict.holds_until)
    judgement.evidence += verdict.evidence
    judgement.wanted += verdict.wanted
    judgement.warnings += verdict.warnings
    judgement.domain = verdict.domain.name if verdict.domain else ""
    problem = verdict.sub_indication
    if problem is not None:
        facet: Facet | None = "trust" if problem == "CRYPTO_CONSTRAINTS_FAILURE_NO_POE" else None
        judgement.against(problem, verdict.reason, facet=facet)
    if problem is None or problem in _OF_TIME | _OF_STANDING:
        _name_role(verdict, judgement)
        judgement.fine("identity")
    if problem is None or problem in _OF_STANDING:
        judgement.fine("time")
    if problem is None:
        judgement.fine("trust")


def _name_role(verdict: ChainVerdict, judgement: Judgement) -> None:
    """Say whose signature it is, where the trust domain says so."""
    if verdict.domain is None:
        return
    if verdict.listed is not None:
        judgement.role, judgement.agency = verdict.listed.role, verdict.listed.agency
    elif len(verdict.domain.roles) == 1:
        judgement.role = verdict.domain.roles[0]


def _level(verdict: ChainVerdict, judgement: Judgement, *, time: Time) -> str:
    """Return the level that the signature was made to, by what is there and not by what is trusted."""
    if not (time.has_stamp or time.has_archive):
        return "-B-B"
    made_at = time.proven or judgement.signed_at
    until = verdict.inside_until
    is_covered = until is not None and (made_at is None or until >= made_at)
    if not (is_covered and time.has_evidence_inside):
        return "-B-T"
    return "-B-LTA" if time.has_archive else "-B-LT"
