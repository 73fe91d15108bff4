"""The outbound HTTP client: one request, one answer, and an honest word when there is none.

Decides what may be concluded from a failure. `NotSent` is certainty: no byte of the request left this machine, so
nothing can have been executed. Everything else that goes wrong is `AnswerLost`: the other side may have acted.
Must never retry (not even on a closed keep-alive connection), never follow a redirect, never read without a bound.
"""

import asyncio
import errno
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from ssl import SSLContext, create_default_context
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from wisipay.core.addresses import AddressRefused, PublicOnlyResolver, public_only_socket

ANSWER_BYTES_MAX: Final = 1_048_576

_USER_AGENT = "Wisipay"
_CHUNK_BYTES = 16_384
# Shorter than the idle time after which common servers hang up (5 s), so that a POST rarely meets a connection that is
# just being closed: such a POST could not be told from one that was executed.
_KEEP_ALIVE_SECONDS = 4.0


_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ClientConnectorDNSError, "the name is not known"),
    (aiohttp.ClientConnectorSSLError, "the TLS handshake failed"),
    (aiohttp.ClientConnectorCertificateError, "the TLS certificate is not valid"),
    (aiohttp.ClientPayloadError, "the answer was cut short"),
    (aiohttp.ClientResponseError, "the answer is not HTTP"),
    (aiohttp.InvalidURL, "the address is not an http or https URL"),
)


class NotSent(Exception):  # noqa: N818 - says what happened, as the plain words do
    """For certain nothing was sent: name unknown, refused, TLS failed, address not public, time ran out first."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class AnswerLost(Exception):  # noqa: N818 - says what happened, as the plain words do
    """The request left, or may have left, and no whole answer came back: what happened there is unknown."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer read to its end; header names are lower-case, repeated headers joined by ", "."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    is_cut: bool = False
    """The body was longer than asked for, and `cut_body` allowed to stop reading."""


class _ConnectionBroken(Exception):  # noqa: N818 - a state between two layers, never shown
    """Stands for aiohttp's own errors where it would silently send the request a second time."""


@dataclass(slots=True)
class _Progress:
    """How far a request got. `connected` is set before its first byte is written."""

    connected: bool = False


_progress: ContextVar[_Progress] = ContextVar("progress")


class _Connector(aiohttp.TCPConnector):
    """Notes when a request gets its connection: from then on, and not before, bytes of it may leave."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the overridden method has it
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        _progress.get().connected = True
        return connection


class HttpClient:
    """A pool of keep-alive connections; use as `async with`. One per process and policy.

    `private_addresses_allowed=False` connects to public addresses only (see `addresses`).
    """

    def __init__(
        self,
        *,
        private_addresses_allowed: bool,
        connections_max: int = 1_000,
        connections_per_host_max: int = 0,
        ssl_context: SSLContext | None = None,
    ) -> None:
        self._private_addresses_allowed = private_addresses_allowed
        self._connections_max = connections_max
        self._connections_per_host_max = connections_per_host_max
        self._ssl_context = ssl_context
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        public_only = not self._private_addresses_allowed
        connector = _Connector(
            limit=self._connections_max,
            limit_per_host=self._connections_per_host_max,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            resolver=PublicOnlyResolver() if public_only else aiohttp.ThreadedResolver(),
            socket_factory=public_only_socket if public_only else None,
            ssl=self._ssl_context or create_default_context(),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            middlewares=(_send_once,),
            headers={"user-agent": _USER_AGENT, "accept-encoding": "identity"},
            skip_auto_headers=("content-type",),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_seconds: float,
        max_bytes: int = ANSWER_BYTES_MAX,
        cut_body: bool = False,
    ) -> HttpAnswer:
        """Send one request, exactly once, and read its answer, whatever its status; the time-out covers all of it.

        `url` is sent as it stands, without quoting. An answer over `max_bytes` is lost, or cut where `cut_body` is set.
        Raises NotSent or AnswerLost, with a reason that holds no part of URL, headers or body.
        """
        if self._session is None:
            raise RuntimeError("HttpClient is used before `async with` or after its end")
        progress = _Progress()
        _progress.set(progress)
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout_seconds):
                target = _target(url)
                async with self._session.request(
                    method,
                    target,
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                ) as response:
                    content, is_cut = await _read(response, max_bytes, cut_body=cut_body)
                    answered = _headers(response)
        except TimeoutError:
            phase = "waiting for the answer" if progress.connected else "before anything was sent"
            raise _failure(progress, f"timed out {phase} ({timeout_seconds:g} s)") from None
        except (aiohttp.ClientError, _ConnectionBroken, OSError, ValueError) as error:
            raise _failure(progress, _reason(error)) from error
        return HttpAnswer(response.status, answered, content, time.monotonic() - started, is_cut)


def _target(url: str) -> URL:
    target = URL(url, encoded=True)
    if target.scheme not in {"http", "https"} or not target.host:
        raise ValueError("the address is not an http or https URL")
    return target


async def _read(response: aiohttp.ClientResponse, max_bytes: int, *, cut_body: bool) -> tuple[bytes, bool]:
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        content += chunk
        if len(content) > max_bytes:
            response.close()
            if cut_body:
                return bytes(content[:max_bytes]), True
            raise ValueError(f"the answer is larger than {max_bytes} bytes")
    return bytes(content), False


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _failure(progress: _Progress, reason: str) -> NotSent | AnswerLost:
    return AnswerLost(reason) if progress.connected else NotSent(reason)


def _reason(error: BaseException) -> str:
    if isinstance(error, _ConnectionBroken) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, AddressRefused) or isinstance(getattr(error, "os_error", None), AddressRefused):
        return "the address is not public"
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({errno.errorcode.get(error.os_error.errno or 0, 'unreachable')})"
    return str(error) if isinstance(error, ValueError) else "the connection was closed before the answer came"


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating GET, PUT and DELETE on a connection that broke."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _ConnectionBroken from error
