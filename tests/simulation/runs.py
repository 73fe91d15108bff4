"""Many histories at a time, on any number of processes, and what was seen in them.

`run` counts; `report` puts the count in words. A run ends at the first histories that fail, `FAILURES_KEPT` of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import process_time

import structlog

from simulation.history import STEPS, run_seed

FAILURES_KEPT = 5
_CHUNK = 200


@dataclass(slots=True)
class Tally:
    """Histories run, the processor time they took, how many histories saw what, and the seeds that failed."""

    histories: int = 0
    cpu_seconds: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Take another part of the run in."""
        self.histories += other.histories
        self.cpu_seconds += other.cpu_seconds
        self.seen.update(other.seen)
        self.failed.update(other.failed)

    @property
    def per_minute(self) -> float:
        """Histories per minute of one core's processor time."""
        return 60 * self.histories / self.cpu_seconds if self.cpu_seconds else 0.0


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the product's log out of the way: a history's faults would fill it."""
    before = structlog.get_config()
    structlog.configure(**before | {"wrapper_class": structlog.make_filtering_bound_logger(50)})
    try:
        yield
    finally:
        structlog.configure(**before)


def run_chunk(seeds: Iterable[int], steps: int = STEPS) -> Tally:
    """Run the histories of these seeds in this process, up to some failures."""
    tally = Tally()
    start = process_time()
    with quiet():
        for seed in seeds:
            outcome = run_seed(seed, steps)
            tally.histories += 1
            tally.seen.update(outcome.seen.keys())
            if outcome.broken is not None:
                tally.failed[seed] = str(outcome.broken) or repr(outcome.broken)
                if len(tally.failed) >= FAILURES_KEPT:
                    break
    tally.cpu_seconds = process_time() - start
    return tally


def run(first_seed: int, histories: int, workers: int, steps: int = STEPS) -> Tally:
    """Run so many histories from this seed on, spread over processes."""
    tally = Tally()
    seeds = range(first_seed, first_seed + histories)
    chunks = [seeds[start : start + _CHUNK] for start in range(0, histories, _CHUNK)]
    if workers == 1:
        parts: Iterable[Tally] = (run_chunk(chunk, steps) for chunk in chunks)
        _add_until_failed(tally, parts)
        return tally
    with ProcessPoolExecutor(workers) as pool:
        _add_until_failed(tally, pool.map(run_chunk, chunks, [steps] * len(chunks)))
        pool.shutdown(cancel_futures=True)
    return tally


def report(tally: Tally) -> str:
    """Return a run in words: its pace, and how many histories saw each thing worth seeing."""
    lines = [f"{tally.histories} histories, {tally.per_minute:.0f} a minute on one core"]
    lines += [f"{count:8} {what}" for what, count in sorted(tally.seen.items())]
    return "\n".join(lines)


def _add_until_failed(tally: Tally, parts: Iterable[Tally]) -> None:
    for part in parts:
        tally.add(part)
        if len(tally.failed) >= FAILURES_KEPT:
            break
