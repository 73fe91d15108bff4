"""One history: a set-up, some hundred steps of chance, and the rest after which everything must be in order.

The same seed, or the same record of choices, gives the same history, step for step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate

from simulation.acts import Acts
from simulation.choices import Choices, Script, ScriptedChoices, SeededChoices
from simulation.resting import come_to_rest
from simulation.stage import Stage
from simulation.world import World

STEPS = 200

_WEIGHTS = {
    "flush": 240, "answer": 170, "wait": 70, "initiate": 90, "move_order": 70, "mail": 80, "take_inbox": 50,
    "record": 60, "take_outbox": 30, "poll": 45, "refresh": 12, "forge": 8, "renew": 8, "stray": 12,
    "set_status": 10, "meddle": 12, "kill": 10, "stop": 14, "turn_clock": 3,
}  # fmt: skip
_ACTS = tuple(_WEIGHTS)
_OPTIONAL = ("forge", "set_status", "meddle", "kill", "stop", "turn_clock", "stray", "refresh")
"""Acts that some histories do without, so that the others meet more often."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a history ended: `broken` is what did not hold, None when all did."""

    broken: Exception | None
    script: Script
    seen: Counter[str]
    trace: list[str]

    @property
    def steps(self) -> int:
        """How many steps it took between set-up and rest."""
        return len(self.script) - 2

    @property
    def invariant(self) -> str:
        """The short name of what did not hold, empty when all did."""
        return "" if self.broken is None else getattr(self.broken, "invariant", type(self.broken).__name__)


def run_seed(seed: int, steps: int = STEPS) -> Outcome:
    """Run the history of a seed."""
    choices = SeededChoices(seed)
    return _run(choices, lambda: len(choices.steps) >= steps + 2, None)


def run_script(script: Script, *, told: bool = False) -> Outcome:
    """Run a history from its choices; with `told`, in words."""
    choices = ScriptedChoices(script)
    return _run(choices, lambda: choices.is_over, [] if told else None)


def _run(choices: Choices, is_over: Callable[[], bool], trace: list[str] | None) -> Outcome:
    world = World(choices, trace)
    try:
        play(world, is_over)
    except Exception as error:  # noqa: BLE001 - whatever a history meets is what it found
        return Outcome(error, choices.steps, world.seen, trace or [])
    return Outcome(None, choices.steps, world.seen, trace or [])


def play(world: World, is_over: Callable[[], bool]) -> None:
    """Let a world's steps happen until they are over, and let it come to rest. Raises `Broken`."""
    choices = world.choices
    stage = Stage(world, processes=choices.below(3) + 1)
    for kit in stage.kits[1:]:
        kit.process.skew = timedelta(milliseconds=choices.below(4001) - 2000)
    acts = Acts(stage)
    weights = dict(_WEIGHTS)
    for name in _OPTIONAL:
        if choices.chance(300):
            weights[name] = 0
    cumulative = tuple(accumulate(weights.values()))
    steps: tuple[Callable[[], bool], ...] = tuple(getattr(acts, name) for name in _ACTS)
    while not is_over():
        choices.begin_step()
        if not steps[choices.weighted(cumulative)]():
            acts.flush() or acts.answer() or acts.record() or acts.mail()
    stage.faults = False
    come_to_rest(acts)
