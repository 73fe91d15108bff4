"""Runs an instance of the product under a sampler: `python profiled.py payment FILE`.

Every five milliseconds of processor time it notes what the process is at. SIGUSR1 starts anew; SIGUSR2 writes what was
found to the file. It looks from outside, at the stack alone, so the product runs the code that it always runs.
"""

import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import msgspec

from wisipay.entrypoints import cli

SAMPLE_SECONDS = 0.005

_LOOP = "asyncio.runners"


class Found(msgspec.Struct):
    """Samples by the innermost function of ours on the stack, and by the package at its tip."""

    functions: dict[str, int]
    packages: dict[str, int]


class Sampler:
    """Counts samples. What is called from a function of ours, libraries included, counts as that function's."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._functions: Counter[str] = Counter()
        self._packages: Counter[str] = Counter()

    def sample(self, _number: int, frame: FrameType | None) -> None:
        """Note one sample."""
        self._packages[_package(frame)] += 1
        self._functions[_function(frame)] += 1

    def restart(self, _number: int, _frame: FrameType | None) -> None:
        """Forget what was found."""
        self._functions.clear()
        self._packages.clear()

    def write(self, _number: int, _frame: FrameType | None) -> None:
        """Write what was found."""
        beside = self._file.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(Found(dict(self._functions), dict(self._packages))))
        beside.rename(self._file)


def _function(frame: FrameType | None) -> str:
    while frame is not None and (name := frame.f_globals.get("__name__", "")) != _LOOP:
        if name.startswith("wisipay."):
            return f"{name.removeprefix('wisipay.')} {frame.f_code.co_qualname}"
        frame = frame.f_back
    return "the event loop, and what it calls by itself: server, drivers"


def _package(frame: FrameType | None) -> str:
    name = "" if frame is None else str(frame.f_globals.get("__name__", ""))
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "wisipay" else parts[0]


def main() -> None:
    """Start sampling, then be the instance."""
    sampler = Sampler(Path(sys.argv[2]))
    signal.signal(signal.SIGPROF, sampler.sample)
    signal.signal(signal.SIGUSR1, sampler.restart)
    signal.signal(signal.SIGUSR2, sampler.write)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)
    sys.argv = ["wisipay", sys.argv[1]]
    cli.main()


if __name__ == "__main__":
    main()
