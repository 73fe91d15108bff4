"""Runs small functions at their time. One timer, one heap, bounded by what the book may hold."""

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
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def after(self, delay_ms: int, function: Callable[[], None]) -> None:
        """Run a function once, `delay_ms` milliseconds from now; on the running loop."""
        at = asyncio.get_running_loop().time() + delay_ms / 1000
        entry = (at, next(self._order), function)
        heapq.heappush(self._due, entry)
        if self._due[0] is entry:
            self._set_timer()

    def clear(self) -> None:
        """Forget everything that is not due yet."""
        self._due.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(self._due[0][0], self._run) if self._due else None

    def _run(self) -> None:
        self._run_due(asyncio.get_running_loop().time())
        self._set_timer()

    def _run_due(self, now: float) -> None:
        for _ in range(_PER_ROUND):
            if not self._due or self._due[0][0] > now:
                return
            function = heapq.heappop(self._due)[2]
            try:
                function()
            except Exception:  # noqa: BLE001 - one defect must not stop the clock for all payments
                _log.exception("a scheduled function failed")
