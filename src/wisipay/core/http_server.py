"""An HTTP instance: what every one of our servers has in common, around the handlers of the slices.

Decides limits, health, OpenAPI and the order of the layers: shell (request id, log, metrics) around the fast lane (raw
bytes) around Litestar (routing, decoding, errors). Must never know a domain, and must never add work per request that
a handler did not ask for.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ControllerRouterHandler, LifespanHook

from wisipay.core.errors import UnsupportedMediaType
from wisipay.core.http_errors import exception_handlers
from wisipay.core.http_health import ReadyCheck, health_handlers
from wisipay.core.http_lane import FastLane, Observer
from wisipay.core.http_openapi import openapi_config
from wisipay.core.http_serve import running, serve, serve_built
from wisipay.core.http_shell import RequestShell

if TYPE_CHECKING:
    from wisipay.core.config import Settings

__all__ = [
    "BODY_BYTES_MAX",
    "create_app",
    "json_only",
    "running",
    "serve",
    "serve_built",
]

BODY_BYTES_MAX: Final = 65_536

_JSON_TYPES = ("application/json", "application/vnd.api+json")


def json_only(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard: refuse a body that is not declared as JSON with 415 UNSUPPORTED_MEDIA_TYPE."""
    media_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _JSON_TYPES:
        raise UnsupportedMediaType


def create_app(
    *,
    route_handlers: Sequence[ControllerRouterHandler],
    settings: "Settings",
    service: str,
    title: str,
    ready_checks: Mapping[str, ReadyCheck],
    optional_checks: Mapping[str, ReadyCheck] | None = None,
    on_startup: Sequence[LifespanHook] = (),
    on_shutdown: Sequence[LifespanHook] = (),
    openapi_extra: Mapping[str, Any] | None = None,
    dependencies: Mapping[str, Callable[..., Any]] | None = None,
    observe: Observer | None = None,
) -> Litestar:
    """Build an instance around the slices' handlers.

    `ready_checks` maps a dependency's name to a call that raises when it is down; the ones in `optional_checks` are
    shown too, but the instance works without them. `openapi_extra` are further fields of
    Litestar's OpenAPIConfig (description, tags, components, security). `on_shutdown` runs after the last request.
    `observe` learns of every request of the routes that are marked as observed.
    """
    app = Litestar(
        route_handlers=[*health_handlers(service, ready_checks, optional_checks or {}), *route_handlers],
        exception_handlers=exception_handlers(),
        request_max_body_size=BODY_BYTES_MAX,
        on_startup=list(on_startup),
        on_shutdown=list(on_shutdown),
        openapi_config=openapi_config(title, openapi_extra or {}),
        dependencies=dict(dependencies or {}),
        logging_config=None,
        debug=False,
    )
    app.state.settings = settings
    app.asgi_handler = RequestShell(FastLane(app, BODY_BYTES_MAX, observe))
    return app
