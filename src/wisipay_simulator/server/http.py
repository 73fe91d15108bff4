"""The request and answer types, routing by path, and JSON in and out. No route and no provider is named here."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

MAX_BODY_BYTES = 64 * 1024

_encoder = msgspec.json.Encoder()


class Request(msgspec.Struct, gc=False):
    """One HTTP request, read in full. Header names are lower-case bytes."""

    method: str
    path: str
    query_text: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    arguments: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        """Return a header's value, "" when it is absent."""
        return self.headers.get(name.encode(), b"").decode("latin-1")

    def query(self) -> dict[str, str]:
        """Return the query parameters; the last of several wins."""
        return dict(parse_qsl(self.query_text.decode("latin-1"), max_num_fields=20))


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One HTTP answer. `abort` closes the connection instead of answering.

    What `first` returns is awaited before, then `delay_ms` passes, in both cases.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    delay_ms: int = 0
    abort: bool = False
    first: Callable[[], Awaitable[None]] | None = None


class ProblemError(Exception):
    """A request cannot be served; becomes a JSON error answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def answer(self) -> Answer:
        """Return the answer that tells the caller."""
        return json_answer({"success": False, "error": {"code": self.code, "message": str(self)}}, self.status)


Shape = TypeVar("Shape")
Handler = Callable[[Request], Answer]


def json_answer(value: object, status: int = 200, *, delay_ms: int = 0) -> Answer:
    """Return a JSON answer."""
    return Answer(status=status, body=_encoder.encode(value), delay_ms=delay_ms)


def decode(request: Request, decoder: msgspec.json.Decoder[Shape]) -> Shape:
    """Return the body as the decoder's type, or ProblemError 400 naming the field."""
    try:
        return decoder.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise ProblemError(400, "BAD_REQUEST", str(problem)) from problem


class Router:
    """Finds a handler by method and path; a `{}` in a pattern stands for one path segment."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], Handler] = {}
        self._patterns: dict[int, list[tuple[tuple[str, ...], dict[str, Handler]]]] = {}

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """Add a route."""
        self._fixed[method, pattern] = handler
        segments = tuple(pattern.split("/"))
        routes = self._patterns.setdefault(len(segments), [])
        for known, handlers in routes:
            if known == segments:
                handlers[method] = handler
                return
        routes.append((segments, {method: handler}))

    def find(self, method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
        """Return the handler and the path's variable segments; ProblemError 404 or 405."""
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, ()
        segments = path.split("/")
        allowed: list[str] = []
        for pattern, handlers in self._patterns.get(len(segments), ()):
            arguments = _match(pattern, segments)
            if arguments is not None:
                if method in handlers:
                    return handlers[method], arguments
                allowed.extend(handlers)
        if allowed:
            raise ProblemError(405, "METHOD_NOT_ALLOWED", f"{path} takes {', '.join(sorted(allowed))}")
        raise ProblemError(404, "NOT_FOUND", f"there is nothing at {path}")


def _match(pattern: tuple[str, ...], segments: list[str]) -> tuple[str, ...] | None:
    arguments: list[str] = []
    for wanted, given in zip(pattern, segments, strict=True):
        if wanted == "{}" and given:
            arguments.append(given)
        elif wanted != given:
            return None
    return tuple(arguments)
