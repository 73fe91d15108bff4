"""One history: a set-up, some hundred steps of chance, and the rest after which everything must be in order.

The same seed, or the same record of choices, gives the same history, step for step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import accumulate

from simulation.acts import Acts
from simulation.choices import Choices, Script, ScriptedChoices, SeededChoices
from simulation.operating import meddle, reroute
from simulation.resting import come_to_rest
from simulation.stage import Stage
from simulation.world import World

STEPS = 200

Act = Callable[[], bool]


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
    usual, optional = _acts(acts)
    steps = usual + tuple(each for each in optional if not choices.chance(300))
    cumulative = tuple(accumulate(weight for _, weight in steps))
    while not is_over():
        choices.begin_step()
        act, _ = steps[choices.weighted(cumulative)]
        if not act():
            acts.flush() or acts.answer() or acts.record() or acts.mail()
    stage.faults = False
    come_to_rest(acts)


def _acts(acts: Acts) -> tuple[tuple[tuple[Act, int], ...], tuple[tuple[Act, int], ...]]:
    """Return all acts with their weights: the usual ones, and those that some histories do without.

    What is left out lets the others meet more often.
    """
    usual = (
        *((acts.flush, 240), (acts.answer, 170), (acts.wait, 70), (acts.initiate, 90), (acts.move_order, 70)),
        *((acts.mail, 80), (acts.take_inbox, 50), (acts.record, 60), (acts.take_outbox, 30), (acts.poll, 45)),
        *((acts.send, 12),),
        *((acts.renew, 8), (acts.work_through, 35)),
    )
    optional = (
        *((acts.forge, 8), (acts.set_status, 10), (partial(meddle, acts.stage), 22), (acts.kill, 10), (acts.stop, 18)),
        *((acts.turn_clock, 3), (acts.stray, 12), (acts.refresh, 12), (partial(reroute, acts.stage), 16)),
    )
    return usual, optional
