"""Desks over one real database, as several processes have them, with ledger accounts, funds and short words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from msgspec.structs import replace

from support.merchants import FixedClock
from support.payment_world import FIRST, MERCHANT, NOON, SECOND
from wisipay import ledger
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.core.ids import new_id, new_uuid7
from wisipay.core.money import Paise
from wisipay.merchants import Directory
from wisipay.payments import (
    Desk,
    Kind,
    Rules,
    Source,
    Transaction,
    open_channel_accounts,
    open_merchant_accounts,
    open_system_accounts,
    store,
)
from wisipay.payments.commands import Answered, CreateAnswered, Heard, Looked, Open, Opened, ProviderWord
from wisipay.payments.model import Candidate
from wisipay.payments.postings import channel_account_id
from wisipay.providers import Accepted, CreateOutcome, ProviderStatus, StatusOutcome

Given = TypeVar("Given")

AMOUNT = Paise(100_000)
FEE = Paise(2_000)
TAX = Paise(360)


class DeskBench:
    """One database, one clock that stands, and as many desks as a test asks for."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clock = FixedClock(NOON)
        self.rules = Rules()
        self.directory = Directory(pool, SecretBox({"k1": bytes(32)}, "k1"))
        self.desk = self.another_desk()

    def another_desk(self, pool: Pool | None = None, *, max_batch: int = 256) -> Desk:
        """Return a desk as another process would have it."""
        return Desk(pool or self.pool, self.directory, self.clock, self.rules, max_batch=max_batch)

    async def open_accounts(
        self, merchants: Iterable[str] = (MERCHANT,), channels: Iterable[Candidate] = (FIRST, SECOND)
    ) -> None:
        """Open the accounts of merchants and channels."""
        async with self.pool.acquire() as conn, conn.transaction():
            await open_system_accounts(conn)
            for merchant_id in merchants:
                await open_merchant_accounts(conn, merchant_id)
            for channel in channels:
                await open_channel_accounts(conn, channel.channel_id, channel.legal_entity_id)

    async def fund(self, paise: int, merchant_id: str = MERCHANT) -> None:
        """Put money into a merchant's payout account."""
        payout = ledger.merchant_account(merchant_id, "PAYOUT").id
        lines = (ledger.Line(ledger.WORLD.id, paise), ledger.Line(payout, -paise))
        async with self.pool.acquire() as conn, conn.transaction():
            await ledger.apply(conn, [ledger.Transfer(entry_id=new_uuid7(NOON), lines=lines)], NOON)

    def open_command(self, kind: Kind, **changes: object) -> Open:
        """Return a command to open a payment of 1,000 rupees with a fee of 20.00 and tax of 3.60."""
        transaction_id = new_id("WSP", self.clock.now())
        command = Open(
            transaction_id=transaction_id,
            merchant_id=MERCHANT,
            order_id=transaction_id[-12:],
            kind=kind,
            amount_paise=AMOUNT,
            fee_paise=FEE,
            tax_paise=TAX,
            currency="INR",
            mode="UPI" if kind is Kind.PAYIN else "IMPS",
            party={"name": "Asha Rao"},
            remarks=None,
            redirect_url=None,
            daily_limit_paise=None,
            monthly_limit_paise=None,
            candidates=(FIRST, SECOND),
        )
        return _changed(command, changes)

    async def opened(self, kind: Kind, **changes: object) -> Transaction:
        """Open a payment that is not refused."""
        result = await self.desk.submit(self.open_command(kind, **changes))
        assert isinstance(result, Opened)
        return result.transaction

    async def accepted(self, kind: Kind, **changes: object) -> Transaction:
        """Open a payment that its provider takes."""
        transaction = await self.opened(kind, **changes)
        return await self.answer(transaction, Accepted(ProviderStatus.PENDING, f"P-{transaction.id}"))

    async def answer(self, transaction: Transaction, outcome: CreateOutcome, **changes: object) -> Transaction:
        """Bring the answer to a payment's present attempt."""
        command = CreateAnswered(transaction.id, transaction.attempt, transaction.provider_id, outcome)
        result = await self.desk.submit(_changed(command, changes))
        assert isinstance(result, Answered)
        return result.transaction

    async def hear(self, transaction: Transaction, status: ProviderStatus, **changes: object) -> Heard:
        """Bring a webhook of the payment's own channel."""
        result = await self.desk.submit(_changed(word(transaction, status), changes))
        assert isinstance(result, Heard)
        return result

    async def look(self, transaction: Transaction, outcome: StatusOutcome, **changes: object) -> Heard:
        """Bring the answer to a status question that the holder of the payment's lease asked."""
        command = Looked(
            transaction.id,
            transaction.attempt,
            transaction.provider_id,
            outcome,
            Source.STATUS_POLL,
            lease_token=transaction.lease_token,
            not_found_is_definite=True,
        )
        result = await self.desk.submit(_changed(command, changes))
        assert isinstance(result, Heard)
        return result

    async def stored(self, transaction_id: str) -> Transaction:
        """Return a payment as the database has it."""
        async with self.pool.acquire() as conn:
            found = await store.by_id(conn, transaction_id)
        assert found is not None
        return found

    async def account(self, account_id: str) -> ledger.Account:
        """Return an account as the database has it."""
        async with self.pool.acquire() as conn:
            return (await ledger.balances(conn, [account_id]))[account_id]

    async def payout_account(self, merchant_id: str = MERCHANT) -> ledger.Account:
        """Return a merchant's payout account."""
        return await self.account(ledger.merchant_account(merchant_id, "PAYOUT").id)

    async def gross(self, channel: Candidate) -> int:
        """Return what a channel's payin account holds."""
        found = await self.account(channel_account_id(channel.channel_id, "PAYIN"))
        return found.debits_posted - found.credits_posted

    async def used(self, subject: str, period: str) -> tuple[int, int]:
        """Return paise and count of a limit counter; zeros when there is none."""
        row = await self.pool.fetchrow(
            "SELECT amount_paise, count FROM payments_usage WHERE subject = $1 AND period = $2", subject, period
        )
        return (0, 0) if row is None else (row["amount_paise"], row["count"])

    async def count(self, table: str) -> int:
        """Count a table's rows."""
        return int(await self.pool.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - a test's own table name

    async def books_balance(self) -> None:
        """Check that debits and credits, posted and pending, are equal."""
        async with self.pool.acquire() as conn:
            trial = await ledger.trial_balance(conn)
        assert set(trial.net_by_currency.values()) <= {0}


def word(transaction: Transaction, status: ProviderStatus) -> ProviderWord:
    """Return an authentic webhook word of the payment's own channel."""
    return ProviderWord(
        transaction_id=transaction.id,
        attempt=transaction.attempt,
        provider_id=transaction.provider_id,
        provider_reference=f"P-{transaction.id}",
        source=Source.WEBHOOK,
        status=status,
        amount_paise=transaction.amount_paise,
        currency="INR",
        utr="UTR1",
        kind=transaction.kind,
        channel_ids=frozenset({transaction.channel_id}),
    )


def _changed(command: Given, changes: dict[str, Any]) -> Given:
    return replace(command, **changes)  # type: ignore[type-var]  # every command is a struct
