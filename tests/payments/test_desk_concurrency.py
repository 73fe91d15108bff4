"""Desks of several processes on one database: no race passes a limit, a balance or an order id, and none deadlocks."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from support.desk_bench import AMOUNT, DeskBench, word
from support.payment_world import FAILED, FIRST, MERCHANT, NOON, REJECTED, SECOND, SUCCESS
from wisipay import ledger
from wisipay.core.config import Settings
from wisipay.core.database import CONFLICTS, Pool, connect_pool
from wisipay.core.money import Paise
from wisipay.payments import Desk, Kind, Source, Status, store
from wisipay.payments.book import CounterNotLoadedError, PaymentBook
from wisipay.payments.commands import (
    Answered,
    Command,
    CreateAnswered,
    Looked,
    Open,
    Opened,
    Refusal,
    Refused,
    Result,
    SetStatus,
)
from wisipay.payments.express import NotForExpressError
from wisipay.payments.model import Candidate
from wisipay.payments.needs import usage_needs
from wisipay.payments.usage import channel_subject, keys_of, merchant_subject
from wisipay.providers import Accepted, CreateOutcome, ProviderStatus, Unknown

OTHER = "MER-2"
NET = AMOUNT + 2_360


@pytest.fixture
async def other_pool(settings: Settings) -> AsyncIterator[Pool]:
    pool = await connect_pool(settings, application_name="wisipay tests, another process", max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
def desks(bench: DeskBench, other_pool: Pool) -> tuple[Desk, Desk]:
    """Return the desks of two processes, with batches so small that many of them meet."""
    return bench.another_desk(max_batch=3), bench.another_desk(other_pool, max_batch=3)


async def _together(desks: Sequence[Desk], commands: Iterable[Command]) -> list[Result]:
    """Submit all at once, turn and turn about."""
    return await asyncio.gather(
        *(desks[number % len(desks)].submit(command) for number, command in enumerate(commands))
    )


def _outcomes(results: Iterable[Result]) -> Counter[str]:
    return Counter(result.reason.value if isinstance(result, Refused) else type(result).__name__ for result in results)


async def test_a_hundred_duplicates_of_an_order_make_one_payment(bench: DeskBench, desks: tuple[Desk, Desk]) -> None:
    results = await _together(desks, [bench.open_command(Kind.PAYIN, order_id="ORDER-1") for _ in range(100)])
    assert _outcomes(results) == {"Opened": 1, Refusal.DUPLICATE_ORDER: 99}
    assert await bench.count("payments_transactions") == 1
    assert await bench.used(f"M:{MERCHANT}:PAYIN", "D20261122") == (AMOUNT, 1)


async def test_one_order_id_is_one_payment_whichever_way_its_money_goes(bench: DeskBench, other_pool: Pool) -> None:
    """Payins in one order at one process, payouts of the same ids in the other order at the other: no deadlock."""
    await bench.fund(1_000 * NET)
    desks = _watched(bench, bench.pool, max_batch=200), _watched(bench, other_pool, max_batch=200)
    orders = [f"ORDER-{number:03}" for number in range(200)]
    payins = [bench.open_command(Kind.PAYIN, order_id=order) for order in orders]
    payouts = [bench.open_command(Kind.PAYOUT, order_id=order) for order in reversed(orders)]
    results = await _together(desks, [each for pair in zip(payins, payouts, strict=True) for each in pair])
    assert _outcomes(results) == {"Opened": 200, Refusal.DUPLICATE_ORDER: 200}
    assert [error for desk in desks for error in desk.met if isinstance(error, asyncpg.DeadlockDetectedError)] == []
    assert await bench.count("payments_transactions") == 200
    await bench.books_balance()


@pytest.mark.parametrize("limit", ["daily", "monthly"])
@pytest.mark.parametrize("kind", list(Kind))
async def test_no_race_passes_a_merchants_limit(
    bench: DeskBench, desks: tuple[Desk, Desk], kind: Kind, limit: str
) -> None:
    await bench.fund(100 * NET)
    limits = {f"{limit}_limit_paise": Paise(10 * AMOUNT)}
    results = await _together(desks, [bench.open_command(kind, **limits) for _ in range(40)])
    assert _outcomes(results) == {"Opened": 10, Refusal[f"{limit.upper()}_LIMIT"]: 30}
    period = "D20261122" if limit == "daily" else "M202611"
    assert await bench.used(f"M:{MERCHANT}:{kind}", period) == (10 * AMOUNT, 10)


@pytest.mark.parametrize("limit", ["daily_limit_paise", "monthly_limit_paise"])
async def test_no_race_passes_a_channels_limit_and_the_next_channel_takes_the_rest(
    bench: DeskBench, desks: tuple[Desk, Desk], limit: str
) -> None:
    first, second = _limited(FIRST, limit, 5), _limited(SECOND, limit, 7)
    results = await _together(desks, [bench.open_command(Kind.PAYIN, candidates=(first, second)) for _ in range(30)])
    assert _outcomes(results) == {"Opened": 12, Refusal.NO_CHANNEL: 18}
    taken = Counter(result.candidate.channel_id for result in results if isinstance(result, Opened))
    assert taken == {FIRST.channel_id: 5, SECOND.channel_id: 7}


async def test_failing_over_passes_no_limit_of_the_next_channel(bench: DeskBench, desks: tuple[Desk, Desk]) -> None:
    second = _limited(SECOND, "daily_limit_paise", 3)
    opened = [await bench.opened(Kind.PAYIN) for _ in range(10)]
    results = await _together(
        desks, [CreateAnswered(each.id, 1, each.provider_id, REJECTED, remaining=(second,)) for each in opened]
    )
    moved = [result for result in results if isinstance(result, Answered) and result.retry_on is not None]
    assert len(moved) == 3
    assert await bench.used(f"C:{SECOND.channel_id}:PAYIN", "D20261122") == (3 * AMOUNT, 3)
    assert await bench.used(f"C:{FIRST.channel_id}:PAYIN", "D20261122") == (0, 0)


def _limited(candidate: Candidate, limit: str, payments: int) -> Candidate:
    changes: dict[str, Any] = {limit: Paise(payments * AMOUNT)}
    return replace(candidate, **changes)


async def test_accepted_holds_never_exceed_the_balance(bench: DeskBench, desks: tuple[Desk, Desk]) -> None:
    await bench.fund(7 * NET + NET - 1)
    results = await _together(desks, [bench.open_command(Kind.PAYOUT) for _ in range(40)])
    assert _outcomes(results) == {"Opened": 7, Refusal.INSUFFICIENT_BALANCE: 33}
    account = await bench.payout_account()
    assert account.debits_pending == 7 * NET
    assert account.credits_posted - account.debits_pending == NET - 1
    statuses = await bench.pool.fetch("SELECT status, count(*) FROM payments_transactions GROUP BY 1")
    assert {row[0]: row[1] for row in statuses} == {"PENDING": 7, "FAILED": 33}


async def test_money_that_comes_back_may_be_held_again_and_no_more(bench: DeskBench, desks: tuple[Desk, Desk]) -> None:
    await bench.fund(5 * NET)
    payouts = [await bench.opened(Kind.PAYOUT) for _ in range(5)]
    commands: list[Command] = [word(payout, FAILED) for payout in payouts]
    commands += [bench.open_command(Kind.PAYOUT) for _ in range(20)]
    random.Random(7).shuffle(commands)  # noqa: S311 - an order, not a secret
    outcomes = _outcomes(await _together(desks, commands))
    assert outcomes["Opened"] <= 5
    assert (await bench.payout_account()).debits_pending == outcomes["Opened"] * NET
    await bench.books_balance()


class _Watched(Desk):
    """A desk that remembers which of its batches met another transaction's."""

    met: list[BaseException | None]

    async def _apply(self, commands: Sequence[Command]) -> list[Result]:
        try:
            return await super()._apply(commands)
        except CONFLICTS as error:
            self.met.append(error)
            raise

    async def _apply_express(self, commands: Sequence[Command]) -> list[Result]:
        try:
            results, _ = await self._express.apply(commands, self._clock.now())
        except NotForExpressError as error:
            self.met.append(error.__cause__)
            return await self._apply(commands)
        return results


