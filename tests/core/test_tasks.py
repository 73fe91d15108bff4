"""Ending tasks that run for as long as their process."""

from __future__ import annotations

import asyncio

import pytest

from wisipay.core import tasks
from wisipay.core.tasks import end


async def _loop(lost: list[str]) -> None:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if len(lost) == 2:
                raise
            lost.append("asyncio.wait_for returned a result instead")


async def test_a_cancellation_that_is_lost_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_AFTER_SECONDS", 0.01)
    lost: list[str] = []
    task = asyncio.create_task(_loop(lost))
    await asyncio.sleep(0)
    await end(task)
    assert task.cancelled()
    assert len(lost) == 2


async def test_a_task_that_has_ended_by_itself_or_never_began_is_nothing_to_wait_for() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    await end(task)
    await end(None)
    assert not task.cancelled()
