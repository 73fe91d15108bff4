"""`make simulate`: run histories, or one again; what fails is printed with its seed and shrunk.

Ends with 1 when a history failed.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from random import SystemRandom

from simulation.history import STEPS, run_script, run_seed
from simulation.runs import quiet, report, run
from simulation.shrinking import shrink


def main(arguments: list[str]) -> int:
    """Run what is asked for and print it."""
    parser = ArgumentParser(prog="make simulate ARGS=...", description=__doc__)
    parser.add_argument("--histories", type=int, default=1_000, help="how many histories (1000)")
    parser.add_argument("--first-seed", type=int, help="the first of their seeds (any)")
    parser.add_argument("--workers", type=int, default=1, help="processes to run them on (1)")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps of a history ({STEPS})")
    parser.add_argument("--seed", type=int, help="run this seed's history alone, in words, shrunk when it fails")
    parser.add_argument("--record", type=Path, help="a file that gets a line for each run")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _tell(given.seed, given.steps)
    first_seed = SystemRandom().randrange(1 << 40) if given.first_seed is None else given.first_seed
    tally = run(first_seed, given.histories, given.workers, given.steps)
    _print(report(tally))
    if given.record is not None:
        line = f"{first_seed} {tally.histories} {given.steps} {len(tally.failed)}\n"
        with given.record.open("a", encoding="utf-8") as record:
            record.write(line)
    for seed, what in tally.failed.items():
        _print(f'seed {seed} failed: {what}\nreplay: make simulate ARGS="--seed {seed} --steps {given.steps}"')
    return 1 if tally.failed else 0


def _tell(seed: int, steps: int) -> int:
    with quiet():
        outcome = run_seed(seed, steps)
        if outcome.broken is None:
            _print("\n".join(run_script(outcome.script, told=True).trace))
            _print(f"seed {seed}: every invariant held")
            return 0
        _print(f"seed {seed}, {outcome.steps} steps: {outcome.broken}")
        short = shrink(outcome)
        _print("\n".join(short.trace))
        _print(f"shrunk to {short.steps} steps: {short.broken}")
    return 1


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
