"""Working days in Việt Nam and the deadlines that follow from them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from gateway.domain.working_days import VIETNAM, WorkingCalendar

CALENDAR = WorkingCalendar(
    holidays=frozenset(
        {
            *(date(2026, 2, day) for day in range(16, 21)),  # Tết Bính Ngọ
            date(2026, 1, 1),
            date(2026, 1, 2),
            date(2026, 4, 30),
            date(2026, 5, 1),
        }
    ),
    worked=frozenset({date(2026, 1, 10)}),
)


def local(month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("day", "is_worked"),
    [
        (date(2026, 11, 20), True),  # Friday
        (date(2026, 11, 21), False),
        (date(2026, 11, 22), False),
        (date(2026, 1, 10), True),  # a Saturday worked in exchange
        (date(2026, 2, 18), False),
    ],
)
def test_working_days_are_monday_to_friday_but_for_the_lists(day: date, is_worked: bool) -> None:
    assert CALENDAR.is_working_day(day) is is_worked


@pytest.mark.parametrize(
    ("issued_on", "send_by"),
    [
        (date(2026, 11, 18), local(11, 19, 12)),  # Wednesday → Thursday morning
        (date(2026, 11, 20), local(11, 23, 12)),  # Friday → Monday morning
        (date(2026, 11, 21), local(11, 23, 12)),
        (date(2026, 2, 13), local(2, 23, 12)),  # the last day before Tết
        (date(2026, 1, 9), local(1, 10, 12)),  # a worked Saturday counts
        (date(2026, 4, 29), local(5, 4, 12)),
    ],
)
def test_document_is_sent_by_the_next_working_morning(issued_on: date, send_by: datetime) -> None:
    assert CALENDAR.send_by(issued_on) == send_by


@pytest.mark.parametrize(
    ("arrived_at", "acknowledge_by"),
    [
        (local(11, 18, 9), local(11, 18, 17)),
        (local(11, 18, 16, 59), local(11, 18, 17)),
        (local(11, 18, 17), local(11, 19, 17)),  # after hours
        (local(11, 20, 18), local(11, 23, 17)),  # Friday evening
        (local(11, 22, 3), local(11, 23, 17)),  # Sunday
        (local(2, 17, 9), local(2, 23, 17)),  # Tết
        (local(1, 10, 9), local(1, 10, 17)),  # a worked Saturday
    ],
)
def test_document_is_acknowledged_on_the_day_it_arrives(
    arrived_at: datetime, acknowledge_by: datetime
) -> None:
    assert CALENDAR.acknowledge_by(arrived_at) == acknowledge_by


def test_the_day_is_the_one_in_vietnam() -> None:
    # 18:30 UTC on Thursday is 01:30 on Friday there.
    assert CALENDAR.acknowledge_by(datetime(2026, 11, 19, 18, 30, tzinfo=UTC)) == local(11, 20, 17)


@pytest.mark.parametrize(
    ("asked_at", "days", "answer_by"),
    [
        (local(11, 18), 1, local(11, 19, 17)),
        (local(11, 20), 1, local(11, 23, 17)),
        (local(11, 20), 3, local(11, 25, 17)),
        (local(2, 13), 1, local(2, 23, 17)),
    ],
)
def test_answer_is_due_after_so_many_working_days(asked_at: datetime, days: int, answer_by: datetime) -> None:
    assert CALENDAR.answer_by(asked_at, days=days) == answer_by


def test_hours_are_data_too() -> None:
    early = WorkingCalendar(morning_ends=time(11, 30), day_ends=time(16, 30))
    assert early.send_by(date(2026, 11, 18)) == local(11, 19, 11, 30)
    assert early.acknowledge_by(local(11, 18, 16, 45)) == local(11, 19, 16, 30)
