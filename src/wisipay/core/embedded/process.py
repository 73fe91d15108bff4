"""Which process is ours: identity, finding again after a crash, signals.

Decides that a process is ours only by process id *and* start time, or by working folder *and* program; a process id
alone means nothing after a restart of the machine. Must never signal a stranger: the start time is compared again
after the kernel has given us a handle (pidfd) that cannot be reused.
"""

import asyncio
import atexit
import os
import signal
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Final

from wisipay.core.embedded.errors import EmbeddedStoreError

_PROC: Final = Path("/proc")
_START_TICKS_FIELD: Final = 19
_POLL_SECONDS: Final = 0.02

Owns = Callable[[str, Sequence[str]], bool]
"""Says from a process's executable name and arguments whether it is the program looked for."""

_children: dict[int, subprocess.Popen[bytes]] = {}


@atexit.register
def _let_go() -> None:
    """Leave the children running, without Python's warning about it: outliving us is what they are for."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        _children.clear()


@dataclass(frozen=True)
class ProcessIdentity:
    """One process for good: `started` joins the machine's boot id and the start time in clock ticks since then."""

    pid: int
    started: str


def require_proc() -> None:
    """Raise `EmbeddedStoreError` on systems without /proc, where nothing could be found again after a crash."""
    if not (_PROC / "self" / "stat").exists():
        raise EmbeddedStoreError(
            "The embedded stores need Linux with /proc mounted. Run servers of your own and set DATABASE_URL, "
            "REDIS_URL and MONGODB_URI."
        )


def adopt_child(child: subprocess.Popen[bytes]) -> ProcessIdentity | None:
    """Keep `child` so that it is reaped when it ends; return its identity, None when it has ended already."""
    _children[child.pid] = child
    return identify(child.pid)


def exit_status(pid: int) -> int | None:
    """Return how a child of this process ended (negative: by that signal), None while it runs or when unknown."""
    child = _children.get(pid)
    return None if child is None else child.poll()


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of a running process; None when there is none of that id or it is a zombie."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        return None
    fields = _stat_fields(pid)
    if fields is None or fields[0] in {"Z", "X"}:
        return None
    return ProcessIdentity(pid, f"{_boot_id()}/{fields[_START_TICKS_FIELD]}")


def is_alive(identity: ProcessIdentity) -> bool:
    """Tell whether this very process still runs."""
    return identify(identity.pid) == identity


def running_in(folder: Path, owns: Owns) -> list[ProcessIdentity]:
    """Find the processes whose working folder is `folder` and whose program `owns` accepts."""
    wanted = str(folder.resolve())
    return [identity for pid in _pids() if _works_in(pid, wanted, owns) and (identity := identify(pid))]


def send(identity: ProcessIdentity, number: signal.Signals) -> bool:
    """Signal this very process; False when it is gone."""
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise EmbeddedStoreError(
            f"Process {identity.pid} belongs to another user and cannot be stopped from here; stop it as that "
            "user or as root."
        ) from error
    finally:
        os.close(handle)
    return True


async def wait_until_gone(identities: Iterable[ProcessIdentity], timeout_seconds: float) -> list[ProcessIdentity]:
    """Wait for the processes to end; return those that still run after `timeout_seconds`."""
    deadline = monotonic() + timeout_seconds
    left = [identity for identity in identities if is_alive(identity)]
    while left and monotonic() < deadline:
        await asyncio.sleep(_POLL_SECONDS)
        left = [identity for identity in left if is_alive(identity)]
    return left


async def stop(identities: Sequence[ProcessIdentity], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Signal the processes step by step, each step with its waiting time in seconds, until all are gone.

    SIGKILL with ten seconds is added as the last step. Raises `EmbeddedStoreError` when even that does not help.
    """
    left = list(identities)
    for number, timeout_seconds in (*steps, (signal.SIGKILL, 10.0)):
        for identity in left:
            send(identity, number)
        left = await wait_until_gone(left, timeout_seconds)
        if not left:
            return
    pids = ", ".join(str(identity.pid) for identity in left)
    raise EmbeddedStoreError(f"Process {pids} does not end, not even by SIGKILL; it hangs in the kernel (disk?).")


def arguments_of(pid: int) -> Sequence[str]:
    """Return a process's command line, empty when it is gone or not ours to read."""
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return raw.decode(errors="replace").rstrip("\0").split("\0")


def environment_of(pid: int) -> Sequence[str]:
    """Return a process's initial environment as `NAME=value` texts, empty when it is gone or not ours to read."""
    try:
        raw = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return ()
    return raw.decode(errors="replace").split("\0")


def running_with(marker: str) -> list[ProcessIdentity]:
    """Find the processes started with `marker` (a whole `NAME=value`) in their environment, except this one."""
    pids = (pid for pid in _pids() if pid != os.getpid() and marker in environment_of(pid))
    return [identity for pid in pids if (identity := identify(pid))]


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in os.scandir(_PROC) if entry.name.isdigit())


def _works_in(pid: int, folder: str, owns: Owns) -> bool:
    try:
        if str((_PROC / str(pid) / "cwd").readlink()) != folder:
            return False
        program = (_PROC / str(pid) / "exe").readlink().name.removesuffix(" (deleted)")
    except OSError:
        return False
    return owns(program, arguments_of(pid))


def _stat_fields(pid: int) -> list[str] | None:
    """Return the fields after the program name, which may itself hold spaces and brackets."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


@cache
def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"
