"""Shared windows: replay and rates through Redis in one question, and this process's own memory without Redis."""

import asyncio

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from wisipay.access import Question, RateLimit, ReplayMark, SharedWindows

SYSTEM = RateLimit("system", "tps:system", 3, window_ms=60_000)
MERCHANT = RateLimit("merchant", "tps:m1", 2, window_ms=30_000)
MARK = ReplayMark("replay:m1:abc", keep_ms=60_000)


async def test_a_signature_is_taken_once(redis: redis.asyncio.Redis) -> None:
    windows = SharedWindows(redis)
    assert (await windows.ask(Question(MARK))).admitted
    assert (await windows.ask(Question(MARK))).replayed
    assert 0 < await redis.pttl("wisipay:access:replay:m1:abc") <= MARK.keep_ms


async def test_all_processes_share_marks_and_windows(redis: redis.asyncio.Redis) -> None:
    first, second = SharedWindows(redis), SharedWindows(redis)
    assert (await first.ask(Question(MARK, (MERCHANT,)))).admitted
    assert (await second.ask(Question(MARK))).replayed
    assert (await second.ask(Question(None, (MERCHANT,)))).admitted
    assert not (await first.ask(Question(None, (MERCHANT,)))).admitted


async def test_the_first_full_window_is_named_with_the_time_it_still_runs(redis: redis.asyncio.Redis) -> None:
    windows = SharedWindows(redis)
    for _ in range(2):
        assert (await windows.ask(Question(None, (SYSTEM, MERCHANT)))).admitted
    exceeded = (await windows.ask(Question(None, (SYSTEM, MERCHANT)))).exceeded
    assert exceeded is not None
    assert exceeded.limit == MERCHANT
    assert 29_000 < exceeded.retry_after_ms <= 30_000


async def test_a_request_refused_by_the_merchants_limit_uses_up_nothing_of_the_systems(
    redis: redis.asyncio.Redis,
) -> None:
    windows = SharedWindows(redis)
    for _ in range(5):
        await windows.ask(Question(None, (SYSTEM, MERCHANT)))
    assert await redis.get("wisipay:access:tps:system") == b"2"
    other = RateLimit("merchant", "tps:m2", 9)
    assert (await windows.ask(Question(None, (SYSTEM, other)))).admitted
    exceeded = (await windows.ask(Question(None, (SYSTEM, other)))).exceeded
    assert exceeded is not None
    assert exceeded.limit == SYSTEM


async def test_a_replay_is_counted_in_no_window(redis: redis.asyncio.Redis) -> None:
    windows = SharedWindows(redis)
    verdicts = [await windows.ask(Question(MARK, (SYSTEM,))) for _ in range(4)]
    assert [verdict.replayed for verdict in verdicts] == [False, True, True, True]
    assert await redis.get("wisipay:access:tps:system") == b"1"


async def test_questions_asked_at_the_same_time_are_answered_in_order(redis: redis.asyncio.Redis) -> None:
    windows = SharedWindows(redis)
    questions = [Question(ReplayMark(f"replay:{number // 2}", 1000), (SYSTEM,)) for number in range(10)]
    verdicts = await asyncio.gather(*(windows.ask(question) for question in questions))
    assert [verdict.admitted for verdict in verdicts] == [True, False, True, False, True, False] + [False] * 4
    assert [verdict.replayed for verdict in verdicts] == [False, True] * 5
    await windows.drain()


async def test_the_script_is_loaded_again_after_redis_forgot_it(redis: redis.asyncio.Redis) -> None:
    windows = SharedWindows(redis)
    await windows.ask(Question(MARK))
    await redis.script_flush()
    assert (await windows.ask(Question(MARK))).replayed


async def test_nothing_to_ask_asks_nothing() -> None:
    assert (await SharedWindows(_away()).ask(Question())).admitted


async def test_without_redis_this_process_remembers_by_itself() -> None:
    windows = SharedWindows(_away(), timer=lambda: 0.0)
    assert (await windows.ask(Question(MARK, (MERCHANT,)))).admitted
    assert (await windows.ask(Question(MARK, (MERCHANT,)))).replayed
    assert (await windows.ask(Question(None, (MERCHANT,)))).admitted
    exceeded = (await windows.ask(Question(None, (MERCHANT,)))).exceeded
    assert exceeded is not None
    assert exceeded.retry_after_ms == 30_000


async def test_after_a_failure_redis_is_left_alone_for_a_moment_and_then_asked_again(
    redis: redis.asyncio.Redis,
) -> None:
    now = 0.0
    client = _Flaky(redis)
    windows = SharedWindows(client, timer=lambda: now)  # type: ignore[arg-type] # a stand-in with the one method used
    client.fails = True
    for _ in range(3):
        await windows.ask(Question(None, (SYSTEM,)))
    assert client.calls == 1
    client.fails = False
    now = 1.0
    assert (await windows.ask(Question(MARK))).admitted
    assert client.calls == 2
    assert await redis.exists("wisipay:access:replay:m1:abc")


async def test_our_own_second_try_after_a_lost_answer_is_no_replay(redis: redis.asyncio.Redis) -> None:
    client = _Flaky(redis)
    client.runs_twice = True
    windows = SharedWindows(client)  # type: ignore[arg-type] # a stand-in with the one method used
    assert (await windows.ask(Question(MARK))).admitted


def _away() -> redis.asyncio.Redis:
    return redis.asyncio.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))


class _Flaky:
    """Redis whose scripts fail, or are run twice as after a connection that broke behind the question."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self.calls = 0
        self.fails = False
        self.runs_twice = False

    @property
    def connection_pool(self) -> "_Flaky":
        return self

    async def get_connection(self) -> None:
        """Have none, so that every question is asked through the script object."""
        raise ConnectionResetError

    def register_script(self, text: str) -> "_Flaky":
        self._script = self._client.register_script(text)
        return self

    async def __call__(self, *, keys: list[str], args: list[bytes]) -> object:
        self.calls += 1
        if self.fails:
            raise ConnectionResetError
        if self.runs_twice:
            await self._script(keys=keys, args=args)
        return await self._script(keys=keys, args=args)
