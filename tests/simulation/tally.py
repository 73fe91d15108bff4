"""What a run of histories is counted by, and how it is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Tally:
    """Histories run, the processor time they took, how many histories saw what, and the seeds that failed.

    `memory_mib` is the most that a process held; `commits` counts histories by the code that ran them.
    """

    histories: int = 0
    cpu_seconds: float = 0.0
    memory_mib: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)
    commits: Counter[str] = field(default_factory=Counter)

    @classmethod
    def told(cls, line: dict[str, Any]) -> Tally:
        """Return what a line of a record tells of one stretch; KeyError when it tells something else."""
        return cls(
            histories=line["histories"],
            cpu_seconds=line["cpu_seconds"],
            memory_mib=line["memory_mib"],
            seen=Counter(line["seen"]),
            failed={int(seed): what for seed, what in line["failed"].items()},
            commits=Counter({line["commit"]: line["histories"]}),
        )

    def line(self) -> dict[str, Any]:
        """Return what a record tells of a stretch, apart from the code that ran it."""
        return {
            "histories": self.histories,
            "cpu_seconds": round(self.cpu_seconds, 3),
            "memory_mib": self.memory_mib,
            "seen": self.seen,
            "failed": self.failed,
        }

    def add(self, other: Tally) -> None:
        """Take another part of the run in."""
        self.histories += other.histories
        self.cpu_seconds += other.cpu_seconds
        self.memory_mib = max(self.memory_mib, other.memory_mib)
        self.seen.update(other.seen)
        self.failed.update(other.failed)
        self.commits.update(other.commits)

    @property
    def per_minute(self) -> float:
        """Histories per minute of one core's processor time."""
        return 60 * self.histories / self.cpu_seconds if self.cpu_seconds else 0.0


def report(tally: Tally) -> str:
    """Return a run in words: its pace, and how many histories saw each thing worth seeing."""
    lines = [f"{tally.histories} histories, {tally.per_minute:.0f} a minute on one core"]
    lines += [f"{count:8} {what}" for what, count in sorted(tally.seen.items())]
    lines += [f"{count:8} with the code of {commit}" for commit, count in sorted(tally.commits.items())]
    lines.append(f"at most {tally.memory_mib} MiB a process, {len(tally.failed)} failed")
    return "\n".join(lines)


def progress(tally: Tally, histories: int) -> str:
    """Return in one line how far a run is."""
    done = f"{tally.histories} of {histories} histories"
    return f"{done}, {len(tally.failed)} failed, {tally.per_minute:.0f} a minute on one core"
