"""What a channel is for payments of one kind and mode at this moment: from configuration, capabilities and health.

Pure. Decides what is held against a channel, in the order in which an operator would ask: is it there, switched on,
paused, under maintenance, able, within its hours, healthy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import hypot
from typing import Final

from wisipay.core.clock import in_ist
from wisipay.merchants import Channel, FeeTier, RoutingBook, ServiceKind, StatedFloat, is_within
from wisipay.payments.routing.model import ANY_AMOUNT, Place, ToldFloat
from wisipay.providers import Capabilities, Health, State

WORTH_OF_A_SECOND: Final = 0.02
"""A second of waiting weighs as much as two of a hundred payments going wrong."""
SECONDS_COUNTED_MAX: Final = 10
INDIFFERENCE: Final = 0.01
"""Shares of success that differ by less than about this count as alike, so that a channel which is well again gets its
share again and not only what is left over by one that is better known. It costs 2.4 payments in a thousand at most: the
chance of taking a channel that is worse by d is that of a normal draw of spread 0.014 beyond d, and d times it is
largest at 0.01."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a channel's payments of one kind add up to in paise: today's, this month's, and all that ever were."""

    day: int = 0
    month: int = 0
    ever: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a channel: what its adapter can do (or why it cannot be used), health, and use of its limits.

    `may_try`: a payment may find out now whether it is well again. `told`: what its provider lately said that it holds.
    """

    capabilities: Capabilities | str
    health: Health | None = None
    may_try: bool = False
    used: Used | None = None
    told: ToldFloat | None = None


def place_of(book: RoutingBook, channel: Channel, kind: ServiceKind, mode: str, look: Look, now: datetime) -> Place:
    """Return the channel as it stands now."""
    objection = _objection(book, channel, kind, mode, look, now)
    if objection or isinstance(look.capabilities, str):
        return Place(channel.id, objection=objection)
    config, rules = channel.service(kind), look.capabilities.rules(kind)
    least, most, has_gaps = _span(config.tiers)
    for floor in (config.limits.min_paise, rules.amount_min):
        least = max(least, floor or 0)
    for ceiling in (config.limits.max_paise, rules.amount_max):
        most = most if ceiling is None else min(most, ceiling)
    health = look.health
    waiting = min(health.seconds, SECONDS_COUNTED_MAX) * WORTH_OF_A_SECOND if health else 0
    return Place(
        channel.id,
        caution=_caution(look, now),
        least_paise=least,
        most_paise=most,
        whole_rupees=not rules.takes_paise,
        needs=rules.needs | {name for of_mode, name in rules.needs_by_mode if of_mode == mode},
        reference_max=look.capabilities.reference_max_length,
        tiers=config.tiers,
        has_gaps=has_gaps,
        room_paise=_room(channel, kind, look.used),
        float_paise=_float_left(book, channel, kind, look),
        expected=(health.mean - waiting) * 1_000 if health else 0,
        spread=hypot(health.spread, INDIFFERENCE) * 1_000 if health else 0,
        on_trial=look.may_try,
    )


def _objection(  # noqa: PLR0911 - one line for each thing that can be held against a channel
    book: RoutingBook, channel: Channel, kind: ServiceKind, mode: str, look: Look, now: datetime
) -> str:
    """Say what is held against every payment of this kind and mode, empty when nothing."""
    if not (channel.is_active and channel.service(kind).is_active):
        return "inactive"
    if channel.is_paused:
        return "paused by an operator" + (f": {channel.pause_reason}" if channel.pause_reason else "")
    for window in book.maintenance:
        if window.channel_id == channel.id and window.starts_at <= now < window.ends_at:
            return f"in maintenance until {in_ist(window.ends_at):%d %b %H:%M} IST: {window.reason}"
    if isinstance(look.capabilities, str):
        return f"cannot be used: {look.capabilities}"
    if mode not in look.capabilities.modes(kind):
        return f"does not take {mode}"
    moment = in_ist(now)
    for hours in book.hours:
        if (hours.channel_id, hours.service, hours.mode) == (channel.id, kind, mode) and not is_within(
            moment.hour * 60 + moment.minute, hours.from_minute, hours.to_minute
        ):
            return f"takes {mode} from {_time(hours.from_minute)} to {_time(hours.to_minute)} IST"
    return "its circuit is open" if look.health is not None and look.health.is_blocked else ""


def _caution(look: Look, now: datetime) -> str:
    if look.health is None or look.health.standing.state is State.OPEN or look.may_try:
        return ""
    if look.health.standing.state is State.TRIAL:
        return "on trial after it was held, and another payment tries it"
    seconds = max(0, look.health.standing.until_ms // 1_000 - int(now.timestamp()))
    return f"held for {seconds} s more: too many calls failed"


def _span(tiers: Sequence[FeeTier]) -> tuple[int, int, bool]:
    """Return the first and the last amount that the tiers cover, and whether some between them have none."""
    if not tiers:
        return 0, ANY_AMOUNT, False
    ordered = sorted(tiers, key=lambda tier: tier.from_paise)
    last = ordered[-1].to_paise
    has_gaps = any(
        one.to_paise is None or one.to_paise + 1 < next_one.from_paise for one, next_one in pairwise(ordered)
    )
    return ordered[0].from_paise, ANY_AMOUNT if last is None else last, has_gaps


def _room(channel: Channel, kind: ServiceKind, used: Used | None) -> int:
    """Return what the channel's limits held when they were last looked at; the machine looks again, under a lock."""
    limits, room = channel.service(kind).limits, ANY_AMOUNT
    if used is not None:
        for limit, use in ((limits.daily_paise, used.day), (limits.monthly_paise, used.month)):
            room = room if limit is None else min(room, limit - use)
    return room


def _float_left(book: RoutingBook, channel: Channel, kind: ServiceKind, look: Look) -> int:
    """Return what the provider still holds, by its own word or the operator's, whichever is the later."""
    stated, used = book.floats.get(channel.id), look.used
    if kind == "payin" or used is None:
        return ANY_AMOUNT
    latest: StatedFloat | ToldFloat | None = stated
    if look.told is not None and (stated is None or stated.stated_at < look.told.told_at):
        latest = look.told
    if latest is None:
        return ANY_AMOUNT
    reserve_paise = 0 if stated is None else stated.reserve_paise
    return latest.balance_paise - reserve_paise - (used.ever - latest.used_paise)


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
