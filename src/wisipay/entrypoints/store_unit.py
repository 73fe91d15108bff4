"""An embedded store as a unit of the supervisor.

Decides nothing: it joins `core.embedded`, which knows how to start a store, to the supervisor, which knows when.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from wisipay.core.embedded import Running
from wisipay.core.embedded.logs import told
from wisipay.entrypoints.supervisor import SupervisorError

StartStore = Callable[[Path, int], Awaitable[Running]]
StopStore = Callable[[Running], Awaitable[None]]


class StoreUnit:
    """One embedded store in `data_dir` on `port`."""

    def __init__(self, name: str, start: StartStore, stop: StopStore, *, data_dir: Path, port: int) -> None:
        self.name = name
        self._start = start
        self._stop = stop
        self._data_dir = data_dir
        self._port = port
        self._running: Running | None = None

    @property
    def url(self) -> str:
        """Address with its password, after `start`."""
        if self._running is None:
            raise SupervisorError(f"{self.name} was never started")
        return self._running.url

    async def start(self) -> None:
        """Start the store or reuse the one that an earlier run left. Raises `EmbeddedStoreError`."""
        self._running = await self._start(self._data_dir, self._port)

    def is_alive(self) -> bool:
        """Tell whether its server runs."""
        return self._running is not None and self._running.is_alive()

    def obituary(self) -> str:
        """Tell where to read how it ended."""
        return "ended" if self._running is None else f"ended{told(self._running.log_file, 0)}"

    async def stop(self) -> None:
        """Stop its server."""
        if self._running is not None:
            await self._stop(self._running)
