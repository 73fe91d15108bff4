"""A request as it came over the wire, and a reply as it goes back: what handlers of raw bytes take and give.

Decides how header names and repeated headers are read. Must never change a byte of path, query or body: signatures are
over the exact bytes.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Request, Response
from litestar.types import HTTPScope, Send

from wisipay.core.logging import bound_fields

JSON: Final = "application/json"

_HEADERS_KNOWN_MAX: Final = 256


class WireRequest(msgspec.Struct, frozen=True, gc=False):
    """One request.

    `path_and_query` is raw, as signatures cover it; header names are lower-case, repeated headers joined by ", ";
    `peer_address` is the other end of the connection, which may be a proxy; `parameters` are those of the path.
    """

    request_id: str
    method: str
    path_and_query: str
    headers: Mapping[str, str]
    body: bytes
    peer_address: str
    parameters: Mapping[str, str]


class Reply(msgspec.Struct, frozen=True, gc=False):
    """One answer: status, body, and the headers it needs beyond its length; names are lower-case."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = {}


Answering: TypeAlias = Callable[[WireRequest], Awaitable[Reply]]
"""A handler that takes and gives raw bytes."""


async def wire_request(request: Request[Any, Any, Any]) -> WireRequest:
    """Read a request of Litestar's to its end."""
    return read_wire(request.scope, await request.body(), request.path_params)


def read_wire(scope: HTTPScope, body: bytes, parameters: Mapping[str, str]) -> WireRequest:
    """Put together what the server has read."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = _name(name), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    query = scope["query_string"]
    raw_path = scope.get("raw_path") or scope["path"].encode()
    path = raw_path.partition(b"?")[0]
    client = scope["client"]
    return WireRequest(
        request_id=str(bound_fields().get("request_id", "")),
        method=scope["method"],
        path_and_query=(path + b"?" + query if query else path).decode("latin-1"),
        headers=headers,
        body=body,
        peer_address=client[0] if client else "",
        parameters=parameters,
    )


def litestar_response(reply: Reply) -> Response[Any]:
    """Turn a reply into a response of Litestar's."""
    return Response(
        reply.body, status_code=reply.status, media_type=reply.content_type, headers=dict(reply.headers) or None
    )


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a whole reply over ASGI."""
    headers = [(b"content-type", _content_type(reply.content_type)), (b"content-length", b"%d" % len(reply.body))]
    if reply.headers:
        headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})


@lru_cache(maxsize=_HEADERS_KNOWN_MAX)
def _name(raw: bytes) -> str:
    return raw.decode("latin-1")


@lru_cache(maxsize=_HEADERS_KNOWN_MAX)
def _content_type(value: str) -> bytes:
    """Return the header's value; a text names its character set, as Litestar has it."""
    named = f"{value}; charset=utf-8" if value.startswith("text/") and "charset" not in value else value
    return named.encode("latin-1")
