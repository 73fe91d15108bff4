"""What the processes of an installation use: processor time and memory, by name, from /proc.

Decides which name a process goes by. Everything that this process started counts, and PostgreSQL's backends count as
one, those that have ended included. Must never count a process of somebody else.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM, _USER_ENDED, _SYSTEM_ENDED = 1, 11, 12, 13, 14
_BUSY_FIELDS = (0, 1, 2, 5, 6, 7)  # user, nice, system, interrupts, soft interrupts, stolen by other machines
_NAMES = {
    "wisipay.entrypoints.cli": None,  # the next argument says which
    "profiled.py": None,
    "wisipay_simulator": "simulator",
    "load.py": "load",
    "pgbench": "pgbench",
    "valkey-server": "valkey",
    "nx_27017": "mongodb",
    "postgres": "postgres",
}
_OURS = "benchmark"


@dataclass(frozen=True, slots=True)
class Moment:
    """Processor seconds used so far, by name of process, and by everything on this machine."""

    by_name: Mapping[str, float]
    machine: float

    def since(self, earlier: "Moment") -> dict[str, float]:
        """Return the processor seconds between two moments, by name; `others` is what is not ours."""
        used = {name: seconds - earlier.by_name.get(name, 0.0) for name, seconds in self.by_name.items()}
        return {**used, "others": max(0.0, self.machine - earlier.machine - sum(used.values()))}


def now() -> Moment:
    """Measure this moment."""
    used: dict[str, float] = defaultdict(float)
    for pid, name in _ours():
        if fields := _stat(pid):
            ended = (_USER_ENDED, _SYSTEM_ENDED) if name == "postgres" else ()
            used[name] += sum(int(fields[field]) for field in (_USER, _SYSTEM, *ended)) / _TICKS
    busy = (_PROC / "stat").read_text(encoding="utf-8").split()[1:9]
    return Moment(dict(used), sum(int(busy[field]) for field in _BUSY_FIELDS) / _TICKS)


def memory_mebibytes() -> dict[str, list[float]]:
    """Return the resident memory of each process; of PostgreSQL, whose processes share most of it, the true sum."""
    found: dict[str, list[float]] = defaultdict(list)
    for pid, name in _ours():
        kibibytes = (
            _kibibytes(pid, "smaps_rollup", "Pss:") if name == "postgres" else _kibibytes(pid, "status", "VmRSS:")
        )
        found[name].append(round(kibibytes / 1024, 1))
    if "postgres" in found:
        found["postgres"] = [round(sum(found["postgres"]), 1)]
    return dict(found)


def pids(name: str) -> list[int]:
    """Return the ids of our processes of a name."""
    return [pid for pid, each in _ours() if each == name]


def _ours() -> Iterator[tuple[int, str]]:
    """Walk over this process and everything below it."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in os.scandir(_PROC):
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children[int(fields[_PARENT])].append(int(entry.name))
    yield os.getpid(), _OURS
    waiting = list(children[os.getpid()])
    while waiting:
        pid = waiting.pop()
        waiting += children[pid]
        if name := _name(pid):
            yield pid, name


def _name(pid: int) -> str | None:
    try:
        program = (_PROC / str(pid) / "exe").readlink().name
        arguments = (_PROC / str(pid) / "cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return None
    for part, name in _NAMES.items():
        place = next((at for at, argument in enumerate((program, *arguments)) if part in argument), None)
        if place is not None:
            return arguments[place] if name is None else name  # the program stands before the arguments
    return program


def _stat(pid: int) -> list[str] | None:
    """Return the fields after the program's name."""
    try:
        return (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None


def _kibibytes(pid: int, file: str, field: str) -> int:
    try:
        lines = (_PROC / str(pid) / file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)
