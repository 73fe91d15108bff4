"""Asking a provider how a payment stands, and handing its answer to the machine.

Used by status calls, by webhooks that are only hints, and by the poller. An answer that we asked for is an
authenticated word; a provider that can't be asked leaves everything as it is.
"""

from __future__ import annotations

from uuid import UUID

from msgspec.structs import replace

from wisipay.core.database import Pool
from wisipay.payments import store
from wisipay.payments.commands import Heard, Looked
from wisipay.payments.desk import Desk
from wisipay.payments.model import Attempt, Kind, Source, Transaction
from wisipay.providers import PaymentKind, ProviderGateway, StatusOutcome, Unknown


class Asker:
    """Looks payments up and asks their providers."""

    def __init__(self, pool: Pool, desk: Desk, gateway: ProviderGateway) -> None:
        self._pool = pool
        self._desk = desk
        self._gateway = gateway

    async def by_order(self, merchant_id: str, order_id: str) -> Transaction | None:
        """Return a merchant's payment by its order id."""
        async with self._pool.acquire() as conn:
            return await store.by_order(conn, merchant_id, order_id)

    async def by_id(self, transaction_id: str) -> Transaction | None:
        """Return a payment by its id."""
        async with self._pool.acquire() as conn:
            return await store.by_id(conn, transaction_id)

    async def by_provider_reference(self, provider_id: str, provider_reference: str) -> Transaction | None:
        """Return a payment by what its provider calls it."""
        async with self._pool.acquire() as conn:
            return await store.by_provider_reference(conn, provider_id, provider_reference)

    async def attempts_of(self, transaction_id: str) -> list[Attempt]:
        """Return the provider calls begun for a payment, first to last."""
        async with self._pool.acquire() as conn:
            return await store.attempts_of(conn, transaction_id)

    async def at_attempt(self, transaction: Transaction, number: int) -> Transaction | None:
        """Return the payment as that attempt of it can be asked about; None when there was no such attempt."""
        if number == transaction.attempt:
            return transaction
        for attempt in await self.attempts_of(transaction.id):
            if attempt.number == number:
                return replace(
                    transaction,
                    attempt=number,
                    channel_id=attempt.channel_id,
                    provider_id=attempt.provider_id,
                    legal_entity_id=attempt.legal_entity_id,
                    provider_reference=None,
                )
        return None

    async def ask(self, transaction: Transaction, source: Source, lease_token: UUID | None = None) -> Heard:
        """Ask the provider of the payment's current attempt and apply what it says."""
        outcome, definite = await self.answer(transaction)
        heard = await self._desk.submit(
            Looked(
                transaction_id=transaction.id,
                attempt=transaction.attempt,
                provider_id=transaction.provider_id,
                outcome=outcome,
                source=source,
                lease_token=lease_token,
                not_found_is_definite=definite,
            ),
        )
        assert isinstance(heard, Heard)  # noqa: S101 - the machine answers Looked with nothing else
        return heard

    async def answer(self, transaction: Transaction) -> tuple[StatusOutcome, bool]:
        """Return what the provider says, applying nothing, and whether a NotFound of this provider is definite."""
        try:
            capabilities = await self._gateway.capabilities(transaction.channel_id)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the channel, the payment must stay found
            return Unknown(f"channel cannot be used: {type(error).__name__}"), False
        kind: PaymentKind = "payin" if transaction.kind is Kind.PAYIN else "payout"
        if not capabilities.checks(kind):
            return Unknown("this provider cannot be asked"), False
        outcome = await self._gateway.check_status(
            transaction.channel_id,
            kind,
            transaction.reference,
            transaction.provider_reference,
        )
        return outcome, capabilities.not_found_is_definite
