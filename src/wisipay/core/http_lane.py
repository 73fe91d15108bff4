"""The fast lane: routes that take and give raw bytes are answered past the framework's request and response machinery.

Litestar finds the route, as for every other request, and describes it in the OpenAPI document; only what it builds
around a call (its request, its parsed arguments, its response, its layers of error handling: half of what a payment's
HTTP costs) is left out. Decides nothing about answers: the same function answers with and without the lane, and its
errors become the same replies. Must never read more of a body than the limit.
"""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final, TypeAlias, cast

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPScope, Receive, Scope, Send

from wisipay.core.errors import PayloadTooLarge
from wisipay.core.http_errors import error_reply
from wisipay.core.http_wire import Answering, Reply, WireRequest, read_wire, send_reply

Observer: TypeAlias = Callable[[WireRequest, Reply, float], None]
"""Learns of a request, its answer and the seconds between them, once the answer is sent. Must cost next to nothing."""

_OPTION: Final = "fast_lane"
_OBSERVED: Final = "observed"
_LENGTH_DIGITS_MAX: Final = 12


class _Gone(Exception):  # noqa: N818 - says what happened
    """The client hung up before its request was complete."""


def in_fast_lane(answering: Answering, *, observed: bool = False) -> dict[str, Any]:
    """Return the `opt` of a Litestar route handler whose requests this function answers in the fast lane.

    The application's observer learns of the requests of an `observed` route.
    """
    return {_OPTION: answering, _OBSERVED: observed}


class FastLane:
    """Stands before Litestar's own handling and takes the requests of marked routes out of its hands."""

    def __init__(self, litestar: Litestar, body_bytes_max: int, observe: Observer | None = None) -> None:
        self._litestar: ASGIApp = litestar.asgi_handler
        self._route = litestar.asgi_router.handle_routing
        self._body_bytes_max = body_bytes_max
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one HTTP request."""
        http = cast("HTTPScope", scope)
        try:
            _, handler, _, parameters, template = self._route(path=http["path"], method=http["method"])
        except HTTPException:  # no such route: Litestar says so in its own words
            await self._litestar(scope, receive, send)
            return
        answering: Answering | None = handler.opt.get(_OPTION)
        if answering is None:
            await self._litestar(scope, receive, send)
            return
        http["path_template"] = template  # the name of the route in metrics and logs
        began_at = perf_counter()
        try:
            request, reply = await self._answer(answering, http, receive, parameters)
        except _Gone:
            return
        await send_reply(send, reply)
        if self._observe is not None and handler.opt.get(_OBSERVED):
            self._observe(request, reply, perf_counter() - began_at)

    async def _answer(
        self, answering: Answering, scope: HTTPScope, receive: Receive, parameters: Mapping[str, str]
    ) -> tuple[WireRequest, Reply]:
        try:
            request = read_wire(scope, await self._body(scope, receive), parameters)
        except PayloadTooLarge as error:
            return read_wire(scope, b"", parameters), error_reply(error)
        try:
            return request, await answering(request)
        except Exception as error:  # noqa: BLE001 - every error has its reply, one that nobody expected too
            return request, error_reply(error)

    async def _body(self, scope: HTTPScope, receive: Receive) -> bytes:
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value[:_LENGTH_DIGITS_MAX]) > self._body_bytes_max:
                raise PayloadTooLarge
        body = b""
        while True:
            message: HTTPReceiveMessage = cast("HTTPReceiveMessage", await receive())
            if message["type"] == "http.disconnect":
                raise _Gone
            body = body + message["body"] if body else message["body"]
            if len(body) > self._body_bytes_max:
                raise PayloadTooLarge
            if not message.get("more_body", False):
                return body
