"""How findings about one signature become its verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Literal

from signing.report import Facets, FacetState, SignatureReport, Verdict
from signing.report import Warning as ReportWarning

Facet = Literal["integrity", "coverage", "changes", "identity", "trust", "time"]

# EN 319 102-1 table 5: everything else that is not a pass is INDETERMINATE.
_FAILURES = {"FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "REVOKED", "NOT_YET_VALID"}

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

_REASONS = {
    "HASH_FAILURE": "The document was altered after it was signed.",
    "SIG_CRYPTO_FAILURE": "The signature value does not belong to the signer's certificate.",
    "CRYPTO_CONSTRAINTS_FAILURE": "The signature uses an algorithm or key that is too weak.",
    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE": "The signature uses an algorithm or key that is too weak.",
    "NO_SIGNING_CERTIFICATE_FOUND": "The signer's certificate is missing or is not the one that was signed.",
    "NO_CERTIFICATE_CHAIN_FOUND": "The signer's certificate does not lead to a trusted root.",
    "CERTIFICATE_CHAIN_GENERAL_FAILURE": "The chain from the certificate to a trusted root is faulty.",
    "CHAIN_CONSTRAINTS_FAILURE": "The signer's certificate is not meant for signing documents.",
    "OUT_OF_BOUNDS_NO_POE": "The signer's certificate is not valid at this time, and no time-stamp proves "
    "that the document was signed while it was.",
    "REVOKED": "The signer's certificate was revoked before the document was signed.",
    "REVOKED_NO_POE": "The signer's certificate is revoked, and no time-stamp proves that the document was "
    "signed before.",
    "REVOKED_CA_NO_POE": "A certificate above the signer's is revoked.",
    "TRY_LATER": "The revocation evidence inside the document is out of date.",
}


@dataclass(slots=True)
class Judgement:
    """What was found about one signature so far; nothing found means passed."""

    field: str = ""
    facets: Facets = dataclass_field(default_factory=Facets)
    verdict: Verdict = Verdict.TOTAL_PASSED
    sub_indication: str | None = None
    reasons: list[str] = dataclass_field(default_factory=list)
    warnings: list[ReportWarning] = dataclass_field(default_factory=list)
    signer: str | None = None
    organisation: str | None = None
    signed_at: datetime | None = None

    def fine(self, *facets: Facet) -> None:
        """Mark facets as good, unless something was found against them already."""
        for facet in facets:
            if getattr(self.facets, facet) is FacetState.UNKNOWN:
                self._mark(facet, FacetState.OK)

    def against(self, sub_indication: str, reason: str | None = None, *, facet: Facet | None = None) -> None:
        """Record a finding: its EN 319 102-1 sub-indication and a plain sentence.

        The verdict gets worse by it or stays; the first finding of the worst verdict names it.
        """
        failed = sub_indication in _FAILURES
        self._mark(facet or _FACETS.get(sub_indication, "trust"), FacetState.FAILED)
        self.reasons.append(reason or _REASONS.get(sub_indication, "The signature could not be judged."))
        if self.verdict is Verdict.TOTAL_PASSED or (failed and self.verdict is Verdict.INDETERMINATE):
            self.verdict = Verdict.TOTAL_FAILED if failed else Verdict.INDETERMINATE
            self.sub_indication = sub_indication

    def report(self) -> SignatureReport:
        """Return the verdict on the signature."""
        return SignatureReport(
            field=self.field,
            indication=self.verdict,
            sub_indication=self.sub_indication,
            signer=self.signer,
            organisation=self.organisation,
            signed_at=self.signed_at,
            facets=self.facets,
            reasons=tuple(self.reasons),
        )

    def _mark(self, facet: Facet, state: FacetState) -> None:
        self.facets = replace(self.facets, **{facet: state})
