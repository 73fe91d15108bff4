"""The pure types of routing's configuration: rules, hours of a mode, maintenance windows, stated floats.

Decides their shapes and when a span of the Indian day holds. Money is paise, minutes count from midnight IST, moments
are aware UTC. Must never do I/O or read a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from wisipay.core.money import Paise
from wisipay.merchants.model import Channel, ServiceKind

MODES: Final[Mapping[ServiceKind, tuple[str, ...]]] = {
    "payin": ("UPI", "QR", "INTENT"),
    "payout": ("UPI", "IMPS", "NEFT", "RTGS"),
}
MINUTES_OF_DAY: Final = 1440


class RuleAction(StrEnum):
    """What a rule does: puts channels in an order of some kind, or keeps away from them."""

    ORDER = "order"
    WEIGHT = "weight"
    SUCCESS = "success"
    COST = "cost"
    AVOID = "avoid"


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One rule. Empty and None conditions hold for every payment; `merchant_id` None is for all merchants.

    `banks`: four letters with which an IFSC begins, a whole IFSC, or `@handle` of a VPA. Amounts: both ends included.
    Minutes: the first one included, the last one not; a span that ends before it begins goes over midnight.
    `channels` empty: the merchant's own route. `weights` go with `channels`; empty: all alike. After the channels of a
    rule come those of the merchant's route, unless it `is_exclusive`.
    """

    id: int
    merchant_id: str | None
    service: ServiceKind
    priority: int
    action: RuleAction
    channels: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()
    is_exclusive: bool = False
    modes: tuple[str, ...] = ()
    banks: tuple[str, ...] = ()
    from_paise: Paise | None = None
    to_paise: Paise | None = None
    from_minute: int | None = None
    to_minute: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ModeHours:
    """When a channel takes a mode of a service, in minutes of the Indian day."""

    channel_id: str
    service: ServiceKind
    mode: str
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A channel is left alone from `starts_at` until before `ends_at`."""

    id: int
    channel_id: str
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StatedFloat:
    """What a provider held of ours when somebody stated it.

    `used_paise` is what the channel's payouts had added up to then; below `reserve_paise` nothing more is sent.
    """

    channel_id: str
    balance_paise: Paise
    reserve_paise: Paise
    used_paise: int
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class RoutingBook:
    """All that routing goes by and an operator sets, as it stood at one moment."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    rules: tuple[RoutingRule, ...] = ()
    hours: tuple[ModeHours, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    floats: Mapping[str, StatedFloat] = field(default_factory=dict)


def is_within(minute: int, from_minute: int | None, to_minute: int | None) -> bool:
    """Tell whether a minute of the Indian day lies in a span; none at all holds the whole day."""
    if from_minute is None or to_minute is None:
        return True
    if from_minute < to_minute:
        return from_minute <= minute < to_minute
    return minute >= from_minute or minute < to_minute
