"""One connection to a server: sends a request, reads its answer to the end, one at a time.

Decides when an answer is whole, and when a connection may be used again: only when the answer ended as announced and
nothing came after it. Must never read more than it was told to, and never write twice.
"""

import asyncio
import zlib
from asyncio import Protocol as StreamProtocol
from collections.abc import Callable
from typing import Final, cast

import httptools
import msgspec

HEADER_BYTES_MAX: Final = 65_536

_CLOSED = "the connection was closed before the answer came"
_CUT_SHORT = "the answer was cut short"
_NOT_HTTP = "the answer is not HTTP"
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_FIRST_FINAL_STATUS = 200


class Broken(Exception):  # noqa: N818 - a state between two layers
    """No whole answer came; the reason holds nothing of the exchange."""


class Answered(msgspec.Struct, frozen=True):
    """An answer read to its end; header names are lower-case, repeated headers joined by ", "."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_cut: bool


class Connection(StreamProtocol):
    """A client's end. `gone` is called once when the connection is lost."""

    def __init__(self, gone: Callable[["Connection"], None]) -> None:
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Answered] | None = None
        self._bytes_max = 0
        self._may_cut = False
        self._begin()
        self.idle_since = 0.0

    @property
    def is_usable(self) -> bool:
        """Whether a request may be sent on it."""
        return self._answer is None and self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes, bytes_max: int, *, may_cut: bool) -> "asyncio.Future[Answered]":
        """Write a request and return the future of its answer, which may fail with `Broken`. Usable connections only.

        An answer over `bytes_max` is `Broken`, or cut where it `may_cut`; the connection ends with either.
        """
        transport = cast("asyncio.Transport", self._transport)
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._begin()
        self._bytes_max, self._may_cut = bytes_max, may_cut
        transport.write(request)
        return answer

    def close(self) -> None:
        """Hang up; an answer that is awaited is lost."""
        if self._transport is not None:
            self._transport.abort()
        self._fail(_CLOSED)

    def expire(self) -> None:
        """Give up waiting: the answer fails with TimeoutError, and the connection ends."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(TimeoutError())
        self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read on; what comes without being asked for ends the connection."""
        if self._answer is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(_NOT_HTTP)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what was awaited, unless its end was to be told by the end of the connection."""
        self._transport = None
        if self._status and not self._is_bounded and exc is None:
            self._end(is_whole=True)
        self._fail(_CUT_SHORT if self._status else _CLOSED)
        self._gone(self)

    def on_message_begin(self) -> None:
        """Begin an answer (called by the parser, as all that follow); a second one behind the first is not ours."""
        self._begin()
        if self._answer is None:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADER_BYTES_MAX:
            self._fail(f"the answer's headers are larger than {HEADER_BYTES_MAX} bytes")
            self.close()
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Take the status."""
        self._status = self._parser.get_status_code()
        self._is_bounded = "content-length" in self._headers or "transfer-encoding" in self._headers

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        self._body += data
        if len(self._body) > self._bytes_max:
            self._end(is_whole=False)

    def on_message_complete(self) -> None:
        """Hand the answer over; an interim one (100, 103) is none."""
        if self._status < _FIRST_FINAL_STATUS:
            return
        may_be_kept = self._parser.should_keep_alive()
        self._end(is_whole=True)
        if not may_be_kept:
            self.close()

    def _begin(self) -> None:
        self._status = 0
        self._headers: dict[str, str] = {}
        self._header_bytes = 0
        self._body = b""
        self._is_bounded = False

    def _end(self, *, is_whole: bool) -> None:
        """Hand over what there is, cut where it is too large and may be cut."""
        try:
            body = _unpacked(self._body, self._headers.get("content-encoding"), self._bytes_max, is_whole=is_whole)
        except (zlib.error, ValueError):
            self._fail("the answer is packed in a way that was not asked for")
            return
        is_cut = len(body) > self._bytes_max or not is_whole
        answer = self._answer
        if answer is None or (is_cut and not self._may_cut):
            self._fail(f"the answer is larger than {self._bytes_max} bytes")
        else:
            self._answer = None
            if not answer.done():
                answer.set_result(Answered(self._status, self._headers, body[: self._bytes_max], is_cut))
        if is_cut:
            self.close()

    def _fail(self, reason: str) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(Broken(reason))


def _unpacked(body: bytes, packing: str | None, bytes_max: int, *, is_whole: bool) -> bytes:
    """Unpack no more than one byte beyond the limit: a bomb is never seen whole."""
    if packing is None or packing == "identity":
        return body
    if packing.strip().lower() not in _PACKED:
        raise ValueError
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    unpacked = unpacking.decompress(body, bytes_max + 1)
    if is_whole and len(unpacked) <= bytes_max and not unpacking.eof:
        raise ValueError
    return unpacked
