"""The cache of the directory: fresh values are looked up, stale ones are read once for all who ask."""

import asyncio

import pytest

from wisipay.merchants.fresh_cache import FreshCache


class _Source:
    def __init__(self) -> None:
        self.reads: list[str] = []
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.version = 1

    async def load(self, key: str) -> str:
        self.reads.append(key)
        self.asked.set()
        version = self.version
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return f"{key}{version}"


async def test_a_value_is_read_once_while_it_is_fresh() -> None:
    now = 0.0
    source = _Source()
    cache = FreshCache(source.load, ttl_seconds=5, max_entries=10, timer=lambda: now)
    assert [await cache.get("a"), await cache.get("a")] == ["a1", "a1"]
    now, source.version = 5.0, 2
    assert await cache.get("a") == "a2"
    assert source.reads == ["a", "a"]


async def test_everybody_who_waits_shares_one_read() -> None:
    source = _Source()
    source.gate.clear()
    cache = FreshCache(source.load, ttl_seconds=5, max_entries=10)
    waiting = [asyncio.create_task(cache.get("a")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*waiting[1:]) == ["a1", "a1"]
    assert source.reads == ["a"]


async def test_a_read_that_was_under_way_at_a_change_is_not_kept() -> None:
    source = _Source()
    source.gate.clear()
    cache = FreshCache(source.load, ttl_seconds=5, max_entries=10)
    early = asyncio.create_task(cache.get("a"))
    await source.asked.wait()
    cache.invalidate()
    source.version = 2
    late = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await early, await late, await cache.get("a")) == ("a1", "a2", "a2")
    assert source.reads == ["a", "a"]


async def test_a_failed_read_is_told_and_not_kept() -> None:
    source = _Source()
    source.error = ConnectionError("gone")
    cache = FreshCache(source.load, ttl_seconds=5, max_entries=10)
    with pytest.raises(ConnectionError):
        await cache.get("a")
    source.error = None
    assert await cache.get("a") == "a1"


async def test_the_oldest_value_makes_room_for_the_newest() -> None:
    source = _Source()
    cache = FreshCache(source.load, ttl_seconds=5, max_entries=2)
    for key in ("a", "b", "c", "c", "b"):
        await cache.get(key)
    assert source.reads == ["a", "b", "c"]
    await cache.get("a")
    assert source.reads[-1] == "a"


async def test_a_read_that_was_ended_is_begun_anew() -> None:
    source = _Source()
    source.gate.clear()
    cache = FreshCache(source.load, ttl_seconds=5, max_entries=2)
    waiting = asyncio.create_task(cache.get("a"))
    await source.asked.wait()
    (read,) = (task for task in asyncio.all_tasks() if task.get_name() == "read a")
    read.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    source.gate.set()
    assert await cache.get("a") == "a1"
