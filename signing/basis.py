"""By what a file is judged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from signing.effort import Effort
from signing.evidence import NOTHING, EvidenceStore
from signing.trust import TrustStore

POLICY_VERSION = "2"
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
    effort: Effort | None = field(default=None, compare=False)
    """What the file may still cost; without a file each chain has a budget of its own."""

    def for_one_file(self) -> Basis:
        """Return the same with the budget of a file, none of it spent."""
        return replace(self, effort=Effort())

    def demand_time(self) -> None:
        """Pass while the file may cost more.

        Raises:
            Refused: It has taken too long.
        """
        if self.effort is not None:
            self.effort.demand_time()
