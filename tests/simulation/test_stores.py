"""What the simulation proves holds for the real stores: those in memory and those in PostgreSQL are one and the same.

Facts that both must keep, and whole histories of the simulation that both must answer alike, operation by operation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from simulation.journal import REFUSALS, journaled
from simulation.runs import quiet
from simulation.world import accounts_at_start, funds_at_start
from support.both_stores import MemoryStores, Stores, postgres_stores
from support.callback_events import attempt, event
from support.inbox import webhook
from support.payment_world import FIRST, MERCHANT, NOON, SECOND
from wisipay import ledger
from wisipay.callbacks import AttemptOutcome
from wisipay.core.database import Pool
from wisipay.core.ids import new_id
from wisipay.core.money import Paise
from wisipay.core.queue import Lease
from wisipay.ledger import AccountStatus, NotLoadedError
from wisipay.payments import Kind, Source, Status
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import Answered, CreateAnswered, Open, Opened, ProviderWord, Refused
from wisipay.payments.express import NotForExpressError
from wisipay.payments.store import CountersMissing
from wisipay.providers import Accepted, ProviderStatus
from wisipay.webhooks.model import WebhookState, again_or_dead

PAYOUT_ACCOUNT = ledger.merchant_account(MERCHANT, "PAYOUT").id


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest, database: Pool) -> AsyncIterator[Stores]:
    """Return each of the two, with accounts of one merchant and two channels, and money to pay out."""
    if request.param == "memory":
        memory = MemoryStores()
        await _fund(memory)
        yield memory
        return
    async with postgres_stores(database) as postgres:
        await _fund(postgres)
        yield postgres


async def _fund(stores: Stores) -> None:
    specs = (*ledger.SYSTEM_ACCOUNTS, *ledger.merchant_accounts(MERCHANT))
    channels = (*ledger.channel_accounts(FIRST.channel_id), *ledger.channel_accounts(SECOND.channel_id))
    await stores.open_accounts([*specs, *channels])
    lines = (ledger.Line(ledger.WORLD.id, 500_000), ledger.Line(PAYOUT_ACCOUNT, -500_000))
    await stores.book([ledger.Transfer(uuid4(), lines)], NOON)


def opening(kind: Kind = Kind.PAYOUT, order_id: str = "ORDER-1", **changes: Any) -> Open:  # noqa: ANN401 - any field
    command = Open(
        transaction_id=new_id("WSP", NOON),
        merchant_id=MERCHANT,
        order_id=order_id,
        kind=kind,
        amount_paise=Paise(100_000),
        fee_paise=Paise(2_000),
        tax_paise=Paise(360),
        currency="INR",
        mode="UPI",
        party={"name": "Asha Rao"},
        remarks=None,
        redirect_url=None,
        daily_limit_paise=None,
        monthly_limit_paise=None,
        candidates=(FIRST, SECOND),
    )
    return msgspec.structs.replace(command, **changes)


async def opened(stores: Stores, command: Open, now: datetime = NOON) -> Open:
    """Open a payment, adding its limit counters first."""
    try:
        (result,) = await stores.commit([command], now)
    except CountersMissing as missing:
        await stores.add_counters(missing.keys)
        (result,) = await stores.commit([command], now)
    assert isinstance(result, Opened)
    return command


def named(command: Open, reference: str) -> CreateAnswered:
    accepted = Accepted(ProviderStatus.PENDING, reference)
    return CreateAnswered(command.transaction_id, 1, FIRST.provider_id, accepted)


def said(command: Open, status: ProviderStatus) -> ProviderWord:
    return ProviderWord(command.transaction_id, 1, FIRST.provider_id, None, Source.WEBHOOK, status)


async def test_counters_that_do_not_exist_are_told_before_anything_is_written(stores: Stores) -> None:
    before = await stores.state()
    with pytest.raises(CountersMissing):
        await stores.commit([opening(daily_limit_paise=Paise(200_000))], NOON)
    assert await stores.state() == before


async def test_only_what_is_wanted_is_loaded(stores: Stores) -> None:
    first = await opened(stores, opening())
    await opened(stores, opening(order_id="ORDER-2"))
    book = await stores.load([said(first, ProviderStatus.SUCCESS)], NOON)
    assert list(book.transactions) == [first.transaction_id]
    assert book.ledger.account(PAYOUT_ACCOUNT) is not None
    with pytest.raises(NotLoadedError):
        book.ledger.account(ledger.merchant_account(MERCHANT, "HOLD").id)


async def test_rows_that_were_loaded_are_copies(stores: Stores) -> None:
    first = await opened(stores, opening())
    before = await stores.state()
    book = await stores.load([said(first, ProviderStatus.SUCCESS)], NOON)
    book.transactions[first.transaction_id].status = Status.FAILED
    account = book.ledger.account(PAYOUT_ACCOUNT)
    assert account is not None
    account.debits_posted += 5
    assert await stores.state() == before


async def test_order_is_taken_once_and_its_opening_again_answers_the_same(stores: Stores) -> None:
    first = await opened(stores, opening())
    again, other = await stores.commit([first, opening()], NOON)
    assert isinstance(again, Opened)
    assert isinstance(other, Refused)


async def test_express_counter_writes_what_the_usual_one_would(stores: Stores) -> None:
    payin = opening(kind=Kind.PAYIN)
    (result,) = await stores.express([payin], NOON)
    assert isinstance(result, Opened)
    (answered,) = await stores.express([named(payin, "P-1")], NOON)
    assert isinstance(answered, Answered)
    assert (await stores.state())["transactions"] == [answered.transaction]
    book = await stores.load([said(payin, ProviderStatus.SUCCESS)], NOON)
    assert book.transactions == {payin.transaction_id: answered.transaction}


async def test_express_counter_takes_up_what_the_usual_one_has_opened(stores: Stores) -> None:
    payout = await opened(stores, opening())
    (answered,) = await stores.express([named(payout, "P-1")], NOON)
    assert isinstance(answered, Answered)
    assert (await stores.state())["transactions"] == [answered.transaction]


async def test_express_counter_writes_nothing_where_it_was_wrong(stores: Stores) -> None:
    leased, spoken_of, first = opening(), opening(order_id="ORDER-2"), opening(order_id="ORDER-3", kind=Kind.PAYIN)
    for each in (leased, spoken_of, first):
        await opened(stores, each)
    await stores.express([named(first, "P-1")], NOON)
    await stores.commit([said(spoken_of, ProviderStatus.PROCESSING)], NOON)
    await stores.claim_due(NOON + timedelta(hours=1), 9, Lease(uuid4(), 60))
    before = await stores.state()
    for command in (
        named(leased, "P-2"),
        named(spoken_of, "P-2"),
        opening(order_id="ORDER-3", kind=Kind.PAYIN),
    ):
        with pytest.raises(NotForExpressError):
            await stores.express([command], NOON)
        assert await stores.state() == before


async def test_express_counter_gives_no_reference_twice(stores: Stores) -> None:
    first, second = opening(kind=Kind.PAYIN), opening(order_id="ORDER-2", kind=Kind.PAYIN)
    await stores.express([first, second], NOON)
    await stores.express([named(first, "P-1")], NOON)
    before = await stores.state()
    with pytest.raises(NotForExpressError):
        await stores.express([named(second, "P-1")], NOON)
    assert await stores.state() == before


def _steal_order(book: PaymentBook) -> None:
    book.created[0].order_id = "ORDER-1"


def _steal_reference(book: PaymentBook) -> None:
    (transaction,) = book.transactions.values()
    transaction.provider_reference = "P-1"
    book.changed[transaction.id] = transaction


def _move_backwards(book: PaymentBook) -> None:
    (transaction,) = book.transactions.values()
    transaction.status = Status.EXPIRED
    book.changed[transaction.id] = transaction


def _event_again(book: PaymentBook) -> None:
    book.events[0] = msgspec.structs.replace(book.events[0], number=1)


@pytest.mark.parametrize(
    ("meddle", "error"),
    [
        (_steal_reference, asyncpg.UniqueViolationError),
        (_move_backwards, asyncpg.CheckViolationError),
        (_event_again, asyncpg.UniqueViolationError),
    ],
)
async def test_write_against_a_rule_leaves_nothing(stores: Stores, meddle: Any, error: type[Exception]) -> None:  # noqa: ANN401 - what a test does to a book
    first, second = await opened(stores, opening()), await opened(stores, opening(order_id="ORDER-2"))
    await stores.commit([named(first, "P-1")], NOON)
    before = await stores.state()
    with pytest.raises(error):
        await stores.commit([named(second, "P-2")], NOON, meddle)
    assert await stores.state() == before


async def test_order_taken_meanwhile_leaves_nothing(stores: Stores) -> None:
    await opened(stores, opening())
    before = await stores.state()
    with pytest.raises(asyncpg.UniqueViolationError):
        await stores.commit([opening(order_id="ORDER-2")], NOON, _steal_order)
    assert await stores.state() == before


async def test_frozen_account_takes_nothing_until_it_is_opened(stores: Stores) -> None:
    await opened(stores, opening())
    await stores.set_account_status(PAYOUT_ACCOUNT, AccountStatus.FROZEN)
    (refused,) = await stores.commit([opening(order_id="ORDER-2")], NOON)
    assert isinstance(refused, Refused)
    await stores.set_account_status(PAYOUT_ACCOUNT, AccountStatus.ACTIVE)
    await opened(stores, opening(order_id="ORDER-3"))


async def test_due_payment_is_claimed_by_one_until_its_lease_runs_out(stores: Stores) -> None:
    first = await opened(stores, opening())
    due = NOON + timedelta(minutes=5)
    one, two = Lease(UUID(int=1), 8), Lease(UUID(int=2), 8)
    assert await stores.claim_due(NOON, 9, one) == []
    (claimed,) = await stores.claim_due(due, 9, one)
    assert (claimed.id, claimed.lease_token) == (first.transaction_id, one.token)
    assert await stores.claim_due(due + timedelta(seconds=8), 9, two) == []
    await stores.renew_leases(due + timedelta(seconds=8), [claimed.id], two)
    assert [each.lease_token for each in await stores.claim_due(due + timedelta(seconds=9), 9, two)] == [two.token]
    await stores.renew_leases(due + timedelta(seconds=16), [claimed.id], two)
    assert await stores.claim_due(due + timedelta(seconds=20), 9, one) == []


async def test_the_longest_due_are_claimed_first(stores: Stores) -> None:
    late = await opened(stores, opening(), NOON + timedelta(seconds=5))
    early = await opened(stores, opening(order_id="ORDER-2"), NOON)
    later = NOON + timedelta(hours=1)
    claimed = [await stores.claim_due(later, 1, Lease(UUID(int=number), 8)) for number in range(3)]
    assert [[each.id for each in some] for some in claimed] == [[early.transaction_id], [late.transaction_id], []]


async def test_sweep_finds_nothing_that_is_due_anyway(stores: Stores) -> None:
    await opened(stores, opening())
    assert await stores.wake_forgotten(NOON) == []


async def test_event_is_enqueued_once_and_told_in_the_order_of_its_transaction(stores: Stores) -> None:
    first = event(merchant_id="M")
    second = event(merchant_id="M", transaction_id=first.transaction_id)
    await stores.enqueue([first, second, first, event(merchant_id="M", url=None)], NOON)
    (claimed,) = await stores.claim_callbacks({"M": 9}, UUID(int=1), 8, NOON)
    assert claimed.event == first
    assert await stores.claim_callbacks({"M": 9}, UUID(int=2), 8, NOON + timedelta(seconds=7)) == []
    assert await stores.record_attempts([attempt(claimed)], NOON) == [True]
    (claimed,) = await stores.claim_callbacks({"M": 9}, UUID(int=2), 8, NOON)
    assert claimed.event == second


async def test_event_is_born_leased_unless_an_earlier_one_waits(stores: Stores) -> None:
    first, gone = event(merchant_id="M"), event(merchant_id="M", url=None)
    second, third = (event(merchant_id="M", transaction_id=first.transaction_id) for _ in range(2))
    lease, own = Lease(UUID(int=1), 8), [each.event_id for each in (first, gone, third)]
    assert await stores.enqueue([first, second, gone], NOON, own[:2], lease) == {first.event_id}
    assert await stores.enqueue([first, third], NOON, own, lease) == frozenset()
    assert await stores.claim_callbacks({"M": 9}, UUID(int=2), 8, NOON + timedelta(seconds=7)) == []
    (claimed,) = await stores.claim_callbacks({"M": 9}, UUID(int=2), 8, NOON + timedelta(seconds=8))
    assert claimed.event == first


async def test_callback_whose_lease_ran_out_is_recorded_and_moves_nothing(stores: Stores) -> None:
    await stores.enqueue([event(merchant_id="M")], NOON)
    (slow,) = await stores.claim_callbacks({"M": 1}, UUID(int=1), 8, NOON)
    later = NOON + timedelta(seconds=8)
    (quick,) = await stores.claim_callbacks({"M": 1}, UUID(int=2), 8, later)
    assert await stores.record_attempts([attempt(slow)], later) == [False]
    await stores.renew_callbacks([quick.event.event_id], UUID(int=1), 90, later)
    retry = attempt(quick, AttemptOutcome.RETRY, gap_seconds=30, status=500)
    assert await stores.record_attempts([retry], later) == [True]
    assert await stores.claim_callbacks({"M": 1}, UUID(int=3), 8, later + timedelta(seconds=29)) == []
    assert len(await stores.claim_callbacks({"M": 1}, UUID(int=3), 8, later + timedelta(seconds=30))) == 1


async def test_endpoint_that_is_gone_gets_nothing_until_it_is_switched_on_and_replayed(stores: Stores) -> None:
    events = [event(merchant_id="M") for _ in range(3)]
    await stores.enqueue(events[:2], NOON)
    (claimed,) = await stores.claim_callbacks({"M": 1}, UUID(int=1), 8, NOON)
    assert await stores.record_attempts([attempt(claimed, AttemptOutcome.SWITCHED_OFF, status=410)], NOON) == [True]
    await stores.enqueue(events[2:], NOON)
    assert await stores.claim_callbacks({"M": 9}, UUID(int=2), 8, NOON) == []
    await stores.switch_on("M", "PAYIN")
    await stores.replay_callbacks([each.event_id for each in events], NOON)
    assert len(await stores.claim_callbacks({"M": 9}, UUID(int=2), 8, NOON)) == 3


async def test_webhook_is_stored_once_and_looked_at_by_the_holder_of_its_lease(stores: Stores) -> None:
    stored = webhook("WP1")
    await stores.insert_webhooks([stored, stored], NOON)
    (slow,) = await stores.claim_webhooks(9, UUID(int=1), 8, NOON)
    await stores.renew_webhooks([stored.webhook_id], UUID(int=1), 9, NOON)
    assert await stores.lock_webhooks(9, NOON + timedelta(seconds=8)) == []
    later = NOON + timedelta(seconds=9)
    (locked,) = await stores.lock_webhooks(9, later)
    assert locked.lease_token == UUID(int=1)
    (quick,) = await stores.claim_webhooks(9, UUID(int=2), 8, later)
    assert await stores.record_looks([again_or_dead(slow, error="slow")], later) == [False]
    assert await stores.record_looks([again_or_dead(quick, error="not yet")], later) == [True]
    assert await stores.lock_webhooks(9, later) == []
    (again,) = await stores.lock_webhooks(9, later + timedelta(seconds=1))
    assert (again.attempts, again.lease_token) == (1, None)
    done = replace(again_or_dead(again, error="done"), state=WebhookState.DONE)
    assert await stores.record_looks([done], later) == [True]
    assert await stores.record_looks([done], later) == [False]
    await stores.replay_webhooks([stored.webhook_id], later)
    assert len(await stores.claim_webhooks(9, UUID(int=3), 8, later)) == 1


@pytest.mark.timeout(900)  # a busy machine gives it a small part of a core
@pytest.mark.parametrize("seed", range(1, 7))
async def test_history_of_the_simulation_is_answered_alike_by_both(database: Pool, seed: int) -> None:
    with quiet():
        world = journaled(seed, steps=80)
    memory = MemoryStores()
    async with postgres_stores(database) as postgres:
        for stores in (memory, postgres):
            await stores.open_accounts(accounts_at_start())
            await stores.book(funds_at_start(), world.start)
        for done in world.journal:
            assert await _answer(memory, done.name, done.arguments) == _sorted(done.result), done
            assert await _answer(postgres, done.name, done.arguments) == _sorted(done.result), done
        assert await postgres.state() == await memory.state()


async def _answer(stores: Stores, name: str, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - of any operation
    try:
        return _sorted(await getattr(stores, name)(*arguments))
    except REFUSALS as error:
        return type(error)


def _sorted(result: Any) -> Any:  # noqa: ANN401 - of any operation
    """Return what was claimed in an order of its own: a statement's rows come in any."""
    if isinstance(result, list) and result and hasattr(result[0], "lease_token"):
        return sorted(result, key=repr)
    return result
