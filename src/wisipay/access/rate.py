"""Requests per window: what a limit is, and the estimate of one process while Redis is away.

Decides what counts: a request is counted in all of its windows or in none, so a merchant refused by its own limit uses
up nothing of the system's. A window starts with its first request. Must never keep more than a bounded number of
windows, and never be the shared count: the estimate knows this process only and so lets through more, not less.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

_LOCAL_WINDOWS_MAX: Final = 100_000


class RateLimit(msgspec.Struct, frozen=True):
    """At most `limit` requests in any window of `window_ms` under `key`; `scope` names the kind of limit in metrics."""

    scope: str
    key: str
    limit: int
    window_ms: int = 1000


class RateExceeded(msgspec.Struct, frozen=True):
    """The first limit that was reached, and how long its window still runs."""

    limit: RateLimit
    retry_after_ms: int

    @property
    def retry_after_seconds(self) -> int:
        """Whole seconds to wait, at least one."""
        return max(1, -(-self.retry_after_ms // 1000))


@dataclass(slots=True)
class _Window:
    ends_ms: int
    count: int


class LocalWindows:
    """Windows in this process's memory; the oldest are forgotten when there are too many."""

    def __init__(self, *, windows_max: int = _LOCAL_WINDOWS_MAX) -> None:
        self._windows_max = windows_max
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def take(self, limits: Sequence[RateLimit], now_ms: int) -> RateExceeded | None:
        """Count one request in all windows, or name the first that is full."""
        windows = [self._window(limit, now_ms) for limit in limits]
        for limit, window in zip(limits, windows, strict=True):
            if window.count >= limit.limit:
                return RateExceeded(limit, window.ends_ms - now_ms)
        for window in windows:
            window.count += 1
        return None

    def _window(self, limit: RateLimit, now_ms: int) -> _Window:
        window = self._windows.get(limit.key)
        if window is None or window.ends_ms <= now_ms:
            window = _Window(ends_ms=now_ms + limit.window_ms, count=0)
            self._windows.pop(limit.key, None)
            self._windows[limit.key] = window
            if len(self._windows) > self._windows_max:
                self._windows.popitem(last=False)
        return window
