"""Replays and rate limits shared by all processes, through Redis, in one round trip for everything a request needs.

Decides that requests arriving while Redis is being asked travel together with the next question. Must never make a
payment fail or wait because Redis is gone or slow: every question is bounded in time, and after a failure Redis is left
alone for a moment while this process's own memory answers.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Final, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from wisipay.access.rate import LocalWindows, RateExceeded, RateLimit
from wisipay.access.replay import LocalReplays, ReplayMark
from wisipay.core.batch import Batcher
from wisipay.core.ids import new_secret
from wisipay.core.logging import get_logger
from wisipay.core.redis_script import OwnScript

KEY_PREFIX: Final = "wisipay:access:"
REDIS_TIMEOUT_SECONDS: Final = 0.25
REDIS_PAUSE_SECONDS: Final = 1.0
_BATCH_MAX: Final = 128
_REPLAYED: Final = -1
_MILLISECONDS: Final = 1000

_logger = get_logger("access.windows")


class Question(msgspec.Struct, frozen=True):
    """What one request needs to know: is its signature new, and is there room in its windows, in that order."""

    replay: ReplayMark | None = None
    limits: tuple[RateLimit, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """The answer: replayed, or a limit exceeded, or (neither) go."""

    replayed: bool = False
    exceeded: RateExceeded | None = None

    @property
    def admitted(self) -> bool:
        """Whether the request may go on."""
        return not self.replayed and self.exceeded is None


_GO: Final = Verdict()
_SEEN: Final = Verdict(replayed=True)


class SharedWindows:
    """Ask with `ask`; call `drain` before the process ends. `timer` gives monotonic seconds for the local memory."""

    def __init__(self, redis: Redis, *, timer: Callable[[], float] = monotonic) -> None:
        self._script = OwnScript(redis, (Path(__file__).parent / "windows.lua").read_text())
        self._timer = timer
        self._batcher: Batcher[Question, Verdict] = Batcher(self._answer, name="access_windows", max_batch=_BATCH_MAX)
        self._replays = LocalReplays()
        self._windows = LocalWindows()
        self._redis_away_until = 0.0
        self._tokens = (f"{process}:{number}" for process in [new_secret(16)] for number in count())

    async def ask(self, question: Question) -> Verdict:
        """Check the replay mark, then the limits; count the request when it may go. Redis being away is no error."""
        if question.replay is None and not question.limits:
            return _GO
        return await self._batcher.submit(question)

    async def drain(self) -> None:
        """Wait for the questions under way."""
        await self._batcher.drain()

    async def _answer(self, questions: Sequence[Question]) -> Sequence[Verdict]:
        numbers = await self._ask_redis(questions)
        if numbers is None:
            now_ms = int(self._timer() * _MILLISECONDS)
            return [self._local_verdict(question, now_ms) for question in questions]
        return [
            _verdict(question, code, wait_ms)
            for question, code, wait_ms in zip(questions, numbers[::2], numbers[1::2], strict=True)
        ]

    async def _ask_redis(self, questions: Sequence[Question]) -> list[int] | None:
        """Run the script; None while Redis is away."""
        if self._timer() < self._redis_away_until:
            return None
        keys, figures = self._script_input(questions)
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_SECONDS):
                return cast("list[int]", await self._script.run(keys, figures))
        except (RedisError, OSError, TimeoutError) as error:
            self._redis_away_until = self._timer() + REDIS_PAUSE_SECONDS
            _logger.warning("access.redis_away", error=type(error).__name__)
            return None

    def _script_input(self, questions: Sequence[Question]) -> tuple[list[str], bytes]:
        """Give the keys and, in one packed argument, the figures: the client spends its time on each argument."""
        keys: list[str] = []
        figures: list[tuple[str, int, list[tuple[int, int]]]] = []
        for question in questions:
            limits = [(limit.limit, limit.window_ms) for limit in question.limits]
            if question.replay is None:
                figures.append(("", 0, limits))
            else:
                keys.append(KEY_PREFIX + question.replay.key)
                figures.append((next(self._tokens), question.replay.keep_ms, limits))
            keys += [KEY_PREFIX + limit.key for limit in question.limits]
        return keys, msgspec.msgpack.encode(figures)

    def _local_verdict(self, question: Question, now_ms: int) -> Verdict:
        if question.replay is not None and self._replays.seen_before(question.replay, now_ms):
            return _SEEN
        exceeded = self._windows.take(question.limits, now_ms)
        return _GO if exceeded is None else Verdict(exceeded=exceeded)


def _verdict(question: Question, code: int, wait_ms: int) -> Verdict:
    if code == 0:
        return _GO
    if code == _REPLAYED:
        return _SEEN
    return Verdict(exceeded=RateExceeded(question.limits[code - 1], wait_ms))
