"""The simulator as the demo and the tests see it: the provider's book of truth and the merchant's received callbacks.

Decides nothing: it asks over HTTP and gives typed answers. Must never be used against a real provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeVar

import msgspec

from wisipay.core.http_client import HttpClient
from wisipay.providers import numeric_name

Action = Literal["complete", "fail", "reverse", "expire", "process"]

_TIMEOUT_SECONDS: Final = 30
_PAGE: Final = 500
_CALLBACKS_PER_PAYMENT_MAX: Final = 1_000
_ASKED_AT_ONCE: Final = 8
_HTTP_GOOD: Final = (200, 202)


class SimulatorError(Exception):
    """The simulator refused what it was asked."""


class ProviderPayment(msgspec.Struct, frozen=True):
    """One attempt as the provider has it; `executions` counts how often its money moved."""

    payment_id: str
    reference: str
    kind: Literal["payin", "payout"]
    status: str
    amount_paise: int
    utr: str | None
    executions: int
    remarks: str


class ReceivedCallback(msgspec.Struct, frozen=True):
    """One callback as the merchant's endpoint got it; `amount` is the number of the body, as text."""

    event_id: str
    transaction_id: str
    status: str
    amount: str
    verified: bool
    answered: int


class CallbackCounts(msgspec.Struct, frozen=True):
    """The endpoint's total of distinct events since it started."""

    events: int


class Webhooks(msgspec.Struct, frozen=True):
    """What the provider is telling us right now."""

    under_way: int


class ProviderSummary(msgspec.Struct, frozen=True):
    """The provider's totals; `double_*` counts transactions whose money moved more than once."""

    executed_payins: int
    executed_payouts: int
    double_payins: int
    double_payouts: int
    scheduled: int
    webhooks: Webhooks
    callbacks: CallbackCounts

    @property
    def is_quiet(self) -> bool:
        """Whether nothing more happens at the provider by itself."""
        return not self.scheduled and not self.webhooks.under_way


class _BookPage(msgspec.Struct, frozen=True):
    payments: tuple[ProviderPayment, ...]
    next: int | None


class _Transaction(msgspec.Struct, frozen=True):
    payments: tuple[ProviderPayment, ...]


class _Callbacks(msgspec.Struct, frozen=True):
    callbacks: tuple[ReceivedCallback, ...]


Answer = TypeVar("Answer")


class Simulator:
    """Asks the simulator at `url`. Raises `NotSent`, `AnswerLost` or `SimulatorError`."""

    def __init__(self, client: HttpClient, url: str) -> None:
        self._client = client
        self._url = url.rstrip("/")

    async def summary(self) -> ProviderSummary:
        """Return the totals."""
        return await self._get("/control/summary", ProviderSummary)

    async def book(self) -> Mapping[str, tuple[ProviderPayment, ...]]:
        """Return every attempt in the provider's book, by the reference that it was asked for under, oldest first."""
        found: dict[str, tuple[ProviderPayment, ...]] = {}
        position: int | None = 0
        while position is not None:
            page = await self._get(f"/control/book?after={position}&limit={_PAGE}", _BookPage)
            for payment in page.payments:
                found[payment.reference] = (*found.get(payment.reference, ()), payment)
            position = page.next
        return found

    async def attempts(self, transaction_id: str) -> tuple[ProviderPayment, ...]:
        """Return the attempts of one transaction, oldest first; the provider must have one, maybe under digits."""
        try:
            return (await self._get(f"/control/book/{transaction_id}", _Transaction)).payments
        except SimulatorError:
            return (await self._get(f"/control/book/{numeric_name(transaction_id)}", _Transaction)).payments

    async def plan(self, tokens: Mapping[str, Mapping[int, str]]) -> None:
        """Have orders meet these tokens, by kind and amount in paise, whatever their remarks have room for."""
        await self._ask("PUT", "/control/amounts", msgspec.Raw, msgspec.json.encode(tokens))

    async def move(self, payment_id: str, action: Action) -> None:
        """Decide a payment as its customer or the bank would."""
        await self._ask("POST", f"/control/payments/{payment_id}/{action}", msgspec.Raw)

    async def resend(self, payment_id: str) -> None:
        """Have the webhook of a payment's present status sent again."""
        await self._ask("POST", f"/control/webhooks/{payment_id}/resend", msgspec.Raw)

    async def received(self, transaction_ids: Iterable[str]) -> Mapping[str, tuple[ReceivedCallback, ...]]:
        """Return the callbacks that came in for each transaction, newest first."""
        gate = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def one(transaction_id: str) -> tuple[str, tuple[ReceivedCallback, ...]]:
            path = f"/control/callbacks?transaction_id={transaction_id}&limit={_CALLBACKS_PER_PAYMENT_MAX}"
            async with gate:
                return transaction_id, (await self._get(path, _Callbacks)).callbacks

        return dict(await asyncio.gather(*map(one, transaction_ids)))

    async def _get(self, path: str, kind: type[Answer]) -> Answer:
        return await self._ask("GET", path, kind)

    async def _ask(self, method: str, path: str, kind: type[Answer], body: bytes | None = None) -> Answer:
        answer = await self._client.request(
            method, self._url + path, body=body, timeout_seconds=_TIMEOUT_SECONDS, max_bytes=8 * 1024 * 1024
        )
        if answer.status not in _HTTP_GOOD:
            raise SimulatorError(f"{method} {path}: {answer.status} {answer.body[:300].decode(errors='replace')}")
        return msgspec.json.decode(answer.body, type=kind)
