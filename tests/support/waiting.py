"""Wait for something to become true, in place of a sleep that is sometimes too short and always too long."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object | Awaitable[object]], *, timeout_seconds: float = 30) -> None:
    """Return once `condition()` (awaited if need be) is true; fail with its text after `timeout_seconds`."""
    try:
        async with asyncio.timeout(timeout_seconds):
            while not await _value(condition):  # noqa: ASYNC110 - any condition, so there is no event to await
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not true within {timeout_seconds} s: {inspect.getsource(condition).strip()}") from None


async def _value(condition: Callable[[], object | Awaitable[object]]) -> object:
    value = condition()
    return await value if inspect.isawaitable(value) else value
