"""The file that a long run is written to, stretch by stretch, so that one that was killed goes on where it was.

JSON lines: first what is to be run, then one line for each stretch that came to its end, in any order. A line is added
by one write and reaches the disk before the next stretch counts; a last line that was cut off counts for nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulation.tally import Tally
from support.source_file import REPOSITORY

STRETCH = 250
"""Histories of one stretch: what a kill costs at most, for each process."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run: so many histories from this seed on, each of so many steps."""

    first_seed: int
    histories: int
    steps: int

    def stretches(self) -> list[range]:
        """Return the seeds of each stretch."""
        seeds = range(self.first_seed, self.first_seed + self.histories)
        return [seeds[start : start + STRETCH] for start in range(0, self.histories, STRETCH)]


class Record:
    """The file of one run. `commit` is the code that this process runs."""

    def __init__(self, path: Path, commit: str) -> None:
        self._path = path
        self._commit = commit

    def begin(self, plan: Plan) -> None:
        """Write down what is to be run; FileExistsError when the file is there, since that run can be resumed."""
        with self._path.open("x", encoding="utf-8"):
            self._append(asdict(plan))

    def add(self, seeds: range, tally: Tally) -> None:
        """Write down a stretch that came to its end."""
        self._append({"first_seed": seeds.start, "commit": self._commit, **tally.line()})

    def read(self) -> tuple[Plan, dict[int, Tally]]:
        """Return what is to be run, and what was run of it by the first seed of each stretch.

        Raises ValueError when the file is not the record of a run.
        """
        lines = list(self._lines())
        try:
            plan = Plan(**lines[0])
            return plan, {line.pop("first_seed"): Tally.told(line) for line in lines[1:]}
        except (IndexError, KeyError, TypeError) as error:
            raise ValueError(f"{self._path} is not the record of a run") from error

    def mend(self) -> None:
        """Cut off a last line that was not written whole."""
        whole = self._path.read_bytes().rfind(b"\n") + 1
        os.truncate(self._path, whole)

    def _lines(self) -> Iterator[dict[str, Any]]:
        text = self._path.read_text(encoding="utf-8")
        for line in text[: text.rfind("\n") + 1].splitlines():
            yield json.loads(line)

    def _append(self, line: dict[str, Any]) -> None:
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            os.fsync(file.fileno())


def present_commit() -> str:
    """Return the commit of the code at hand, with `-dirty` behind it when it was changed since."""
    command = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    return told.stdout.strip() or "unknown"
