"""The connection to Redis."""

import socket

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from wisipay.core.cache import connect_redis
from wisipay.core.config import Settings


async def test_answers_are_texts(redis: Redis, settings: Settings) -> None:
    client = connect_redis(settings)
    await client.set("name", "value")
    assert await client.get("name") == "value"
    assert await redis.get("name") in {"value", b"value"}
    await client.aclose()


async def test_a_redis_that_is_away_is_an_error_at_once() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = connect_redis(Settings(redis_url=f"redis://127.0.0.1:{port}/0"))
    with pytest.raises(RedisError):
        await client.ping()
    await client.aclose()
