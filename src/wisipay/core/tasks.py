"""Ending a task that runs for as long as its process.

Decides that one cancellation may not be enough: `asyncio.wait_for`, before Python 3.12, loses one that comes in the
moment in which what it waits for is done, and redis-py sends every command through it. The task's loop would go on, and
whoever waits for its end would wait for ever; so the cancellation is said again until the task has ended.
"""

from __future__ import annotations

import asyncio
from typing import Final

AGAIN_AFTER_SECONDS: Final = 1.0


async def end(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and return when it has ended, however; None is a task that was never started."""
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_AFTER_SECONDS)
