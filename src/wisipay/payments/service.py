"""What a merchant can ask for: start a payin, start a payout, see how one stands.

Each starts from a stored intent, calls the provider outside any database transaction, and stores the outcome. A client
that hangs up changes nothing: the work is a task of its own and goes on to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wisipay.core.clock import Clock
from wisipay.core.errors import Conflict
from wisipay.core.ids import new_id
from wisipay.core.logging import get_logger
from wisipay.core.money import Paise
from wisipay.merchants import Channel, Directory, Merchant, ServiceKind, fee_for
from wisipay.payments.asking import Asker
from wisipay.payments.beneficiary import BankDirectory
from wisipay.payments.beneficiary_check import check_beneficiary
from wisipay.payments.commands import Answered, CreateAnswered, Open, Opened, Refusal, Refused
from wisipay.payments.desk import Desk
from wisipay.payments.errors import PayCode, PaymentError
from wisipay.payments.model import Candidate, Kind, Source, Status, Transaction
from wisipay.payments.orders import payin_order, payout_order
from wisipay.payments.routing import Router
from wisipay.payments.rules import Rules
from wisipay.payments.verifying import Verifier
from wisipay.providers import CreateOutcome, ProviderGateway, Rejected, Unknown

Outcome = TypeVar("Outcome")

ChannelRate = Callable[[Channel, ServiceKind], Awaitable[bool]]
"""Counts one call in a channel's rate window and tells whether it may go: `MerchantGate.channel_tps`."""

_log = get_logger("payments.service")

_REFUSALS = {
    Refusal.DAILY_LIMIT: PayCode.DAILY_LIMIT,
    Refusal.MONTHLY_LIMIT: PayCode.MONTHLY_LIMIT,
    Refusal.NO_CHANNEL: PayCode.CHANNEL_INACTIVE,
    Refusal.INSUFFICIENT_BALANCE: PayCode.INSUFFICIENT_BALANCE,
    Refusal.LEDGER_REFUSED: PayCode.LEDGER_HOLD_FAILED,
}


@dataclass(frozen=True, slots=True)
class Request:
    """A merchant's order, already checked for form; the amount is paise, `party` the customer or beneficiary."""

    kind: Kind
    order_id: str
    amount_paise: Paise
    mode: str
    party: dict[str, Any]
    currency: str = "INR"
    remarks: str | None = None
    redirect_url: str | None = None
    sandbox: bool = field(default=False, compare=False)


