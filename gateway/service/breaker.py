"""A dead agency delays nobody: after some failures in a row it is left alone for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.domain.model import AgencyCode


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: datetime | None = None


@dataclass(slots=True)
class Breaker:
    """One circuit per agency, in this worker. After `failures` in a row it opens for `wait`; then one
    delivery may try, and its outcome closes the circuit or opens it again."""

    failures: int
    wait: timedelta
    _circuits: dict[AgencyCode, _Circuit] = field(default_factory=dict)

    def open_until(self, agency: AgencyCode, *, now: datetime) -> datetime | None:
        """Return until when the agency is left alone, None when it may be tried."""
        circuit = self._circuits.get(agency)
        if circuit is None or circuit.open_until is None or circuit.open_until <= now:
            return None
        return circuit.open_until

    def note(self, agency: AgencyCode, *, ok: bool, now: datetime) -> None:
        """Count the outcome of an attempt."""
        if ok:
            self._circuits.pop(agency, None)
            return
        circuit = self._circuits.setdefault(agency, _Circuit())
        circuit.failures += 1
        if circuit.failures >= self.failures:
            circuit.open_until = now + self.wait

    def open_count(self, *, now: datetime) -> int:
        """Return how many agencies are left alone at present."""
        return sum(1 for agency in self._circuits if self.open_until(agency, now=now))
