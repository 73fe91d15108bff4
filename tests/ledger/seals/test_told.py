"""Lines that the sealer tells instead of reading them: what is sealed when they are not as told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.books import BANK, NOW, WALLET, transfer
from support.sealed_books import BACK_DATED, FREE, KEYED, LAST, LATER, TRANSFER, fill, tamper
from wisipay import ledger
from wisipay.core.database import Pool
from wisipay.ledger import checks, seals
from wisipay.ledger.seals import reader, told
from wisipay.ledger.store import Connection


@pytest.fixture
async def connection(database: Pool) -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await fill(connection)
        yield connection


async def _changed(connection: Connection) -> list[str]:
    return [each.id for each in (await seals.verify_chain(connection)).differences]


async def _found(connection: Connection) -> set[str]:
    async with ledger.reading(connection) as books:
        return {each.id async for each in checks.run_checks(books)}


@pytest.mark.parametrize("block_records", [1, 3, 2_048])
async def test_records_are_told_as_they_are_read(connection: Connection, block_records: int) -> None:
    telling, read = told.ToldRecords(connection), reader.RecordReader(connection)
    first = await connection.fetchval("SELECT min(sequence) FROM ledger_account_events")
    last = await connection.fetchval("SELECT max(sequence) FROM ledger_entries")
    for after in range(first - 1, last, block_records):
        piece = after, after + block_records
        assert await telling.between(*piece) == await read.between(*piece)


@pytest.mark.tampers
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM ledger_lines WHERE entry_id = $1",
        "UPDATE ledger_lines SET amount = amount + 1 WHERE entry_id = $1",
        "UPDATE ledger_lines SET balance_after = balance_after + 1 WHERE entry_id = $1",
        "UPDATE ledger_lines SET account_line = account_line + 1000 WHERE entry_id = $1",
    ],
    ids=["deleted", "amount", "balance", "place"],
)
async def test_a_line_falsified_before_it_was_sealed_is_sealed_as_it_should_be(
    connection: Connection, change: str
) -> None:
    await tamper(connection, change, KEYED)
    await seals.seal(connection, NOW)
    assert await _changed(connection) == [str(KEYED)]
    assert str(KEYED) in await _found(connection)


@pytest.mark.tampers
@pytest.mark.parametrize("entry_id", [TRANSFER, LAST], ids=["first", "last"])
async def test_where_the_first_or_last_line_is_false_all_are_sealed_as_they_stand(
    connection: Connection, entry_id: object
) -> None:
    await tamper(connection, "UPDATE ledger_lines SET balance_after = balance_after + 1 WHERE entry_id = $1", entry_id)
    await seals.seal(connection, NOW)
    assert await _changed(connection) == []
    assert str(entry_id) in await _found(connection)


@pytest.mark.tampers
async def test_an_entry_on_a_counter_row_that_is_not_there_is_sealed_as_it_stands(connection: Connection) -> None:
    statement = "UPDATE ledger_{}{} = {} WHERE {} = $1"
    await tamper(connection, statement.format("entries SET balance_numbers", "[1]", 999, "id"), BACK_DATED)
    await tamper(
        connection, statement.format("lines SET balance_number", "", 999, "number = 0 AND entry_id"), BACK_DATED
    )
    await seals.seal(connection, NOW)
    assert await _changed(connection) == []
    assert str(BACK_DATED) in await _found(connection)


@pytest.mark.tampers
async def test_telling_goes_on_from_the_piece_before_also_when_that_had_to_be_read(connection: Connection) -> None:
    await tamper(connection, "DELETE FROM ledger_lines WHERE number = 1 AND entry_id = $1", TRANSFER)
    async with connection.transaction():
        await ledger.apply(connection, [transfer(BANK, WALLET, 1), transfer(BANK, WALLET, 1)], NOW)
    sealed = await seals.seal(connection, NOW, block_records=3)
    assert sealed.blocks > 4
    assert await _changed(connection) == []
    assert {str(LATER), str(FREE)} & await _found(connection) == set()
