"""The outbound HTTP client: one request, one answer, and an honest word when there is none.

Decides what may be concluded from a failure. `NotSent` is certainty: no byte of the request left this machine, so
nothing can have been executed. Everything else that goes wrong is `AnswerLost`: the other side may have acted.
Must never retry (not even on a closed keep-alive connection), never follow a redirect, never read without a bound.
"""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import msgspec

from wisipay.core.addresses import AddressRefused
from wisipay.core.http_connection import Answered, Broken, Connection
from wisipay.core.http_pool import Pool
from wisipay.core.http_target import Target, read_target, request_bytes

ANSWER_BYTES_MAX: Final = 1_048_576


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


class HttpAnswer(msgspec.Struct, frozen=True):
    """An answer read to its end; header names are lower-case, repeated headers joined by ", "."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    is_cut: bool = False
    """The body was longer than asked for, and `cut_body` allowed to stop reading."""


class HttpClient:
    """A pool of keep-alive connections; use as `async with`. One per process and policy.

    `private_addresses_allowed=False` connects to public addresses only (see `addresses`).
    """

    def __init__(
        self,
        *,
        private_addresses_allowed: bool,
        connections_max: int = 1_000,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._private_addresses_allowed = private_addresses_allowed
        self._connections_max = connections_max
        self._ssl_context = ssl_context
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = Pool(
            private_addresses_allowed=self._private_addresses_allowed,
            requests_max=self._connections_max,
            ssl_context=self._ssl_context or ssl.create_default_context(),
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
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

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

        `url` is sent as it stands, without quoting; there is no HEAD. An answer over `max_bytes` is lost, or cut where
        `cut_body` is set. Raises NotSent or AnswerLost, with a reason that holds no part of URL, headers or body.
        """
        pool = self._pool
        if pool is None:
            raise RuntimeError("HttpClient is used before `async with` or after its end")
        started = time.monotonic()
        try:
            target = read_target(url)
            request = request_bytes(method, target, headers or {}, body)
        except ValueError as error:
            raise NotSent(str(error)) from None
        connection = await _connected(pool, target, timeout_seconds)
        try:
            answer = connection.send(request, max_bytes, may_cut=cut_body)
            left_seconds = timeout_seconds - (time.monotonic() - started)
            answered = await _in_time(connection, answer, left_seconds)
        except Broken as broken:
            raise AnswerLost(str(broken)) from None
        except TimeoutError:
            raise AnswerLost(f"timed out waiting for the answer ({timeout_seconds:g} s)") from None
        finally:
            pool.give_back(target, connection)
        seconds = time.monotonic() - started
        return HttpAnswer(answered.status, answered.headers, answered.body, seconds, answered.is_cut)


async def _connected(pool: Pool, target: Target, timeout_seconds: float) -> Connection:
    """Return a connection on which nothing was sent yet; whatever goes wrong until then is `NotSent`."""
    if pool.is_ready(target):
        return await pool.take(target)
    try:
        async with asyncio.timeout(timeout_seconds):
            return await pool.take(target)
    except TimeoutError:
        raise NotSent(f"timed out before anything was sent ({timeout_seconds:g} s)") from None
    except (OSError, RuntimeError) as error:
        raise NotSent(_reason(error)) from error


async def _in_time(connection: Connection, answer: "asyncio.Future[Answered]", seconds: float) -> Answered:
    """Wait for an answer. Raises TimeoutError; a timer of our own costs a tenth of `asyncio.timeout`."""
    timer = asyncio.get_running_loop().call_later(seconds, connection.expire)
    try:
        return await answer
    finally:
        timer.cancel()


def _reason(error: Exception) -> str:
    if isinstance(error, AddressRefused):
        return "the address is not public"
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "the TLS certificate is not valid"
    if isinstance(error, ssl.SSLError):
        return "the TLS handshake failed"
    number = error.errno if isinstance(error, OSError) else None
    return f"no connection ({errno.errorcode.get(number or 0, 'unreachable')})"
