"""The latest calls of a channel, and whether it is well again after some of them failed. Pure.

Decides when a channel is doubted, when a payment may find out how it is now, and after how many answers in a row what
failed before is forgotten: after so many as would hardly come if it still failed as it did. So one that failed nearly
always is believed after five, one that failed now and then after a dozen or two, and one that goes on failing not at
all. All processes take in what the others saw, so that they doubt, and believe, together. Must never do I/O or read a
clock: moments come in as Unix milliseconds.
"""

from dataclasses import dataclass
from math import log
from typing import Final

DOUBTED_FROM: Final = 0.25
"""The share of failures among the latest calls from which a channel is doubted: three in a row, after many answers."""
DOUBT_SECONDS: Final = 15
"""How long a doubted channel is left alone after a failure; what chance sends there goes there all the same."""
RUSH_SECONDS: Final = 0.25

_KEPT: Final = 0.9
"""What the share of failures keeps with each call, so that it is of about ten."""
_FAILURES_AT_ONCE: Final = 50
_LIKE_CHANCE: Final = 0.005
_RUN_MIN: Final = 3


@dataclass(slots=True)
class Recent:
    """What came of the latest calls: the share of failures among the ten or so that ended with the latest one.

    `run`: answers in a row since that one, `failed_at_ms`. `since_ms`: since when the standing holds that this is of.
    """

    since_ms: int = 0
    failing: float = 0
    run: int = 0
    failed_at_ms: int = 0

    def take(self, answers: int, failures: int, now_ms: int) -> None:
        """Take in what was seen; answers and failures at once are taken as if they had come evenly mixed."""
        between = answers // (failures + 1)
        for _ in range(min(failures, _FAILURES_AT_ONCE)):
            self.failing = self.failing * _KEPT ** (self.run + between + 1) + 1 - _KEPT
            self.run, self.failed_at_ms = 0, now_ms
        self.run += between

    @property
    def is_doubted(self) -> bool:
        """Tell whether so many of the latest calls failed that payments are to find out whether it is well again."""
        return self.failing >= DOUBTED_FROM

    @property
    def is_well_again(self) -> bool:
        """Tell whether more answers came in a row than chance would bring if it still failed as it did."""
        return self.is_doubted and self.run >= max(_RUN_MIN, log(_LIKE_CHANCE) / log(1 - min(self.failing, 0.99)))

    def may_try(self, tried_ms: int, now_ms: int) -> bool:
        """Tell whether another payment may find out now: the sooner, the more answers came in a row."""
        seconds = max(RUSH_SECONDS, 1 / self.run) if self.run else DOUBT_SECONDS
        return self.is_doubted and now_ms - max(tried_ms, self.failed_at_ms) >= seconds * 1_000
