"""The connection to Redis: rate windows, replay windows, breaker states, sandbox payments.

Decides time-outs and pool size. Must never hold money: whatever lies in Redis can be lost without a payment being lost.
"""

from typing import TYPE_CHECKING, Final

from redis.asyncio import BlockingConnectionPool, Redis

if TYPE_CHECKING:
    from wisipay.core.config import Settings

CONNECTIONS_MAX: Final = 50
CONNECT_SECONDS: Final = 2
ANSWER_SECONDS: Final = 1
"""Redis answers in a millisecond or is gone; waiting longer would make every payment wait."""


def connect_redis(settings: "Settings") -> Redis:
    """Return a client with its own pool; it connects at first use and by itself again. Answers are texts.

    While Redis is away every command raises redis.exceptions.RedisError; close with `await client.aclose()`.
    """
    pool = BlockingConnectionPool.from_url(
        settings.redis_url,
        max_connections=CONNECTIONS_MAX,
        timeout=ANSWER_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        health_check_interval=30,
        decode_responses=True,
    )
    return Redis.from_pool(pool)
