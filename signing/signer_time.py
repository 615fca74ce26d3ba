"""When a signature is proven to have existed: its time-stamps, each judged like a signature of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from signing.basis import Basis
from signing.chain.certificates import read_certificate
from signing.chain.judge import ChainVerdict, Purpose, judge_chain
from signing.cms.facts import Signer, Stamp
from signing.cms.reasons import NO_AUTHORITY
from signing.cms.time_stamp import read_stamp
from signing.evidence import Evidence
from signing.judgement import Judgement
from signing.reasons import Reason, Refused
from signing.report import Kept
from signing.report import Warning as ReportWarning
from signing.revocation.standing import SKEW

STAMP_BROKEN = Reason(
    "time-stamp-broken",
    "The time-stamp of the signature is broken or forged.",
    "Dấu thời gian của chữ ký bị hỏng hoặc giả mạo.",
)
STAMP_FROM_THE_FUTURE = Reason(
    "time-stamp-from-the-future",
    "The time-stamp of the signature says a time that has not come yet.",
    "Dấu thời gian của chữ ký ghi một thời điểm trong tương lai.",
)

_MAX_STAMPS = 20


@dataclass(frozen=True, slots=True)
class Time:
    """What the time-stamps of a signature prove."""

    proven: datetime | None = None
    """The earliest moment at which the signature is proven to have existed."""
    has_stamp: bool = False
    """Whether it has a time-stamp that belongs to it, whoever gave it."""
    has_archive: bool = False
    """Whether a document time-stamp covers it, whoever gave it."""
    has_evidence_inside: bool = True
    """Whether the file carries the answers about the authorities of its signature time-stamps."""


def judge_time(
    signer: Signer, *, basis: Basis, evidence: Evidence, judgement: Judgement, proofs: Sequence[Stamp] = ()
) -> Time:
    """Return what is proven about the time of a signature; a time-stamp that proves nothing is recorded.

    A time-stamp that another covers is judged by the moment which that one proves, when today is too late for
    it (EN 319 102-1 §5.6). All others are judged by today alone: an authority whose certificate has expired
    or was revoked proves nothing any more, whatever time it claims. The time-stamps of the signature itself
    are covered by those of the document, and not by each other.

    Args:
        signer: Whose time-stamps are judged.
        basis: Whom to trust, the present, and the evidence store.
        evidence: What came with the file.
        judgement: Gets the findings.
        proofs: The document time-stamps that cover the signature, each covered by all after it.
    """
    trial = _Trial(basis, evidence, judgement)
    archives = trial.whole(proofs)
    latest = trial.proven_by(archives)
    stamps = [stamp for token in trial.looked_at(signer) if (stamp := trial.own_stamp(token, signer))]
    verdicts = [(stamp, trial.verdict(stamp, at=latest)) for stamp in stamps]
    trusted = [stamp.generated_at for stamp, verdict in verdicts if verdict.is_good]
    earliest = min((latest, *trusted))
    return Time(
        proven=earliest if earliest < basis.at else None,
        has_stamp=bool(stamps),
        has_archive=bool(archives),
        has_evidence_inside=all(
            verdict.inside_until is not None or not verdict.declares_revocation for _, verdict in verdicts
        ),
    )


def proven_by(proofs: Sequence[Stamp], *, basis: Basis, evidence: Evidence, judgement: Judgement) -> datetime:
    """Return the earliest moment that document time-stamps prove; the present when they prove none.

    Args:
        proofs: Each covered by all after it.
        basis: Whom to trust, the present, and the evidence store.
        evidence: What came with the file.
        judgement: Gets what is found against them.
    """
    trial = _Trial(basis, evidence, judgement)
    return trial.proven_by(trial.whole(proofs))


@dataclass(frozen=True, slots=True)
class _Trial:
    """By what time-stamps are judged, and where it is recorded."""

    basis: Basis
    evidence: Evidence
    judgement: Judgement

    def looked_at(self, signer: Signer) -> tuple[bytes, ...]:
        """Return the signature time-stamps, not more than a signature could need."""
        if len(signer.time_stamps) > _MAX_STAMPS:
            self._warn("there are more time-stamps than are looked at")
        return signer.time_stamps[:_MAX_STAMPS]

    def own_stamp(self, token: bytes, signer: Signer) -> Stamp | None:
        """Return a signature time-stamp that is whole; record one that is not as a finding.

        Raises:
            Refused: The file has taken too long.
        """
        self.basis.demand_time()
        known = (*self.evidence.certificates, *self.basis.trust.certificates.values())
        try:
            stamp = read_stamp(token, stamped=signer.value, at_hand=known)
        except Refused as refused:
            if refused.reason is NO_AUTHORITY:  # proves nothing, like one of an authority that is not trusted
                self._warn(refused.reason.en)
            else:
                self.judgement.against("GENERIC", STAMP_BROKEN, facet="time")
            return None
        if not (stamp.has_imprint and stamp.signer.is_intact and stamp.signer.is_genuine):
            self.judgement.against("GENERIC", STAMP_BROKEN, facet="time")
            return None
        if self._is_from_the_future(stamp):
            return None
        self.judgement.evidence.append(Kept("time-stamp", hashlib.sha256(token).hexdigest(), "file"))
        return stamp

    def whole(self, proofs: Sequence[Stamp]) -> list[Stamp]:
        """Return the document time-stamps that are ones, whoever gave them, in the same order."""
        return [proof for proof in proofs if self._is_whole(proof)]

    def proven_by(self, archives: Sequence[Stamp]) -> datetime:
        """Return the earliest moment that whole document time-stamps prove, each covered by all after it."""
        proven = self.basis.at
        for archive in reversed(archives):  # the time it claims says nothing about what covers it
            if self.verdict(archive, at=proven).is_good:
                proven = min(proven, archive.generated_at)
        return proven

    def _is_whole(self, proof: Stamp) -> bool:
        """Return whether a document time-stamp is one; record that it is not, mostly as a warning."""
        if proof.has_imprint and proof.signer.is_intact and proof.signer.is_genuine:
            return not self._is_from_the_future(proof)
        self._warn("a document time-stamp is broken or forged")
        return False

    def _is_from_the_future(self, stamp: Stamp) -> bool:
        """Return whether whoever made a time-stamp lied about the time; record it as a finding."""
        if not is_from_the_future(stamp, self.basis):
            return False
        self.judgement.against("GENERIC", STAMP_FROM_THE_FUTURE, facet="time")
        self.judgement.hold_until(stamp.generated_at - SKEW)
        return True

    def verdict(self, stamp: Stamp, *, at: datetime) -> ChainVerdict:
        """Return the verdict on a time-stamp's authority: today, or else at an earlier, proven moment."""
        problem = self._problem(stamp, at=at)
        if problem:
            self._warn(problem)
            return ChainVerdict("GENERIC")
        verdict = judge_authority(stamp, basis=self.basis, evidence=self.evidence, at=at)
        self.judgement.hold_until(verdict.holds_until)
        if verdict.is_good:
            self.judgement.evidence += verdict.evidence
            return verdict
        self._warn(f"the time-stamping authority is not trusted ({verdict.sub_indication})")
        self.judgement.wanted += verdict.wanted
        return verdict

    def _problem(self, stamp: Stamp, *, at: datetime) -> str:
        if stamp.signer.is_weak:
            return "a time-stamp uses an algorithm or key that is too weak"
        if not stamp.signer.is_bound:
            return "a time-stamp does not name the certificate of its authority"
        if stamp.generated_at > at + SKEW:
            return "a time-stamp is later than another one that covers it"
        return ""

    def _warn(self, detail: str) -> None:
        self.judgement.warnings.append(ReportWarning("time-stamp-not-trusted", detail))


