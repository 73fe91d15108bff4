"""Days and months of India."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.clock import SystemClock, end_of_ist_day, in_ist, ist_day, ist_day_bounds, ist_month, utc_now

moments = st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def test_the_day_changes_at_half_past_six_in_the_evening_utc() -> None:
    assert ist_day(datetime(2026, 3, 31, 18, 29, 59, tzinfo=UTC)) == date(2026, 3, 31)
    assert ist_day(datetime(2026, 3, 31, 18, 30, tzinfo=UTC)) == date(2026, 4, 1)
    assert ist_month(datetime(2026, 3, 31, 18, 30, tzinfo=UTC)) == date(2026, 4, 1)
    assert ist_month(datetime(2026, 3, 31, 18, 29, tzinfo=UTC)) == date(2026, 3, 1)


@given(moments)
def test_a_moment_lies_within_the_bounds_of_its_day(moment: datetime) -> None:
    start, end = ist_day_bounds(ist_day(moment))
    assert start <= moment < end
    assert end - start == timedelta(days=1)
    assert end == end_of_ist_day(moment)
    assert in_ist(moment) == moment


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        ist_day(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_the_system_clock_is_aware_and_in_utc() -> None:
    before = utc_now()
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert before <= now <= utc_now()
