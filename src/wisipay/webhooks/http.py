"""The addresses that providers call (spec/merchant-api.md, "Endpoints").

Decides paths only; the work is `receiving`'s. Must never read the body as anything but bytes: signatures are over the
exact bytes.
"""

from dataclasses import dataclass
from typing import Any, cast, get_args

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from wisipay.core.errors import NotFound
from wisipay.core.http_lane import in_fast_lane
from wisipay.core.http_wire import Reply, WireRequest, litestar_response, wire_request
from wisipay.providers import WebhookRoute
from wisipay.webhooks.debug import Captures
from wisipay.webhooks.receiving import Receiving

_ROUTES = get_args(WebhookRoute)


@dataclass(frozen=True, slots=True)
class WebhookDependencies:
    """What the handlers need."""

    receiving: Receiving


def build_handlers(dependencies: WebhookDependencies) -> list[HTTPRouteHandler]:
    """Build the two handlers: gateway providers name the legal entity in the path, bank providers do not."""

    async def take(request: WireRequest) -> Reply:
        route = request.parameters["route"]
        if route not in _ROUTES:
            raise NotFound("No such webhook address: it starts with /webhook/payin, /webhook/payout or /webhook/common")
        return await dependencies.receiving.receive(
            cast("WebhookRoute", route),
            request.parameters["provider"],
            request.parameters.get("legal_entity"),
            headers=request.headers,
            body=request.body,
            peer_address=request.peer_address,
        )

    opt = in_fast_lane(take)

    @post("/webhook/{route:str}/{provider:str}/{legal_entity:str}", status_code=200, include_in_schema=False, opt=opt)
    async def gateway_webhook(
        request: Request[None, None, State], route: FromPath[str], provider: FromPath[str], legal_entity: FromPath[str]
    ) -> Response[bytes]:
        """Take a webhook of a provider that calls one address per legal entity."""
        del route, provider, legal_entity  # here they are described only
        return litestar_response(await take(await wire_request(request)))

    @post("/webhook/{route:str}/{provider:str}", status_code=200, include_in_schema=False, opt=opt)
    async def bank_webhook(
        request: Request[None, None, State], route: FromPath[str], provider: FromPath[str]
    ) -> Response[bytes]:
        """Take a webhook of a provider that calls one address for all its legal entities."""
        del route, provider
        return litestar_response(await take(await wire_request(request)))

    return [gateway_webhook, bank_webhook]


def build_debug_handlers(captures: Captures) -> list[HTTPRouteHandler]:
    """Build the addresses that show what arrived; mounted only where WEBHOOK_DEBUG_ENABLED says so."""

    async def capture(request: WireRequest) -> Reply:
        return await captures.capture(request.parameters.get("tag", ""), request)

    async def captured(request: WireRequest) -> Reply:
        return await captures.show(request.parameters.get("tag", ""))

    taking, showing = in_fast_lane(capture), in_fast_lane(captured)

    @post(["/webhook/debug", "/webhook/debug/{tag:str}"], status_code=200, include_in_schema=False, opt=taking)
    async def debug_webhook(request: Request[Any, Any, State]) -> Response[bytes]:
        return litestar_response(await capture(await wire_request(request)))

    @get(["/webhook/debug", "/webhook/debug/{tag:str}"], include_in_schema=False, opt=showing)
    async def debug_webhooks(request: Request[Any, Any, State]) -> Response[bytes]:
        return litestar_response(await captured(await wire_request(request)))

    return [debug_webhook, debug_webhooks]
