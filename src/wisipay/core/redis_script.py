"""A script of Redis that many requests wait for: run on a connection of its own, past the client's machinery.

redis-py spends three times as long on a command (pool, locks, retries, health checks, packing in Python) as the command
needs. Decides when the short way may be taken: when a connection is held and works. Whatever goes wrong on it, the
connection is given up and the client's own careful way is taken, with its retries and its loading of the script. One
call at a time; must never leave an answer unread on a connection that is used again.
"""

import contextlib
from collections.abc import Sequence
from hashlib import sha1
from typing import cast

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError


class OwnScript:
    """Runs one script. The script must bear being run twice for one call, as after an answer that was lost."""

    def __init__(self, redis: Redis, text: str) -> None:
        self._redis = redis
        self._careful = redis.register_script(text)
        self._digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._connection: AbstractConnection | None = None

    async def run(self, keys: Sequence[str], argument: bytes) -> object:
        """Run it and return its answer. Raises RedisError and OSError."""
        if self._connection is not None:
            try:
                return await self._run_on(self._connection, keys, argument)
            except (RedisError, OSError):
                await self._give_up()
            except BaseException:  # cancelled, as by a time-out: the answer is still to come
                await self._give_up()
                raise
        answer = cast("object", await self._careful(keys=list(keys), args=[argument]))
        with contextlib.suppress(RedisError, OSError):
            self._connection = await self._redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py
        return answer

    async def _run_on(self, connection: AbstractConnection, keys: Sequence[str], argument: bytes) -> object:
        words = ("EVALSHA", self._digest, len(keys), *keys, argument)
        command = hiredis.pack_command(words)  # type: ignore[arg-type]  # typed as a tuple of one word
        await connection.send_packed_command([command], check_health=False)
        return cast("object", await connection.read_response())

    async def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
            await self._redis.connection_pool.release(connection)
