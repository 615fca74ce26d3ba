"""How findings about one signature become its verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Literal

from signing.reasons import Reason, of_sub_indication
from signing.report import Facets, FacetState, Kept, SignatureReport, Verdict, Wanted
from signing.report import Warning as ReportWarning
from signing.sentences import sentences

Facet = Literal["integrity", "coverage", "changes", "identity", "trust", "time"]

# EN 319 102-1 table 5: everything else that is not a pass is INDETERMINATE.
_FAILURES = {"FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "REVOKED", "NOT_YET_VALID"}

# Nothing was found against the facet: there was nobody to ask, or what was asked can no longer tell.
_OPEN = {"TRY_LATER", "CRYPTO_CONSTRAINTS_FAILURE", "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"}

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
    level: str = ""
    role: str = ""
    agency: str | None = None
    domain: str = ""
    evidence: list[Kept] = dataclass_field(default_factory=list)
    wanted: list[Wanted] = dataclass_field(default_factory=list)

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
        if sub_indication not in _OPEN:
            marked = facet or _FACETS.get(sub_indication, "trust")
            self.facets = replace(self.facets, **{marked: FacetState.FAILED})
        decides = self.verdict is Verdict.TOTAL_PASSED or (failed and self.verdict is Verdict.INDETERMINATE)
        self.reasons.insert(0 if decides else len(self.reasons), reason or of_sub_indication(sub_indication))
        if decides:
            self.verdict = Verdict.TOTAL_FAILED if failed else Verdict.INDETERMINATE
            self.sub_indication = sub_indication

    def report(self) -> SignatureReport:
        """Return the verdict on the signature."""
        vietnamese, english = sentences(
            self.verdict,
            self.reasons,
            signer=self.signer,
            organisation=self.organisation,
            at=self.signed_at,
            role=self.role,
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
        )
