"""Document time-stamps: everything before one is proven to have existed when it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signing.basis import Basis
from signing.cms.facts import Stamp
from signing.evidence import Evidence
from signing.judgement import Judgement
from signing.names import names_of
from signing.report import earliest
from signing.signer_time import STAMP_FROM_THE_FUTURE, is_from_the_future, judge_authority, proven_by


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

    Its authority has to hold today, or when a time-stamp over it proves that it existed.

    Args:
        made: The time-stamp.
        basis: Whom to trust, the present, and the evidence store.
        evidence: What came with the file.
        judgement: Gets the findings.
        later: The document time-stamps that cover it, each covered by all after it.
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
    if is_from_the_future(stamp, basis):
        judgement.against("GENERIC", STAMP_FROM_THE_FUTURE, facet="time")
    # What is to be said against the others is said of them.
    aside = Judgement()
    proven = proven_by([each.stamp for each in later], basis=basis, evidence=evidence, judgement=aside)
    verdict = judge_authority(stamp, basis=basis, evidence=evidence, at=proven)
    judgement.hold_until(earliest((verdict.holds_until, aside.holds_until)))
    judgement.evidence += verdict.evidence
    judgement.wanted += verdict.wanted
    judgement.warnings += verdict.warnings
    judgement.domain = verdict.domain.name if verdict.domain else ""
    if verdict.sub_indication is not None:
        judgement.against(verdict.sub_indication, verdict.reason)
        return
    judgement.fine("identity", "trust", "time")
