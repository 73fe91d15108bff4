"""What a merchant can ask of the sandbox: the use cases of the real payment service, played.

Decides nothing that the table of outcomes does not say. Must never touch a provider, the ledger or a real payment.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from redis.exceptions import RedisError

from wisipay.core.clock import Clock
from wisipay.core.errors import Conflict, ServiceUnavailable
from wisipay.core.ids import new_id, new_uuid7
from wisipay.core.logging import get_logger
from wisipay.merchants import Merchant
from wisipay.payments import Kind, PaymentError, Request, Transaction
from wisipay.sandbox.outcomes import outcome_of, refusal
from wisipay.sandbox.record import ID_PREFIXES, new_payment, standing
from wisipay.sandbox.store import SandboxStore

_ID_MARK: Final = "T"

_log = get_logger(__name__)


class SandboxPayments:
    """Starts and finds sandbox payments; the merchant API drives it as it drives the real service.

    `check` raises `PaymentError` for what the real service would refuse before it begins, such as a beneficiary that
    cannot be right.
    """

    def __init__(self, store: SandboxStore, clock: Clock, check: Callable[[Request], object] | None = None) -> None:
        self._store = store
        self._clock = clock
        self._check = check

    async def initiate(self, merchant: Merchant, request: Request) -> Transaction:
        """Start a payment with the outcome that its amount or VPA asks for.

        Raises `PaymentError` where the outcome says so, and `Conflict` for an order id that was used before.
        """
        if self._check is not None:
            self._check(request)
        now = self._clock.now()
        outcome = outcome_of(request.kind, request.amount_paise, request.party.get("vpa"))
        pay_code = refusal(outcome, request.kind)
        if outcome.kept:
            payment_id = ID_PREFIXES[request.kind] + new_id(_ID_MARK, now).removeprefix(_ID_MARK)
            events = tuple(new_uuid7(now) for _ in outcome.steps(request.kind) or ())
            payment = new_payment(merchant.id, request, outcome, payment_id, events, now)
            async with _store_needed():
                stored = await self._store.add(payment)
            if not stored:
                raise Conflict("This orderId has been used before", details={"orderId": request.order_id})
            if pay_code is None:
                return standing(payment, now)
        assert pay_code is not None  # noqa: S101 - the table's tests: what is not kept is refused
        raise PaymentError(pay_code, internal=f"sandbox: {outcome.name}")

    async def find(self, merchant_id: str, order_id: str, kind: Kind | None = None) -> Transaction | None:
        """Return the merchant's payment of that order id, None when there is none (of that kind)."""
        async with _store_needed():
            payment = await self._store.by_order(merchant_id, order_id)
        return standing(payment, self._clock.now()) if payment is not None and kind in (None, payment.kind) else None

    async def refresh(self, transaction: Transaction) -> Transaction:
        """Return the payment as it is; there is no provider to ask."""
        return transaction

    async def by_id(self, payment_id: str) -> Transaction | None:
        """Return a payment by its id; raises RedisError."""
        payment = await self._store.by_id(payment_id)
        return None if payment is None else standing(payment, self._clock.now())


@asynccontextmanager
async def _store_needed() -> AsyncIterator[None]:
    try:
        yield
    except RedisError as error:
        _log.warning("sandbox.store_unavailable", error=repr(error))
        raise ServiceUnavailable("The sandbox cannot be reached; please try again", retry_after_seconds=1) from error
