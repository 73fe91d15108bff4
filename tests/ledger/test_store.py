"""The PostgreSQL store: what it loads and writes, and what concurrent writers see of each other."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import asyncpg
import pytest
from msgspec import structs

from support.books import BANK, INCOME, NOW, SPECS, WALLET, accepted, hold, lines, rejection, transfer
from support.command_content import content_of
from wisipay import ledger
from wisipay.ledger import Accepted, AccountStatus, Command, EntryKind, EntryStatus, Rejection, Result
from wisipay.ledger.store import Connection


@pytest.fixture
async def connection(database: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, SPECS)
        yield connection


async def apply(connection: Connection, *commands: Command, stripe: int = 0) -> list[Result]:
    async with connection.transaction():
        return await ledger.apply(connection, commands, NOW, stripe=stripe)


@pytest.mark.usefixtures("written_both_ways")
async def test_an_entry_comes_back_as_it_was_written(connection: Connection) -> None:
    full = transfer(
        BANK,
        WALLET,
        100,
        idempotency_key="key",
        narration="Payin ₹1 'ü'",
        external_reference="UTR1",
        correlation_id="T1",
        value_date=date(2025, 12, 31),
        metadata={"order": {"id": "ü", "n": 1}},
    )
    held = hold(WALLET, BANK, 60, timeout_at=NOW + timedelta(microseconds=1))
    post = ledger.Post(uuid4(), held.entry_id, lines(WALLET, BANK, 10))
    reversal = ledger.Reverse(uuid4(), full.entry_id, narration="returned", allow_below_floor=True)
    other = hold(BANK, WALLET, 1)
    for command in (full, held, post, reversal, other, ledger.Void(uuid4(), other.entry_id)):
        accepted((await apply(connection, command))[0])
        entry = await ledger.entry(connection, command.entry_id)
        assert entry is not None
        assert (entry.command.entry_id, content_of(entry.command)) == (command.entry_id, content_of(command))
        assert entry.posted_at == NOW
        assert await apply(connection, command) == [Accepted(command.entry_id, repeated=True)]
    statuses = [await ledger.entry(connection, command.entry_id) for command in (full, held, post, reversal)]
    assert [entry.status for entry in statuses if entry] == [
        EntryStatus.REVERSED,
        EntryStatus.POSTED,
        EntryStatus.POSTED,
        EntryStatus.POSTED,
    ]
    assert [entry.resolved_by for entry in statuses if entry] == [None, post.entry_id, None, None]


@pytest.mark.parametrize(("end", "kind"), [(ledger.Void, EntryKind.VOID), (ledger.Expire, EntryKind.EXPIRE)])
async def test_a_released_hold_leaves_balances_as_they_were(
    connection: Connection, end: type[ledger.Void | ledger.Expire], kind: EntryKind
) -> None:
    held = hold(BANK, WALLET, 60, timeout_at=NOW)
    accepted((await apply(connection, held))[0])
    ending = end(uuid4(), held.entry_id)
    accepted((await apply(connection, ending))[0])
    wallet = (await ledger.balances(connection, [WALLET.id]))[WALLET.id]
    assert (wallet.balance, wallet.credits_pending) == (0, 0)
    entry = await ledger.entry(connection, ending.entry_id)
    assert entry is not None
    assert (entry.command, entry.kind, entry.status) == (ending, kind, EntryStatus.VOID)


async def test_a_batch_of_refusals_writes_nothing(connection: Connection) -> None:
    results = await apply(connection, transfer(WALLET, BANK, 1), ledger.Void(uuid4(), uuid4()))
    assert [rejection(result) for result in results] == [Rejection.INSUFFICIENT_FUNDS, Rejection.UNKNOWN_ENTRY]
    assert await connection.fetchval("SELECT count(*) FROM ledger_entries") == 0


async def test_a_key_is_found_under_another_id(connection: Connection) -> None:
    first = transfer(BANK, WALLET, 1, idempotency_key="k")
    accepted((await apply(connection, first))[0])
    again = structs.replace(first, entry_id=uuid4())
    assert await apply(connection, again) == [Accepted(first.entry_id, repeated=True)]


async def test_a_key_is_found_even_if_its_entry_moved_other_accounts(connection: Connection) -> None:
    accepted((await apply(connection, transfer(BANK, WALLET, 1, idempotency_key="k")))[0])
    other = transfer(INCOME, INCOME, 1, idempotency_key="k")
    assert await apply(connection, other) == [ledger.Rejected(Rejection.CONTENT_DIFFERS, "lines")]


async def test_linked_commands_are_written_together_or_not_at_all(connection: Connection) -> None:
    good, bad = transfer(BANK, WALLET, 5), transfer(WALLET, BANK, 6)
    async with connection.transaction():
        refused = await ledger.apply_linked(connection, [good, bad], NOW)
    assert [rejection(result) for result in refused] == [
        Rejection.LINKED_COMMAND_REJECTED,
        Rejection.INSUFFICIENT_FUNDS,
    ]
    async with connection.transaction():
        taken = await ledger.apply_linked(connection, [good, structs.replace(bad, lines=lines(WALLET, BANK, 5))], NOW)
    assert taken == [Accepted(good.entry_id), Accepted(bad.entry_id)]


async def test_a_book_takes_decisions_between_load_and_write(connection: Connection) -> None:
    own = [transfer(BANK, WALLET, 7), transfer(WALLET, INCOME, 7)]
    wanted = ledger.wanted_by(own[:1]) | ledger.wanted_by(own[1:])
    async with connection.transaction():
        book = await ledger.load(connection, wanted)
        for command in own:
            accepted(book.apply(command, NOW))
        await ledger.write(connection, book)
    assert (await ledger.balances(connection, [INCOME.id]))[INCOME.id].balance == 7


async def test_opening_an_account_again_changes_nothing(connection: Connection) -> None:
    accepted((await apply(connection, transfer(BANK, WALLET, 5)))[0])
    await ledger.open_accounts(connection, [WALLET])
    assert (await ledger.balances(connection, [WALLET.id]))[WALLET.id].balance == 5


async def test_an_account_open_with_other_properties_is_named(connection: Connection) -> None:
    child = replace(BANK, entity_id="child", parent_id=BANK.id)
    await ledger.open_accounts(connection, [child])
    for other in (replace(BANK, currency="USD"), replace(BANK, stripes=2), replace(child, parent_id=None)):
        with pytest.raises(ledger.AccountDiffersError, match=other.id):
            await ledger.open_accounts(connection, [other])
    orphan = replace(BANK, entity_id="orphan", parent_id="ASSET:NO:SUCH:ACCOUNT")
    with pytest.raises(ledger.AccountDiffersError, match="parent_id is None"):
        await ledger.open_accounts(connection, [orphan])


async def test_the_status_of_an_account_holds_for_the_next_batch(connection: Connection) -> None:
    await ledger.set_account_status(connection, WALLET.id, AccountStatus.FROZEN)
    assert rejection((await apply(connection, transfer(BANK, WALLET, 1)))[0]) is Rejection.ACCOUNT_FROZEN
    with pytest.raises(ledger.UnknownAccountError):
        await ledger.set_account_status(connection, "ASSET:NO:SUCH:ACCOUNT", AccountStatus.FROZEN)


async def test_who_waited_for_an_account_sees_the_status_that_was_set_meanwhile(
    connection: Connection, database: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    async with database.acquire() as other:
        operator = connection.transaction()
        await operator.start()
        await ledger.set_account_status(connection, WALLET.id, AccountStatus.FROZEN)
        waiting = asyncio.create_task(apply(other, transfer(BANK, WALLET, 1)))
        await _until_blocked(connection, other)
        await operator.commit()
        assert rejection((await waiting)[0]) is Rejection.ACCOUNT_FROZEN


async def test_the_same_entry_from_two_writers_is_written_once(
    connection: Connection, database: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    payin = transfer(BANK, WALLET, 5)
    async with database.acquire() as other:
        first = connection.transaction()
        await first.start()
        accepted((await ledger.apply(connection, [payin], NOW))[0])
        waiting = asyncio.create_task(apply(other, payin))
        await _until_blocked(connection, other)
        await first.commit()
        assert await waiting == [Accepted(payin.entry_id, repeated=True)]


async def test_one_id_on_different_accounts_at_once_meets_on_the_key(
    connection: Connection, database: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    payin = transfer(BANK, WALLET, 5)
    other_content = structs.replace(payin, lines=lines(INCOME, INCOME, 5))
    async with database.acquire() as other:
        first = connection.transaction()
        await first.start()
        accepted((await ledger.apply(connection, [payin], NOW))[0])
        waiting = asyncio.create_task(apply(other, other_content))
        await _until_blocked(connection, other)
        await first.commit()
        with pytest.raises(asyncpg.UniqueViolationError):
            await waiting
        retried = await apply(other, other_content)
    assert retried == [ledger.Rejected(Rejection.CONTENT_DIFFERS, "lines")]


async def test_a_target_committed_while_we_waited_for_an_account_is_not_there_yet(
    connection: Connection, database: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    held = hold(BANK, WALLET, 5)
    async with database.acquire() as other:
        first = connection.transaction()
        await first.start()
        accepted((await ledger.apply(connection, [held], NOW))[0])
        commands: list[Command] = [ledger.Void(uuid4(), held.entry_id), transfer(BANK, INCOME, 1)]
        waiting = asyncio.create_task(apply(other, *commands))
        await _until_blocked(connection, other)
        await first.commit()
        results = await waiting
        assert rejection(results[0]) is Rejection.UNKNOWN_ENTRY
        accepted(results[1])
        accepted((await apply(other, commands[0]))[0])


async def test_stripes_are_written_apart_and_read_as_one(connection: Connection) -> None:
    pot = replace(INCOME, entity_id="striped", stripes=4)
    await ledger.open_accounts(connection, [pot])
    held = hold(BANK, pot, 3)
    accepted((await apply(connection, held, stripe=1))[0])
    for stripe in range(6):
        accepted((await apply(connection, transfer(BANK, pot, 10), stripe=stripe))[0])
    accepted((await apply(connection, ledger.Post(uuid4(), held.entry_id), stripe=2))[0])
    account = (await ledger.balances(connection, [pot.id]))[pot.id]
    assert (account.balance, account.credits_pending, account.line_count) == (63, 0, 8)
    used = await connection.fetchval(
        "SELECT count(*) FROM ledger_balances JOIN ledger_accounts ON ledger_accounts.number = account_number"
        " WHERE id = $1 AND line_count > 0",
        pot.id,
    )
    assert used == 4
    page = await ledger.account_lines(connection, pot.id, limit=3)
    rest = await ledger.account_lines(connection, pot.id, before=page[-1].cursor)
    assert len({(line.entry_id, line.number) for line in [*page, *rest]}) == 8


async def _until_blocked(observer: Connection, other: Connection) -> None:
    """Wait until `other` waits for a lock."""
    async with asyncio.timeout(30):
        while not await observer.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", other.get_server_pid()):
            pass


async def test_a_book_of_nothing_is_empty(connection: Connection) -> None:
    book = await ledger.load(connection, ledger.Wanted())
    assert not book.added
