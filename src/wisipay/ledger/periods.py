"""Periods of the ledger's history: Indian calendar months, their names, and their bounds as moments and as ids. Pure.

A partition, an archive and its folder all bear the period's name. Entries and endings lie in the period of the time in
their version 7 id, lines in the period of their posting.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from wisipay.ledger.moments import IST, day_start

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NAME = re.compile(r"(before_)?(\d{4})_(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` (None: from the beginning) up to but without `end`, both the start of an Indian month, in UTC."""

    name: str
    start: datetime | None
    end: datetime

    @property
    def first_id(self) -> UUID | None:
        """The lowest id that a version 7 UUID of this period can have; None where it has no beginning."""
        return None if self.start is None else lowest_id(self.start)

    @property
    def end_id(self) -> UUID:
        """The lowest id that is behind this period."""
        return lowest_id(self.end)


def month(year: int, number: int) -> Period:
    """Return a month of the calendar; `number` counts from 1."""
    following = date(year + number // 12, number % 12 + 1, 1)
    return Period(f"{year:04}_{number:02}", day_start(date(year, number, 1)), day_start(following))


def month_of(moment: datetime) -> Period:
    """Return the month in India that an aware moment lies in."""
    there = moment.astimezone(IST)
    return month(there.year, there.month)


def months_from(moment: datetime, count: int) -> list[Period]:
    """Return `count` months in a row, the first of which holds `moment`."""
    found = [month_of(moment)]
    while len(found) < count:
        found.append(month_of(found[-1].end))
    return found[:count]


def before(first: Period) -> Period:
    """Return all that lies before a month: the history from before there were partitions."""
    if first.start is None:
        raise ValueError(f"nothing lies before {first.name}")
    return Period(f"before_{first.name}", None, first.start)


def named(name: str) -> Period:
    """Return the period of this name: `2026_11`, or `before_2026_11`; a ValueError for any other."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"a period is called like 2026_11 or before_2026_11, not {name!r}")
    found = month(int(match[2]), int(match[3]))
    return before(found) if match[1] else found


def lowest_id(moment: datetime) -> UUID:
    """Return the lowest id that a version 7 UUID of this moment (to the millisecond) or a later one can have."""
    return UUID(int=((moment - _EPOCH) // _MILLISECOND) << 80)
