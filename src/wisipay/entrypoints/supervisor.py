"""Keeps a row of units (stores, processes) running: started in order, started again when they die, stopped in reverse.

Decides how often a unit may die before we give up, and how long the gaps between its starts are. Knows nothing about
what a unit is. Must never leave a unit behind when it ends in good order.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, Protocol

from wisipay.core.embedded import EmbeddedStoreError

_POLL_SECONDS: Final = 0.1
_GAP_FIRST_SECONDS: Final = 0.5
_GAP_MAX_SECONDS: Final = 10.0
_RESTARTS_MAX: Final = 6
_RESTARTS_WINDOW_SECONDS: Final = 180.0

Say = Callable[[str], None]
"""Shows one line to the person at the terminal."""


class SupervisorError(Exception):
    """Something that runs under `wisipay up` cannot be kept running; the text is the line to show."""


class Unit(Protocol):
    """One thing to keep running."""

    @property
    def name(self) -> str:
        """Its name, as shown to a person."""

    async def start(self) -> None:
        """Start it and return once it is healthy. Raises `EmbeddedStoreError` or `SupervisorError`."""

    def is_alive(self) -> bool:
        """Tell whether it runs."""

    def obituary(self) -> str:
        """Tell how it ended and where to read more, once it is dead."""

    async def stop(self) -> None:
        """Stop it in good order, by force after a bound; harmless when it does not run."""


@dataclass
class RestartPolicy:
    """Gaps that double from half a second to ten, and at most six starts again within three minutes."""

    deaths: deque[float] = field(default_factory=deque)

    def gap_seconds(self, now: float) -> float | None:
        """Count a death at `now` (monotonic seconds); return the wait before the next start, None to give up."""
        while self.deaths and now - self.deaths[0] > _RESTARTS_WINDOW_SECONDS:
            self.deaths.popleft()
        self.deaths.append(now)
        if len(self.deaths) > _RESTARTS_MAX:
            return None
        return min(_GAP_FIRST_SECONDS * 2.0 ** (len(self.deaths) - 1), _GAP_MAX_SECONDS)


class Supervisor:
    """Starts units one by one with `start`, watches all of them, and stops them with `stop`."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._units: list[Unit] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, unit: Unit) -> None:
        """Start a unit after all that came before it, and keep it running from now on."""
        self._units.append(unit)
        await unit.start()
        watcher = asyncio.create_task(self._keep(unit), name=f"watch {unit.name}")
        watcher.add_done_callback(self._watcher_ended)
        self._watchers.append(watcher)

    async def wait(self) -> None:
        """Wait for ever; raises `SupervisorError` when a unit dies too often."""
        await asyncio.shield(self._given_up)

    async def stop(self) -> None:
        """Stop all units, the last started first; one that resists does not keep the others alive."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        self._watchers.clear()
        if self._given_up.done():
            self._given_up.exception()
        for unit in _reversed_and_emptied(self._units):
            try:
                await unit.stop()
            except (EmbeddedStoreError, SupervisorError) as error:
                self._say(f"{unit.name} could not be stopped: {error}")

    async def _keep(self, unit: Unit) -> None:
        policy = RestartPolicy()
        while True:
            while unit.is_alive():  # noqa: ASYNC110 - the kernel tells no one of the end of a process that is not a child
                await asyncio.sleep(_POLL_SECONDS)
            gap_seconds = policy.gap_seconds(monotonic())
            if gap_seconds is None:
                raise SupervisorError(f"{unit.name} keeps dying, so everything is stopped. It {unit.obituary()}")
            self._say(f"{unit.name} {unit.obituary()}; starting it again in {gap_seconds:g} s")
            await asyncio.sleep(gap_seconds)
            await self._start_again(unit)

    async def _start_again(self, unit: Unit) -> None:
        try:
            await unit.start()
        except (EmbeddedStoreError, SupervisorError) as error:
            self._say(str(error))
        else:
            self._say(f"{unit.name} runs again")

    def _watcher_ended(self, watcher: asyncio.Task[None]) -> None:
        if not watcher.cancelled() and (error := watcher.exception()) is not None and not self._given_up.done():
            self._given_up.set_exception(error)


def _reversed_and_emptied(units: list[Unit]) -> Sequence[Unit]:
    taken = units[::-1]
    units.clear()
    return taken
