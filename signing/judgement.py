"""How findings about one signature become its verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Literal

from signing.reasons import Reason, of_sub_indication
from signing.report import Facets, FacetState, Kept, SignatureReport, Verdict, Wanted, earliest
from signing.report import Warning as ReportWarning
from signing.sentences import sentences

Facet = Literal["integrity", "coverage", "changes", "identity", "trust", "time"]

# EN 319 102-1 table 5: everything else that is not a pass is INDETERMINATE.
_FAILURES = {"FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "REVOKED", "NOT_YET_VALID"}

# Nothing was found against the facet: there was nobody or nothing to ask, or what was asked can no longer
# tell. GENERIC says that too, and real findings as well: there the reason decides.
_OPEN = {
    "TRY_LATER",
    "CRYPTO_CONSTRAINTS_FAILURE",
    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
    "SIGNED_DATA_NOT_FOUND",
}

_FACETS: dict[str, Facet] = {
    "FORMAT_FAILURE": "integrity",
    "HASH_FAILURE": "integrity",
    "SIG_CRYPTO_FAILURE": "integrity",
    "CRYPTO_CONSTRAINTS_FAILURE": "integrity",
    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE": "integrity",
    "SIGNED_DATA_NOT_FOUND": "integrity",
    "NO_SIGNING_CERTIFICATE_FOUND": "identity",
    "CHAIN_CONSTRAINTS_FAILURE": "identity",
    "OUT_OF_BOUNDS_NO_POE": "time",
    "NO_POE": "time",
    "NOT_YET_VALID": "time",
}


@dataclass(slots=True)
class Judgement:
    """What was found about one signature so far; nothing found means passed."""

    field: str = ""
    facets: Facets = dataclass_field(default_factory=Facets)
    verdict: Verdict = Verdict.TOTAL_PASSED
    sub_indication: str | None = None
    reasons: list[Reason] = dataclass_field(default_factory=list)
    warnings: list[ReportWarning] = dataclass_field(default_factory=list)
    signer: str | None = None
    organisation: str | None = None
    signed_at: datetime | None = None
    signed_at_proven: bool = False
    is_followed: bool = False
    """Whether further signatures or seals were added after it."""
    level: str = ""
    role: str = ""
    agency: str | None = None
    domain: str = ""
    evidence: list[Kept] = dataclass_field(default_factory=list)
    wanted: list[Wanted] = dataclass_field(default_factory=list)
    holds_until: datetime | None = None
    """When the first of what was found may be found otherwise; None when no such moment is known."""

    @classmethod
    def of(cls, report: SignatureReport) -> Judgement:
        """Return the judgement that a report tells of, for what is found later."""
        told = zip(report.codes, report.reasons, report.reasons_vi, report.details, strict=True)
        return cls(
            field=report.field,
            facets=report.facets,
            verdict=report.indication,
            sub_indication=report.sub_indication,
            reasons=[
                Reason(code, english, vietnamese, detail=about) for code, english, vietnamese, about in told
            ],
            signer=report.signer,
            organisation=report.organisation,
            signed_at=report.signed_at,
            signed_at_proven=report.signed_at_proven,
            level=report.level,
            role=report.role,
            agency=report.agency,
            domain=report.domain,
        )

    def hold_until(self, moment: datetime | None) -> None:
        """Note that what was found may be found otherwise from a moment on."""
        self.holds_until = earliest((self.holds_until, moment))

    def fine(self, *facets: Facet) -> None:
        """Mark facets as good, unless something was found against them already."""
        unknown = [facet for facet in facets if getattr(self.facets, facet) is FacetState.UNKNOWN]
        if unknown:
            self.facets = replace(self.facets, **dict.fromkeys(unknown, FacetState.OK))

    def against(
        self, sub_indication: str, reason: Reason | None = None, *, facet: Facet | None = None
    ) -> None:
        """Record a finding: its EN 319 102-1 sub-indication and the reason that a person reads.

        The verdict gets worse by it or stays; the first finding of the worst verdict names it, and its reason
        comes before all others.
        """
        failed = sub_indication in _FAILURES
        reason = reason or of_sub_indication(sub_indication)
        is_open = sub_indication in _OPEN or (reason.is_open and not failed)
        self._mark(facet or _FACETS.get(sub_indication, "trust"), is_open=is_open)
        decides = self.verdict is Verdict.TOTAL_PASSED or (failed and self.verdict is Verdict.INDETERMINATE)
        self.reasons.insert(0 if decides else len(self.reasons), reason)
        if decides:
            self.verdict = Verdict.TOTAL_FAILED if failed else Verdict.INDETERMINATE
            self.sub_indication = sub_indication

    def _mark(self, facet: Facet, *, is_open: bool) -> None:
        if not is_open:
            self.facets = replace(self.facets, **{facet: FacetState.FAILED})
        elif getattr(self.facets, facet) is FacetState.OK:
            self.facets = replace(self.facets, **{facet: FacetState.UNKNOWN})

    def report(self) -> SignatureReport:
        """Return the verdict on the signature."""
        is_good_stamp = self.role == "time-stamp" and self.verdict is Verdict.TOTAL_PASSED
        signed_at_proven = self.signed_at_proven or is_good_stamp
        vietnamese, english = sentences(
            self.verdict,
            self.reasons,
            signer=self.signer,
            organisation=self.organisation,
            at=self.signed_at,
            role=self.role,
            at_is_proven=signed_at_proven,
            is_followed=self.is_followed,
        )
        return SignatureReport(
            field=self.field,
            indication=self.verdict,
            sub_indication=self.sub_indication,
            signer=self.signer,
            organisation=self.organisation,
            signed_at=self.signed_at,
            facets=self.facets,
            reasons=tuple(reason.en for reason in self.reasons),
            level=self.level,
            role=self.role,
            agency=self.agency,
            domain=self.domain,
            codes=tuple(reason.code for reason in self.reasons),
            reasons_vi=tuple(reason.vi for reason in self.reasons),
            sentence_vi=vietnamese,
            sentence_en=english,
            signed_at_proven=signed_at_proven,
            details=tuple(reason.detail for reason in self.reasons),
        )
