"""A script on a connection of its own, over the real Redis: quick, and never the worse for what happens to Redis."""

import asyncio

import pytest
import redis.asyncio

from wisipay.core.redis_script import OwnScript

ADD = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


async def test_every_call_counts_once(redis: redis.asyncio.Redis) -> None:
    script = OwnScript(redis, ADD)
    assert [await script.run(["n"], b"2") for _ in range(3)] == [2, 4, 6]


async def test_a_connection_that_broke_is_replaced(redis: redis.asyncio.Redis) -> None:
    script = OwnScript(redis, ADD)
    for expected in (1, 2, 3):
        assert await script.run(["n"], b"1") == expected
        await redis.client_kill_filter(_type="normal", skipme=True)


async def test_a_script_that_redis_forgot_is_loaded_again(redis: redis.asyncio.Redis) -> None:
    script = OwnScript(redis, ADD)
    for expected in (1, 2, 3):
        assert await script.run(["n"], b"1") == expected
        await redis.script_flush()


async def test_an_answer_that_came_too_late_is_never_taken_for_another(redis: redis.asyncio.Redis) -> None:
    script = OwnScript(redis, ADD)
    await script.run(["n"], b"1")
    await redis.client_pause(300)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await script.run(["n"], b"10")
    assert await script.run(["other"], b"7") == 7
    assert await script.run(["other"], b"7") == 14


async def test_without_redis_the_error_is_told() -> None:
    script = OwnScript(redis.asyncio.Redis(host="127.0.0.1", port=1), ADD)
    with pytest.raises(redis.exceptions.ConnectionError):
        await script.run(["n"], b"1")
