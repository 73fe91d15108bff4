"""The instance `wisipay api`: serves the panel API.

Decides what this instance is made of; so far health, readiness, metrics and OpenAPI, on which the panel will be built.
"""

from typing import Any

from litestar import Litestar

from wisipay.core.cache import connect_redis
from wisipay.core.config import Settings
from wisipay.core.database import Pool, connect_pool
from wisipay.core.http_server import create_app, serve
from wisipay.core.logging import configure_logging
from wisipay.entrypoints.metrics_port import metrics_port

_POOL_MAX = 5


class ApiResources:
    """What the instance holds while it runs; opened at start-up, closed after the last request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: Pool | None = None
        self._redis: Any = None

    async def open(self) -> None:
        """Connect to the stores. Raises `DatabaseUnavailable`."""
        settings = self._settings
        self._pool = await connect_pool(settings, application_name="wisipay api", max_size=_POOL_MAX)
        self._redis = connect_redis(settings)

    async def close(self) -> None:
        """Let go of everything."""
        if self._redis is not None:
            await self._redis.aclose()
        if self._pool is not None:
            await self._pool.close()

    async def check_postgres(self) -> None:
        """Raise when PostgreSQL does not answer."""
        if self._pool is None:
            raise RuntimeError("not connected yet")
        await self._pool.fetchval("SELECT 1")

    async def check_redis(self) -> None:
        """Raise when Redis does not answer."""
        await self._redis.ping()


def build_app(settings: Settings) -> Litestar:
    """Wire the instance."""
    resources = ApiResources(settings)
    return create_app(
        route_handlers=[],
        settings=settings,
        service="api",
        title="Wisipay panel API",
        ready_checks={"postgres": resources.check_postgres},
        optional_checks={"redis": resources.check_redis},
        on_startup=[resources.open],
        on_shutdown=[resources.close],
    )


def run(settings: Settings) -> None:
    """Serve until SIGTERM, then finish what is in flight."""
    configure_logging(settings, "api")
    with metrics_port(settings, settings.api_metrics_port):
        serve(build_app(settings), settings.bind_host, settings.api_port)
