"""The instance `wisipay api`: serves the panel API.

Decides what this instance is made of; so far health, readiness, metrics and OpenAPI, on which the panel will be built.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from litestar.types import ASGIApp

from wisipay.core.cache import connect_redis
from wisipay.core.config import Settings
from wisipay.core.database import close_pool, connect_pool
from wisipay.core.http_server import create_app, serve_built
from wisipay.core.logging import configure_logging
from wisipay.entrypoints.metrics_port import metrics_port

_POOL_MAX: Final = 5


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[ASGIApp]:
    """Wire the instance, and take it apart after the last request. Raises `DatabaseUnavailable`."""
    async with AsyncExitStack() as stack:
        pool = await connect_pool(settings, application_name="wisipay api", max_size=_POOL_MAX)
        stack.push_async_callback(close_pool, pool)
        redis = connect_redis(settings)
        stack.push_async_callback(redis.aclose)
        with metrics_port(settings, settings.api_metrics_port):
            yield create_app(
                route_handlers=[],
                settings=settings,
                service="api",
                title="Wisipay panel API",
                ready_checks={"postgres": lambda: pool.fetchval("SELECT 1")},
                optional_checks={"redis": lambda: redis.ping()},  # noqa: PLW0108 - its type says that it may not be awaitable
            )


def run(settings: Settings) -> None:
    """Serve until SIGTERM, then finish what is in flight."""
    configure_logging(settings, "api")
    serve_built(lambda: build(settings), settings.bind_host, settings.api_port)
