"""Many histories at a time, on any number of processes; a run ends at the first that fail, `FAILURES_KEPT` of them.

Goes on from what a record tells was run, and tells of each stretch that came to its end.
"""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from resource import RUSAGE_SELF, getrusage
from threading import Thread
from time import monotonic, process_time, sleep

import structlog

from simulation.history import STEPS, run_seed
from simulation.tally import Tally

FAILURES_KEPT = 5
TELL_SECONDS = 30
"""How often a run says how far it is, at the latest at the end of the stretch that is being run."""

Done = Callable[[range, Tally], None]
"""What is told of each stretch that came to its end: its seeds, and what was counted."""

_KIB_PER_MIB = 1024
_COLLECT_AFTER = 20_000
_WATCH_SECONDS = 2


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the product's log out of the way, a history's faults would fill it; and collect garbage less often."""
    before, thresholds = structlog.get_config(), gc.get_threshold()
    structlog.configure(**before | {"wrapper_class": structlog.make_filtering_bound_logger(50)})
    gc.set_threshold(_COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        structlog.configure(**before)


def run_stretch(seeds: range, steps: int = STEPS) -> Tally:
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
    tally.memory_mib = getrusage(RUSAGE_SELF).ru_maxrss // _KIB_PER_MIB
    return tally


def run(
    stretches: Iterable[range], steps: int, workers: int, done: Done, tally: Tally, tell: Callable[[], None]
) -> None:
    """Run stretches, spread over processes, and add them to the tally; `tell` is called every `TELL_SECONDS`."""
    left = deque(stretches)
    if workers == 1:
        _run_here(left, steps, done, tally, tell)
        return
    gc.freeze()  # what is loaded by now is the children's too, as long as nobody writes to it
    with ProcessPoolExecutor(workers, initializer=_end_with, initargs=(os.getpid(),)) as pool:
        under_way: dict[Future[Tally], range] = {}
        told_at = monotonic()
        while (left or under_way) and len(tally.failed) < FAILURES_KEPT:
            while left and len(under_way) <= workers:
                seeds = left.popleft()
                under_way[pool.submit(run_stretch, seeds, steps)] = seeds
            finished, _ = wait(under_way, TELL_SECONDS, FIRST_COMPLETED)
            for each in finished:
                part = each.result()
                tally.add(part)
                done(under_way.pop(each), part)
            told_at = _tell_in_time(told_at, tell)
        pool.shutdown(cancel_futures=True)


def _run_here(left: deque[range], steps: int, done: Done, tally: Tally, tell: Callable[[], None]) -> None:
    told_at = monotonic()
    while left and len(tally.failed) < FAILURES_KEPT:
        seeds = left.popleft()
        part = run_stretch(seeds, steps)
        tally.add(part)
        done(seeds, part)
        told_at = _tell_in_time(told_at, tell)


def _end_with(parent_id: int) -> None:
    """Let this process end when the one that started it was killed: nobody else would tell it."""

    def watch() -> None:
        while os.getppid() == parent_id:
            sleep(_WATCH_SECONDS)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _tell_in_time(told_at: float, tell: Callable[[], None]) -> float:
    if monotonic() - told_at < TELL_SECONDS:
        return told_at
    tell()
    return monotonic()
