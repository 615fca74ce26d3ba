"""When to try again. Retries are rows with a `due_at`, never sleeps and never broker features."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta


def next_due(
    schedule: Sequence[timedelta],
    *,
    attempts: int,
    now: datetime,
    jitter: float,
    retry_after: timedelta | None = None,
) -> datetime | None:
    """Return when attempt number `attempts + 1` is due, or None when the schedule is used up.

    Args:
        schedule: The wait after the first, second, … failed attempt.
        attempts: How many attempts have failed, at least 1.
        now: The present moment.
        jitter: A random number in [0, 1); spreads waits over 90 to 110 % so that agencies that
            failed together do not come back together.
        retry_after: What the receiver asked for; honoured up to twice the scheduled wait.
    """
    if attempts > len(schedule):
        return None
    wait = schedule[attempts - 1]
    spread = wait * (0.9 + 0.2 * jitter)
    if retry_after is not None:
        spread = max(spread, min(retry_after, wait * 2))
    return now + spread


def in_steps(schedule: Sequence[timedelta], *, longest: timedelta) -> list[timedelta]:
    """Return the schedule with each wait above `longest` cut into even steps; it lasts as long as before.

    What waits first in an agency's line holds up all behind it, urgent documents too: an agency that comes
    back must be noticed within `longest`.
    """
    steps: list[timedelta] = []
    for wait in schedule:
        count = max(1, -(-wait // longest))
        steps += [wait / count] * count
    return steps
