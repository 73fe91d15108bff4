"""Random histories, in random batches: a desk on PostgreSQL answers and ends exactly as the machine in memory."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings

from support.desk_bench import DeskBench
from support.payment_histories import Begin, Pause, Step, TwoBooks, histories
from wisipay import ledger
from wisipay.payments import store

History = tuple[list[Begin], list[Sequence[Step] | Pause]]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
async def test_batches_of_a_desk_are_the_machine_run_in_sequence(bench: DeskBench, history: History) -> None:
    books = TwoBooks(bench)
    await books.open()
    beginning, rest = history
    for part in [beginning, *rest]:
        if isinstance(part, Pause):
            await _claim(bench, books.pause(part), books)
            continue
        commands, expected = books.decide(part)
        assert await books.submit(commands) == expected
    await _assert_same(bench, books)


async def _claim(bench: DeskBench, transaction_id: str | None, books: TwoBooks) -> None:
    if transaction_id is not None:
        claimed = books.book.transactions[transaction_id]
        await bench.pool.execute(
            "UPDATE payments_transactions SET lease_token = $2, lease_until = $3 WHERE id = $1",
            *(claimed.id, claimed.lease_token, claimed.lease_until),
        )


async def _assert_same(bench: DeskBench, books: TwoBooks) -> None:
    book = books.book
    async with bench.pool.acquire() as conn:
        for transaction_id in books.ids:
            assert await store.by_id(conn, transaction_id) == book.transactions.get(transaction_id)
            events = [event for event in book.events if event.transaction_id == transaction_id]
            assert await store.timeline(conn, transaction_id) == events
        accounts = await ledger.balances(conn, [each.id for each in book.ledger.changed])
        shared = {each.id for each in ledger.SYSTEM_ACCOUNTS}
        for each in book.ledger.changed:  # times may differ: system accounts are shared with the other examples
            assert each.id in shared or accounts[each.id].state()[:-1] == each.state()[:-1]
        used = await conn.fetch(
            "SELECT subject, period, amount_paise, count FROM payments_usage WHERE subject LIKE $1 AND count <> 0",
            f"M:{books.merchant_id}:%",
        )
        told = await conn.fetch(
            "SELECT transaction_id, status FROM callbacks_outbox WHERE merchant_id = $1 ORDER BY position",
            books.merchant_id,
        )
    assert {(row["subject"], row["period"]): (row["amount_paise"], row["count"]) for row in used} == {
        key: (use.amount_paise, use.count)
        for key, use in book.usage_changes.items()
        if use.count and key[0].startswith("M:")
    }
    assert sorted(tuple(row) for row in told) == sorted((due.transaction.id, due.status) for due in book.callbacks)