class PaymentService:
    """The use cases of the merchant API, over one desk and one gateway."""

    def __init__(
        self,
        *,
        desk: Desk,
        gateway: ProviderGateway,
        directory: Directory,
        asker: Asker,
        clock: Clock,
        rules: Rules,
        id_prefix: str,
        webhook_base_url: str,
        channel_rate: ChannelRate | None = None,
        router: Router | None = None,
        banks: BankDirectory | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        self._desk = desk
        self._gateway = gateway
        self._directory = directory
        self._asker = asker
        self._clock = clock
        self._rules = rules
        self._id_prefix = id_prefix
        self._webhook_base_url = webhook_base_url.rstrip("/")
        self._channel_rate = channel_rate
        self._router = router or Router(directory, gateway, clock)
        self._banks = banks or BankDirectory()
        self._verifier = verifier
        self._running: set[asyncio.Task[Any]] = set()

    async def initiate(self, merchant: Merchant, request: Request) -> Transaction:
        """Start a payin or payout and return it as it stands once the provider has answered.

        Raises `PaymentError` by code, and `Conflict` for an order id that the merchant has used before.
        """
        return await self._to_the_end(self._initiate(merchant, request))

    async def find(self, merchant_id: str, order_id: str, kind: Kind | None = None) -> Transaction | None:
        """Return the merchant's payment of that order id, None when there is none (of that kind)."""
        transaction = await self._asker.by_order(merchant_id, order_id)
        return transaction if transaction is not None and kind in (None, transaction.kind) else None

    async def refresh(self, transaction: Transaction) -> Transaction:
        """Return the payment after asking its provider, when it is still open."""
        if not transaction.is_open:
            return transaction
        heard = await self._to_the_end(self._asker.ask(transaction, Source.STATUS_SYNC))
        return heard.transaction or transaction

    async def drain(self) -> None:
        """Wait for the payments that are being started."""
        while self._running:
            await asyncio.wait(self._running)
        if self._verifier is not None:
            await self._verifier.drain()

    async def _to_the_end(self, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _initiate(self, merchant: Merchant, request: Request) -> Transaction:
        command = await self._open_command(merchant, request)
        opened = await self._desk.submit(command)
        if isinstance(opened, Refused):
            raise _refusal_error(opened, command)
        assert isinstance(opened, Opened)  # noqa: S101 - the machine answers Open with nothing else
        transaction, candidate = opened.transaction, opened.candidate
        remaining = command.candidates
        while True:  # each turn uses up one of the candidates
            remaining = _behind(remaining, candidate)
            outcome = await self._call(transaction, candidate)
            answered = await self._desk.submit(
                CreateAnswered(
                    transaction_id=transaction.id,
                    attempt=transaction.attempt,
                    provider_id=transaction.provider_id,
                    outcome=outcome,
                    poll_immediately=candidate.poll_immediately,
                    remaining=remaining,
                ),
            )
            assert isinstance(answered, Answered)  # noqa: S101 - the machine answers CreateAnswered with nothing else
            if answered.retry_on is None:
                return _told(answered.transaction, outcome)
            transaction, candidate = answered.transaction, answered.retry_on

    def doubts(self, request: Request) -> list[str]:
        """Return what is doubted of a payout's beneficiary. Raises `PaymentError` for one that cannot be right."""
        if request.kind is Kind.PAYIN:
            return []
        return check_beneficiary(request.party, request.mode, request.order_id, self._banks)

    async def _open_command(self, merchant: Merchant, request: Request) -> Open:
        kind: ServiceKind = "payin" if request.kind is Kind.PAYIN else "payout"
        service = merchant.service(kind)
        limits = service.limits
        if not service.is_active:
            raise PaymentError(PayCode.SERVICE_DISABLED)
        if limits.min_paise is not None and request.amount_paise < limits.min_paise:
            raise PaymentError(PayCode.BELOW_MINIMUM)
        if limits.max_paise is not None and request.amount_paise > limits.max_paise:
            raise PaymentError(PayCode.ABOVE_MAXIMUM)
        doubts = self.doubts(request)
        fee = fee_for(service.tiers, request.amount_paise)
        if fee is None:
            raise PaymentError(PayCode.FEE_CONFIG_MISSING, internal=f"no {kind} tier for {request.amount_paise} paise")
        if request.kind is Kind.PAYIN and fee.total_paise > request.amount_paise:
            raise PaymentError(PayCode.FEE_CONFIG_MISSING, internal="fee and tax are more than the amount")
        beneficiary = await self._look_at(merchant, request, doubts)
        transaction_id = new_id(self._id_prefix, self._clock.now())
        facts = self._router.facts(
            merchant.id,
            kind,
            request.mode,
            request.amount_paise,
            transaction_id,
            request.party,
            redirect_url=request.redirect_url,
            remarks=request.remarks,
        )
        routed = await self._router.route(service, facts)
        return Open(
            transaction_id=transaction_id,
            merchant_id=merchant.id,
            order_id=request.order_id,
            kind=request.kind,
            amount_paise=request.amount_paise,
            fee_paise=fee.charge_paise,
            tax_paise=fee.tax_paise,
            currency=request.currency,
            mode=request.mode,
            party=request.party,
            remarks=request.remarks,
            redirect_url=request.redirect_url,
            daily_limit_paise=limits.daily_paise,
            monthly_limit_paise=limits.monthly_paise,
            candidates=routed.candidates,
            routing=routed.record,
            beneficiary=beneficiary,
        )

    async def _look_at(self, merchant: Merchant, request: Request, doubts: list[str]) -> dict[str, Any]:
        """Return what is stored of a payout's beneficiary. Raises `PaymentError` where his bank's word refuses it."""
        found: dict[str, Any] = {"doubts": doubts} if doubts else {}
        if request.kind is Kind.PAYOUT and self._verifier is not None:
            found |= await self._verifier.verify(merchant.id, request.amount_paise, request.party)
        return found

    async def _call(self, transaction: Transaction, candidate: Candidate) -> CreateOutcome:
        """Call the provider once, unless so much time went by that somebody may already have given the attempt up."""
        age_seconds = (self._clock.now() - transaction.attempt_started_at).total_seconds()
        if age_seconds > self._rules.send_window_seconds:
            return Rejected("SEND_WINDOW_PASSED", "not sent: the process was held up", sent=False)
        if not await self._rate_allows(candidate, transaction.kind):
            return Rejected("CHANNEL_TPS", "not sent: the channel's rate limit is reached", sent=False)
        url = self._webhook_url(candidate, transaction.kind)
        if transaction.kind is Kind.PAYIN:
            return await self._gateway.create_payin(candidate.channel_id, payin_order(transaction, url))
        return await self._gateway.create_payout(candidate.channel_id, payout_order(transaction, url))

    async def _rate_allows(self, candidate: Candidate, kind: Kind) -> bool:
        """Count the call in the channel's rate window; False when it is full."""
        channel = await self._directory.channel(candidate.channel_id) if self._channel_rate else None
        if channel is None or self._channel_rate is None:
            return True
        return await self._channel_rate(channel, "payin" if kind is Kind.PAYIN else "payout")

    def _webhook_url(self, candidate: Candidate, kind: Kind) -> str:
        return f"{self._webhook_base_url}/webhook/{kind.lower()}/{candidate.provider_id}/{candidate.legal_entity_id}"


def _behind(candidates: tuple[Candidate, ...], chosen: Candidate) -> tuple[Candidate, ...]:
    return candidates[candidates.index(chosen) + 1 :]


def _refusal_error(refused: Refused, command: Open) -> Exception:
    if refused.reason is Refusal.DUPLICATE_ORDER:
        return Conflict("This orderId has been used before", details={"orderId": command.order_id})
    return PaymentError(_REFUSALS[refused.reason])


def _told(transaction: Transaction, outcome: CreateOutcome) -> Transaction:
    """Return the payment, or raise what its merchant must be told instead."""
    if transaction.status is Status.FAILED:
        if transaction.error_code == "PROVIDER_UNAVAILABLE":
            raise PaymentError(PayCode.PROVIDER_UNAVAILABLE)
        raise PaymentError(PayCode.PROVIDER_REJECTED, transaction.error_message or "")
    if transaction.kind is Kind.PAYIN and transaction.status is Status.PENDING and isinstance(outcome, Unknown):
        raise PaymentError(PayCode.PROVIDER_TIMEOUT, internal=outcome.reason)
    return transaction
