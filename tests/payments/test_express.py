"""The express counter: one round trip where nothing needs to be looked up, and nothing written where that was wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import pytest

from support.desk_bench import AMOUNT, DeskBench, word
from support.payment_world import FIRST, MERCHANT, REJECTED, SECOND, SUCCESS
from wisipay.core.database import Pool
from wisipay.payments import Desk, Kind, Status, express, store
from wisipay.payments.commands import Answered, CreateAnswered, Opened, Refusal, Refused
from wisipay.payments.express import Express, NotForExpressError
from wisipay.payments.model import Flag, Transaction
from wisipay.providers import Accepted, CreateOutcome, ProviderStatus, Unknown

PENDING = ProviderStatus.PENDING


class OneTripPool:
    """A pool that carries out single statements and counts them; `locks` are the times a connection was taken out."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.trips = 0
        self.locks = 0

    async def fetchval(self, statement: str, *values: object) -> object:
        self.trips += 1
        return await self._pool.fetchval(statement, *values)

    def acquire(self) -> Any:  # noqa: ANN401 - whatever the pool gives
        self.locks += 1
        return self._pool.acquire()


@pytest.fixture
def pool(bench: DeskBench) -> OneTripPool:
    """Return what counts the trips of the bench's desk."""
    pool = OneTripPool(bench.pool)
    bench.desk = bench.another_desk(cast("Pool", pool))
    return pool


async def test_a_payin_is_opened_and_answered_in_one_trip_each(bench: DeskBench, pool: OneTripPool) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    assert (pool.trips, pool.locks) == (2, 0)
    assert await bench.stored(payin.id) == payin
    assert payin.provider_reference == f"P-{payin.id}"
    assert await bench.used(f"M:{MERCHANT}:PAYIN", "D20261122") == (AMOUNT, 1)
    assert [await bench.count(f"payments_{table}") for table in ("attempts", "events")] == [1, 2]


async def test_a_payout_is_held_under_locks_and_answered_in_one_trip(bench: DeskBench, pool: OneTripPool) -> None:
    await bench.fund(10 * AMOUNT)
    payout = await bench.opened(Kind.PAYOUT)
    assert (pool.trips, pool.locks) == (0, 1)
    answered = await bench.answer(payout, Accepted(ProviderStatus.PROCESSING, "P1"))
    assert (pool.trips, pool.locks) == (1, 1)
    assert answered.status is Status.PROCESSING
    assert await bench.stored(payout.id) == answered


@pytest.mark.parametrize("limited", [{"daily_limit_paise": AMOUNT}, {"monthly_limit_paise": AMOUNT}], ids=str)
async def test_a_limit_is_read_under_its_lock(bench: DeskBench, pool: OneTripPool, limited: dict[str, int]) -> None:
    await bench.opened(Kind.PAYIN, **limited)
    assert pool.trips == 0
    assert isinstance(await bench.desk.submit(bench.open_command(Kind.PAYIN, **limited)), Refused)


async def test_a_batch_with_an_order_that_is_taken_is_decided_with_a_look(bench: DeskBench, pool: OneTripPool) -> None:
    first = await bench.opened(Kind.PAYIN)
    again, other = await asyncio.gather(
        bench.desk.submit(bench.open_command(Kind.PAYIN, order_id=first.order_id)),
        bench.desk.submit(bench.open_command(Kind.PAYIN)),
    )
    assert isinstance(again, Refused)
    assert again.reason is Refusal.DUPLICATE_ORDER
    assert isinstance(other, Opened)
    assert (pool.trips, pool.locks) == (2, 1)
    assert await bench.count("payments_transactions") == 2


async def test_an_order_twice_in_one_batch_is_opened_once(bench: DeskBench, pool: OneTripPool) -> None:
    results = await asyncio.gather(
        *(bench.desk.submit(bench.open_command(Kind.PAYIN, order_id="ORDER-1")) for _ in range(3))
    )
    assert [type(each) for each in results] == [Opened, Refused, Refused]
    assert (pool.trips, pool.locks) == (1, 0)


async def test_an_answer_to_a_payment_that_somebody_else_moved_is_decided_with_a_look(bench: DeskBench) -> None:
    """The success came before the answer: it stays, and the answer only adds what it knows."""
    payin = await bench.opened(Kind.PAYIN)
    await bench.another_desk().submit(word(payin, SUCCESS))
    url = "https://pay.example/1"
    answered = await bench.answer(payin, Accepted(PENDING, f"P-{payin.id}", payment_url=url))
    assert (answered.status, answered.payment_url) == (Status.SUCCESS, url)
    assert await bench.stored(payin.id) == answered
    assert await bench.count("callbacks_outbox") == 1


async def test_a_lease_taken_meanwhile_is_not_written_over(bench: DeskBench) -> None:
    payin = await bench.opened(Kind.PAYIN)
    await bench.pool.execute("UPDATE payments_transactions SET lease_token = gen_random_uuid()")
    answered = await bench.answer(payin, Accepted(PENDING, "P1"))
    assert answered.lease_token is not None
    assert await bench.stored(payin.id) == answered


