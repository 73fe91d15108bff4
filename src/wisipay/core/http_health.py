"""Liveness and readiness.

Decides what "ready" means: every dependency that we can't do without answers within two seconds. Must never say why a
dependency is down to the outside (that is in the log), and must never wait without a bound.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Final, Literal

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec

from wisipay.core.logging import get_logger

ReadyCheck = Callable[[], Awaitable[object]]
CHECK_SECONDS: Final = 2.0

_log = get_logger(__name__)


class Health(msgspec.Struct):
    """The process is alive."""

    status: Literal["ok"]
    service: str


class Readiness(msgspec.Struct):
    """Whether the instance can serve, and each dependency's state."""

    status: Literal["ready", "not_ready"]
    service: str
    dependencies: Annotated[dict[str, Literal["up", "down"]], msgspec.Meta(description="by name")]


_NOT_READY = ResponseSpec(Readiness, description="A dependency is down", generate_examples=False)


def health_handlers(
    service: str, checks: Mapping[str, ReadyCheck], optional: Mapping[str, ReadyCheck]
) -> list[HTTPRouteHandler]:
    """Return the handlers of `/health` and `/health/ready`; what is `optional` is shown and may be down."""
    every = {**checks, **optional}

    @get("/health", tags=["health"], summary="Liveness", sync_to_thread=False)
    def health() -> Health:
        return Health("ok", service)

    @get("/health/ready", tags=["health"], summary="Readiness", responses={503: _NOT_READY})
    async def ready() -> Response[Readiness]:
        answers = await asyncio.gather(*(_is_up(name, check) for name, check in every.items()))
        states = dict(zip(every, answers, strict=True))
        is_ready = all(states[name] for name in checks)
        dependencies = {name: _state(is_up=is_up) for name, is_up in states.items()}
        body = Readiness("ready" if is_ready else "not_ready", service, dependencies)
        return Response(body, status_code=200 if is_ready else 503)

    return [health, ready]


def _state(*, is_up: bool) -> Literal["up", "down"]:
    return "up" if is_up else "down"


async def _is_up(name: str, check: ReadyCheck) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001 - whatever is wrong, the dependency is down
        _log.warning("health.dependency_down", dependency=name, error=f"{type(error).__name__}: {error}")
        return False
    return True
