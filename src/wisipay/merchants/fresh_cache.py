"""A small cache whose values are never older than a few seconds.

Decides when a value is read again: after its time to live, and after every invalidation, also for a read that was
already under way then. One read per key at a time, however many wait for it. Must never grow without bound or hide a
failed read: whoever waits for it gets the error.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    value: Value
    fresh_until: float


class FreshCache(Generic[Value]):
    """Values by key, read through `load`; `timer` gives monotonic seconds."""

    def __init__(
        self,
        load: Callable[[str], Awaitable[Value]],
        *,
        ttl_seconds: float,
        max_entries: int,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._load = load
        self._ttl_seconds = ttl_seconds
        self._max_entries = max_entries
        self._timer = timer
        self._entries: dict[str, _Entry[Value]] = {}
        self._reads: dict[str, asyncio.Task[Value]] = {}
        self._generation = 0

    async def get(self, key: str) -> Value:
        """Give the value of a key: a dictionary look-up when it is fresh, else a read that others may share."""
        entry = self._entries.get(key)
        if entry is not None and self._timer() < entry.fresh_until:
            return entry.value
        read = self._reads.get(key)
        if read is None:
            read = asyncio.create_task(self._read(key, self._generation), name=f"read {key}")
            self._reads[key] = read
            read.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(read)

    def invalidate(self) -> None:
        """Have every value read again by whoever asks next."""
        self._generation += 1
        self._entries.clear()
        self._reads.clear()

    async def _read(self, key: str, generation: int) -> Value:
        fresh_until = self._timer() + self._ttl_seconds
        value = await self._load(key)
        if generation == self._generation:
            if len(self._entries) >= self._max_entries:
                del self._entries[next(iter(self._entries))]
            self._entries.pop(key, None)
            self._entries[key] = _Entry(value, fresh_until)
        return value

    def _forget(self, key: str, read: asyncio.Task[Value]) -> None:
        if self._reads.get(key) is read:
            del self._reads[key]
        if not read.cancelled():
            read.exception()
