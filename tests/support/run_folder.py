"""The folder of one test run, shared by its pytest-xdist workers, and the removal of what a killed run left behind.

A run's folder is named after the process id and start time of the process that owns it. While that very process lives
nobody else touches the folder; afterwards the next run stops the servers in it and removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ENVIRONMENT = "WISIPAY_TEST_RUN_FOLDER"
_STOP_SECONDS = 5


def enter() -> Path:
    """Return this run's folder; the first caller of a run makes it, and becomes its owner."""
    if (given := os.environ.get(_ENVIRONMENT)) is not None:
        return Path(given)
    home = Path(tempfile.gettempdir()) / f"wisipay-tests-{os.getuid()}"
    home.mkdir(mode=0o755, exist_ok=True)
    for folder in home.iterdir():
        if not _is_alive(folder.name):
            discard(folder)
    own = home / f"{os.getpid()}-{_start_time(os.getpid())}"
    own.mkdir(mode=0o755)
    os.environ[_ENVIRONMENT] = str(own)
    return own


def leave() -> None:
    """Discard this run's folder, and the stores in it, if it is ours: a run within a run only shares it."""
    own = Path(os.environ.pop(_ENVIRONMENT, ""))
    if own.name == f"{os.getpid()}-{_start_time(os.getpid())}":
        discard(own)


def discard(folder: Path) -> None:
    """Stop every server that runs inside `folder`, then remove it."""
    for pid in _processes_in(folder):
        _end(pid)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run's lock, so that one worker starts what all of them use."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_alive(name: str) -> bool:
    pid, _, start = name.partition("-")
    return pid.isdigit() and _start_time(int(pid)) == start


def _start_time(pid: int) -> str:
    """Return the kernel's start time of a process (clock ticks since boot), or "" when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _processes_in(folder: Path) -> list[int]:
    """Return the processes whose working directory is inside `folder`: the stores run in their data folders."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and (process / "cwd").resolve().is_relative_to(folder):
                found.append(int(process.name))
    return found


def _end(pid: int) -> None:
    """End a store at once; its data is about to be removed anyway."""
    deadline = time.monotonic() + _STOP_SECONDS
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
