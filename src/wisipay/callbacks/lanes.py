"""Fairness between merchants: how many deliveries of each may be in flight in this process.

Every merchant has a lane with a window that follows its endpoint's behaviour: quick successes widen it, failures and
slow answers halve it. Merchants whose endpoint is in trouble share at most half of the room, however many they are;
so no merchant waits for another one's endpoint. Pure bookkeeping: moments come in as seconds of a monotonic clock.
Must never keep a lane for a merchant that needs none: memory is bounded by the merchants in trouble or in flight.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from wisipay.callbacks.turns import WaitingMerchant

WINDOW_START: Final = 8
WINDOW_MIN: Final = 2
WINDOW_MAX: Final = 128
SLOW_ANSWER_MS: Final = 2_000
BEHIND_SECONDS: Final = 2.5
"""How long a merchant seen waiting counts as waiting: two sweeps, which see it again if it still is."""


@dataclass(slots=True)
class _Lane:
    window: int = WINDOW_START
    in_flight: int = 0
    held_until: float = 0.0
    touched_at: float = 0.0

    @property
    def is_troubled(self) -> bool:
        return self.window <= WINDOW_MIN

    @property
    def troubled_in_flight(self) -> int:
        return self.in_flight if self.is_troubled else 0

    def places(self, now: float, troubled_room: int) -> int:
        """How many more deliveries may begin; not above 0 for none."""
        if self.held_until > now:
            return 0
        places = self.window - self.in_flight
        return min(places, troubled_room) if self.is_troubled else places


class Lanes:
    """The lanes of one worker process; `room` is how many deliveries it makes at a time."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._lanes: dict[str, _Lane] = {}
        self._behind_until: dict[str, float] = {}
        self._troubled_in_flight = 0

    def is_open(self, merchant_id: str, now: float) -> bool:
        """Whether the merchant may have another delivery in flight."""
        lane = self._lanes.get(merchant_id)
        return lane is None or lane.places(now, self._troubled_room()) > 0

    def may_send(self, waiting: WaitingMerchant, now: float) -> bool:
        """Note whether something of this merchant is due, and whether a delivery of it may begin now."""
        if not waiting.is_due:
            self.note_served(waiting.merchant_id)
            return False
        self.note_waiting(waiting.merchant_id, now)
        return self.is_open(waiting.merchant_id, now)

    def note_waiting(self, merchant_id: str, now: float) -> None:
        """Something of this merchant is due and waits; `note_served` takes it back."""
        self._behind_until[merchant_id] = now + BEHIND_SECONDS

    def note_served(self, merchant_id: str) -> None:
        """Nothing of this merchant is due any more."""
        self._behind_until.pop(merchant_id, None)

    def is_behind(self, merchant_id: str, now: float) -> bool:
        """Whether something of this merchant may be due and wait for room in its lane."""
        return self._behind_until.get(merchant_id, now) > now

    def share_out(self, waiting: Iterable[str], free: int, now: float) -> dict[str, int]:
        """Divide `free` places among the merchants that have something due, in turns, each up to its window.

        Gives the merchants that get at least one place; the sum never exceeds `free`. `waiting` is in the order of
        preference for the last places.
        """
        troubled_room = self._troubled_room()
        wanted: dict[str, int] = {}
        for merchant_id in waiting:
            lane = self._lanes.get(merchant_id, _Lane())
            places = lane.places(now, troubled_room)
            if places <= 0:
                continue
            wanted[merchant_id] = places
            if lane.is_troubled:
                troubled_room -= places
        return _in_turns(wanted, free)

    def begin(self, merchant_id: str) -> None:
        """A delivery of this merchant was claimed."""
        lane = self._lanes.setdefault(merchant_id, _Lane())
        before = lane.troubled_in_flight
        lane.in_flight += 1
        self._troubled_in_flight += lane.troubled_in_flight - before

    def forgo(self, merchant_id: str) -> None:
        """A delivery for which a place was taken is not made after all."""
        lane = self._lanes[merchant_id]
        before = lane.troubled_in_flight
        lane.in_flight -= 1
        self._troubled_in_flight += lane.troubled_in_flight - before

    def end(self, merchant_id: str, *, delivered: bool, latency_ms: int, hold_seconds: int, now: float) -> None:
        """A delivery ended; the window follows. `hold_seconds` > 0 keeps the lane shut that long."""
        lane = self._lanes[merchant_id]
        before = lane.troubled_in_flight
        lane.in_flight -= 1
        lane.touched_at = now
        if delivered and latency_ms < SLOW_ANSWER_MS:
            lane.window = min(WINDOW_MAX, lane.window + 1)
        else:
            lane.window = max(WINDOW_MIN, lane.window // 2)
        if hold_seconds > 0:
            lane.held_until = max(lane.held_until, now + hold_seconds)
        self._troubled_in_flight += lane.troubled_in_flight - before

    def _troubled_room(self) -> int:
        return max(1, self._room // 2) - self._troubled_in_flight

    def forget_idle(self, now: float, idle_seconds: float = 600) -> None:
        """Drop lanes that nothing happened in for a while: their merchants start afresh."""
        idle = [
            merchant_id
            for merchant_id, lane in self._lanes.items()
            if lane.in_flight == 0 and lane.held_until <= now and lane.touched_at + idle_seconds <= now
        ]
        for merchant_id in idle:
            del self._lanes[merchant_id]
        self._behind_until = {each: until for each, until in self._behind_until.items() if until > now}


def _in_turns(wanted: dict[str, int], free: int) -> dict[str, int]:
    """Give everybody one more place per round until nobody wants or nothing is left."""
    given = dict.fromkeys(wanted, 0)
    hungry = list(wanted)
    while hungry and free > 0:
        each = max(1, free // len(hungry))
        for merchant_id in hungry:
            places = min(each, wanted[merchant_id] - given[merchant_id], free)
            given[merchant_id] += places
            free -= places
        hungry = [merchant_id for merchant_id in hungry if given[merchant_id] < wanted[merchant_id]]
    return {merchant_id: places for merchant_id, places in given.items() if places > 0}
