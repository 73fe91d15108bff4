"""The lines of an account: filters, the other side, and cursors that skip and repeat nothing while writers append."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from support.books import BANK, INCOME, NOW, SPECS, WALLET, hold, lines, transfer
from wisipay import ledger
from wisipay.ledger import EntryKind, EntryStatus, Line, LineFilter
from wisipay.ledger import lines as lines_module
from wisipay.ledger.store import Connection

POT = replace(INCOME, entity_id="pot", stripes=3)
FULL = transfer(BANK, WALLET, 40, external_reference="UTR1", correlation_id="T1", narration="payin")
HELD = hold(WALLET, BANK, 15, narration="payout", external_reference="OUT1", correlation_id="T2")
POSTED = ledger.Post(uuid4(), HELD.entry_id)
VOIDED = hold(WALLET, BANK, 5)
OPEN = hold(WALLET, INCOME, 3)
BACK = transfer(BANK, WALLET, 7, value_date=date(2026, 1, 1))
MANY = ledger.Transfer(uuid4(), (Line(WALLET.id, -30), *(Line(BANK.id, 1) for _ in range(30))))


@pytest.fixture
async def connection(database: asyncpg.Pool[asyncpg.Record]) -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [*SPECS, POT])
        yield connection


@pytest.fixture
async def books(connection: Connection) -> AsyncIterator[ledger.Reading]:
    """Return a reading of an account with a line of every kind, one minute after the other."""
    reversal = ledger.Reverse(uuid4(), FULL.entry_id, allow_below_floor=True)
    history: list[ledger.Command] = [
        FULL,
        HELD,
        POSTED,
        VOIDED,
        ledger.Void(uuid4(), VOIDED.entry_id),
        OPEN,
        BACK,
        MANY,
    ]
    for minute, command in enumerate([*history, reversal]):
        async with connection.transaction():
            (result,) = await ledger.apply(connection, [command], NOW + timedelta(minutes=minute))
        assert isinstance(result, ledger.Accepted), result
    async with ledger.reading(connection) as reading:
        yield reading


async def _found(books: ledger.Reading, wanted: LineFilter | None = None) -> list[UUID]:
    page = await ledger.account_entries(books, WALLET.id, wanted)
    assert page.older is None
    return [line.entry_id for line in page.lines]


async def test_a_line_comes_with_its_entry_its_status_and_the_other_side(books: ledger.Reading) -> None:
    page = await ledger.account_entries(books, WALLET.id)
    by_entry = {line.entry_id: line for line in page.lines}
    full = by_entry[FULL.entry_id]
    assert (full.kind, full.status, full.amount, full.balance_after) == (
        EntryKind.TRANSFER,
        EntryStatus.REVERSED,
        -40,
        -40,
    )
    assert (full.narration, full.external_reference, full.correlation_id) == ("payin", "UTR1", "T1")
    assert (full.posted_at, full.value_day, full.back_dated) == (NOW, date(2026, 1, 5), False)
    assert full.others == (Line(BANK.id, 40),)
    assert (by_entry[BACK.entry_id].value_day, by_entry[BACK.entry_id].back_dated) == (date(2026, 1, 1), True)
    assert len(by_entry[MANY.entry_id].others) == lines_module.OTHERS_MAX
    posted = by_entry[POSTED.entry_id]
    assert (posted.narration, posted.external_reference, posted.correlation_id) == ("payout", "OUT1", "T2")
    statuses = [by_entry[command.entry_id].status for command in (HELD, POSTED, VOIDED, OPEN)]
    assert statuses == [EntryStatus.POSTED, EntryStatus.POSTED, EntryStatus.VOID, EntryStatus.PENDING]


async def test_filters_leave_what_meets_all_of_them(books: ledger.Reading) -> None:
    assert await _found(books, LineFilter(reference="UTR1")) == [FULL.entry_id]
    assert await _found(books, LineFilter(reference="OUT1")) == [POSTED.entry_id, HELD.entry_id]
    assert await _found(books, LineFilter(kinds=frozenset({EntryKind.POST}))) == [POSTED.entry_id]
    assert await _found(books, LineFilter(amount_min=5, amount_max=7)) == [BACK.entry_id, VOIDED.entry_id]
    assert await _found(books, LineFilter(counter_account_id=INCOME.id)) == [OPEN.entry_id]
    assert await _found(books, LineFilter(counter_account_id=WALLET.id)) == []
    assert await _found(books, LineFilter(counter_account_id="ASSET:NO:SUCH:ACCOUNT")) == []
    minute = timedelta(minutes=1)
    assert await _found(books, LineFilter(since=NOW + minute, until=NOW + 3 * minute)) == [
        POSTED.entry_id,
        HELD.entry_id,
    ]
    assert await _found(books, LineFilter(until=NOW + 3 * minute, posted_only=True)) == [
        POSTED.entry_id,
        FULL.entry_id,
    ]
    assert await _found(books, LineFilter(amount_min=5, amount_max=15, posted_only=True, reference="UTR1")) == []


async def test_pages_go_both_ways(books: ledger.Reading) -> None:
    every = await _found(books)
    first = await ledger.account_entries(books, WALLET.id, limit=3)
    second = await ledger.account_entries(books, WALLET.id, limit=3, cursor=first.older)
    back = await ledger.account_entries(books, WALLET.id, limit=3, cursor=second.newer)
    assert [line.entry_id for page in (first, second) for line in page.lines] == every[:6]
    assert back.lines == first.lines
    assert back.older is not None
    assert (await ledger.account_entries(books, WALLET.id, limit=3, cursor=back.older)).lines == second.lines
    newest = await ledger.account_entries(books, WALLET.id, cursor=first.newer)
    assert (newest.lines, newest.newer) == ((), first.newer)


async def test_a_page_ends_where_enough_has_been_looked_at(
    books: ledger.Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "SCAN_MAX", 3)
    rare = LineFilter(reference="UTR1")
    found: list[UUID] = []
    page = await ledger.account_entries(books, WALLET.id, rare, limit=1)
    assert (page.lines, page.older is None) == ((), False)
    for _ in range(3):
        found += [line.entry_id for line in page.lines]
        if page.older is None:
            break
        page = await ledger.account_entries(books, WALLET.id, rare, limit=1, cursor=page.older)
    assert (found or [line.entry_id for line in page.lines]) == [FULL.entry_id]


@pytest.mark.parametrize("cursor", ["", "!", "bzz", "eA", "b" + "_" * 26, "bw" + "A" * 26])
async def test_a_cursor_that_is_none_of_this_account_is_refused(books: ledger.Reading, cursor: str) -> None:
    with pytest.raises(ledger.BadCursorError):
        await ledger.account_entries(books, WALLET.id, cursor=cursor)


async def test_a_cursor_of_another_account_is_refused(books: ledger.Reading) -> None:
    other = await ledger.account_entries(books, BANK.id)
    with pytest.raises(ledger.BadCursorError, match="another account"):
        await ledger.account_entries(books, WALLET.id, cursor=other.newer)


async def _append(database: asyncpg.Pool[asyncpg.Record], stripe: int, written: list[UUID], batches: int) -> None:
    """Write batches whose times are now and then behind those of other stripes."""
    dice = random.Random(stripe)  # noqa: S311 - a seeded history, not a secret
    async with database.acquire() as connection:
        for number in range(batches):
            commands = [ledger.Transfer(uuid4(), lines(BANK, POT, 1)) for _ in range(dice.randint(1, 4))]
            async with connection.transaction():
                moment = NOW + timedelta(seconds=number, milliseconds=dice.randint(0, 900) - 300 * stripe)
                await ledger.apply(connection, commands, moment, stripe=stripe)
                await asyncio.sleep(0)
            written += [command.entry_id for command in commands]


async def _page(
    database: asyncpg.Pool[asyncpg.Record], cursor: str | None, account_id: str = POT.id, limit: int = 4
) -> ledger.LinePage:
    """Read one page on a state of its own, as each request does."""
    async with database.acquire() as connection, ledger.reading(connection) as books:
        return await ledger.account_entries(books, account_id, limit=limit, cursor=cursor)


async def test_pages_skip_and_repeat_nothing_while_writers_append(
    connection: Connection, database: asyncpg.Pool[asyncpg.Record]
) -> None:
    assert connection is not None
    before: list[UUID] = []
    for stripe in range(3):
        await _append(database, stripe, before, 8)
    written: list[UUID] = []
    writers = asyncio.gather(*(_append(database, stripe, written, 20) for stripe in range(3)))
    start = await _page(database, None)
    at_start = len(written)
    older, newer = [line.entry_id for line in start.lines], list[UUID]()
    page = start
    while page.older is not None:
        page = await _page(database, page.older)
        older += [line.entry_id for line in page.lines]
    page = start
    while not writers.done() or page.lines:
        page = await _page(database, page.newer)
        newer += [line.entry_id for line in reversed(page.lines)]
    await writers
    seen = older + newer + [line.entry_id for line in (await _page(database, page.newer, limit=1_000)).lines]
    assert len(seen) == len(set(seen))
    assert set(seen) == {*before, *written}
    assert set(before) <= set(older)
    assert at_start <= len(written)


async def test_a_stream_is_read_in_pieces_and_whole(
    connection: Connection, database: asyncpg.Pool[asyncpg.Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "_FIRST_CHUNK", 3)
    monkeypatch.setattr(lines_module, "_STREAM_CHUNK", 5)
    monkeypatch.setattr("wisipay.ledger.value_dates._CHUNK", 2)
    written: list[UUID] = []
    for stripe in range(3):
        await _append(database, stripe, written, 6)
    dated = [ledger.Transfer(uuid4(), lines(BANK, POT, 1), value_date=date(2026, 1, 2)) for _ in range(5)]
    async with connection.transaction():
        await ledger.apply(connection, dated, NOW + timedelta(minutes=1))
    async with ledger.reading(connection) as books:
        streamed = [line.entry_id async for line in ledger.stream_lines(books, POT.id, LineFilter())]
        statement = await ledger.statement_by_value_date(books, POT.id, date(2026, 1, 1), date(2026, 1, 31))
        valued = [line async for line in statement.lines]
    assert sorted(streamed) == sorted([*written, *(command.entry_id for command in dated)])
    assert {line.line.entry_id for line in valued[:5]} == {command.entry_id for command in dated}
    assert {line.line.balance_after for line in valued[:5]} == {None}
    assert [line.balance for line in valued] == list(range(1, len(streamed) + 1))
