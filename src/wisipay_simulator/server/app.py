"""The ASGI application: reads a request, finds its handler, answers or breaks the connection as the handler says.

A bare ASGI callable: twice the requests per CPU second of a framework, and load tests share the CPU with us.
"""

import asyncio
import contextlib
import logging
from typing import Any

from wisipay_simulator.server.http import MAX_BODY_BYTES, Answer, ProblemError, Request, Router

_log = logging.getLogger(__name__)

Scope = dict[str, Any]
Message = dict[str, Any]


class BodyTooLargeError(Exception):
    """The request's body is over the limit."""


class Application:
    """Serves a router. `abort` in the scope's extensions is put there by `process.AbortableProtocol`."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own callables
        """Serve one request."""
        if scope["type"] != "http":
            return
        answer = await self._answer(scope, receive)
        if answer.abort:
            await _break_off(answer.delay_ms, scope, receive)
            return
        if answer.delay_ms:
            await asyncio.sleep(answer.delay_ms / 1000)
        headers = [
            (b"content-type", answer.content_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            *answer.headers,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Any) -> Answer:  # noqa: ANN401 - ASGI's own callable
        try:
            handler, arguments = self._router.find(scope["method"], scope["path"])
            request = Request(
                method=scope["method"],
                path=scope["path"],
                query_text=scope["query_string"],
                headers=dict(scope["headers"]),
                body=await _read(receive),
                arguments=arguments,
            )
            return await handler(request)
        except ProblemError as problem:
            return problem.answer()
        except BodyTooLargeError:
            return ProblemError(413, "PAYLOAD_TOO_LARGE", f"a body is at most {MAX_BODY_BYTES} bytes").answer()
        except Exception:  # noqa: BLE001 - the last resort: a defect becomes a 500 and a log line
            _log.exception("%s %s failed", scope["method"], scope["path"])
            return ProblemError(500, "SIMULATOR_ERROR", "a defect of the simulator; see its log").answer()


async def _break_off(delay_ms: int, scope: Scope, receive: Any) -> None:  # noqa: ANN401 - ASGI's own callable
    with contextlib.suppress(asyncio.CancelledError):  # a stop of the process ends the wait: break off at once
        await asyncio.sleep(delay_ms / 1000)
    scope["extensions"]["abort"]()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read(receive: Any) -> bytes:  # noqa: ANN401 - ASGI's own callable
    message: Message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError
    return body
