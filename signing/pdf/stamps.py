"""Document time-stamps: everything before one is proven to have existed when it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from signing.basis import Basis
from signing.chain.judge import ChainVerdict, Purpose, judge_chain
from signing.cms.facts import Stamp
from signing.evidence import Evidence
from signing.judgement import Judgement
from signing.names import names_of


@dataclass(frozen=True, slots=True)
class DocumentStamp:
    """A document time-stamp whose form is in order, not yet trusted."""

    end: int
    """Up to which byte it covers the file."""
    stamp: Stamp


def judge_document_stamp(
    made: DocumentStamp,
    *,
    basis: Basis,
    evidence: Evidence,
    judgement: Judgement,
    later: Sequence[DocumentStamp] = (),
) -> None:
    """Record the verdict on a document time-stamp.

    Its authority has to hold today, or when a later time-stamp proves that it existed.
    """
    stamp = made.stamp
    judgement.signed_at = stamp.generated_at
    judgement.signer, judgement.organisation = names_of(stamp.signer.certificate)
    if not (stamp.signer.is_intact and stamp.has_imprint):
        judgement.against("HASH_FAILURE")
    if not stamp.signer.is_genuine:
        judgement.against("SIG_CRYPTO_FAILURE")
    if stamp.signer.is_weak:
        judgement.against("CRYPTO_CONSTRAINTS_FAILURE_NO_POE")
    judgement.fine("integrity")
    moments = [basis.at, *(each.stamp.generated_at for each in later if _holds(each, basis, evidence))]
    verdicts = [_chain(stamp, basis=basis, evidence=evidence, at=moment) for moment in moments]
    verdict = next((each for each in verdicts if each.is_good), verdicts[0])
    judgement.evidence += verdict.evidence
    judgement.wanted += verdict.wanted
    judgement.warnings += verdict.warnings
    judgement.domain = verdict.domain.name if verdict.domain else ""
    if verdict.sub_indication is not None:
        judgement.against(verdict.sub_indication, verdict.reason)
        return
    judgement.fine("identity", "trust", "time")


def _chain(stamp: Stamp, *, basis: Basis, evidence: Evidence, at: datetime) -> ChainVerdict:
    together = evidence + stamp.signer.evidence
    return judge_chain(
        stamp.signer.certificate,
        pool=together.certificates,
        basis=basis,
        evidence=together,
        at=at,
        purpose=Purpose.TIME_STAMP,
    )


def _holds(made: DocumentStamp, basis: Basis, evidence: Evidence) -> bool:
    signer = made.stamp.signer
    is_sound = signer.is_intact and signer.is_genuine and made.stamp.has_imprint and not signer.is_weak
    return is_sound and _chain(made.stamp, basis=basis, evidence=evidence, at=basis.at).is_good
