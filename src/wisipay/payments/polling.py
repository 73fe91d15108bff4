"""When an open payment is looked at again. Pure arithmetic; it never asks a provider.

Source: spec/lifecycles.md "Payout" 4: first after 10 s (at once where the channel says so), then at growing gaps
inside a window, then at the end of each IST day until final. A payin is also looked at when it expires, and twice more
after that, because a success that comes late is real money and its webhook may be lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from wisipay.core.clock import end_of_ist_day


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """Gaps between looks, in seconds; past the last gap the end of the IST day decides."""

    first_seconds: float
    gaps_seconds: tuple[float, ...]

    def next_look(self, polls: int, now: datetime) -> datetime:
        """Return when to look again after `polls` looks that found nothing final."""
        if polls < len(self.gaps_seconds):
            return now + timedelta(seconds=self.gaps_seconds[polls])
        return end_of_ist_day(now) + timedelta(seconds=spread_seconds(polls))

    def is_over(self, polls: int) -> bool:
        """Whether the first end of a day has been looked at too, after `polls` looks."""
        return polls > len(self.gaps_seconds)


def spread_seconds(polls: int) -> float:
    """Return a small offset so that yesterday's open payments don't all come due in one instant."""
    return float(polls % 60)


PAYOUT_POLLS = PollSchedule(first_seconds=10, gaps_seconds=(10, 20, 40, 80, 160, 300, 600, 1200, 1800, 3600))
PAYIN_POLLS = PollSchedule(first_seconds=60, gaps_seconds=(240, 600))
PAYOUT_UTR_GAPS_SECONDS = (60, 600, 3600)
"""A payout that succeeded without a UTR is looked at this long after, and after each look: some tell it later."""
EXPIRED_PAYIN_POLLS = PollSchedule(first_seconds=300, gaps_seconds=())
"""Some minutes after it expired, then at the end of the day: a customer may have paid at the last moment."""
