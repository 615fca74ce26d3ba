from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.retry import in_steps, next_due
from tests.support.exchange_samples import NOW

MINUTE = timedelta(minutes=1)
SCHEDULE = [MINUTE, 5 * MINUTE, 60 * MINUTE]

waits = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=2))
jitters = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(("attempts", "wait"), list(enumerate(SCHEDULE, start=1)))
def test_each_failed_attempt_waits_as_the_schedule_says(attempts: int, wait: timedelta) -> None:
    assert next_due(SCHEDULE, attempts=attempts, now=NOW, jitter=0.5) == NOW + wait


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        ([], []),
        ([MINUTE, 15 * MINUTE], [MINUTE, 15 * MINUTE]),
        ([MINUTE, 30 * MINUTE], [MINUTE, 15 * MINUTE, 15 * MINUTE]),
        ([16 * MINUTE], [8 * MINUTE, 8 * MINUTE]),
    ],
)
def test_long_waits_are_gone_in_even_steps(schedule: list[timedelta], steps: list[timedelta]) -> None:
    assert in_steps(schedule, longest=15 * MINUTE) == steps


@given(schedule=st.lists(waits, max_size=12))
def test_steps_are_never_too_long_and_last_as_long_as_the_schedule(schedule: list[timedelta]) -> None:
    steps = in_steps(schedule, longest=15 * MINUTE)
    assert all(step <= 15 * MINUTE for step in steps)
    assert abs(sum(steps, timedelta()) - sum(schedule, timedelta())) < timedelta(seconds=1)


@pytest.mark.parametrize("attempts", [4, 5, 1000])
def test_used_up_schedule_has_no_next_attempt(attempts: int) -> None:
    assert next_due(SCHEDULE, attempts=attempts, now=NOW, jitter=0.5) is None


@given(wait=waits, jitter=jitters)
def test_jitter_stays_within_a_tenth(wait: timedelta, jitter: float) -> None:
    due_at = next_due([wait], attempts=1, now=NOW, jitter=jitter)
    assert due_at is not None
    assert 0.9 * wait <= due_at - NOW <= 1.1 * wait


@given(wait=waits, jitter=jitters, retry_after=st.timedeltas())
def test_retry_after_never_shortens_a_wait_nor_more_than_doubles_it(
    wait: timedelta, jitter: float, retry_after: timedelta
) -> None:
    due_at = next_due([wait], attempts=1, now=NOW, jitter=jitter, retry_after=retry_after)
    assert due_at is not None
    assert 0.9 * wait <= due_at - NOW <= 2.2 * wait


def test_retry_after_within_bounds_is_what_is_waited() -> None:
    due_at = next_due(SCHEDULE, attempts=1, now=NOW, jitter=0.5, retry_after=1.5 * MINUTE)
    assert due_at == NOW + 1.5 * MINUTE


def test_agencies_that_failed_together_do_not_come_back_together() -> None:
    due = {next_due(SCHEDULE, attempts=3, now=NOW, jitter=n / 100) for n in range(100)}
    assert len(due) == 100