def is_from_the_future(stamp: Stamp, basis: Basis) -> bool:
    """Return whether a time-stamp says a time that has not come yet."""
    return stamp.generated_at > basis.at + SKEW


def judge_authority(stamp: Stamp, *, basis: Basis, evidence: Evidence, at: datetime) -> ChainVerdict:
    """Return the verdict on a time-stamp's authority: today, or else at an earlier, proven moment."""
    verdict = _chain(stamp, basis=basis, evidence=evidence, at=basis.at)
    if not verdict.is_good and at < basis.at:
        verdict = _chain(stamp, basis=basis, evidence=evidence, at=at).beside(verdict)
    if verdict.is_good and not _was_valid(verdict, stamp.generated_at):
        return replace(verdict, sub_indication="OUT_OF_BOUNDS_NO_POE")
    return verdict


def _chain(stamp: Stamp, *, basis: Basis, evidence: Evidence, at: datetime) -> ChainVerdict:
    together = stamp.signer.evidence + evidence
    return judge_chain(
        stamp.signer.certificate,
        pool=together.certificates,
        basis=basis,
        evidence=together,
        at=at,
        purpose=Purpose.TIME_STAMP,
    )


def _was_valid(verdict: ChainVerdict, at: datetime) -> bool:
    authority = read_certificate(verdict.path[0])
    return authority.not_before <= at <= authority.not_after
