"""The async client: the sync one's twin, on asyncio."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx

from wisipay_sdk import calls, developer_calls
from wisipay_sdk.answers import Answer
from wisipay_sdk.calls import Account, Call, Outcome, Pause, Step
from wisipay_sdk.client import DEFAULT_TIMEOUT_SECONDS, PAGE
from wisipay_sdk.developer import ApiRequest, Environment, Event, EventDetail, Page
from wisipay_sdk.developer_calls import Place, RequestFilter
from wisipay_sdk.models import Payin, PayinOrder, PaymentState, PaymentType, Payout, PayoutOrder
from wisipay_sdk.paging import every_async
from wisipay_sdk.retries import Retries

T = TypeVar("T")
_START = Place()
_ANY = RequestFilter()


class AsyncWisipay:
    """One merchant at one Wisipay; keeps its connections, so make one and close it. Tasks may share it.

    `base_url` is the address of the payment API; with `sandbox` payments are its tests, without money.
    Calls raise `Refused`, `PaymentRefused`, `NoAnswer`, `InvalidAnswer`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        merchant_id: str,
        secret: str,
        sandbox: bool = False,
        retries: Retries | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account = Account(httpx.URL(base_url), merchant_id, secret, sandbox)
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(timeout=timeout_seconds, transport=transport, follow_redirects=False)
        self._sleep = sleep

    async def start_payin(self, order: PayinOrder, *, idempotency_key: str | None = None) -> Payin:
        """Start a collection; retried under one key, yours or a fresh one."""
        return await self._do(calls.start_payin(order, idempotency_key))

    async def start_payout(self, order: PayoutOrder, *, idempotency_key: str | None = None) -> Payout:
        """Start a disbursement; retried under one key, yours or a fresh one."""
        return await self._do(calls.start_payout(order, idempotency_key))

    async def state(self, order_id: str, payment_type: PaymentType | None = None) -> PaymentState:
        """Ask how an order stands; with its type the provider is asked as well while it is open."""
        return await self._do(calls.state(order_id, payment_type))

    async def request_page(self, place: Place = _START, wanted: RequestFilter = _ANY) -> Page[ApiRequest]:
        """Return a page of the requests that you made, sandbox and real alike."""
        return await self._do(developer_calls.request_page(place, wanted))

    async def event_page(self, place: Place = _START) -> Page[Event]:
        """Return a page of your callback events: the sandbox's, or those of real payments."""
        return await self._do(developer_calls.event_page(place, self._environment))

    def requests(self, wanted: RequestFilter = _ANY, *, after: str | None = None) -> AsyncIterator[ApiRequest]:
        """Iterate over the requests behind a cursor, page by page."""
        return every_async(lambda cursor: self.request_page(Place(after=cursor, limit=PAGE), wanted), after)

    def events(self, *, after: str | None = None) -> AsyncIterator[Event]:
        """Iterate over your callback events behind a cursor, page by page."""
        return every_async(lambda cursor: self.event_page(Place(after=cursor, limit=PAGE)), after)

    async def event(self, event_id: str) -> EventDetail:
        """Return an event with the attempts to deliver it."""
        return await self._do(developer_calls.event(event_id))

    async def resend(self, event_id: str, to: str | None = None) -> Sequence[str]:
        """Have an event delivered once more: to an endpoint's id, to `url` (your callback URL), or to all who want it.

        Returns where it goes; nowhere where it is being delivered at this moment.
        """
        return await self._do(developer_calls.resend(event_id, to))

    @property
    def _environment(self) -> Environment:
        return "UAT" if self._account.is_sandbox else "LIVE"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _do(self, call: Call[T]) -> T:
        steps = calls.exchange(self._account, call, self._retries)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            outcome = await self._carry_out(step)

    async def _carry_out(self, step: Step) -> Outcome:
        if isinstance(step, Pause):
            await self._sleep(step.seconds)
            return None
        try:
            response = await self._http.send(step)
        except httpx.TransportError as error:
            return error
        return Answer(response.status_code, response.headers, response.content)
