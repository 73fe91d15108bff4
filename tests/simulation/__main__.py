"""`make simulate`: run histories, or one again; what fails is printed with its seed and shrunk.

Ends with 1 when a history failed, with 2 when it was asked for what it cannot do.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from random import SystemRandom

from simulation.history import STEPS, run_script, run_seed
from simulation.records import Plan, Record, present_commit
from simulation.runs import quiet, run
from simulation.shrinking import shrink
from simulation.tally import Tally, progress, report


def main(arguments: list[str]) -> int:
    """Run what is asked for and print it."""
    parser = ArgumentParser(prog="make simulate ARGS=...", description=__doc__)
    parser.add_argument("--histories", type=int, default=1_000, help="how many histories (1000)")
    parser.add_argument("--first-seed", type=int, help="the first of their seeds (any)")
    parser.add_argument("--workers", type=int, default=1, help="processes to run them on (1)")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps of a history ({STEPS})")
    parser.add_argument("--seed", type=int, help="run this seed's history alone, in words, shrunk when it fails")
    parser.add_argument("--record", type=Path, help="a new file to write the run to, stretch by stretch")
    parser.add_argument("--resume", type=Path, help="go on with the run of this file; it says what is to be run")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _tell(given.seed, given.steps)
    try:
        return _run(given)
    except (ValueError, OSError) as error:
        parser.error(str(error))


def _run(given: Namespace) -> int:
    """Run many histories; ValueError or OSError for a record that can't be begun or resumed."""
    first_seed = SystemRandom().randrange(1 << 40) if given.first_seed is None else given.first_seed
    plan, tally = Plan(first_seed, given.histories, given.steps), Tally()
    commit = present_commit()
    path = given.resume or given.record
    record = None if path is None else Record(path, commit)
    before: dict[int, Tally] = {}
    if record is not None and given.resume is not None:
        plan, before = record.read()
        record.mend()
    elif record is not None:
        record.begin(plan)
    for part in before.values():
        tally.add(part)

    def done(seeds: range, part: Tally) -> None:
        tally.commits[commit] += part.histories
        if record is not None:
            record.add(seeds, part)

    stretches = [each for each in plan.stretches() if each.start not in before]
    run(stretches, plan.steps, given.workers, done, tally, lambda: _print(progress(tally, plan.histories)))
    _print(report(tally))
    for seed, what in tally.failed.items():
        _print(f'seed {seed} failed: {what}\nreplay: make simulate ARGS="--seed {seed} --steps {plan.steps}"')
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
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
