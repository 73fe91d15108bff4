"""Making a failing history short: leave out steps, then tame what is left, as long as the same invariant breaks.

Works on the record of choices, never on the seed. Bounded by the number of histories that it may run.
"""

from __future__ import annotations

from collections.abc import Callable

from simulation.choices import Script
from simulation.history import Outcome, run_script

Fails = Callable[[Script], bool]


def shrink(outcome: Outcome, *, histories_max: int = 3_000) -> Outcome:
    """Return the shortest history found that breaks the same invariant; told in words."""
    left = histories_max

    def fails(script: Script) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and run_script(script).invariant == outcome.invariant

    script = outcome.script
    before: Script = []
    while script != before and left > 0:
        before = script
        script = _tamed(_without_steps(script, fails), fails)
    return run_script(script, told=True)


def _without_steps(script: Script, fails: Fails) -> Script:
    """Leave out ever smaller runs of steps; set-up and rest stay."""
    size = max(1, len(script) // 2)
    while True:
        position = len(script) - size
        while position >= 2:
            shorter = script[:position] + script[position + size :]
            if fails(shorter):
                script = shorter
            position -= size
        if size == 1:
            return script
        size = max(1, size // 2)


def _tamed(script: Script, fails: Fails) -> Script:
    """Set each choice to nought that may be, and cut what no longer matters at the end of a step."""
    for number in range(len(script)):
        for calmer in ([], script[number][:1]):
            if len(calmer) < len(script[number]) and fails(changed := _with(script, number, calmer)):
                script = changed
                break
        for place, value in enumerate(script[number]):
            if value and fails(changed := _with(script, number, _put(script[number], place, 0))):
                script = changed
    return script


def _with(script: Script, number: int, step: list[int]) -> Script:
    return [*script[:number], step, *script[number + 1 :]]


def _put(step: list[int], place: int, value: int) -> list[int]:
    return [*step[:place], value, *step[place + 1 :]]
