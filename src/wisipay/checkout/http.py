"""The addresses of the checkout page (issue: hosted checkout).

Decides headers and what a stranger is told: an address that we did not give out and a payment that is not there look
the same. Must never change anything: a page may be fetched by whoever was sent its address.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from redis.exceptions import RedisError

from wisipay.checkout.links import PATH, CheckoutLinks
from wisipay.checkout.page import ASSETS, notice, page
from wisipay.checkout.view import Payable
from wisipay.core.clock import Clock
from wisipay.core.database import OUTAGES
from wisipay.core.errors import NotFound
from wisipay.core.http_lane import in_fast_lane
from wisipay.core.http_wire import JSON, Reply, WireRequest, litestar_response, wire_request
from wisipay.core.logging import get_logger

Finder = Callable[[str], Awaitable[Payable | None]]
"""Looks a payment up by its id; None when there is none that is paid on our page."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PRIVATE: Final = {
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
}
_ASSET: Final = {
    "x-content-type-options": "nosniff",
    "cache-control": "public, max-age=31536000, immutable",
}
_HTML: Final = "text/html"
_UNKNOWN: Final = notice("No such payment", "Check the link that you were sent, or ask the merchant for a new one.")
_AWAY: Final = notice("We cannot show this payment now", "Nothing is lost. Please load this page again in a moment.")

_AWAY_ERRORS: Final[tuple[type[Exception], ...]] = (*OUTAGES, RedisError)

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Checkout:
    """What the handlers need."""

    links: CheckoutLinks
    find: Finder
    clock: Clock


def build_handlers(checkout: Checkout) -> list[HTTPRouteHandler]:
    """Build the page, its state for the script, and its files; none of them is part of the merchants' API."""
    show, state = partial(_show, checkout), partial(_state, checkout)

    @get(f"{PATH}/{{token:str}}", include_in_schema=False, opt=in_fast_lane(show))
    async def checkout_page(request: Request[Any, Any, State], token: FromPath[str]) -> Response[bytes]:
        del token
        return litestar_response(await show(await wire_request(request)))

    @get(f"{PATH}/{{token:str}}/state", include_in_schema=False, opt=in_fast_lane(state))
    async def checkout_state(request: Request[Any, Any, State], token: FromPath[str]) -> Response[bytes]:
        del token
        return litestar_response(await state(await wire_request(request)))

    @get(f"{PATH}/assets/{{name:str}}", include_in_schema=False, opt=in_fast_lane(_asset))
    async def checkout_asset(request: Request[Any, Any, State], name: FromPath[str]) -> Response[bytes]:
        del name
        return litestar_response(await _asset(await wire_request(request)))

    return [checkout_page, checkout_state, checkout_asset]


async def _show(checkout: Checkout, request: WireRequest) -> Reply:
    try:
        payable = await _payable(checkout, request)
    except _AWAY_ERRORS as error:
        _log.warning("checkout.store_unavailable", error=repr(error))
        return Reply(503, _AWAY, _HTML, {**_PRIVATE, "retry-after": "2"})
    if payable is None:
        return Reply(404, _UNKNOWN, _HTML, _PRIVATE)
    return Reply(200, page(payable, checkout.clock.now()), _HTML, _PRIVATE)


async def _state(checkout: Checkout, request: WireRequest) -> Reply:
    payable = await _payable(checkout, request)
    if payable is None:
        raise NotFound("No such payment")
    return Reply(200, msgspec.json.encode({"state": payable.state}), JSON, _PRIVATE)


async def _asset(request: WireRequest) -> Reply:
    found = ASSETS.get(request.parameters["name"])
    if found is None:
        raise NotFound("No such file")
    return Reply(200, found[1], found[0], _ASSET)


async def _payable(checkout: Checkout, request: WireRequest) -> Payable | None:
    payment_id = checkout.links.payment_id(request.parameters["token"])
    return None if payment_id is None else await checkout.find(payment_id)
