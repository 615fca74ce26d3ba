from __future__ import annotations

from itertools import product

import pytest

from gateway.domain.errors import IllegalTransition
from gateway.domain.states import (
    MOVES,
    OPEN_STATES,
    PROGRESS,
    BusinessStatus,
    ChangeKind,
    DeliveryState,
    Life,
    check_move,
)

S = DeliveryState
FINAL = {S.DELIVERED, S.REFUSED, S.EXPIRED, S.RECALLED}
ALLOWED = {
    *product({S.QUEUED, S.OFFERED, S.PARKED}, FINAL),
    (S.QUEUED, S.QUEUED),
    (S.QUEUED, S.OFFERED),
    (S.QUEUED, S.PARKED),
    (S.OFFERED, S.QUEUED),
    (S.OFFERED, S.PARKED),
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


# --- business status ---------------------------------------------------------------------------------

B = BusinessStatus
RECALL, UPDATE, REPLACE = ChangeKind
SAID_AFTER: dict[BusinessStatus | None, set[BusinessStatus]] = {
    None: {B.ARRIVED, B.REFUSED, B.RECEIVED, B.RECALL_ASKED},
    B.ARRIVED: {B.REFUSED, B.RECEIVED, B.RECALL_ASKED},
    B.REFUSED: set(),
    B.RECEIVED: {B.ASSIGNED, B.IN_PROGRESS, B.FINISHED, B.RECALL_ASKED},
    B.ASSIGNED: {B.ASSIGNED, B.IN_PROGRESS, B.FINISHED, B.RECALL_ASKED},
    B.IN_PROGRESS: {B.IN_PROGRESS, B.FINISHED, B.RECALL_ASKED},
    B.FINISHED: set(),
}
"""By hand, from the law and the field, against the table of the code."""
STAGES = tuple(SAID_AFTER)
EVERY = tuple(product(STAGES, B))
ORDINARY = [(stage, status) for stage, status in EVERY if status in SAID_AFTER[stage]]
ANSWER = {B.CHANGE_ACCEPTED, B.CHANGE_REFUSED}


def test_table_of_progress_is_the_one_written_by_hand() -> None:
    assert {stage: set(following) for stage, following in PROGRESS.items()} == SAID_AFTER


@pytest.mark.parametrize(("stage", "status"), ORDINARY)
def test_status_in_turn_is_where_the_document_stands_next(
    stage: BusinessStatus | None, status: BusinessStatus
) -> None:
    after = Life(stage).after(status)
    if status is B.RECALL_ASKED:
        assert after == Life(stage, asked=RECALL)
    else:
        assert after == Life(status)


@pytest.mark.parametrize(("stage", "status"), [each for each in EVERY if each not in ORDINARY])
def test_status_out_of_turn_is_refused(stage: BusinessStatus | None, status: BusinessStatus) -> None:
    with pytest.raises(IllegalTransition, match=f"Status {status} cannot follow"):
        Life(stage).after(status)


@pytest.mark.parametrize("change", ChangeKind)
@pytest.mark.parametrize(("stage", "status"), EVERY)
def test_work_goes_on_while_a_change_waits_and_only_then_it_is_answered(
    stage: BusinessStatus | None, status: BusinessStatus, change: ChangeKind
) -> None:
    life = Life(stage, asked=change)
    if status in ANSWER:
        assert life.after(status).asked is None
    elif status is B.RECALL_ASKED and status in SAID_AFTER[stage] and change is not RECALL:
        assert life.after(status) == Life(stage, asked=RECALL)
    elif status in SAID_AFTER[stage] - {B.RECALL_ASKED}:
        assert life.after(status) == Life(status, asked=change)
    else:
        with pytest.raises(IllegalTransition):
            life.after(status)


@pytest.mark.parametrize("change", ChangeKind)
def test_refused_change_leaves_the_document_where_it_was(change: ChangeKind) -> None:
    assert Life(B.RECEIVED, asked=change).after(B.CHANGE_REFUSED) == Life(B.RECEIVED)


def test_accepted_recall_or_replacement_ends_the_life_and_an_update_does_not() -> None:
    ended_by = {change: Life(asked=change).after(B.CHANGE_ACCEPTED).ended_by for change in ChangeKind}
    assert ended_by == {RECALL: RECALL, UPDATE: None, REPLACE: REPLACE}


@pytest.mark.parametrize("ended_by", [RECALL, REPLACE])
@pytest.mark.parametrize("status", B)
def test_nothing_follows_once_it_has_ended(ended_by: ChangeKind, status: BusinessStatus) -> None:
    with pytest.raises(IllegalTransition, match=f"a {ended_by} has ended it"):
        Life(B.RECEIVED, ended_by=ended_by).after(status)


@pytest.mark.parametrize("change", ChangeKind)
@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage is not B.REFUSED])
def test_order_may_come_at_any_stage_even_when_it_is_finished(
    stage: BusinessStatus | None, change: ChangeKind
) -> None:
    assert Life(stage).asked_for(change, state=S.OFFERED) == Life(stage, asked=change)


