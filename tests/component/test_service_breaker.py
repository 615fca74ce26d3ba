from __future__ import annotations

from datetime import timedelta

from gateway.domain.model import AgencyCode
from gateway.service.breaker import Breaker
from tests.support.exchange_samples import NOW

DEAD, ALIVE = AgencyCode("H26.01"), AgencyCode("H26.02")
WAIT = timedelta(minutes=1)


def breaker_after(*outcomes: bool) -> Breaker:
    breaker = Breaker(failures=3, wait=WAIT)
    for ok in outcomes:
        breaker.note(DEAD, ok=ok, now=NOW)
    return breaker


def test_agency_nobody_has_tried_may_be_tried() -> None:
    assert breaker_after().open_until(DEAD, now=NOW) is None


def test_circuit_opens_after_the_last_failure_allowed() -> None:
    assert breaker_after(False, False).open_until(DEAD, now=NOW) is None
    assert breaker_after(False, False, False).open_until(DEAD, now=NOW) == NOW + WAIT


def test_success_in_between_starts_the_count_again() -> None:
    assert breaker_after(False, False, True, False, False).open_until(DEAD, now=NOW) is None


def test_other_agencies_are_not_touched() -> None:
    breaker = breaker_after(False, False, False)
    assert breaker.open_until(ALIVE, now=NOW) is None
    assert breaker.open_count(now=NOW) == 1


def test_after_the_wait_one_failure_opens_the_circuit_again() -> None:
    breaker = breaker_after(False, False, False)
    later = NOW + WAIT
    assert breaker.open_until(DEAD, now=later) is None
    breaker.note(DEAD, ok=False, now=later)
    assert breaker.open_until(DEAD, now=later) == later + WAIT


def test_after_the_wait_one_success_closes_the_circuit() -> None:
    breaker = breaker_after(False, False, False)
    breaker.note(DEAD, ok=True, now=NOW + WAIT)
    breaker.note(DEAD, ok=False, now=NOW + WAIT)
    assert breaker.open_until(DEAD, now=NOW + WAIT) is None
    assert breaker.open_count(now=NOW) == 0
