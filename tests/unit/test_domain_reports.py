"""Months, tallies and rolling up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.ids import first_id_of, new_id
from gateway.domain.model import Agency, AgencyCode
from gateway.domain.reports import Month, Tally, roll_up, with_everything_beneath

MONTH = Month(2026, 11)


def agency(code: str, parent: str | None = None, *, level: int = 1) -> Agency:
    return Agency(AgencyCode(code), f"Cơ quan {code}", level, AgencyCode(parent) if parent else None)


CITY = [
    agency("H26"),
    agency("H26.01", "H26", level=2),
    agency("H26.01.1", "H26.01", level=3),
    agency("H26.01.2", "H26.01", level=3),
    agency("H26.02", "H26", level=2),
    agency("H26.02.1", "H26.02", level=3),
]


def test_totals_add_up_over_three_levels() -> None:
    tallies = {
        each.code: Tally(sent=10**n, received=n, late=1, on_time=1, accept_seconds=60.0 * n)
        for n, each in enumerate(CITY)
    }
    lines = {line.agency.code: line for line in roll_up(CITY, tallies, month=MONTH)}
    assert lines[AgencyCode("H26")].total.sent == 111_111
    assert lines[AgencyCode("H26.01")].total.sent == 1_110
    assert lines[AgencyCode("H26.02")].total.sent == 110_000
    assert lines[AgencyCode("H26.01.2")].total == lines[AgencyCode("H26.01.2")].own
    assert lines[AgencyCode("H26")].own.sent == 1
    assert lines[AgencyCode("H26")].total.mean_accept_seconds == 60
    assert lines[AgencyCode("H26")].total.late_rate == 0.5


def test_superiors_come_before_those_beneath_them() -> None:
    codes = [line.agency.code for line in roll_up(CITY[::-1], {}, month=MONTH)]
    assert codes == [each.code for each in CITY]


def test_agency_whose_superior_is_not_shown_stands_at_the_top() -> None:
    lines = roll_up(with_everything_beneath(CITY, AgencyCode("H26.01")), {}, month=MONTH)
    assert [line.agency.code for line in lines] == ["H26.01", "H26.01.1", "H26.01.2"]


def test_everything_beneath_nobody_is_nothing() -> None:
    assert with_everything_beneath(CITY, AgencyCode("H99")) == []


def test_superiors_in_a_circle_are_counted_once_and_end() -> None:
    circle = [agency("A", "B"), agency("B", "A"), agency("C", "A")]
    lines = roll_up(circle, {each.code: Tally(sent=1) for each in circle}, month=MONTH)
    assert sorted(line.agency.code for line in lines) == ["A", "B", "C"]


def test_rate_of_nothing_is_none_and_not_zero() -> None:
    assert (Tally().late_rate, Tally().sent_unsigned_share, Tally().mean_accept_seconds) == (None, None, None)


@pytest.mark.parametrize("text", ["2026-11", "2000-01", "2999-12"])
def test_month_is_written_as_it_is_read(text: str) -> None:
    assert str(Month.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-13", "2026-00", "2026-1", "1999-12", "9999-12", "2026-11-01", "2026-W1", "２026-11"],
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="month"):
        Month.parse(text)


def test_month_follows_month_over_the_year() -> None:
    assert Month(2026, 12).following == Month(2027, 1)
    assert Month(2026, 1).following == Month(2026, 2)


def test_month_of_a_moment_is_that_of_vietnam() -> None:
    last = datetime(2026, 10, 31, 16, 59, 59, tzinfo=UTC)
    assert Month.of(last) == Month(2026, 10)
    assert Month.of(last + timedelta(seconds=1)) == MONTH
    assert MONTH.begins_at == last + timedelta(seconds=1)


def test_first_id_of_a_moment_parts_the_ids_before_it_from_those_since() -> None:
    moment = MONTH.begins_at
    assert new_id(moment - timedelta(milliseconds=1)) < first_id_of(moment) < new_id(moment)