async def test_one_payment_that_moved_sends_its_whole_batch_to_be_looked_up(bench: DeskBench) -> None:
    moved, other = await bench.opened(Kind.PAYIN), await bench.opened(Kind.PAYIN)
    await bench.another_desk().submit(word(moved, SUCCESS))
    opened, answers = await asyncio.gather(
        bench.opened(Kind.PAYIN),
        asyncio.gather(*(bench.answer(each, Accepted(PENDING, f"P-{each.id}")) for each in (moved, other))),
    )
    assert await bench.stored(opened.id) == opened
    assert [each.status for each in answers] == [Status.SUCCESS, Status.PENDING]
    assert [await bench.stored(each.id) for each in answers] == answers
    assert await bench.count("payments_transactions") == 3


async def test_a_reference_of_another_payment_is_found_out(bench: DeskBench) -> None:
    first, second = await bench.opened(Kind.PAYIN), await bench.opened(Kind.PAYIN)
    await bench.answer(first, Accepted(PENDING, "P1"))
    answered = await bench.answer(second, Accepted(PENDING, "P1"))
    assert answered.flags == {Flag.MANUAL_REVIEW}
    assert answered.provider_reference is None
    assert await bench.stored(second.id) == answered


async def test_the_same_answer_twice_in_one_batch_is_heard_once(bench: DeskBench) -> None:
    payin = await bench.opened(Kind.PAYIN)
    answers = await asyncio.gather(*(bench.answer(payin, Accepted(PENDING, "P1")) for _ in range(2)))
    assert {each.provider_reference for each in answers} == {"P1"}
    assert (await bench.stored(payin.id)).provider_reference == "P1"


@pytest.mark.parametrize(
    "outcome", [Accepted(SUCCESS, "P1"), REJECTED, Unknown("no answer")], ids=lambda each: type(each).__name__
)
async def test_what_moves_money_or_tells_a_merchant_is_no_matter_for_express(
    bench: DeskBench, pool: OneTripPool, outcome: CreateOutcome
) -> None:
    payin = await bench.opened(Kind.PAYIN)
    answered = await bench.answer(payin, outcome, remaining=())
    assert (pool.trips, pool.locks) == (1, 1)
    assert await bench.stored(payin.id) == answered
    again = await bench.answer(payin, Accepted(PENDING, "P1"))
    assert (pool.trips, pool.locks) == (1, 2)
    assert await bench.stored(payin.id) == again


async def test_an_answer_that_turns_out_to_hold_more_than_a_step_is_refused_before_anything_is_written(
    bench: DeskBench,
) -> None:
    """A refused channel means the next one, or a failed payment and a callback."""
    counter = Express(partial(store.write_if_unchanged, bench.pool), bench.rules)
    results, _ = await counter.apply([bench.open_command(Kind.PAYIN)], bench.clock.now())
    (opened,) = (each for each in results if isinstance(each, Opened))
    command = CreateAnswered(opened.transaction.id, 1, FIRST.provider_id, REJECTED)
    with pytest.raises(NotForExpressError):
        await counter.apply([command], bench.clock.now())
    assert (await bench.stored(opened.transaction.id)).status is Status.PENDING


async def test_only_so_many_payments_are_remembered(
    bench: DeskBench, pool: OneTripPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(express, "KNOWN_MAX", 2)
    opened = [await bench.opened(Kind.PAYIN) for _ in range(3)]
    for number, payin in enumerate(opened):
        await bench.answer(payin, Accepted(PENDING, f"P{number}"))
    assert (pool.trips, pool.locks) == (3 + 2, 1)


async def test_a_payout_that_the_balance_does_not_reach_is_not_remembered(bench: DeskBench, pool: OneTripPool) -> None:
    command = bench.open_command(Kind.PAYOUT)
    refused = await bench.desk.submit(command)
    assert isinstance(refused, Refused)
    answered = await bench.desk.submit(CreateAnswered(command.transaction_id, 0, FIRST.provider_id, REJECTED))
    assert isinstance(answered, Answered)
    assert (pool.trips, pool.locks) == (0, 2)


async def test_desks_that_answer_each_others_payments_agree(bench: DeskBench) -> None:
    """Each process opens payments, each answers all of them: the first answer counts, the other finds it there."""
    desks = [bench.desk, bench.another_desk()]
    opened: list[Transaction] = []
    for desk in desks:
        results = await asyncio.gather(*(desk.submit(bench.open_command(Kind.PAYIN)) for _ in range(10)))
        opened += [each.transaction for each in results if isinstance(each, Opened)]
    await asyncio.gather(*(_answers(desk, opened) for desk in desks))
    for payin in opened:
        stored = await bench.stored(payin.id)
        assert (stored.provider_reference, stored.flags) == (f"P-{payin.id}", frozenset())


async def _answers(desk: Desk, opened: Sequence[Transaction]) -> None:
    await asyncio.gather(
        *(
            desk.submit(
                CreateAnswered(each.id, 1, each.provider_id, Accepted(PENDING, f"P-{each.id}"), remaining=(SECOND,))
            )
            for each in opened
        )
    )
