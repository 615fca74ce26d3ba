"""What judging one file may still cost."""

from __future__ import annotations

import time

from signing.faults import TOO_COSTLY
from signing.reasons import Refused

_MAX_SECONDS = 7.0
"""Of the processor, so that what else runs on the machine does not count."""
_MAX_STEPS = 50_000
_MAX_SIGNATURES = 1_000
"""Of certificates, by keys that strangers may have chosen to be slow: two milliseconds each."""


class Effort:
    """What may be spent on all signatures, time-stamps and certificates of a file together.

    A bag of certificates that sign each other has no end. What can be counted is counted, whether it is
    remembered from another file or not: the verdict should not depend on what was judged before, nor on the
    machine. The time only ends what nobody has thought of counting.
    """

    def __init__(self) -> None:
        """Start with all of it."""
        self._until = time.process_time() + _MAX_SECONDS
        self._steps = 0
        self._looked_at: set[tuple[str, str]] = set()

    def step(self) -> None:
        """Count one certificate that is compared with another.

        Raises:
            Refused: There were too many, or the time is up.
        """
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise _too_costly()
        self.demand_time()

    def signature(self, pair: tuple[str, str]) -> None:
        """Count one signature, of the first certificate by the second, each named by its digest.

        Raises:
            Refused: There were too many.
        """
        self._looked_at.add(pair)
        if len(self._looked_at) > _MAX_SIGNATURES:
            raise _too_costly()

    def demand_time(self) -> None:
        """Pass while there is time left.

        Raises:
            Refused: It is up.
        """
        if time.process_time() > self._until:
            raise _too_costly()


def _too_costly() -> Refused:
    return Refused(TOO_COSTLY, "GENERIC")
