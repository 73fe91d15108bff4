"""Signatures that were used already: what is remembered, and the memory of one process while Redis is away.

Decides for how long a signature is remembered: as long as its timestamp could still be taken. Must never grow without
bound; when it is full the oldest are forgotten, and the unique order id is what stops a replay then.
"""

from collections import OrderedDict
from typing import Final

import msgspec

_LOCAL_MARKS_MAX: Final = 100_000


class ReplayMark(msgspec.Struct, frozen=True):
    """A signature to be remembered under `key` for `keep_ms`."""

    key: str
    keep_ms: int


class LocalReplays:
    """Marks in this process's memory."""

    def __init__(self, *, marks_max: int = _LOCAL_MARKS_MAX) -> None:
        self._marks_max = marks_max
        self._until_ms: OrderedDict[str, int] = OrderedDict()

    def seen_before(self, mark: ReplayMark, now_ms: int) -> bool:
        """Whether the mark is remembered; remembers it otherwise."""
        until_ms = self._until_ms.get(mark.key)
        if until_ms is not None and now_ms < until_ms:
            return True
        self._until_ms.pop(mark.key, None)
        self._until_ms[mark.key] = now_ms + mark.keep_ms
        if len(self._until_ms) > self._marks_max:
            self._until_ms.popitem(last=False)
        return False
