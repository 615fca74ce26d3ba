"""The verdict on a file's signatures: values only, no engine behind them.

Names and values follow ETSI EN 319 102-1 (indication, sub-indication).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signing.warning_sentences import WARNING_SENTENCES

BAD_CONTAINER = "bad-container"
"""The warning about a file that is judged, and not to be kept: it is cut off, or two files in one."""


class Verdict(StrEnum):
    """What is said of a whole file; the worst signature wins."""

    TOTAL_PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL-FAILED"
    UNSIGNED = "UNSIGNED"


class FacetState(StrEnum):
    """Whether one facet of a signature is good."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Facets:
    """The six questions asked of every signature."""

    integrity: FacetState = FacetState.UNKNOWN
    coverage: FacetState = FacetState.UNKNOWN
    changes: FacetState = FacetState.UNKNOWN
    identity: FacetState = FacetState.UNKNOWN
    trust: FacetState = FacetState.UNKNOWN
    time: FacetState = FacetState.UNKNOWN


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """The verdict on one signature, with the plain reasons for it."""

    field: str
    indication: Verdict
    sub_indication: str | None
    signer: str | None
    organisation: str | None
    signed_at: datetime | None
    facets: Facets
    reasons: tuple[str, ...] = ()
    level: str = ""
    """As the signature was made, not as it was judged: `PAdES-B-LT`, `CAdES-B-B`, `XAdES-B-B`, `PKCS7`, …"""
    role: str = ""
    """`person`, `seal` or `time-stamp`, where it is known."""
    agency: str | None = None
    """Whose seal it is, where the trust domain says so: the agency's code."""
    domain: str = ""
    """The trust domain that the chain leads to."""
    codes: tuple[str, ...] = ()
    """A stable code for each of `reasons`."""
    reasons_vi: tuple[str, ...] = ()
    sentence_vi: str = ""
    sentence_en: str = ""
    signed_at_proven: bool = False
    """Whether a trusted time-stamp says `signed_at`; else it is what the signer's own clock said."""
    details: tuple[str, ...] = ()
    """For whoever looks into it: of each of `reasons` what its sentence may have no room for, often empty."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A piece of evidence that a verdict rests on, so that it can be judged again years later.

    `source` is where its bytes are: `file` (in the signed file itself), `trust` (in that version of the trust
    folder) or `store` (fetched or imported, in the evidence store).
    """

    kind: str
    """`certificate`, `crl`, `ocsp` or `time-stamp`."""
    sha256: str
    source: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Evidence that would have settled a question and was not at hand: what to fetch, and from where."""

    kind: str
    """`ocsp`, `crl` or `issuer` (a certificate that is missing in the chain)."""
    key: str
    """Under which the answer is to be put in the evidence store."""
    urls: tuple[str, ...]
    request: bytes = b""
    """What to post, in DER; empty: to get."""
    about: tuple[bytes, ...] = ()
    """Of a statement about revocation, in DER: the certificate it has to be about, the one of its issuer, and
    those of the issuer's other keys."""


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the field's word; imported under another name
    """Something a reader should know that does not change the verdict."""

    code: str
    detail: str = ""
    """In English, for whoever looks into it: what and where."""

    @property
    def sentence_vi(self) -> str:
        """What a clerk reads; `detail` when nobody knows the code."""
        known = WARNING_SENTENCES.get(self.code)
        return known.vi if known else self.detail


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """The verdict on one file: `verdict` is the worst of its signatures', or UNSIGNED."""

    verdict: Verdict
    signatures: tuple[SignatureReport, ...] = ()
    warnings: tuple[Warning, ...] = ()
    kind: str = ""
    """Of the file: `pdf`, `cms`, `xml` or `edxml`."""
    trust_version: str = ""
    policy_version: str = ""
    evidence: tuple[Kept, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    holds_until: datetime | None = None
    """When the first of the certificates and answers it rests on ends; None when none is known to."""

    @staticmethod
    def unsigned() -> VerificationReport:
        """Return the verdict on a file without signatures."""
        return VerificationReport(Verdict.UNSIGNED)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return every reason of every signature, in order."""
        return tuple(reason for signature in self.signatures for reason in signature.reasons)


_SEVERITY = {Verdict.TOTAL_PASSED: 0, Verdict.INDETERMINATE: 1, Verdict.TOTAL_FAILED: 2}


def worst(signatures: tuple[SignatureReport, ...]) -> Verdict:
    """Return the verdict of a file with these signatures."""
    if not signatures:
        return Verdict.UNSIGNED
    return max((signature.indication for signature in signatures), key=_SEVERITY.__getitem__)


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    """Return the first moment at which something ends; None when nothing does."""
    return min((moment for moment in moments if moment is not None), default=None)
