"""Daily and monthly use of limits: which counters a payment counts in. Pure.

A payment counts while it is open, successful or reversed; it is taken out when it fails or expires. Days and months
are those of the IST day on which it was opened. Source: spec/lifecycles.md "Limits".
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import msgspec

from wisipay.core.money import Paise
from wisipay.payments.model import Kind

UsageKey = tuple[str, str]
"""(subject, period): e.g. (`M:MER-1:PAYIN`, `D20261122`)."""


class Use(msgspec.Struct, frozen=True):
    """What a counter holds: paise and number of payments."""

    amount_paise: int = 0
    count: int = 0

    def plus(self, amount_paise: int, count: int) -> Use:
        """Return what it holds after so many payments more, or, negative, fewer."""
        return Use(self.amount_paise + amount_paise, self.count + count)


def merchant_subject(merchant_id: str, kind: Kind) -> str:
    """Return the subject of a merchant's counters for one service."""
    return f"M:{merchant_id}:{kind}"


def channel_subject(channel_id: str, kind: Kind) -> str:
    """Return the subject of a channel's counters for one service."""
    return f"C:{channel_id}:{kind}"


def day_key(subject: str, day: date) -> UsageKey:
    """Return the key of a subject's counter of one IST day."""
    return keys_of(subject, day)[0]


def month_key(subject: str, day: date) -> UsageKey:
    """Return the key of a subject's counter of the IST month that holds `day`."""
    return keys_of(subject, day)[1]


@lru_cache(maxsize=4096)
def keys_of(subject: str, day: date) -> tuple[UsageKey, UsageKey]:
    """Return both counters that a payment of `day` counts in."""
    return (subject, f"D{day:%Y%m%d}"), (subject, f"M{day:%Y%m}")


def exceeds(use: Use, amount_paise: Paise, limit_paise: Paise | None) -> bool:
    """Whether one more payment of this amount would pass the limit."""
    return limit_paise is not None and use.amount_paise + amount_paise > limit_paise
