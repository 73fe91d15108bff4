"""Runs the simulation over the product with one bug planted in it, each bug in a process of its own.

`python -m simulation.planting [--histories N] [name ...]` prints a line of JSON for each plant: how many histories it
took to find it, by which invariant, and at which seed; null when it was not found. The parent never imports the
product: its children do, with the planted source in place of the real one.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

from simulation.plants import PLANTS, Plant

HISTORIES_MAX = 600
_FOREIGN = ("asyncpg", "aiohttp", "msgspec", "structlog", "pydantic_settings", "redis.asyncio", "prometheus_client")
"""What the product imports of others: loaded once, before the children part."""


@dataclass(frozen=True, slots=True)
class Found:
    """How a planted bug was found."""

    histories: int
    invariant: str
    seed: int
    what: str


class _PlantedLoader(SourceFileLoader):
    """Compiles a module with the plant in it, past any cache."""

    def __init__(self, plant: Plant, path: str) -> None:
        super().__init__(plant.module, path)
        self._plant = plant

    def get_code(self, fullname: str) -> CodeType:
        """Return the planted module's code."""
        del fullname
        source = self.get_data(self.path).decode()
        if source.count(self._plant.before) != 1:
            raise LookupError(f"{self._plant.file} has {source.count(self._plant.before)} times: {self._plant.before}")
        code: CodeType = compile(source.replace(self._plant.before, self._plant.after), self.path, "exec")
        return code


class _Planter(MetaPathFinder):
    """Puts the planted module in the place of the real one."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the planted module; None for every other."""
        if fullname != self._plant.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _PlantedLoader(self._plant, spec.origin)
        return spec


def find(plant: Plant, histories: int) -> Found | None:
    """Plant a bug in this process, which has not imported the product yet, and look for it."""
    sys.meta_path.insert(0, _Planter(plant))
    runs = import_module("simulation.runs")
    history = import_module("simulation.history")
    with runs.quiet():
        for seed in range(1, histories + 1):
            outcome = history.run_seed(seed)
            if outcome.broken is not None:
                return Found(seed, outcome.invariant, seed, str(outcome.broken)[:300])
    return None


def main(arguments: list[str]) -> int:
    """Look for the plants, each in a child; 1 when one was not found."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=HISTORIES_MAX)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args(arguments)
    for name in _FOREIGN:
        import_module(name)
    failed = 0
    for plant in PLANTS:
        if given.names and plant.name not in given.names:
            continue
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os._exit(_report(plant, given.histories))
        failed += os.waitpid(child, 0)[1] != 0
    return 1 if failed else 0


def _report(plant: Plant, histories: int) -> int:
    try:
        found = find(plant, histories)
        told = {"plant": plant.name, "found": None if found is None else asdict(found)}
    except Exception as error:  # noqa: BLE001 - a plant that does not grow is told of like one that is not found
        found, told = None, {"plant": plant.name, "found": None, "error": repr(error)}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    return 1 if found is None else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
