"""Days and moments: where an Indian business day starts, and what "as of" means for a balance. Pure.

A day is a day in India, a fixed +05:30. A moment is aware.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30), "IST")

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PostedBy:
    """Everything posted up to and at a moment: what the books said then."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ValuedBy:
    """Everything that counts up to the end of a day by value date, whenever it was posted: what is known of it now."""

    day: date


AsOf = PostedBy | ValuedBy


def day_start(day: date) -> datetime:
    """Return the moment at which `day` begins in India, in UTC."""
    return datetime.combine(day, time.min, IST).astimezone(UTC)


def day_end(day: date) -> datetime:
    """Return the moment at which `day` is over: the start of the next."""
    return day_start(day + _DAY)


def day_of(moment: datetime) -> date:
    """Return the day in India that `moment` lies in."""
    return moment.astimezone(IST).date()


def limits(as_of: AsOf) -> tuple[datetime, date | None]:
    """Return the moment before which lines were posted, and the day by which they count (None: all of those)."""
    if isinstance(as_of, PostedBy):
        return as_of.at + _TICK, None
    return day_end(as_of.day), as_of.day
