"""Where a history takes its chances from: a seed, or a record of choices made before.

Every choice is a small number, written down by step. Replaying the record gives the same history; a record with steps
left out, or with numbers made smaller, is a history too: missing numbers count as 0, numbers too large are wrapped.
Nought is always the tame choice, so that shrinking tames.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from random import Random
from typing import Protocol

Script = list[list[int]]
"""Choices of the set-up, of the rest at the end, and of each step between."""


class Choices(Protocol):
    """What a history asks of chance."""

    steps: Script

    def begin_step(self) -> None:
        """Write down what follows as another step."""
        ...

    def begin_rest(self) -> None:
        """Write down what follows as the rest."""
        ...

    def below(self, limit: int) -> int:
        """Return a number from 0 to `limit` - 1."""
        ...

    def chance(self, permille: int) -> bool:
        """Return True that often, never where nothing is left to replay."""
        ...

    def weighted(self, cumulative: Sequence[int]) -> int:
        """Return the index of one of the options, whose weights are given added up."""
        ...


class SeededChoices:
    """Choices from a seed, written down as they are made."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random  # noqa: S311 - histories must be repeatable, not secret
        self.steps: Script = [[], []]
        self._step = self.steps[0]

    def begin_step(self) -> None:
        """Begin another step."""
        self._step = []
        self.steps.append(self._step)

    def begin_rest(self) -> None:
        """Begin the rest."""
        self._step = self.steps[1]

    def below(self, limit: int) -> int:
        """Return any of the numbers, each as often."""
        value = int(self._random() * limit)
        self._step.append(value)
        return value

    def chance(self, permille: int) -> bool:
        """Return True for so many of a thousand."""
        hit = self._random() * 1000 < permille
        self._step.append(int(hit))
        return hit

    def weighted(self, cumulative: Sequence[int]) -> int:
        """Return an option as often as its weight says."""
        value = bisect_right(cumulative, int(self._random() * cumulative[-1]))
        self._step.append(value)
        return value


class ScriptedChoices:
    """Choices made before. `is_over` once every step was begun."""

    def __init__(self, script: Sequence[Sequence[int]]) -> None:
        self._script = script
        self._left: Iterator[int] = iter(script[0])
        self.steps: Script = [[], []]
        self._step = self.steps[0]

    @property
    def is_over(self) -> bool:
        """Whether there is no step left to begin."""
        return len(self.steps) >= len(self._script)

    def begin_step(self) -> None:
        """Go on to the next step of the record."""
        self._left = iter(() if self.is_over else self._script[len(self.steps)])
        self._step = []
        self.steps.append(self._step)

    def begin_rest(self) -> None:
        """Go on to the rest."""
        self._left = iter(self._script[1])
        self._step = self.steps[1]

    def below(self, limit: int) -> int:
        """Return what was chosen, wrapped where there is less to choose from now."""
        value = next(self._left, 0) % limit
        self._step.append(value)
        return value

    def chance(self, permille: int) -> bool:
        """Return what was chosen, whatever the chance is now; never against certainty."""
        value = next(self._left, 0)
        self._step.append(value)
        return bool(value) and permille > 0

    def weighted(self, cumulative: Sequence[int]) -> int:
        """Return what was chosen."""
        return self.below(len(cumulative))