def _watched(bench: DeskBench, pool: Pool, *, max_batch: int = 8) -> _Watched:
    desk = _Watched(pool, bench.directory, bench.clock, bench.rules, max_batch=max_batch)
    desk.met = []
    return desk


async def test_two_processes_that_hammer_the_same_merchants_never_deadlock(bench: DeskBench, other_pool: Pool) -> None:
    """Every kind of command, on the same merchants, channels and payments, in opposite orders."""
    await bench.open_accounts(merchants=(OTHER,))
    for merchant_id in (MERCHANT, OTHER):
        await bench.fund(1_000 * NET, merchant_id)
    desks = _watched(bench, bench.pool), _watched(bench, other_pool)
    opens = [
        bench.open_command(
            kind,
            merchant_id=merchant_id,
            daily_limit_paise=Paise(10**9),
            candidates=(FIRST, SECOND) if number % 2 else (SECOND, FIRST),
        )
        for number in range(15)
        for kind in Kind
        for merchant_id in (MERCHANT, OTHER)
    ]
    results = await _both_ways(desks, opens)
    assert _outcomes(results) == {"Opened": 2 * len(opens)}
    answers = [_answer(result, number) for number, result in enumerate(results) if isinstance(result, Opened)]
    await _both_ways(desks, answers)
    words = [
        word(result.transaction, (SUCCESS, FAILED, ProviderStatus.PROCESSING)[number % 3])
        for number, result in enumerate(results)
        if isinstance(result, Opened)
    ]
    await _both_ways(desks, words)
    assert [error for desk in desks for error in desk.met if isinstance(error, asyncpg.DeadlockDetectedError)] == []
    await bench.books_balance()
    held = [await bench.payout_account(merchant_id) for merchant_id in (MERCHANT, OTHER)]
    open_payouts = await bench.pool.fetchval(
        "SELECT sum(net_paise) FROM payments_transactions WHERE kind = 'PAYOUT' AND status IN ('PENDING', 'PROCESSING')"
    )
    assert sum(account.debits_pending for account in held) == (open_payouts or 0)


