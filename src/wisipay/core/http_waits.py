"""Requests that wait until there is something to tell (long polls).

Decides how many may wait, and that none keeps an instance from stopping: whoever waits is answered with what there is
as soon as the instance drains. A waiting request is not in our hands, so it does not look like overload.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar
from weakref import WeakSet

from wisipay.core.admission import outside
from wisipay.core.errors import TooManyRequests

WAIT_SECONDS_MAX: Final = 25
"""Shorter than proxies cut off what is silent."""
WAITING_MAX: Final = 256
WAITING_OF_ONE_MAX: Final = 4

_LOOK_SECONDS: Final = 1.0
_COME_AGAIN_SECONDS: Final = 5

Found = TypeVar("Found")

_all: Final[WeakSet["LongPolls"]] = WeakSet()


class LongPolls:
    """The waiting requests of one application."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._ends: set[asyncio.Event] = set()
        _all.add(self)

    async def until(
        self, look: Callable[[], Awaitable[Found]], is_worth: Callable[[Found], bool], *, owner: str, seconds: float
    ) -> Found:
        """Return what `look` finds as soon as that is worth an answer, and after so many seconds whatever it is.

        Raises `TooManyRequests` when too many wait already, of this owner or in all.
        """
        found = await look()
        deadline = monotonic() + seconds
        if is_worth(found) or seconds <= 0:
            return found
        if self._waiting[owner] >= WAITING_OF_ONE_MAX or len(self._ends) >= WAITING_MAX:
            raise TooManyRequests(
                "Too many of your requests wait for something to happen",
                details={"waiting": WAITING_OF_ONE_MAX},
                retry_after_seconds=_COME_AGAIN_SECONDS,
            )
        end = asyncio.Event()
        self._ends.add(end)
        self._waiting[owner] += 1
        try:
            while not is_worth(found) and not end.is_set() and (left := deadline - monotonic()) > 0:
                with outside():
                    await _pause(end, min(left, _LOOK_SECONDS))
                found = await look()
        finally:
            self._ends.discard(end)
            self._waiting[owner] -= 1
            if not self._waiting[owner]:
                del self._waiting[owner]
        return found

    def end(self) -> None:
        """Have those that wait now answered."""
        for end in self._ends:
            end.set()


def end_long_polls() -> None:
    """Have every waiting request of this process answered; called when it begins to drain."""
    for each in list(_all):
        each.end()


async def _pause(end: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(end.wait(), seconds)
    except TimeoutError:
        return
