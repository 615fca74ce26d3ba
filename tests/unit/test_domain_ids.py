from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ids import new_id

moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))


@given(moments)
def test_id_is_a_uuid_of_version_7_that_holds_the_moment(now: datetime) -> None:
    made = UUID(new_id(now))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == int(now.timestamp() * 1000)


@given(moments)
def test_ids_sort_by_the_time_they_were_made(now: datetime) -> None:
    assert new_id(now) < new_id(now + timedelta(milliseconds=2))


def test_ids_of_one_moment_differ() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert len({new_id(now) for _ in range(1000)}) == 1000


def test_ids_of_one_moment_sort_in_the_order_they_were_made() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    made = [new_id(now) for _ in range(1000)]
    assert made == sorted(made)
