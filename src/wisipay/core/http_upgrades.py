"""Requests that ask for another protocol are answered in this one, as RFC 9110 (7.8) lets a server do.

Java's HttpClient, for one, asks every server without TLS for HTTP/2, in the head of its first request. The parser takes
such a head for the end of HTTP/1.1 and would read the body as another request; so the head is read once more, without
the question. CONNECT is left alone: it has no body here.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_NOT_HTTP = "Invalid HTTP request received."


class OneProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which speaks HTTP/1.1 with whoever would rather speak something else."""

    _is_question = False

    def on_headers_complete(self) -> None:
        """Begin a request, unless its head is to be read again."""
        self._is_question = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if not self._is_question:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request that was begun."""
        if not self._is_question:
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read what came, and after a head that asked for another protocol its body."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as end_of_head:
            if self._is_question:
                self.data_received(self._head_without_question() + data[end_of_head.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response(_NOT_HTTP)

    def _head_without_question(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])
