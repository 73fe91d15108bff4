"""The channels as they stand at one moment, and what follows from that for all payments alike.

Payments of one moment differ in amount, time and chance; which of a list of channels are out of the question for all of
them, and why, is worked out once. Pure. Decides nothing that depends on an amount: `deciding` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from wisipay.merchants import RoutingRule
from wisipay.payments.routing.model import ANY_AMOUNT, Facts, Place

LINEUPS_MAX: Final = 10_000
UNKNOWN_CHANNEL: Final = "unknown"


@dataclass(slots=True)
class Lineup:
    """A list of channels, divided: `live` may be used by amount, `cautious` only where nothing better is left.

    `has_trial`: one of the live ones is on trial.
    """

    live: list[Place] = field(default_factory=list)
    cautious: list[Place] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    has_trial: bool = False


class Board:
    """Places by channel id, of one kind and mode of payment."""

    def __init__(self, places: Sequence[Place] = ()) -> None:
        self._places = {place.channel_id: place for place in places}
        self._lineups: dict[tuple[object, ...], tuple[Lineup, Lineup]] = {}

    def __contains__(self, channel_id: object) -> bool:
        return channel_id in self._places

    def __getitem__(self, channel_id: str) -> Place:
        return self._places[channel_id]

    def put(self, place: Place) -> None:
        """Add a place, or put it in the stead of an older one."""
        self._places[place.channel_id] = place
        self._lineups.clear()

    def spend(self, channel_id: str, amount_paise: int) -> None:
        """Take a payment off what the channel's limits and float still hold, where they are bounded."""
        place = self._places[channel_id]
        if place.room_paise < ANY_AMOUNT or place.float_paise < ANY_AMOUNT:
            room, rest = place.room_paise - amount_paise, place.float_paise - amount_paise
            self.put(replace(place, room_paise=room, float_paise=rest))

    def lineups(self, facts: Facts, rule: RoutingRule | None, route: tuple[str, ...]) -> tuple[Lineup, Lineup]:
        """Return the channels of the rule (without one: of the route), and those of the route that follow behind."""
        own: tuple[str, ...] = () if rule is None else rule.channels
        is_exclusive = rule is not None and rule.is_exclusive
        key = (own, route, is_exclusive, facts.fields, facts.reference_length)
        found = self._lineups.get(key)
        if found is None:
            if len(self._lineups) >= LINEUPS_MAX:
                self._lineups.clear()
            behind = () if is_exclusive or not own else [name for name in route if name not in own]
            found = self._lineups[key] = self._lineup(facts, own or route), self._lineup(facts, behind)
        return found

    def _lineup(self, facts: Facts, names: Sequence[str]) -> Lineup:
        lineup = Lineup()
        for name in dict.fromkeys(names):
            place = self._places.get(name)
            objection = UNKNOWN_CHANNEL if place is None else _objection(facts, place)
            if place is None or objection:
                lineup.skipped.append((name, objection))
            else:
                (lineup.cautious if place.caution else lineup.live).append(place)
                lineup.has_trial |= place.on_trial
        return lineup


def _objection(facts: Facts, place: Place) -> str:
    """Say what is held against the channel for payments with these fields, of whatever amount."""
    if place.objection:
        return place.objection
    if not place.needs <= facts.fields:
        return f"needs {', '.join(sorted(place.needs - facts.fields))}"
    if facts.reference_length > place.reference_max:
        return f"takes references of up to {place.reference_max} characters"
    return ""
