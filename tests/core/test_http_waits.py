"""Long polls: answered as soon as there is something, at the end of their time, or when the instance drains."""

from __future__ import annotations

import asyncio

import pytest

from support.waiting import until
from wisipay.core import http_waits
from wisipay.core.errors import TooManyRequests
from wisipay.core.http_waits import WAITING_OF_ONE_MAX, LongPolls, end_long_polls


class Shelf:
    """Is looked at, and empty until something is put there."""

    def __init__(self) -> None:
        self.content = ""
        self.looks = 0

    async def look(self) -> str:
        self.looks += 1
        return self.content


def waiting(polls: LongPolls, shelf: Shelf, owner: str = "MER-1", seconds: float = 60) -> asyncio.Task[str]:
    return asyncio.create_task(polls.until(shelf.look, bool, owner=owner, seconds=seconds))


async def test_what_is_there_is_told_at_once_and_what_comes_is_told_when_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_waits, "_LOOK_SECONDS", 0.01)
    polls, shelf = LongPolls(), Shelf()
    assert await polls.until(shelf.look, bool, owner="MER-1", seconds=0) == ""
    poll = waiting(polls, shelf)
    await until(lambda: shelf.looks >= 3)
    shelf.content = "news"
    assert await poll == "news"
    assert await waiting(polls, shelf) == "news"
    shelf.content = ""
    assert await waiting(polls, shelf, seconds=0.03) == ""


async def test_whoever_waits_is_answered_when_the_instance_drains_and_those_who_come_later_wait() -> None:
    polls, shelf = LongPolls(), Shelf()
    poll = waiting(polls, shelf)
    await until(lambda: shelf.looks == 1)
    await asyncio.sleep(0)
    end_long_polls()
    assert await poll == ""
    later = waiting(polls, shelf)
    await until(lambda: shelf.looks == 3)
    assert not later.done()
    later.cancel()
    await asyncio.wait({later})


async def test_one_merchant_cannot_take_every_place(monkeypatch: pytest.MonkeyPatch) -> None:
    polls, shelf = LongPolls(), Shelf()
    taken = [waiting(polls, shelf) for _ in range(WAITING_OF_ONE_MAX)]
    await until(lambda: shelf.looks == WAITING_OF_ONE_MAX)
    with pytest.raises(TooManyRequests) as refused:
        await waiting(polls, shelf)
    assert refused.value.retry_after_seconds
    other = waiting(polls, shelf, "MER-2")
    await until(lambda: shelf.looks == WAITING_OF_ONE_MAX + 2)
    monkeypatch.setattr(http_waits, "WAITING_MAX", WAITING_OF_ONE_MAX + 1)
    with pytest.raises(TooManyRequests):
        await waiting(polls, shelf, "MER-3")
    polls.end()
    assert await asyncio.gather(*taken, other) == [""] * (WAITING_OF_ONE_MAX + 1)
    assert await waiting(polls, shelf, seconds=0.01) == "", "their places are free again"
