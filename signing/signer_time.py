"""When a signature is proven to have existed: its time-stamps, each judged like a signature of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from signing.basis import Basis
from signing.chain.certificates import read_certificate
from signing.chain.judge import ChainVerdict, Purpose, judge_chain
from signing.cms.facts import Signer, Stamp
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
    "Dấu thời gian của chữ ký ghi thời điểm chưa đến.",
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

    The newest is judged by today. An older one that today is too late for is judged by the moment that a
    newer one proves (EN 319 102-1 §5.6): without a newer one, an authority whose certificate has expired or
    was revoked proves nothing any more.
    """
    trial = _Trial(basis, evidence, judgement)
    latest = basis.at
    archives = [proof for proof in proofs if trial.is_whole(proof)]
    for proof in sorted(archives, key=lambda each: each.generated_at, reverse=True):
        if trial.verdict(proof, at=latest).is_good:
            latest = min(latest, proof.generated_at)
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
        """Return a signature time-stamp that is whole; record one that is not as a finding."""
        try:
            stamp = read_stamp(token, stamped=signer.value)
        except Refused:
            self.judgement.against("GENERIC", STAMP_BROKEN, facet="time")
            return None
        if not (stamp.has_imprint and stamp.signer.is_intact and stamp.signer.is_genuine):
            self.judgement.against("GENERIC", STAMP_BROKEN, facet="time")
            return None
        if self._is_from_the_future(stamp):
            return None
        self.judgement.evidence.append(Kept("time-stamp", hashlib.sha256(token).hexdigest(), "file"))
        return stamp

    def is_whole(self, proof: Stamp) -> bool:
        """Return whether a document time-stamp is one; record that it is not, mostly as a warning."""
        if proof.has_imprint and proof.signer.is_intact and proof.signer.is_genuine:
            return not self._is_from_the_future(proof)
        self._warn("a document time-stamp is broken or forged")
        return False

    def _is_from_the_future(self, stamp: Stamp) -> bool:
        """Return whether whoever made a time-stamp lied about the time; record it as a finding."""
        if stamp.generated_at <= self.basis.at + SKEW:
            return False
        self.judgement.against("GENERIC", STAMP_FROM_THE_FUTURE, facet="time")
        return True

    def verdict(self, stamp: Stamp, *, at: datetime) -> ChainVerdict:
        """Return the verdict on a time-stamp's authority: today, or else at an earlier, proven moment."""
        problem = self._problem(stamp, at=at)
        if problem:
            self._warn(problem)
            return ChainVerdict("GENERIC")
        verdict = self._chain(stamp, at=self.basis.at)
        if not verdict.is_good and at < self.basis.at:
            verdict = self._chain(stamp, at=at)
        if verdict.is_good and not _was_valid(verdict, stamp.generated_at):
            verdict = ChainVerdict("OUT_OF_BOUNDS_NO_POE")
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

    def _chain(self, stamp: Stamp, *, at: datetime) -> ChainVerdict:
        evidence = stamp.signer.evidence + self.evidence
        return judge_chain(
            stamp.signer.certificate,
            pool=evidence.certificates,
            basis=self.basis,
            evidence=evidence,
            at=at,
            purpose=Purpose.TIME_STAMP,
        )

    def _warn(self, detail: str) -> None:
        self.judgement.warnings.append(ReportWarning("time-stamp-not-trusted", detail))


def _was_valid(verdict: ChainVerdict, at: datetime) -> bool:
    authority = read_certificate(verdict.path[0])
    return authority.not_before <= at <= authority.not_after
