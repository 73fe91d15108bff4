"""Sealing: one gap-free order, whatever writers do meanwhile; a sealer that dies is followed by one that goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from support.books import BANK, INCOME, NOW, SPECS, WALLET, transfer
from support.sealed_books import ENTRIES, TRANSFER, fill, tamper
from support.waiting import until
from wisipay import ledger
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.ledger import checks, seals
from wisipay.ledger.store import Connection


@pytest.fixture
async def connection(database: Pool) -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        yield connection


async def test_everything_is_sealed_once_and_verifies(connection: Connection) -> None:
    await fill(connection)
    sealed = await seals.seal(connection, NOW)
    records = await connection.fetchval(
        "SELECT (SELECT count(*) FROM ledger_entries) + (SELECT count(*) FROM ledger_account_events)"
    )
    assert (sealed.records, sealed.blocks, sealed.tail.position) == (records, 1, records)
    again = await seals.seal(connection, NOW)
    assert (again.records, again.blocks, again.tail) == (0, 0, sealed.tail)
    report = await seals.verify_chain(connection)
    assert report.differences == []
    assert (report.records, report.tail) == (records, sealed.tail)


async def test_empty_books_have_an_empty_chain(connection: Connection) -> None:
    assert (await seals.seal(connection, NOW)).tail == seals.Tail()
    assert (await seals.verify_chain(connection)).tail == seals.Tail()


async def test_small_blocks_make_the_same_chain_of_records(connection: Connection) -> None:
    await fill(connection)
    sealed = await seals.seal(connection, NOW, block_records=3)
    assert sealed.blocks > 5
    assert (await seals.verify_chain(connection)).differences == []
    rows = await connection.fetch("SELECT * FROM ledger_seals ORDER BY position")
    assert [row["position"] for row in rows] == list(range(1, sealed.records + 1))
    assert rows[-1]["hash"] == sealed.tail.hash
    assert [row["record"] for row in rows if row["record"] in ENTRIES] == list(ENTRIES)


async def test_numbers_that_nobody_used_are_passed_over(connection: Connection) -> None:
    await fill(connection)
    await seals.seal(connection, NOW)
    await connection.execute(
        "SELECT setval('ledger_entries_sequence_seq', nextval('ledger_entries_sequence_seq') + 50000)"
    )
    await _write(connection, 2)
    sealed = await seals.seal(connection, NOW, block_records=16)
    assert (sealed.records, sealed.blocks) == (2, 1)
    assert (await seals.verify_chain(connection)).differences == []


async def test_the_sealer_refuses_a_callers_transaction(connection: Connection) -> None:
    async with connection.transaction():
        with pytest.raises(ledger.LedgerError, match="transactions of its own"):
            await seals.seal(connection, NOW)


async def test_two_sealers_never_work_at_once(database: Pool, connection: Connection) -> None:
    await fill(connection)
    async with database.acquire() as slow, database.acquire() as writer:
        transaction = writer.transaction()
        await transaction.start()
        await _write_open(writer, BANK, INCOME)
        waiting = asyncio.create_task(seals.seal(slow, NOW, patience_seconds=30))
        await until(lambda: connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
        second = await seals.seal(connection, NOW)
        await transaction.commit()
        assert second.is_busy
        assert (await waiting).records > 0


async def test_what_a_slow_writer_may_still_add_is_waited_for(database: Pool, connection: Connection) -> None:
    await fill(connection)
    await seals.seal(connection, NOW)
    async with database.acquire() as slow, database.acquire() as fast:
        transaction = slow.transaction()
        await transaction.start()
        slow_id = await _write_open(slow, BANK, WALLET)
        async with fast.transaction():
            fast_id = await _write_open(fast, INCOME, *_OTHER)
        early = await seals.seal(connection, NOW, patience_seconds=0)
        assert early.records == 0  # the fast one comes after the slow one in the order
        assert early.waiting_for == (slow.get_server_pid(),)
        await transaction.commit()
    sealed = await seals.seal(connection, NOW)
    assert (sealed.records, sealed.waiting_for) == (2, ())
    order = await connection.fetch("SELECT record FROM ledger_seals ORDER BY position DESC LIMIT 2")
    assert [row["record"] for row in order] == [fast_id, slow_id]


async def test_a_writer_that_gives_up_leaves_no_gap_in_the_positions(database: Pool, connection: Connection) -> None:
    await fill(connection)
    async with database.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await _write_open(other, BANK, WALLET)
        await transaction.rollback()
    await _write(connection, 3)
    sealed = await seals.seal(connection, NOW)
    positions = await connection.fetch("SELECT position FROM ledger_seals ORDER BY position")
    assert [row["position"] for row in positions] == list(range(1, sealed.tail.position + 1))
    assert (await seals.verify_chain(connection)).differences == []


async def test_many_writers_and_a_sealer_at_the_same_time(database: Pool, connection: Connection) -> None:
    await ledger.open_accounts(connection, SPECS)
    written = 0

    async def writer(number: int) -> None:
        nonlocal written
        for turn in range(12):
            async with database.acquire() as own:
                transaction = own.transaction()
                await transaction.start()
                count = 1 + (turn + number) % 5
                await _write_open(own, BANK, (WALLET, INCOME)[number % 2], count)
                if (turn + number) % 4 == 0:
                    await transaction.rollback()
                else:
                    await transaction.commit()
                    written += count

    writers = [asyncio.create_task(writer(number)) for number in range(6)]
    sealed = 0
    while not all(task.done() for task in writers):
        sealed += (await seals.seal(connection, NOW, patience_seconds=1, block_records=8)).records
    await asyncio.gather(*writers)
    sealed += (await seals.seal(connection, NOW)).records
    assert sealed == written + len(SPECS)
    assert (await seals.verify_chain(connection)).differences == []


async def test_a_sealer_killed_anywhere_is_followed_by_one_that_goes_on(
    connection: Connection, settings: Settings
) -> None:
    await ledger.open_accounts(connection, SPECS)
    await _write(connection, 400)
    for _ in range(3):
        before = await _blocks(connection)
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", _SEALING, settings.database_url)
        await _more_blocks(connection, before)
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
        await _write(connection, 5)
    await until(lambda: _seal_when_free(connection))  # the server may take a moment to see that the killed one is gone
    tail = await seals.chain_tail(connection)
    assert tail.position == await connection.fetchval("SELECT count(*) FROM ledger_entries") + len(SPECS)
    assert (await seals.verify_chain(connection)).differences == []


@pytest.mark.tampers
async def test_a_line_that_is_missing_when_it_is_sealed_is_sealed_as_missing(connection: Connection) -> None:
    await fill(connection)
    await tamper(connection, "DELETE FROM ledger_lines WHERE number = 1 AND entry_id = $1", TRANSFER)
    await seals.seal(connection, NOW)
    assert (await seals.verify_chain(connection)).differences == []
    async with ledger.reading(connection) as books:
        found = {(each.check, each.id) async for each in checks.run_checks(books)}
    assert ("lines", str(TRANSFER)) in found


_OTHER = (SPECS[1],)

_SEALING = """
import asyncio, sys, asyncpg
from datetime import UTC, datetime
from wisipay.ledger import seals

async def main():
    connection = await asyncpg.connect(sys.argv[1])
    await seals.seal(connection, datetime.now(UTC), block_records=2)

asyncio.run(main())
"""


async def _write_open(
    connection: Connection, debit: ledger.AccountSpec, credit: ledger.AccountSpec, count: int = 1
) -> object:
    commands: list[ledger.Command] = [transfer(debit, credit, 1) for _ in range(count)]
    results = await ledger.apply(connection, commands, NOW + timedelta(seconds=count))
    assert all(isinstance(result, ledger.Accepted) for result in results), results
    return commands[-1].entry_id


async def _write(connection: Connection, count: int) -> None:
    async with connection.transaction():
        await _write_open(connection, BANK, WALLET, count)


async def _blocks(connection: Connection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM ledger_seal_blocks")
    return count


async def _more_blocks(connection: Connection, than: int) -> None:
    async def are_there() -> bool:
        return await _blocks(connection) > than

    await until(are_there, timeout_seconds=30)


async def _seal_when_free(connection: Connection) -> bool:
    return not (await seals.seal(connection, NOW)).is_busy
