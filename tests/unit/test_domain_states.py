from __future__ import annotations

from itertools import product

import pytest

from gateway.domain.errors import IllegalTransition
from gateway.domain.states import MOVES, OPEN_STATES, DeliveryState, check_move

S = DeliveryState
FINAL = {S.DELIVERED, S.REFUSED, S.EXPIRED, S.RECALLED}
ALLOWED = {
    *product({S.QUEUED, S.OFFERED, S.PARKED}, FINAL),
    (S.QUEUED, S.QUEUED),
    (S.QUEUED, S.OFFERED),
    (S.QUEUED, S.PARKED),
    (S.OFFERED, S.QUEUED),
    (S.PARKED, S.QUEUED),
}


@pytest.mark.parametrize(("before", "after"), sorted(ALLOWED))
def test_delivery_may_move_as_the_design_says(before: DeliveryState, after: DeliveryState) -> None:
    check_move(before, after)


@pytest.mark.parametrize(("before", "after"), sorted(set(product(S, S)) - ALLOWED))
def test_every_other_move_is_refused(before: DeliveryState, after: DeliveryState) -> None:
    with pytest.raises(IllegalTransition, match=f"is {before}.*become {after}"):
        check_move(before, after)


def test_table_knows_every_state() -> None:
    assert set(MOVES) == set(S)


def test_state_is_either_open_or_final() -> None:
    assert {state for state in S if state.is_final} == FINAL == set(S) - OPEN_STATES
