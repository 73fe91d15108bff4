"""Whoever has every right on the database changes one row: verification names it, whichever table it is in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.books import BANK, NOW, WALLET, transfer
from support.ledger_tampering import ALL, NAMES
from support.sealed_books import LATER, TRANSFER, fill, tamper
from wisipay import ledger
from wisipay.core.database import Pool
from wisipay.ledger import Difference, checks, seals
from wisipay.ledger.store import Connection

pytestmark = pytest.mark.tampers

BY_CHAIN = ("seal", "record", "published")
"""What checks that are the chain's own are called; a difference of these has to be the first one."""


@pytest.fixture
async def connection(database: Pool) -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await fill(connection)
        await ledger.take_snapshots(connection)
        await seals.seal(connection, NOW, block_records=4)
        yield connection


@pytest.fixture
async def head(connection: Connection) -> seals.Head:
    tail = await seals.chain_tail(connection)
    return seals.Head("statement", tail.block, tail.position, tail.hash)


async def found(connection: Connection, *heads: seals.Head) -> list[Difference]:
    """Return all that verification says: first the chain's differences, then those of the books' own rules."""
    report = await seals.verify_chain(connection, heads)
    async with ledger.reading(connection) as books:
        return [*report.differences, *[each async for each in checks.run_checks(books)]]


async def test_books_that_nobody_touched_are_right(connection: Connection, head: seals.Head) -> None:
    assert head.block > 4
    assert await found(connection, head) == []


@pytest.mark.parametrize("name", ALL)
async def test_a_falsified_row_is_named(connection: Connection, head: seals.Head, name: str) -> None:
    sql, (check, subject, identity) = ALL[name]
    for statement in sql.format(**NAMES).split(";"):
        await connection.execute(
            "ALTER TABLE ledger_seal_blocks DROP CONSTRAINT IF EXISTS ledger_seal_blocks_number_check"
        )
        await tamper(connection, statement)
    identity = identity.format(last_block=head.block, next_block=head.block + 1)
    differences = [(each.check, each.subject, each.id) for each in await found(connection, head)]
    expected = (check, subject, identity)
    assert expected in differences
    if check.startswith(BY_CHAIN):
        assert differences[0] == expected


async def test_every_table_of_the_ledger_is_falsified_here(connection: Connection) -> None:
    tables = await connection.fetch(
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'ledger%'
            AND relkind IN ('r', 'p') AND NOT relispartition
        """
    )
    falsified = " ".join(sql for sql, _ in ALL.values())
    elsewhere = {"ledger_below_floor", "ledger_closed_days", "ledger_daily_balances", "ledger_archives"}
    of_checks = ("ledger_findings", "ledger_runs", "ledger_checked")  # what they found, and how far they have looked
    missing = {row["relname"] for row in tables if f"{row['relname']} " not in falsified}
    assert {name for name in missing - elsewhere if not name.startswith(of_checks)} == set()


async def test_a_chain_that_was_made_anew_contradicts_what_was_published(
    connection: Connection, head: seals.Head, tmp_path: Path
) -> None:
    private, public = seals.new_head_key()
    seals.publish_head(tmp_path, await seals.chain_tail(connection), NOW.date(), NOW, private)
    await tamper(connection, "UPDATE ledger_entries SET narration = 'other' WHERE id = $1", TRANSFER)
    await tamper(connection, "DELETE FROM ledger_seal_blocks")
    await seals.seal(connection, NOW, block_records=4)
    assert (await seals.verify_chain(connection)).differences == []  # the books alone don't show it
    published = seals.read_heads(tmp_path, public)
    (difference,) = (await seals.verify_chain(connection, published.heads())).differences
    assert (difference.check, difference.subject, difference.id) == ("published_head", "SEAL", str(head.block))
    assert "made anew at or before this block" in difference.message


async def test_a_chain_made_anew_at_the_end_agrees_with_the_heads_before(
    connection: Connection, head: seals.Head
) -> None:
    async with connection.transaction():
        await ledger.apply(connection, [transfer(BANK, WALLET, 1)], NOW)
    await seals.seal(connection, NOW)
    tail = await seals.chain_tail(connection)
    await tamper(connection, "UPDATE ledger_seal_blocks SET sealed_at = now() WHERE number = $1", tail.block)
    later = seals.Head("second", tail.block, tail.position, bytes(32))
    differences = (await seals.verify_chain(connection, [head, later])).differences
    assert [(each.check, each.id) for each in differences] == [
        ("seal_block_changed", str(tail.block)),
        ("published_head", str(tail.block)),
    ]


async def test_several_differences_come_in_the_chain_s_order_and_stop_at_the_limit(connection: Connection) -> None:
    await tamper(connection, "UPDATE ledger_entries SET narration = 'other' WHERE id IN ($1, $2)", LATER, TRANSFER)
    report = await seals.verify_chain(connection)
    assert [each.id for each in report.differences] == [str(TRANSFER), str(LATER)]
    first = await seals.verify_chain(connection, differences_max=1)
    assert [each.id for each in first.differences] == [str(TRANSFER)]
    assert first.tail.position < report.tail.position
