"""Programs and files of the system, for tests that need the real thing: a tiny disk, another user, a stranger."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

Done = subprocess.CompletedProcess[str]


def run(program: str | Path, *arguments: str | Path, check: bool = True) -> Done:
    """Run a program and return what it said; fail when it fails, unless `check` is off."""
    command = [found(program), *map(str, arguments)]
    return subprocess.run(command, check=check, capture_output=True, text=True)  # noqa: S603 - the tests' own commands


def start(program: str | Path, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """Start a program; whoever starts it ends it."""
    return subprocess.Popen([found(program), *map(str, arguments)])  # noqa: S603 - the tests' own commands


def found(program: str | Path) -> str:
    """Return the full path of a program."""
    return shutil.which(program) or str(program)


def measured_environment() -> dict[str, str]:
    """Return the variables by which a process started with an environment of its own is measured for coverage too."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


def names_in(folder: Path) -> dict[str, int]:
    """Return what lies in a folder, with the time of the last change in ns."""
    return {entry.name: entry.stat().st_mtime_ns for entry in folder.iterdir()}


def status_of(pid: int) -> dict[str, list[str]]:
    """Return the fields of /proc/<pid>/status, such as Uid and Groups."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
