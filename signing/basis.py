"""By what a file is judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signing.evidence import NOTHING, EvidenceStore
from signing.trust import TrustStore

POLICY_VERSION = "1"
"""Goes up with every change of the rules that can change a verdict: kept verdicts name it."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Whom to trust, the moment, and the evidence at hand beside what the file carries."""

    trust: TrustStore
    at: datetime
    store: EvidenceStore = NOTHING
    looks: bool = True
    """Whether to look at what a file shows: to scan it for what nobody sees, and to draw it where revisions
    are compared. Both run a large parser of other hands over it, which some files are made to break; without
    them a report says `not-scanned`, and what would have to be drawn is INDETERMINATE."""
