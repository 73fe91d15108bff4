"""Payments in PostgreSQL: what is written is read back, claims are fenced, and history can't be changed."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from support.desk_bench import DeskBench
from support.payment_world import FAILED, FIRST, MERCHANT, REJECTED, REPORT_PENDING, SECOND, SUCCESS
from wisipay.core.database import Pool
from wisipay.core.ids import new_id
from wisipay.core.money import Paise
from wisipay.core.queue import Lease
from wisipay.payments import Flag, Kind, Source, Status, Transaction, WordResult, store
from wisipay.payments.model import TRANSITIONS
from wisipay.providers import Accepted, ProviderStatus, Unknown

LEASE = Lease(uuid4(), 8)


async def _claimed(bench: DeskBench, lease: Lease = LEASE, limit: int = 100) -> dict[str, Transaction]:
    async with bench.pool.acquire() as conn:
        return {row.id: row for row in await store.claim_due(conn, bench.clock.now(), limit, lease)}


def _later(bench: DeskBench, **gap: float) -> None:
    bench.clock.moment += timedelta(**gap)


async def test_a_payment_is_read_back_as_the_machine_left_it(bench: DeskBench) -> None:
    opened = await bench.opened(Kind.PAYIN, remarks="books", redirect_url="https://shop.example.com")
    assert await bench.stored(opened.id) == opened
    answered = await bench.answer(
        opened, Accepted(ProviderStatus.PENDING, "P1", payment_url="https://pay.example.com/1", utr="UTR1")
    )
    assert await bench.stored(opened.id) == answered
    heard = await bench.hear(opened, SUCCESS, amount_paise=Paise(1))
    assert heard.transaction is not None
    assert heard.transaction.flags == {Flag.AMOUNT_MISMATCH}
    assert await bench.stored(opened.id) == heard.transaction


async def test_a_payment_is_found_by_id_order_and_provider_reference(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    async with bench.pool.acquire() as conn:
        assert await store.by_id(conn, payin.id) == payin
        assert await store.by_order(conn, MERCHANT, payin.order_id) == payin
        assert await store.by_provider_reference(conn, FIRST.provider_id, f"P-{payin.id}") == payin
        assert await store.by_id(conn, "nobody") is None
        assert await store.by_order(conn, "MER-2", payin.order_id) is None
        assert await store.by_provider_reference(conn, SECOND.provider_id, f"P-{payin.id}") is None


async def test_timeline_tells_each_move_with_its_source(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    await bench.hear(payin, SUCCESS)
    async with bench.pool.acquire() as conn:
        events = await store.timeline(conn, payin.id)
    assert [(event.number, event.source, event.before, event.after) for event in events] == [
        (1, Source.API, None, Status.PENDING),
        (2, Source.API, None, Status.PENDING),
        (3, Source.WEBHOOK, Status.PENDING, Status.SUCCESS),
    ]


async def test_a_word_by_provider_reference_finds_its_payment(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    heard = await bench.hear(payin, SUCCESS, transaction_id=None, attempt=None)
    assert heard.result is WordResult.APPLIED
    assert (await bench.stored(payin.id)).status is Status.SUCCESS


@pytest.mark.parametrize("reference", [None, "P-nobody"])
async def test_a_word_that_names_nothing_we_know_is_about_an_unknown_payment(
    bench: DeskBench, reference: str | None
) -> None:
    payin = await bench.opened(Kind.PAYIN)
    heard = await bench.hear(payin, SUCCESS, transaction_id=None, attempt=None, provider_reference=reference)
    assert heard.result is WordResult.UNKNOWN_TRANSACTION


async def test_a_word_about_an_id_that_does_not_exist_is_about_an_unknown_payment(bench: DeskBench) -> None:
    payin = await bench.opened(Kind.PAYIN)
    heard = await bench.hear(payin, SUCCESS, transaction_id=new_id("WSP", bench.clock.now()))
    assert heard.result is WordResult.UNKNOWN_TRANSACTION


async def test_success_of_a_payins_earlier_attempt_settles_at_that_attempts_channel(bench: DeskBench) -> None:
    payin = await bench.opened(Kind.PAYIN)
    moved = await bench.answer(payin, Unknown("time-out"), remaining=(SECOND,))
    assert (moved.attempt, moved.channel_id) == (2, SECOND.channel_id)
    assert (await bench.hear(payin, SUCCESS)).result is WordResult.APPLIED
    settled = await bench.stored(payin.id)
    assert (settled.status, settled.attempt, settled.channel_id) == (Status.SUCCESS, 1, FIRST.channel_id)
    assert await bench.gross(FIRST) == payin.amount_paise
    assert await bench.used(f"C:{SECOND.channel_id}:PAYIN", f"D{payin.usage_day:%Y%m%d}") == (0, 0)
    await bench.books_balance()


async def test_news_of_an_attempt_that_never_was_asks_for_an_operator(bench: DeskBench) -> None:
    payin = await bench.opened(Kind.PAYIN)
    assert (await bench.hear(payin, SUCCESS, attempt=7)).result is WordResult.MISMATCH
    stored = await bench.stored(payin.id)
    assert (stored.status, set(stored.flags)) == (Status.PENDING, {Flag.MANUAL_REVIEW})


async def test_provider_reference_of_another_payment_asks_for_an_operator(bench: DeskBench) -> None:
    first, second = await bench.accepted(Kind.PAYIN), await bench.opened(Kind.PAYIN)
    await bench.answer(second, Accepted(ProviderStatus.PENDING, f"P-{first.id}"))
    assert Flag.MANUAL_REVIEW in (await bench.stored(second.id)).flags
    assert (await bench.stored(second.id)).provider_reference is None


async def test_failed_payout_gives_back_its_money_and_its_limits(bench: DeskBench) -> None:
    await bench.fund(1_000_000)
    payout = await bench.accepted(Kind.PAYOUT)
    assert (await bench.payout_account()).debits_pending == payout.net_paise
    await bench.hear(payout, FAILED)
    assert (await bench.payout_account()).debits_pending == 0
    assert await bench.used(f"M:{MERCHANT}:PAYOUT", f"M{payout.usage_day:%Y%m}") == (0, 0)
    await bench.books_balance()


async def test_failover_of_a_payout_moves_its_hold_and_its_limits_to_the_next_channel(bench: DeskBench) -> None:
    await bench.fund(1_000_000)
    payout = await bench.opened(Kind.PAYOUT)
    moved = await bench.answer(payout, REJECTED, remaining=(SECOND,))
    assert (moved.attempt, moved.channel_id) == (2, SECOND.channel_id)
    day = f"D{payout.usage_day:%Y%m%d}"
    assert await bench.used(f"C:{FIRST.channel_id}:PAYOUT", day) == (0, 0)
    assert await bench.used(f"C:{SECOND.channel_id}:PAYOUT", day) == (payout.amount_paise, 1)
    await bench.hear(moved, SUCCESS)
    await bench.hear(moved, ProviderStatus.REVERSED)
    assert (await bench.stored(payout.id)).status is Status.REVERSED
    assert -await _posted(bench) == 1_000_000
    await bench.books_balance()


async def _posted(bench: DeskBench) -> int:
    account = await bench.payout_account()
    return account.debits_posted - account.credits_posted


async def test_late_success_of_a_payout_is_posted_below_zero(bench: DeskBench) -> None:
    await bench.fund(102_360)
    payout = await bench.accepted(Kind.PAYOUT)
    await bench.hear(payout, FAILED)
    await bench.accepted(Kind.PAYOUT)
    await bench.hear(payout, SUCCESS)
    late = await bench.stored(payout.id)
    assert (late.status, set(late.flags)) == (Status.SUCCESS, {Flag.LATE_SUCCESS})
    await bench.hear(payout, ProviderStatus.REVERSED)
    assert (await bench.stored(payout.id)).status is Status.REVERSED
    await bench.books_balance()


async def test_payin_that_came_back_is_reversed(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    await bench.hear(payin, SUCCESS)
    await bench.hear(payin, ProviderStatus.REVERSED)
    assert (await bench.stored(payin.id)).status is Status.REVERSED
    assert await bench.gross(FIRST) == 0


async def test_only_due_payments_are_claimed_and_each_by_one_lease(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    assert await _claimed(bench) == {}
    _later(bench, seconds=61)
    assert set(await _claimed(bench)) == {payin.id}
    assert await _claimed(bench, Lease(uuid4(), 8)) == {}


async def test_no_more_are_claimed_than_asked_for_whatever_the_plan(bench: DeskBench) -> None:
    opened = [await bench.accepted(Kind.PAYIN) for _ in range(3)]
    _later(bench, minutes=6)
    async with bench.pool.acquire() as conn:
        await conn.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_hashagg = off")
        await conn.execute("SET enable_sort = off; SET enable_material = off; SET enable_indexscan = off")
        try:
            claimed = [await store.claim_due(conn, bench.clock.now(), 1, Lease(uuid4(), 8)) for _ in range(4)]
        finally:
            await conn.execute("RESET ALL")
    assert [len(some) for some in claimed] == [1, 1, 1, 0]
    assert {row.id for some in claimed for row in some} == {each.id for each in opened}


async def test_a_lease_that_ran_out_is_claimed_by_another_and_a_renewed_one_is_not(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    _later(bench, seconds=61)
    await _claimed(bench)
    _later(bench, seconds=7)
    async with bench.pool.acquire() as conn:
        await store.renew_leases(conn, bench.clock.now(), [payin.id], LEASE)
        await store.renew_leases(conn, bench.clock.now(), [payin.id], Lease(uuid4(), 1000))
    _later(bench, seconds=7)
    assert await _claimed(bench, Lease(uuid4(), 8)) == {}
    _later(bench, seconds=2)
    assert set(await _claimed(bench, Lease(uuid4(), 8))) == {payin.id}


async def test_a_look_under_a_lost_lease_leaves_the_schedule_to_its_new_holder(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    _later(bench, seconds=61)
    first = (await _claimed(bench))[payin.id]
    _later(bench, seconds=9)
    second = (await _claimed(bench, Lease(uuid4(), 8)))[payin.id]
    await bench.look(first, REPORT_PENDING)
    held = await bench.stored(payin.id)
    assert (held.lease_token, held.due_at, held.polls) == (second.lease_token, payin.due_at, 0)
    await bench.look(second, REPORT_PENDING)
    free = await bench.stored(payin.id)
    assert (free.lease_token, free.polls) == (None, 1)
    assert free.due_at == bench.clock.now() + timedelta(seconds=240)


async def test_a_look_that_ran_past_the_expiry_expires_a_payin_with_its_limits(bench: DeskBench) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    _later(bench, minutes=30)
    claimed = (await _claimed(bench))[payin.id]
    await bench.look(claimed, REPORT_PENDING)
    assert (await bench.stored(payin.id)).status is Status.EXPIRED
    assert await bench.used(f"M:{MERCHANT}:PAYIN", f"D{payin.usage_day:%Y%m%d}") == (0, 0)


async def test_open_payment_that_nothing_would_look_at_is_woken(bench: DeskBench) -> None:
    forgotten, held, ended = [await bench.accepted(Kind.PAYIN) for _ in range(3)]
    await bench.hear(held, SUCCESS, currency="USD")
    await bench.hear(ended, SUCCESS)
    await bench.pool.execute("UPDATE payments_transactions SET due_at = NULL WHERE id = $1", forgotten.id)
    async with bench.pool.acquire() as conn:
        assert await store.wake_forgotten(conn, bench.clock.now()) == [forgotten.id]
        assert await store.wake_forgotten(conn, bench.clock.now()) == []
    assert set(await _claimed(bench)) == {forgotten.id}


@pytest.mark.parametrize("table", ["payments_events", "payments_attempts"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET transaction_id = 'x'", "TRUNCATE {}"])
async def test_the_database_refuses_to_change_history(bench: DeskBench, table: str, change: str) -> None:
    await bench.opened(Kind.PAYIN)
    with pytest.raises(asyncpg.RestrictViolationError, match="history"):
        await bench.pool.execute(change.format(table))


def _moves() -> list[tuple[Kind, Status, Status]]:
    return [(kind, before, after) for kind in Kind for before in Status for after in Status if before is not after]


async def test_the_database_allows_exactly_the_moves_of_the_table(bench: DeskBench) -> None:
    await bench.fund(1_000_000)
    ids = {kind: (await bench.opened(kind)).id for kind in Kind}
    allowed = set()
    for kind, before, after in _moves():
        async with bench.pool.acquire() as conn:
            transaction = conn.transaction()
            await transaction.start()
            await conn.execute("ALTER TABLE payments_transactions DISABLE TRIGGER payments_moves_along_the_table")
            await conn.execute("UPDATE payments_transactions SET status = $2 WHERE id = $1", ids[kind], before.value)
            await conn.execute("ALTER TABLE payments_transactions ENABLE TRIGGER payments_moves_along_the_table")
            try:
                await conn.execute("UPDATE payments_transactions SET status = $2 WHERE id = $1", ids[kind], after.value)
                allowed.add((kind, before, after))
            except asyncpg.CheckViolationError as error:
                assert f"may not move from {before} to {after}" in str(error)  # noqa: PT017 - the other half of a loop
            finally:
                await transaction.rollback()
    assert allowed == {(kind, *move) for kind in Kind for move in TRANSITIONS[kind]}


async def test_an_open_whose_commit_was_not_heard_of_finds_what_it_made(bench: DeskBench) -> None:
    await bench.fund(1_000_000)
    for kind in Kind:
        command = bench.open_command(kind)
        first = await bench.desk.submit(command)
        assert await bench.desk.submit(command) == first
    assert await bench.count("payments_transactions") == 2
    assert await bench.count("payments_attempts") == 2
    assert (await bench.payout_account()).debits_pending == 102_360


async def test_a_refused_payout_whose_commit_was_not_heard_of_is_refused_alike(bench: DeskBench) -> None:
    command = bench.open_command(Kind.PAYOUT)
    first = await bench.desk.submit(command)
    assert await bench.desk.submit(command) == first
    assert await bench.count("payments_transactions") == 1
    other = await bench.desk.submit(replace(command, transaction_id=new_id("WSP", bench.clock.now())))
    assert other != first


async def test_the_columns_of_a_payment_are_its_fields_in_their_order(database: Pool) -> None:
    rows = await database.fetch(
        """
        SELECT attname FROM pg_attribute
        WHERE attrelid = 'payments_transactions'::regclass AND attnum > 0 ORDER BY attnum
        """
    )
    names = list(Transaction.__struct_fields__)
    assert [row["attname"] for row in rows][: len(names)] == names


@pytest.mark.parametrize("name", ["update_transactions", "lock_unchanged", "lock_transactions", "lock_usage"])
async def test_rows_are_looked_up_by_index_though_the_table_was_empty_when_the_plan_was_made(
    database: Pool, name: str
) -> None:
    statement = store.QUERIES[name]
    nothing = ", ".join("NULL" for _ in {*re.findall(r"\$[0-9]+", statement)})
    async with database.acquire() as conn:
        # What earlier tests left in the statistics goes with the table's old file.
        await conn.execute(
            "BEGIN; SET LOCAL session_replication_role = replica;"
            " TRUNCATE payments_transactions, payments_usage CASCADE; COMMIT"
        )
        await conn.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
        await conn.execute(f"PREPARE planned AS {statement}")
        try:
            plan = await conn.fetch(f"EXPLAIN EXECUTE planned ({nothing})")
        finally:
            await conn.execute("DEALLOCATE planned; RESET ALL")
    scans = [number for number, (line,) in enumerate(plan) if "Index Scan" in line or "Index Only Scan" in line]
    assert scans
    assert all("Index Cond" in "".join(plan[number + 1 : number + 2][0]) for number in scans), plan
