"""Serves the explorer and its files.

Decides their headers. Must never load anything from elsewhere: the page is handed a merchant's secret, which stays in
it and is sent to nobody.
"""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

_PAGES: Final = Path(__file__).with_name("pages")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
_FILES: Final = {
    "/docs": ("explorer.html", "text/html"),
    "/docs/explorer.js": ("explorer.js", "text/javascript"),
    "/docs/signing.js": ("signing.js", "text/javascript"),
    "/docs/explorer.css": ("explorer.css", "text/css"),
}

Handler = Callable[[Request[Any, Any, State]], Coroutine[Any, Any, Response[bytes]]]


def build_handlers() -> list[HTTPRouteHandler]:
    """Build the explorer's addresses."""
    return [
        get(path, include_in_schema=False)(_serving((_PAGES / name).read_bytes(), kind))
        for path, (name, kind) in _FILES.items()
    ]


def _serving(content: bytes, kind: str) -> Handler:
    async def serve(request: Request[Any, Any, State]) -> Response[bytes]:
        del request
        return Response(content, media_type=f"{kind}; charset=utf-8", headers=_HEADERS)

    return serve
