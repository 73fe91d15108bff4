"""Which fault befalls what, when and for how long: drawn from a seed, so that a run can be had again. Pure.

Decides that every deed meets every process and every trouble every connection before one comes again, that no process
dies so often that its supervisor rightly gives up, and that some that befall a worker are left alone for a while, so
that the taking up of its work can be seen by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from support.proxy import Trouble

PROCESSES: Final = ("payment", "worker", "worker-2", "api", "postgres", "valkey", "simulator")
WORKERS: Final = ("worker", "worker-2")
PROVIDER_A, PROVIDER_B, MERCHANT = "provider-a", "provider-b", "merchant"
CONNECTIONS: Final = (PROVIDER_A, PROVIDER_B, MERCHANT)
DEATHS_WINDOW_SECONDS: Final = 180.0
DEATHS_IN_WINDOW_MAX: Final = 3
"""Half of what the supervisor bears: what dies while PostgreSQL is away may die again before it is back."""

_LEFT_ALONE_SHARE: Final = 0.03
_CALM_BEFORE_SECONDS: Final = 16.0
_CALM_AFTER_SECONDS: Final = 11.0
_SETTLE_SECONDS: Final = 12.0
"""A process is left alone that long after it was hurt."""
_LONGER_THAN_A_LEASE: Final = (9.0, 13.0)


class Deed(StrEnum):
    """What is done to a process."""

    KILL = "kill -9"
    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `lasts_seconds` is 0 for what is done in a moment."""

    at_seconds: float
    what: Deed | Trouble
    where: str
    lasts_seconds: float = 0.0

    @property
    def is_death(self) -> bool:
        """Whether a process has to be started again."""
        return self.what in {Deed.KILL, Deed.RESTART}

    def __str__(self) -> str:
        lasts = f" for {self.lasts_seconds:.1f} s" if self.lasts_seconds else ""
        return f"{self.at_seconds:6.1f} s  {self.what} {self.where}{lasts}"


def random_faults(seed: int, seconds: float) -> list[Fault]:
    """Return the faults of a run of that length; the last begins at its end."""
    generator = Random(seed)  # noqa: S311 - a run is replayed from its seed, nothing is secret
    drawer = _Drawer(generator)
    faults: list[Fault] = []
    now = 1.0
    while now < seconds:
        is_left_alone = generator.random() < _LEFT_ALONE_SHARE
        now += _CALM_BEFORE_SECONDS if is_left_alone else 0.0
        fault = drawer.draw(now, WORKERS if is_left_alone else (*PROCESSES, *CONNECTIONS))
        if fault is not None:
            faults.append(fault)
            now += fault.lasts_seconds + _CALM_AFTER_SECONDS if is_left_alone else 0.0
        now += generator.uniform(0.5, 3.5)
    return faults


class _Drawer:
    """Deals from two shuffled decks: one of deeds and processes, one of troubles and connections."""

    def __init__(self, generator: Random) -> None:
        self._random = generator
        self._deeds: list[tuple[Deed | Trouble, str]] = []
        self._troubles: list[tuple[Deed | Trouble, str]] = []
        self._free_at: dict[str, float] = defaultdict(float)
        self._deaths: dict[str, list[float]] = defaultdict(list)

    def draw(self, now: float, among: Sequence[str]) -> Fault | None:
        """Return a fault that may begin now on one of those; None when there is none to be had."""
        hurts_process = self._random.random() < 0.65 or not set(among) & set(CONNECTIONS)
        deck = self._deeds if hurts_process else self._troubles
        if not deck:
            whats: Sequence[Deed | Trouble] = list(Deed) if hurts_process else list(Trouble)
            wheres = PROCESSES if hurts_process else CONNECTIONS
            deck += [(what, where) for what in whats for where in wheres]
            self._random.shuffle(deck)
        for number, (what, where) in enumerate(deck):
            fault = Fault(now, what, where, self._lasts(what))
            if where in among and self._may_begin(fault):
                del deck[number]
                self._note(fault)
                return fault
        return None

    def _lasts(self, what: Deed | Trouble) -> float:
        if isinstance(what, Trouble):
            return self._random.uniform(2, 8)
        if what is not Deed.STOP:
            return 0.0
        if self._random.random() < 0.4:
            return self._random.uniform(*_LONGER_THAN_A_LEASE)
        return self._random.uniform(1, 4)

    def _may_begin(self, fault: Fault) -> bool:
        since = fault.at_seconds - DEATHS_WINDOW_SECONDS
        recent = [at for at in self._deaths[fault.where] if at > since]
        dies_too_often = fault.is_death and len(recent) >= DEATHS_IN_WINDOW_MAX
        return self._free_at[fault.where] <= fault.at_seconds and not dies_too_often

    def _note(self, fault: Fault) -> None:
        rest = 0.0 if isinstance(fault.what, Trouble) else _SETTLE_SECONDS
        self._free_at[fault.where] = fault.at_seconds + fault.lasts_seconds + rest
        if fault.is_death:
            self._deaths[fault.where].append(fault.at_seconds)


SHORT_FAULTS: Final = (
    Fault(1.0, Trouble.LATENCY, PROVIDER_A, 3.0),  # answers come too late while the circuit is still closed
    Fault(4.0, Deed.KILL, "worker"),  # and nothing else that its work needs, until another one has it
    Fault(8.0, Deed.KILL, "payment"),
    Fault(9.0, Trouble.HALF_OPEN, PROVIDER_A, 2.0),
    Fault(10.0, Trouble.TRICKLE, PROVIDER_B, 2.0),
    Fault(12.5, Trouble.RESET, PROVIDER_B, 1.5),
    Fault(14.0, Deed.STOP, "worker-2", 9.5),  # longer than a lease
    Fault(14.5, Trouble.RESET, MERCHANT, 2.0),
    Fault(15.0, Deed.STOP, "postgres", 2.0),
    Fault(17.5, Trouble.HALF_OPEN, MERCHANT, 2.0),
    Fault(18.0, Deed.KILL, "postgres"),
    Fault(19.0, Trouble.PARTITION, PROVIDER_A, 3.0),
    Fault(20.0, Deed.RESTART, "payment"),
    Fault(20.5, Deed.RESTART, "worker"),
    Fault(21.0, Trouble.PARTITION, MERCHANT, 3.0),
    Fault(23.0, Deed.KILL, "simulator"),
    Fault(24.0, Deed.STOP, "payment", 2.0),
    Fault(25.0, Deed.RESTART, "postgres"),
    Fault(25.5, Deed.KILL, "valkey"),
    Fault(26.0, Deed.KILL, "worker-2"),
)
"""Each deed on payment, worker and PostgreSQL and each trouble on both kinds of connection, in half a minute."""