def _answer(opened: Opened, number: int) -> CreateAnswered:
    outcome: CreateOutcome = REJECTED if number % 2 else Accepted(ProviderStatus.PENDING, f"P-{opened.transaction.id}")
    remaining = tuple(each for each in (FIRST, SECOND) if each.channel_id != opened.candidate.channel_id)
    return CreateAnswered(opened.transaction.id, 1, opened.transaction.provider_id, outcome, remaining=remaining)


async def _both_ways(desks: tuple[Desk, Desk], commands: Sequence[Command]) -> list[Result]:
    """One process submits them first to last, the other one last to first; answers of both, in the order given.

    An `Open` is a payment of its own for each process.
    """
    ours, theirs = desks
    again = [_as_another(command) for command in commands]
    forward, backward = await asyncio.gather(
        asyncio.gather(*(ours.submit(command) for command in commands)),
        asyncio.gather(*(theirs.submit(command) for command in reversed(again))),
    )
    return [*forward, *reversed(backward)]


def _as_another(command: Command) -> Command:
    if not isinstance(command, Open):
        return command
    return replace(command, transaction_id=f"{command.transaction_id[:-1]}!", order_id=f"{command.order_id}!")


class _Forgetful(Desk):
    """A desk whose first commit succeeds, and whose connection breaks before the server can say so."""

    forgot: bool = False

    async def _apply(self, commands: Sequence[Command]) -> list[Result]:
        results = await super()._apply(commands)
        if not self.forgot:
            self.forgot = True
            raise ConnectionResetError
        return results

    async def _apply_express(self, commands: Sequence[Command]) -> list[Result]:
        results = await super()._apply_express(commands)
        if not self.forgot:
            self.forgot = True
            raise ConnectionResetError
        return results


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_commit_whose_word_was_lost_is_not_carried_out_twice(bench: DeskBench, kind: Kind) -> None:
    await bench.fund(10 * NET)
    desk = _Forgetful(bench.pool, bench.directory, bench.clock, bench.rules)
    command = bench.open_command(kind)
    opened = await desk.submit(command)
    assert isinstance(opened, Opened)
    assert opened.transaction.id == command.transaction_id
    desk.forgot = False
    answered = await desk.submit(
        CreateAnswered(command.transaction_id, 1, FIRST.provider_id, Accepted(SUCCESS, "P1"), remaining=(SECOND,))
    )
    assert isinstance(answered, Answered)
    assert answered.transaction.status is Status.SUCCESS
    assert await bench.count("payments_transactions") == 1
    assert await bench.count("payments_attempts") == 1
    assert await bench.count("callbacks_outbox") == 1
    await bench.books_balance()
    await desk.drain()


