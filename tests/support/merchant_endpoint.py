"""A merchant's callback endpoint on the loopback: keeps what it gets, answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

_WAIT_SECONDS = 40


@dataclass(frozen=True)
class Received:
    """One request as it came, header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        """The id under which a merchant recognises a repeat."""
        return self.headers["webhook-id"]


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class MerchantEndpoint:
    """What the endpoint got so far; `answer` may be replaced at any time."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answer: Answer | None = None
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wait_for(self, count: int, path: str | None = None) -> list[Received]:
        """Return the requests (to `path`) once there are `count` of them."""

        def matching() -> list[Received]:
            return [each for each in self.received if path in {None, each.path}]

        async with asyncio.timeout(_WAIT_SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: len(matching()) >= count)
        return matching()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keep the request, then answer it."""
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        async with self._arrived:
            self.received.append(Received(request.path, headers, body))
            self._arrived.notify_all()
        return await self.answer(request) if self.answer else web.Response(text="thank you")


@asynccontextmanager
async def merchant_endpoint() -> AsyncIterator[MerchantEndpoint]:
    """Serve an endpoint at any path below its `url`."""
    endpoint = MerchantEndpoint()
    application = web.Application()
    application.router.add_post("/{path:.*}", endpoint.handle)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    endpoint.url = f"http://{host}:{port}"
    try:
        yield endpoint
    finally:
        await runner.cleanup()
