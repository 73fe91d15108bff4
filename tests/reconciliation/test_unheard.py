"""Ends that nobody could tell us are found by the provider's file and put right by the audited action: books agree.

They are the `unheard` of docs/providers/faults.md: played with a real provider's wire format, on real stores.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis

from support.settlement_files import MAPPING, row, write_csv
from support.simulator import Simulator, running_simulator
from support.waiting import until
from wisipay.core.clock import ist_day, utc_now
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.money import Paise
from wisipay.entrypoints.demonstration.books import compare_books
from wisipay.entrypoints.demonstration.simulator import Simulator as Books
from wisipay.entrypoints.engine import Engine, engine
from wisipay.entrypoints.seed import seed
from wisipay.merchants import Author
from wisipay.payments import Kind, Poller, Request, Source, Status, Transaction
from wisipay.reconciliation import (
    DifferenceFilter,
    DifferenceKind,
    Scope,
    apply_status,
    import_file,
    list_differences,
    read_mapping,
    save_mapping,
)

PAYER = {"name": "Asha Rao", "email": "asha@example.com", "phone": "9876543210"}
AUTHOR = Author("cli:asha", utc_now(), reason="a test")


@dataclass
class Installation:
    """A wired process and its provider."""

    parts: Engine
    simulator: Simulator

    async def payin(self, tokens: str) -> Transaction:
        """Start a payin that meets what the tokens say."""
        await self.simulator.call("PUT", "/control/amounts", {"payin": {"50000": tokens}})
        merchant = await self.parts.directory.merchant("MER-1")
        assert merchant
        return await self.parts.payments.initiate(merchant, Request(Kind.PAYIN, "ORDER-1", Paise(50_000), "UPI", PAYER))

    async def at_provider(self, payment: Transaction, action: str) -> None:
        """Let something happen at the provider, of which no webhook tells."""
        moved = await self.simulator.call("POST", f"/control/payments/{payment.provider_reference}/{action}")
        assert moved.status == 200, moved.text

    async def utr(self, payment: Transaction) -> str:
        """Return the bank's reference, which the provider's file has."""
        return str((await self.simulator.call("GET", f"/control/book/{payment.id}")).body["payments"][0]["utr"])

    async def stored(self, payment: Transaction) -> Transaction:
        found = await self.parts.asker.by_id(payment.id)
        assert found
        return found

    async def disagreements(self) -> list[str]:
        """Return what the books of payments, ledger and provider disagree about; callbacks are not delivered here."""
        async with self.parts.pool.acquire() as conn:
            compared = await compare_books(conn, Books(self.parts.client, self.simulator.url))
        assert compared.ledger.balanced
        return [each.what for each in compared.disagreements if each.book != "callbacks"]


@pytest.fixture(scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        yield simulator


@pytest.fixture
async def at(database: Pool, redis: Redis, settings: Settings, simulator: Simulator) -> AsyncIterator[Installation]:
    """Return an installation whose payins go through Cashfree."""
    del database, redis
    await simulator.call("POST", "/control/reset?all=1")
    own = settings.model_copy(update={"simulator_url": simulator.url, "metrics_enabled": False})
    await seed(own, "cashfree")
    async with engine(own, "test") as parts:
        async with parts.pool.acquire() as conn, conn.transaction():
            await save_mapping(conn, AUTHOR, "cashfree", Kind.PAYIN, read_mapping(MAPPING))
        yield Installation(parts, simulator)


async def returned(at: Installation) -> Transaction:
    """Make a payin whose money came back, which this provider has no word for."""
    payment = await at.payin("sim:pending sim:webhook-missing")
    await at.at_provider(payment, "complete")
    assert (await at.parts.payments.refresh(payment)).status is Status.SUCCESS
    await at.at_provider(payment, "reverse")
    assert (await at.parts.asker.ask(payment, Source.STATUS_SYNC)).transaction is not None
    return await at.stored(payment)


async def paid_unseen(at: Installation) -> Transaction:
    """Make a payin that was paid while every question failed, so that it expired here."""
    payment = await at.payin("sim:pending sim:webhook-missing sim:status-http-500")
    await at.at_provider(payment, "complete")
    long_ago = "UPDATE payments_transactions SET expires_at = now() - interval '1 hour', due_at = now() WHERE id = $1"
    await at.parts.pool.execute(long_ago, payment.id)
    poller = Poller(at.parts.pool, at.parts.asker, at.parts.clock)
    await poller.start()

    async def expired() -> bool:
        return (await at.stored(payment)).status is Status.EXPIRED

    await until(expired)
    await poller.stop()
    return await at.stored(payment)


@pytest.mark.parametrize(
    ("play", "ours", "word", "ends"),
    [
        (returned, Status.SUCCESS, "Returned", Status.REVERSED),
        (paid_unseen, Status.EXPIRED, "Settled", Status.SUCCESS),
    ],
)
async def test_an_unheard_end_is_found_in_the_providers_file_and_put_right(
    at: Installation,
    tmp_path: Path,
    play: Callable[[Installation], Awaitable[Transaction]],
    ours: Status,
    word: str,
    ends: Status,
) -> None:
    payment = await play(at)
    assert payment.status is ours
    assert await at.disagreements()
    told = row(payment.reference, utr=await at.utr(payment), amount="500.00", fee="2.50", tax="0.45", state=word)
    path = write_csv(tmp_path / "day.csv", told)
    day = ist_day(payment.created_at)
    scope = Scope(payment.channel_id, "cashfree", Kind.PAYIN, day, day)
    run = (await import_file(at.parts.pool, AUTHOR, scope, path)).run
    async with at.parts.pool.acquire() as conn:
        differences = await list_differences(conn, DifferenceFilter(run.id))
    assert [each.kind for each in differences] == [DifferenceKind.STATUS]
    await apply_status(at.parts.pool, at.parts.desk, AUTHOR, differences[0].id, "their file, confirmed by mail")
    assert (await at.stored(payment)).status is ends
    assert await at.disagreements() == []
    assert await at.parts.pool.fetchval("SELECT count(*) FROM audit_log WHERE action = 'payment.set_status'") == 1