async def test_a_failover_whose_commit_was_not_heard_of_still_calls_the_next_channel(bench: DeskBench) -> None:
    """Otherwise the payment would hang until it is looked at, though nobody has ever called the second channel."""
    await bench.fund(10 * NET)
    for kind in Kind:
        opened = await bench.opened(kind)
        desk = _Forgetful(bench.pool, bench.directory, bench.clock, bench.rules)
        answered = await desk.submit(CreateAnswered(opened.id, 1, FIRST.provider_id, REJECTED, remaining=(SECOND,)))
        assert isinstance(answered, Answered)
        assert answered.transaction.attempt == 2
        assert answered.retry_on == SECOND


async def test_the_first_payment_of_a_merchant_adds_its_counters_before_it_locks_any(bench: DeskBench) -> None:
    """A counter can't be locked in its place of the order before it exists: added among held locks it deadlocks."""
    command = bench.open_command(Kind.PAYIN, daily_limit_paise=AMOUNT)
    async with bench.pool.acquire() as conn:
        with pytest.raises(store.CountersMissing) as missing:
            await store.load(conn, [command], NOON)
        await store.add_counters(conn, missing.value.keys)
        book = await store.load(conn, [command], NOON)
    assert set(book.usage) == book.counters == set(missing.value.keys)


async def test_a_success_on_a_channel_left_behind_counts_there_and_locks_that_beside_a_limit(bench: DeskBench) -> None:
    moved = await bench.answer(await bench.opened(Kind.PAYIN), REJECTED, remaining=(SECOND,))
    assert (moved.attempt, moved.channel_id) == (2, SECOND.channel_id)
    late = word(replace(moved, attempt=1, provider_id=FIRST.provider_id, channel_id=FIRST.channel_id), SUCCESS)
    async with bench.pool.acquire() as conn, conn.transaction():
        alone = await store.load(conn, [late], NOON)
        limited = bench.open_command(Kind.PAYIN, candidates=(replace(FIRST, daily_limit_paise=AMOUNT),))
        beside_a_limit = await store.load(conn, [late, limited], NOON)
    counted = {*keys_of(channel_subject(FIRST.channel_id, Kind.PAYIN), moved.usage_day)}
    assert (alone.counters, counted <= set(beside_a_limit.usage)) == (set(), True)
    await bench.desk.submit(late)
    assert await bench.used(f"C:{FIRST.channel_id}:PAYIN", "D20261122") == (AMOUNT, 1)
    assert await bench.used(f"C:{SECOND.channel_id}:PAYIN", "D20261122") == (0, 0)


async def test_an_operators_word_and_a_look_at_its_expiry_lock_a_payins_counters_beside_a_limit(
    bench: DeskBench,
) -> None:
    payin = await bench.opened(Kind.PAYIN)
    limited = bench.open_command(Kind.PAYIN, merchant_id=OTHER, daily_limit_paise=AMOUNT)
    by_hand = SetStatus(payin.id, Status.FAILED, "operator", "asked for")
    look = Looked(payin.id, 1, payin.provider_id, Unknown("no answer"), Source.STATUS_POLL)
    for command, now in ((by_hand, NOON), (look, payin.expires_at or NOON)):
        wanted = usage_needs([(limited, None), (command, payin)], {}, now)
        assert wanted.issuperset(keys_of(merchant_subject(MERCHANT, Kind.PAYIN), payin.usage_day))


def test_a_counter_that_was_not_loaded_is_not_guessed() -> None:
    book = PaymentBook(ledger=ledger.Book(), counters=frozenset())
    with pytest.raises(CounterNotLoadedError):
        book.used(("M:MER-1:PAYIN", "D20261122"))


def test_a_counter_is_added_to_blindly_only_where_none_was_locked() -> None:
    """Beside locked counters it would be taken out of its place of the order."""
    nothing_locked = PaymentBook(ledger=ledger.Book(), counters=frozenset())
    nothing_locked.count_use("M:MER-1:PAYIN", NOON.date(), 1, 1)
    assert set(nothing_locked.usage_changes) == set(keys_of("M:MER-1:PAYIN", NOON.date()))
    others_locked = PaymentBook(ledger=ledger.Book(), counters=frozenset(keys_of("M:MER-2:PAYIN", NOON.date())))
    with pytest.raises(CounterNotLoadedError):
        others_locked.count_use("M:MER-1:PAYIN", NOON.date(), 1, 1)
