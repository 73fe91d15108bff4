"""The clock, and the days and months of India.

Decides what "now" is and where a business day starts: 00:00 in Asia/Kolkata, a fixed +05:30 without daylight saving.
Must never be bypassed: outside `core` nobody asks the operating system for the time. Moments are aware datetimes; a
naive one raises ValueError, since guessing its zone would move a payment to another day.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final, Protocol

IST: Final = timezone(timedelta(hours=5, minutes=30), "IST")


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


class Clock(Protocol):
    """Where a use case takes the time from; tests give it one of their own."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return utc_now()


def in_ist(moment: datetime) -> datetime:
    """Return the same moment as Indian wall-clock time."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone; this one is naive")
    return moment.astimezone(IST)


def ist_day(moment: datetime) -> date:
    """Return the Indian calendar day on which the moment falls."""
    return in_ist(moment).date()


def ist_day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first moment of the Indian day and the first one after it, both in UTC: start <= moment < end."""
    start = datetime.combine(day, time.min, IST).astimezone(UTC)
    return start, start + timedelta(days=1)


def ist_month(moment: datetime) -> date:
    """Return the first day of the Indian month in which the moment falls."""
    return ist_day(moment).replace(day=1)


def end_of_ist_day(moment: datetime) -> datetime:
    """Return the first moment of the next Indian day, in UTC: what belongs to today lies strictly before it."""
    return ist_day_bounds(ist_day(moment))[1]
