"""One process of the product under `wisipay up`: started, checked over HTTP, drained, and found again after a crash.

Decides that a process belongs to an installation by a mark in its environment that names the data folder. Must never
stop a process without that mark.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Final

import aiohttp

from wisipay.core.embedded import process
from wisipay.core.embedded.folders import make_folder
from wisipay.core.embedded.logs import rotate, told
from wisipay.core.embedded.process import ProcessIdentity
from wisipay.core.embedded.server import require_free_port
from wisipay.core.embedded.spawn import spawn
from wisipay.entrypoints.supervisor import SupervisorError

_MARK: Final = "WISIPAY_UP_DATA"
_READY_TIMEOUT_SECONDS: Final = 60.0
_ANSWER_TIMEOUT_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.05
_ORPHAN_DRAIN_SECONDS: Final = 10.0
_HTTP_OK: Final = 200


class Instance:
    """A process that answers 200 at `health_url` when it is ready to work; `ports` must be free before it starts.

    `after_start` tells it what it does not remember, after every start; when that fails the start has failed.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        data_dir: Path,
        environment: Mapping[str, str],
        health_url: str,
        ports: Sequence[int],
        drain_seconds: float = 30.0,
        after_start: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.log_file = data_dir / "log" / f"{name}.log"
        self._arguments = tuple(arguments)
        self._environment = {**environment, _MARK: str(data_dir)}
        self._health_url = health_url
        self._ports = tuple(ports)
        self._drain_seconds = drain_seconds
        self._after_start = after_start
        self._identity: ProcessIdentity | None = None
        self._log_offset = 0

    @property
    def pid(self) -> int | None:
        """Process id, None before the first start."""
        return None if self._identity is None else self._identity.pid

    async def start(self) -> None:
        """Start the process and return once it is ready. Raises `EmbeddedStoreError` or `SupervisorError`."""
        for port in self._ports:
            require_free_port(self.name, port)
        make_folder(self.log_file.parent)
        self._log_offset = rotate(self.log_file)
        self._identity = spawn(
            self._arguments, folder=Path.cwd(), environment=self._environment, log_file=self.log_file
        )
        await self._wait_until_ready()
        if self._after_start is not None:
            await self._prepare(self._after_start)

    async def _wait_until_ready(self) -> None:
        deadline = monotonic() + _READY_TIMEOUT_SECONDS
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_SECONDS)) as session:
            while not await self._is_ready(session):
                if not self.is_alive():
                    raise SupervisorError(f"{self.name} {self.obituary()}")
                if monotonic() > deadline:
                    await self.stop()
                    raise SupervisorError(
                        f"{self.name} is not ready after {_READY_TIMEOUT_SECONDS:.0f} s"
                        f"{told(self.log_file, self._log_offset)}"
                    )
                await asyncio.sleep(_POLL_SECONDS)

    async def _prepare(self, after_start: Callable[[], Awaitable[None]]) -> None:
        try:
            await after_start()
        except BaseException:
            await self.stop()
            raise

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._identity is not None and process.is_alive(self._identity)

    def obituary(self) -> str:
        """Tell how it ended."""
        status = None if self._identity is None else process.exit_status(self._identity.pid)
        if status is not None and status < 0:
            return f"ended (killed by {signal.Signals(-status).name}; log: {self.log_file})"
        how = "exit status unknown" if status is None else f"exit status {status}"
        return f"ended ({how}){told(self.log_file, self._log_offset)}"

    async def stop(self) -> None:
        """SIGTERM, the time to drain, SIGKILL."""
        if self._identity is not None:
            await process.stop([self._identity], [(signal.SIGTERM, self._drain_seconds)])

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(self._health_url) as answer:
                return answer.status == _HTTP_OK
        except (aiohttp.ClientError, TimeoutError):
            return False


async def stop_orphans(data_dir: Path) -> int:
    """Stop the processes that a killed `wisipay up` on this data folder left behind; return how many there were."""
    orphans = process.running_with(f"{_MARK}={data_dir}")
    if orphans:
        await process.stop(orphans, [(signal.SIGTERM, _ORPHAN_DRAIN_SECONDS)])
    return len(orphans)


def inherited_environment() -> dict[str, str]:
    """Return this process's environment without the mark, for children of another installation."""
    return {name: value for name, value in os.environ.items() if name != _MARK}
