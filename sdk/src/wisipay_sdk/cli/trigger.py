"""`trigger`: a test payment with a chosen outcome, and what becomes of it: answer, statuses, callbacks, attempts."""

import time
from collections.abc import Callable
from typing import Final

from wisipay_sdk.cli.outcomes import Kind, Outcome
from wisipay_sdk.cli.saying import say
from wisipay_sdk.client import Wisipay
from wisipay_sdk.developer_calls import Place
from wisipay_sdk.errors import PaymentRefused, Refused
from wisipay_sdk.models import PayinOrder, PayoutOrder

_PAISE: Final = 100
_LOOK_SECONDS: Final = 1
_LATE_SECONDS: Final = 20
"""So long after its time a callback is waited for: a worker may be busy."""


class Trigger:
    """One test payment, watched. `client` is at the sandbox; `now` gives seconds, `order_id` is one that is free."""

    def __init__(
        self,
        client: Wisipay,
        order_id: str,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._order_id = order_id
        self._now = now
        self._sleep = sleep
        self._began_at = now()

    def run(self, name: str, outcome: Outcome, kind: Kind, *, paise: bool) -> None:
        """Make the payment and show what happens until nothing more is to be expected."""
        cursor = self._client.event_page(Place(last=0)).cursor
        self._began_at = self._now()
        say(f"{kind} {self._order_id} of {outcome.rupees} rupees in the sandbox: {name}")
        try:
            self._say(f"answered 200: {self._start(name, outcome, kind, paise=paise)}")
        except PaymentRefused as refused:
            self._say(f"answered {refused.http_status}: {refused}")
        expected = outcome.callbacks if kind == outcome.kind else 1
        ends = outcome.ends_seconds if kind == outcome.kind else _LATE_SECONDS
        self._watch(cursor, expected, ends)

    def _start(self, name: str, outcome: Outcome, kind: Kind, *, paise: bool) -> str:
        amount = outcome.rupees * (_PAISE if paise else 1)
        if kind == "payin":
            payin = self._client.start_payin(
                PayinOrder(
                    amount=amount,
                    order_id=self._order_id,
                    payment_mode="UPI",
                    customer_name="Test Customer",
                    customer_email="customer@example.com",
                    customer_phone="9876543210",
                )
            )
            return f"{payin.status} {payin.transaction_id}  {payin.payment_url or ''}".rstrip()
        payout = self._client.start_payout(
            PayoutOrder(
                amount=amount,
                order_id=self._order_id,
                payment_mode="UPI",
                beneficiary_name="Test Beneficiary",
                beneficiary_vpa=f"{name}@uat",
            )
        )
        return f"{payout.status} {payout.transaction_id}"

    def _watch(self, cursor: str, expected: int, ends_seconds: float) -> None:
        seen: list[str] = []
        status = ""
        while True:
            status = self._show_status(status)
            page = self._client.event_page(Place(after=cursor))
            cursor = page.cursor
            for event in page.items:
                if event.order_id == self._order_id:
                    again = ", once more" if event.event_id in seen else ""
                    self._say(f"callback {event.status}  {event.event_id}{again}")
                    if not again:
                        self._show_attempts(event.event_id)
                    seen.append(event.event_id)
            passed = self._now() - self._began_at
            if passed >= ends_seconds and (len(seen) >= expected or passed >= ends_seconds + _LATE_SECONDS):
                break
            self._sleep(_LOOK_SECONDS)
        self._say(f"{len(seen)} of {expected} callbacks came" if len(seen) < expected else "that is all")

    def _show_status(self, before: str) -> str:
        try:
            status = str(self._client.state(self._order_id).status)
        except Refused as refused:
            status = refused.code
        if status != before:
            self._say(f"status {status}")
        return status

    def _show_attempts(self, event_id: str) -> None:
        for attempt in self._client.event(event_id).attempts:
            told = attempt.error or f"answered {attempt.http_status}"
            self._say(f"    {attempt.outcome} {attempt.url or ''} {told} in {attempt.latency_ms} ms")

    def _say(self, text: str) -> None:
        say(f"{self._now() - self._began_at:+7.1f} s  {text}")
