"""From JSON or a line of curl to one request.

Decides which of curl's options are understood: those that say what is sent. Whatever would read a file, follow a
redirect, leave TLS unchecked or go through somebody else is refused by name, not passed over. Pure.
"""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import msgspec

from wisipay.core.errors import BadRequest

TEXT_MAX: Final = 131_072

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_CONTINUED: Final = re.compile(r"\\\r?\n")
_FORM: Final = "application/x-www-form-urlencoded"
_FLAGS: Final = {"s": "silent", "S": "show-error", "i": "include", "v": "verbose", "G": "get", "g": "globoff"}
_VALUES: Final = {"X": "request", "H": "header", "d": "data", "u": "user", "A": "user-agent"}
_HARMLESS: Final = frozenset({"silent", "show-error", "include", "verbose", "compressed", "globoff"})
_DATA: Final = frozenset({"data", "data-raw", "data-binary", "data-ascii", "json"})
_NAMED: Final = frozenset({*_VALUES.values(), *_DATA, "url"})
_NOT_OURS_TO_SET: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-authorization"}
)


class ProxyRefused(BadRequest):
    """This request is not sent; the message says why, without any part of what it would have sent."""


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """What is to be sent, exactly."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class _Json(msgspec.Struct, forbid_unknown_fields=True):
    url: Annotated[str, msgspec.Meta(max_length=8_000)]
    method: Method = "GET"
    headers: dict[str, str] = {}
    body: Any = None


def read_request(text: str) -> ProxyRequest:
    """Read `{"method", "url", "headers", "body"}` (a body that is no text is sent as JSON), or a line of curl.

    Raises ProxyRefused.
    """
    if len(text) > TEXT_MAX:
        raise ProxyRefused(f"the request is longer than {TEXT_MAX} characters")
    text = text.strip()
    request = _from_json(text) if text.startswith("{") else _from_curl(text)
    for name in request.headers:
        if name.lower() in _NOT_OURS_TO_SET:
            raise ProxyRefused(f"the header {name!r} is made by us")
    return request


def _from_json(text: str) -> ProxyRequest:
    try:
        given = msgspec.json.decode(text, type=_Json)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProxyRefused(f"the request is no usable JSON: {error}") from None
    headers, body = dict(given.headers), given.body
    if body is None or isinstance(body, str):
        return ProxyRequest(given.method, given.url, headers, None if body is None else body.encode())
    _default(headers, "Content-Type", "application/json")
    return ProxyRequest(given.method, given.url, headers, msgspec.json.encode(body))


@dataclass(slots=True)
class _Curl:
    """What the options of a line said so far."""

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    is_json: bool = False
    in_query: bool = False

    def take(self, option: str, value: str) -> None:
        if option == "request":
            self.method = value
        elif option == "header":
            name, colon, content = value.partition(":")
            if not colon or not name.strip():
                raise ProxyRefused("a header is written 'Name: value'")
            self.headers[name.strip()] = content.strip()
        elif option == "user":
            _default(self.headers, "Authorization", f"Basic {b64encode(value.encode()).decode()}")
        elif option == "user-agent":
            self.headers["User-Agent"] = value
        elif option in _DATA:
            if value.startswith("@") and option != "data-raw":
                raise ProxyRefused("a body is given in the line itself, not by the name of a file")
            self.is_json = self.is_json or option == "json"
            self.data.append(value)
        else:
            self._go_to(value)

    def _go_to(self, url: str) -> None:
        if self.url:
            raise ProxyRefused("one request goes to one address")
        self.url = url

    def request(self) -> ProxyRequest:
        """Return what curl would send, but for the headers that it makes up."""
        url, joined = self.url, ("" if self.is_json else "&").join(self.data)
        if self.in_query:
            separator = "&" if "?" in url else "?"
            return ProxyRequest(
                self.method or "GET", f"{url}{separator}{joined}" if joined else url, self.headers, None
            )
        if not self.data:
            return ProxyRequest(self.method or "GET", url, self.headers, None)
        _default(self.headers, "Content-Type", "application/json" if self.is_json else _FORM)
        return ProxyRequest(self.method or "POST", url, self.headers, joined.encode())


def _from_curl(text: str) -> ProxyRequest:
    try:
        words = shlex.split(_CONTINUED.sub(" ", text))
    except ValueError as error:
        raise ProxyRefused(f"the line cannot be read: {error}") from None
    if not words or words[0] != "curl":
        raise ProxyRefused("give the request as a JSON object or as a line that begins with curl")
    curl = _Curl()
    rest = iter(words[1:])
    for word in rest:
        for option, value in _options(word, rest):
            if option == "get":
                curl.in_query = True
            elif option not in _HARMLESS:
                curl.take(option, value)
    request = curl.request()
    if request.method not in _METHODS:
        raise ProxyRefused(f"the method is one of {', '.join(sorted(_METHODS))}")
    if not request.url:
        raise ProxyRefused("the line has no address")
    return request


def _options(word: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield the options of one word, by their long names, each with its value."""
    if not word.startswith("-") or word == "-":
        yield "url", word
    elif word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        if name in _HARMLESS or name == "get":
            yield name, ""
        elif name in _NAMED:
            yield name, value if equals else _next(name, rest)
        else:
            raise ProxyRefused(f"--{name} is not understood here")
    else:
        yield from _short_options(word, rest)


def _short_options(word: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    for place, letter in enumerate(word[1:], start=1):
        if letter in _FLAGS:
            yield _FLAGS[letter], ""
        elif letter in _VALUES:
            yield _VALUES[letter], word[place + 1 :] or _next(_VALUES[letter], rest)
            return
        else:
            raise ProxyRefused(f"-{letter} is not understood here")


def _next(name: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise ProxyRefused(f"{name} has no value")
    return value


def _default(headers: dict[str, str], name: str, value: str) -> None:
    if name.lower() not in {given.lower() for given in headers}:
        headers[name] = value
