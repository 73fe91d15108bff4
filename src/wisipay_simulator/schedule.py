"""Runs small functions at their time. One task, one heap, bounded by what the book may hold."""

import asyncio
import heapq
import logging
from collections.abc import Callable
from itertools import count

_log = logging.getLogger(__name__)
_PER_ROUND = 500


class Schedule:
    """Functions with a due time on the event loop's clock, run in order of that time."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._due)

    def start(self) -> None:
        """Begin to run what is due, on the running loop."""
        self._task = asyncio.create_task(self._run(), name="schedule")

    def after(self, delay_ms: int, function: Callable[[], None]) -> None:
        """Run a function once, `delay_ms` milliseconds from now."""
        at = asyncio.get_running_loop().time() + delay_ms / 1000
        heapq.heappush(self._due, (at, next(self._order), function))
        if self._due[0][0] == at:
            self._changed.set()

    def clear(self) -> None:
        """Forget everything that is not due yet."""
        self._due.clear()

    async def stop(self) -> None:
        """Stop running; what is left stays unrun (a journal knows it)."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            self._run_due(loop.time())
            wait_seconds = max(0.0, self._due[0][0] - loop.time()) if self._due else None
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _run_due(self, now: float) -> None:
        for _ in range(_PER_ROUND):
            if not self._due or self._due[0][0] > now:
                return
            function = heapq.heappop(self._due)[2]
            try:
                function()
            except Exception:  # noqa: BLE001 - one defect must not stop the clock for all payments
                _log.exception("a scheduled function failed")
