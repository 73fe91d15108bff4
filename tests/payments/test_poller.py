"""Looking after open payments: what is due is asked about, also when whoever began it is dead."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from support.simulator import Simulator
from support.waiting import until
from wisipay.core.clock import utc_now
from wisipay.core.money import Paise
from wisipay.core.queue import Lease
from wisipay.entrypoints.engine import Engine
from wisipay.entrypoints.worker import working
from wisipay.payments import Kind, Poller, Request, Source, Status, Transaction, store

PARTY = {"name": "Asha Rao", "accountNumber": "000123456789", "ifsc": "HDFC0000001", "bankName": "HDFC Bank"}


async def _payout(parts: Engine, order_id: str, remarks: str) -> Transaction:
    payer = await parts.directory.merchant("MER-1")
    assert payer is not None
    wanted = Request(Kind.PAYOUT, order_id, Paise(50_000), "IMPS", PARTY, remarks=remarks)
    return await parts.payments.initiate(payer, wanted)


async def _make_due(parts: Engine) -> None:
    await parts.pool.execute("UPDATE payments_transactions SET due_at = $1 WHERE due_at IS NOT NULL", utc_now())


async def _until(parts: Engine, payout: Transaction, status: Status, timeout_seconds: float = 15) -> None:
    async def reached() -> bool:
        found = await parts.asker.by_id(payout.id)
        return found is not None and found.status is status

    await until(reached, timeout_seconds=timeout_seconds)


async def test_a_due_payout_is_asked_about_until_it_has_ended(parts: Engine, simulator: Simulator) -> None:
    payout = await _payout(parts, "ORDER-1", "sim:pending sim:webhook-missing")
    async with working(parts):
        await _make_due(parts)

        async def was_looked_at() -> bool:
            found = await parts.asker.by_id(payout.id)
            return found is not None and found.polls == 1 and found.lease_token is None

        await until(was_looked_at, timeout_seconds=15)
        (attempt,) = (await simulator.call("GET", f"/control/book/{payout.id}")).body["payments"]
        await simulator.call("POST", f"/control/payments/{attempt['payment_id']}/complete")
        await _make_due(parts)
        await _until(parts, payout, Status.SUCCESS)


async def test_a_payout_of_a_killed_worker_is_looked_at_within_ten_seconds(parts: Engine) -> None:
    """Its lease was taken by a worker that never came back."""
    payout = await _payout(parts, "ORDER-1", "sim:instant sim:answer-lost sim:webhook-missing")
    await _make_due(parts)
    async with parts.pool.acquire() as conn:
        claimed = await store.claim_due(conn, utc_now() + timedelta(seconds=1), 10, Lease(uuid4(), 8))
    assert [each.id for each in claimed] == [payout.id]
    async with working(parts):
        await _until(parts, payout, Status.SUCCESS, timeout_seconds=11)


async def test_a_slow_look_keeps_its_lease(parts: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    payout = await _payout(parts, "ORDER-1", "sim:pending sim:webhook-missing")
    leases: set[datetime] = set()

    async def was_renewed() -> bool:
        found = await parts.asker.by_id(payout.id)
        assert found is not None
        leases.update([found.lease_until] if found.lease_until else [])
        return len(leases) > 1

    ask = parts.asker.ask

    async def ask_slowly(transaction: Transaction, source: Source, token: UUID | None) -> object:
        await until(was_renewed)
        return await ask(transaction, source, token)

    monkeypatch.setattr(parts.asker, "ask", ask_slowly)
    poller = Poller(parts.pool, parts.asker, parts.clock)
    await poller.start()
    await _make_due(parts)
    await until(lambda: len(leases) > 1)
    await poller.stop()
    found = await parts.asker.by_id(payout.id)
    assert found is not None
    assert (found.polls, found.lease_token) == (1, None)


async def test_a_forgotten_payment_is_woken(parts: Engine) -> None:
    payout = await _payout(parts, "ORDER-1", "sim:instant sim:answer-lost sim:webhook-missing")
    await parts.pool.execute("UPDATE payments_transactions SET due_at = NULL")
    poller = Poller(parts.pool, parts.asker, parts.clock)
    assert await poller.wake_forgotten() == 1
    assert await poller.wake_forgotten() == 0
    async with working(parts):
        await _until(parts, payout, Status.SUCCESS)
