"""What the three embedded servers share: lock, record, start, reuse and end of one server process.

Decides when a server left by an earlier run is reused (same process, same arguments, healthy) and when it is stopped. A
server outlives the process that started it, on purpose: whoever comes next finds it. Must never touch a process that
does not work in the store's own folder.
"""

import asyncio
import errno
import fcntl
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final

from wisipay.core.embedded import process
from wisipay.core.embedded.accounts import Account
from wisipay.core.embedded.errors import EmbeddedStoreError
from wisipay.core.embedded.folders import make_folder, unusable
from wisipay.core.embedded.logs import rotate, told
from wisipay.core.embedded.process import Owns, ProcessIdentity
from wisipay.core.embedded.records import Record, read_record, write_record
from wisipay.core.embedded.spawn import spawn

_LOCK_WAIT_SECONDS: Final = 150.0
_POLL_SECONDS: Final = 0.03
_CHILDREN_TIMEOUT_SECONDS: Final = 10.0

StopSteps = Sequence[tuple[signal.Signals, float]]


@dataclass(frozen=True)
class Running:
    """A store that answers: `url` with its password, and the process behind it. `reused`: found running."""

    name: str
    url: str = field(repr=False)
    port: int
    folder: Path
    log_file: Path
    identity: ProcessIdentity
    reused: bool

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self.identity.pid

    def is_alive(self) -> bool:
        """Tell whether the server process still runs."""
        return process.is_alive(self.identity)


@dataclass(frozen=True)
class Server:
    """How one server is started and recognised; `healthy` raises `NotReady` until it answers.

    `folder` is the working folder of the server process, which is how it is found again. `prepare` makes the
    data and removes what a dead server left that the next one would believe; it is called when no process of the store
    is left and the port is free.
    """

    name: str
    home: Path
    folder: Path
    port: int
    url: str = field(repr=False)
    arguments: Sequence[str]
    environment: Mapping[str, str]
    account: Account | None
    owns: Owns
    healthy: Callable[[], Awaitable[None]] = field(repr=False)
    prepare: Callable[[], None]
    stop_steps: StopSteps
    ready_timeout_seconds: float

    @property
    def log_file(self) -> Path:
        """Where the server's own words go."""
        return self.home.parent / "log" / f"{self.home.name}.log"


class NotReady(Exception):  # noqa: N818 - a state while starting, not an error shown to anyone
    """The server does not answer yet."""


@asynccontextmanager
async def exclusively(home: Path) -> AsyncIterator[None]:
    """Hold the store's lock, so that two programs starting the same store do it one after the other."""
    try:
        handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unusable(home, error) from error
    try:
        await _lock(handle, home)
        yield
    finally:
        os.close(handle)


async def start(server: Server) -> Running:
    """Reuse the server if it already runs and answers, else stop what is left of it and start it. Needs the lock.

    Raises `EmbeddedStoreError`.
    """
    record = read_record(server.home)
    main = record.identity if record is not None and _is_ours(record.identity, server) else None
    if record is not None and main and record.arguments == tuple(server.arguments) and await _answers(server):
        return _running(server, main, reused=True)
    await end(server.folder, server.owns, main, server.stop_steps)
    require_free_port(server.name, server.port)
    server.prepare()
    return await _start_new(server)


async def start_in(home: Path, describe: Callable[[Path], Server]) -> Running:
    """Start or reuse the server that `home` belongs to, while no other program starts or stops it.

    `describe` gets the folder, made if need be. Raises `EmbeddedStoreError`.
    """
    process.require_proc()
    make_folder(home)
    async with exclusively(home):
        return await start(describe(home))


async def end(folder: Path, owns: Owns, main: ProcessIdentity | None, steps: StopSteps) -> None:
    """Stop the store's main process in good order, then kill what else of the store works in `folder`.

    Without a main process the others are what a killed one left behind; there is nothing to wait for.
    """
    if main is not None and process.is_alive(main):
        await process.stop([main], steps)
        await process.wait_until_gone(process.running_in(folder, owns), _CHILDREN_TIMEOUT_SECONDS)
    await process.stop(process.running_in(folder, owns), ())


async def stop_in(running: Running, owns: Owns, steps: StopSteps) -> None:
    """End a server that `start_in` gave, while no other program starts or stops it."""
    async with exclusively(running.folder):
        await end(running.folder, owns, running.identity, steps)


def _is_ours(identity: ProcessIdentity, server: Server) -> bool:
    return identity in process.running_in(server.folder, server.owns)


def require_free_port(name: str, port: int) -> None:
    """Raise `EmbeddedStoreError` when another program listens on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise _port_error(name, port, error) from error


def _port_error(name: str, port: int, error: OSError) -> EmbeddedStoreError:
    if error.errno == errno.EADDRINUSE:
        return EmbeddedStoreError(
            f"Port {port} for {name} is already used by another program; stop that program, or choose other ports with "
            "--port-base."
        )
    return EmbeddedStoreError(f"Port {port} for {name} cannot be opened: {error.strerror}; choose another --port-base.")


async def _start_new(server: Server) -> Running:
    make_folder(server.log_file.parent)
    offset = rotate(server.log_file)
    identity = spawn(
        server.arguments,
        folder=server.folder,
        environment=server.environment,
        account=server.account,
        log_file=server.log_file,
    )
    if identity is None:
        raise EmbeddedStoreError(f"{server.name} stopped while starting{told(server.log_file, offset)}")
    write_record(server.home, Record(identity, server.url, tuple(server.arguments)))
    try:
        await _wait_until_ready(server, identity, offset)
    except asyncio.CancelledError:
        await end(server.folder, server.owns, identity, server.stop_steps)
        raise
    return _running(server, identity, reused=False)


async def _wait_until_ready(server: Server, identity: ProcessIdentity, offset: int) -> None:
    deadline = monotonic() + server.ready_timeout_seconds
    while process.is_alive(identity):
        if await _answers(server):
            return
        if monotonic() > deadline:
            await end(server.folder, server.owns, identity, server.stop_steps)
            waited = f"{server.ready_timeout_seconds:.0f} s"
            raise EmbeddedStoreError(f"{server.name} does not answer after {waited}{told(server.log_file, offset)}")
        await asyncio.sleep(_POLL_SECONDS)
    raise EmbeddedStoreError(f"{server.name} stopped while starting{told(server.log_file, offset)}")


def _running(server: Server, identity: ProcessIdentity, *, reused: bool) -> Running:
    return Running(server.name, server.url, server.port, server.folder, server.log_file, identity, reused)


async def _answers(server: Server) -> bool:
    try:
        await server.healthy()
    except NotReady:
        return False
    return True


async def _lock(handle: int, home: Path) -> None:
    deadline = monotonic() + _LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() > deadline:
                raise EmbeddedStoreError(
                    f"Another program has been starting or stopping the store in {home} for {_LOCK_WAIT_SECONDS:.0f} s;"
                    " end it and try again."
                ) from None
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return
