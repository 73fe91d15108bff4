"""The sync client."""

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx

from wisipay_sdk import calls, developer_calls
from wisipay_sdk.answers import Answer
from wisipay_sdk.calls import Account, Call, Outcome, Pause, Step
from wisipay_sdk.developer import ApiRequest, Environment, Event, EventDetail, Page
from wisipay_sdk.developer_calls import Place, RequestFilter
from wisipay_sdk.models import Payin, PayinOrder, PaymentState, PaymentType, Payout, PayoutOrder
from wisipay_sdk.paging import every
from wisipay_sdk.retries import Retries

T = TypeVar("T")
DEFAULT_TIMEOUT_SECONDS = 30.0
PAGE = 100
_START = Place()
_ANY = RequestFilter()


class Wisipay:
    """One merchant at one Wisipay; keeps its connections, so make one and close it. Threads may share it.

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
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account = Account(httpx.URL(base_url), merchant_id, secret, sandbox)
        self._retries = retries or Retries()
        self._http = httpx.Client(timeout=timeout_seconds, transport=transport, follow_redirects=False)
        self._sleep = sleep

    def start_payin(self, order: PayinOrder, *, idempotency_key: str | None = None) -> Payin:
        """Start a collection; retried under one key, yours or a fresh one."""
        return self._do(calls.start_payin(order, idempotency_key))

    def start_payout(self, order: PayoutOrder, *, idempotency_key: str | None = None) -> Payout:
        """Start a disbursement; retried under one key, yours or a fresh one."""
        return self._do(calls.start_payout(order, idempotency_key))

    def state(self, order_id: str, payment_type: PaymentType | None = None) -> PaymentState:
        """Ask how an order stands; with its type the provider is asked as well while it is open."""
        return self._do(calls.state(order_id, payment_type))

    def request_page(self, place: Place = _START, wanted: RequestFilter = _ANY) -> Page[ApiRequest]:
        """Return a page of the requests that you made, sandbox and real alike."""
        return self._do(developer_calls.request_page(place, wanted))

    def event_page(self, place: Place = _START) -> Page[Event]:
        """Return a page of your callback events: the sandbox's, or those of real payments."""
        return self._do(developer_calls.event_page(place, self._environment))

    def requests(self, wanted: RequestFilter = _ANY, *, after: str | None = None) -> Iterator[ApiRequest]:
        """Iterate over the requests behind a cursor, page by page."""
        return every(lambda cursor: self.request_page(Place(after=cursor, limit=PAGE), wanted), after)

    def events(self, *, after: str | None = None) -> Iterator[Event]:
        """Iterate over your callback events behind a cursor, page by page."""
        return every(lambda cursor: self.event_page(Place(after=cursor, limit=PAGE)), after)

    def event(self, event_id: str) -> EventDetail:
        """Return an event with the attempts to deliver it."""
        return self._do(developer_calls.event(event_id))

    def resend(self, event_id: str, to: str | None = None) -> Sequence[str]:
        """Have an event delivered once more: to an endpoint's id, to `url` (your callback URL), or to all who want it.

        Returns where it goes; nowhere where it is being delivered at this moment.
        """
        return self._do(developer_calls.resend(event_id, to))

    @property
    def _environment(self) -> Environment:
        return "UAT" if self._account.is_sandbox else "LIVE"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _do(self, call: Call[T]) -> T:
        steps = calls.exchange(self._account, call, self._retries)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            outcome = self._carry_out(step)

    def _carry_out(self, step: Step) -> Outcome:
        if isinstance(step, Pause):
            self._sleep(step.seconds)
            return None
        try:
            response = self._http.send(step)
        except httpx.TransportError as error:
            return error
        return Answer(response.status_code, response.headers, response.content)
