"""The outermost layer of every request: its id, its log line, its metrics.

Decides which request ids of callers are kept and what the access log says. Pure ASGI, because it runs on every request.
Must never read the body, and must never put a raw path or a query into a metric label.
"""

import re
import time
from functools import lru_cache
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from wisipay.core.ids import new_id
from wisipay.core.logging import bound, get_logger
from wisipay.core.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS

REQUEST_ID_HEADER: Final = b"x-request-id"

_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:\-]{1,64}")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_UNMATCHED = "unmatched"
_QUIET_ROUTES = frozenset({"/health", "/health/ready"})
_STATUS_WHEN_CUT_OFF = 499
_SERVER_ERROR = 500

_log = get_logger(__name__)


class RequestShell:
    """Wraps the whole application, so that 404 and 405 get an id and a log line too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        header = (REQUEST_ID_HEADER, request_id.encode())
        status = _STATUS_WHEN_CUT_OFF

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        with bound(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                _report(scope, status, time.perf_counter() - started)


def _request_id(scope: HTTPScope) -> str:
    for name, value in scope["headers"]:
        if name == REQUEST_ID_HEADER:
            return value.decode() if _SANE_REQUEST_ID.fullmatch(value) else new_id("RQ")
    return new_id("RQ")


@lru_cache(maxsize=4096)
def _counter(route: str, method: str, status: int) -> Counter:
    return HTTP_REQUESTS.labels(route, method, str(status))


@lru_cache(maxsize=1024)
def _histogram(route: str) -> Histogram:
    return HTTP_REQUEST_SECONDS.labels(route)


def _report(scope: HTTPScope, status: int, seconds: float) -> None:
    route = scope.get("path_template") or _UNMATCHED
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    _counter(route, method, status).inc()
    _histogram(route).observe(seconds)
    if route in _QUIET_ROUTES and status < _SERVER_ERROR:
        return
    _log.info(
        "http.request",
        method=method,
        route=route,
        path=scope["path"],
        status=status,
        milliseconds=round(seconds * 1000, 2),
    )
