"""From an operation to a route: every endpoint of the developer's API is made the same way.

Decides nothing about an operation but that raw bytes come in and go out, in the fast lane and through Litestar alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from litestar import Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation

from wisipay.core.http_lane import in_fast_lane
from wisipay.core.http_wire import Reply, WireRequest, litestar_response, wire_request
from wisipay.developers.api import DeveloperApi

_PATH: Final = "/api/developer"
_TAGS: Final = ["developer"]
_BY_METHOD: Final[Mapping[str, Any]] = {"GET": get, "POST": post, "DELETE": delete}

HttpRequest = Request[Any, Any, State]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: where it is, what it does, and how it is described. `path` is below /api/developer."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    name: str
    summary: str
    answering: Callable[[DeveloperApi, WireRequest], Awaitable[Reply]]
    operation: type[Operation]
    answers: Mapping[int, ResponseSpec]

    def handler(self, api: DeveloperApi) -> HTTPRouteHandler:
        """Return Litestar's handler."""
        answering = partial(self.answering, api)

        async def handle(request: HttpRequest) -> Response[Any]:
            return litestar_response(await answering(await wire_request(request)))

        handler: HTTPRouteHandler = _BY_METHOD[self.method](
            _PATH + self.path,
            status_code=200,
            operation_id=self.name,
            operation_class=self.operation,
            responses=self.answers,
            tags=_TAGS,
            summary=self.summary,
            opt=in_fast_lane(answering),
        )(handle)
        return handler