@pytest.mark.parametrize("change", ChangeKind)
@pytest.mark.parametrize("life", [Life(B.REFUSED), Life(asked=RECALL), Life(ended_by=REPLACE)])
def test_nothing_is_asked_of_what_was_refused_or_ended_or_waits_for_another_answer(
    life: Life, change: ChangeKind
) -> None:
    with pytest.raises(IllegalTransition):
        life.asked_for(change, state=S.OFFERED)


@pytest.mark.parametrize("waiting", [UPDATE, REPLACE])
@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage is not B.REFUSED])
def test_recall_takes_the_place_of_an_update_or_a_replacement_and_nothing_else_does(
    stage: BusinessStatus | None, waiting: ChangeKind
) -> None:
    life = Life(stage, asked=waiting)
    assert life.asked_for(RECALL, state=S.OFFERED) == Life(stage, asked=RECALL)
    for change in (UPDATE, REPLACE):
        with pytest.raises(IllegalTransition, match="waits for its answer"):
            life.asked_for(change, state=S.OFFERED)


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("change", ChangeKind)
def test_only_a_recall_is_asked_of_who_has_never_taken_the_document(
    state: DeliveryState, change: ChangeKind
) -> None:
    if change is RECALL or state not in (S.EXPIRED, S.RECALLED):
        assert Life().asked_for(change, state=state) == Life(asked=change)
    else:
        with pytest.raises(IllegalTransition, match=f"is {state}"):
            Life().asked_for(change, state=state)


# --- both readings of the field ----------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_recipient_agrees_to_a_recall_by_13_too(stage: BusinessStatus | None) -> None:
    assert Life(stage, asked=RECALL).meant(B.RECALL_ASKED) is B.CHANGE_ACCEPTED


@pytest.mark.parametrize(
    ("stage", "accepts", "refuses"),
    [
        (None, B.RECEIVED, B.REFUSED),  # they may have crossed the recall on the wire
        (B.ARRIVED, B.RECEIVED, B.REFUSED),
        (B.RECEIVED, B.CHANGE_ACCEPTED, B.CHANGE_REFUSED),
        (B.IN_PROGRESS, B.CHANGE_ACCEPTED, B.CHANGE_REFUSED),
        (B.FINISHED, B.CHANGE_ACCEPTED, B.CHANGE_REFUSED),
    ],
)
def test_03_and_02_answer_a_recall_only_where_they_cannot_come_in_their_own_right(
    stage: BusinessStatus | None, accepts: BusinessStatus, refuses: BusinessStatus
) -> None:
    life = Life(stage, asked=RECALL)
    assert (life.meant(B.RECEIVED), life.meant(B.REFUSED)) == (accepts, refuses)


@pytest.mark.parametrize("life", [Life(B.RECEIVED), Life(B.RECEIVED, asked=UPDATE), Life(ended_by=RECALL)])
@pytest.mark.parametrize("status", B)
def test_without_a_recall_that_waits_a_status_means_what_it_says(life: Life, status: BusinessStatus) -> None:
    assert life.meant(status) is status
