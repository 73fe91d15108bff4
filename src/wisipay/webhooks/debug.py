"""Catches whatever is sent to /webhook/debug and shows it again: for those who build an integration.

Decides how much is kept: the last 50 requests of a tag, for a day. Must never be mounted in production (the settings
refuse it there), act on what it catches, or repeat cookies and credentials.
"""

import re
from base64 import b64encode
from collections.abc import Awaitable
from typing import Any, Final, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from wisipay.core.clock import Clock
from wisipay.core.errors import BadRequest, ServiceUnavailable
from wisipay.core.http_wire import Reply, WireRequest

KEPT: Final = 50
_KEPT_SECONDS: Final = 24 * 3600
_TAG: Final = re.compile(r"[A-Za-z0-9._-]{0,40}", re.ASCII)
_HIDDEN: Final = frozenset({"authorization", "proxy-authorization", "cookie"})


class Captures:
    """Over one Redis client whose answers are texts."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def capture(self, tag: str, request: WireRequest) -> Reply:
        """Keep a request under a tag and answer with what was kept. Raises `BadRequest`, `ServiceUnavailable`."""
        seen = msgspec.json.encode(self._seen(tag, request))
        key = _key(tag)
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.lpush(key, seen)
                pipe.ltrim(key, 0, KEPT - 1)
                pipe.expire(key, _KEPT_SECONDS)
                await pipe.execute()
        except RedisError as error:
            raise ServiceUnavailable(retry_after_seconds=1) from error
        return Reply(200, b'{"success":true,"data":' + seen + b"}")

    async def show(self, tag: str) -> Reply:
        """Answer with what was kept under a tag, newest first. Raises `BadRequest`, `ServiceUnavailable`."""
        try:
            found = await cast("Awaitable[list[str]]", self._redis.lrange(_key(tag), 0, KEPT - 1))
        except RedisError as error:
            raise ServiceUnavailable(retry_after_seconds=1) from error
        return Reply(200, f'{{"success":true,"data":[{",".join(found)}]}}'.encode())

    def _seen(self, tag: str, request: WireRequest) -> dict[str, Any]:
        try:
            body = {"body": request.body.decode(), "encoding": "utf-8"}
        except UnicodeDecodeError:
            body = {"body": b64encode(request.body).decode(), "encoding": "base64"}
        return {
            "tag": tag,
            "receivedAt": self._clock.now().isoformat(timespec="milliseconds"),
            "method": request.method,
            "path": request.path_and_query,
            "headers": {name: "[hidden]" if name in _HIDDEN else value for name, value in request.headers.items()},
            "bytes": len(request.body),
            **body,
        }


def _key(tag: str) -> str:
    if _TAG.fullmatch(tag) is None:
        raise BadRequest("A tag has at most 40 letters, digits, dots, hyphens or underscores")
    return f"wisipay:webhook-debug:{tag}"
