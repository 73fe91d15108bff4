"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Starts at a fixed moment; `pass_seconds` moves it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the moment at which the clock stands."""
        return self._now

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
