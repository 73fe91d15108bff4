"""Months are made ahead, no writer ever needs them, and what has no month of its own stays in sight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from support.books import BANK, INCOME, SECOND_WALLET, WALLET, accepted, transfer
from wisipay import ledger
from wisipay.core.ids import new_uuid7
from wisipay.ledger import periods
from wisipay.ledger.months import create_months, in_default, making, partitions
from wisipay.ledger.store import Connection

NOVEMBER = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = ["2026_11", "2026_12", "2027_01", "2027_02"]


async def post(connection: Connection, moment: datetime, entry_id: UUID | None = None, *, count: int = 1) -> UUID:
    """Write entries of that moment; returns the id of the last."""
    commands = [transfer(BANK, WALLET, 5, entry_id=entry_id or new_uuid7(moment)) for _ in range(count)]
    async with connection.transaction():
        for result in await ledger.apply(connection, commands, moment):
            accepted(result)
    return commands[-1].entry_id


async def one(connection: Connection, command: ledger.Command) -> None:
    async with connection.transaction():
        accepted(*await ledger.apply(connection, [command], NOVEMBER))


async def places(connection: Connection) -> set[str]:
    rows = await connection.fetch(
        "SELECT tableoid::regclass::text FROM ledger_entries UNION SELECT tableoid::regclass::text FROM ledger_lines"
    )
    return {row[0] for row in rows}


async def test_this_month_and_three_more_are_made_once(connection: Connection) -> None:
    assert [each.name for each in await create_months(connection, NOVEMBER)] == NAMES
    assert await create_months(connection, NOVEMBER) == []
    assert [each.period.name for each in await partitions(connection)] == NAMES
    assert all(each.bytes > 0 for each in await partitions(connection))
    await post(connection, NOVEMBER)
    assert await places(connection) == {"ledger_entries_2026_11", "ledger_lines_2026_11"}
    assert await in_default(connection) == []


@pytest.mark.usefixtures("written_both_ways")
async def test_an_indian_month_begins_at_its_midnight(connection: Connection) -> None:
    await create_months(connection, NOVEMBER)
    midnight = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
    await post(connection, midnight - timedelta(microseconds=1))
    assert await places(connection) == {"ledger_entries_2026_11", "ledger_lines_2026_11"}
    await post(connection, midnight)
    assert await connection.fetchval("SELECT count(*) FROM ledger_lines_2026_12") == 2
    assert await connection.fetchval("SELECT count(*) FROM ledger_entries_2026_12") == 1


@pytest.mark.usefixtures("written_both_ways")
async def test_writers_need_no_month(connection: Connection) -> None:
    await create_months(connection, NOVEMBER)
    far = await post(connection, NOVEMBER + timedelta(days=500))
    assert await ledger.entry(connection, far) is not None
    assert await places(connection) == {"ledger_entries_default", "ledger_lines_default"}
    assert [(each.check, each.id) for each in await in_default(connection)] == [
        ("rows_in_default_partition", "ledger_entries_default"),
        ("rows_in_default_partition", "ledger_lines_default"),
    ]


async def test_a_month_that_has_begun_in_the_default_partition_stays_there(connection: Connection) -> None:
    first = await post(connection, NOVEMBER)
    assert [each.name for each in await create_months(connection, NOVEMBER)] == NAMES[1:]
    assert await ledger.entry(connection, first) is not None
    assert {each.id for each in await in_default(connection)} == {"ledger_entries_default", "ledger_lines_default"}


async def test_a_large_default_partition_becomes_the_partition_of_history(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "LARGE_BYTES", 0)
    hold = transfer(BANK, WALLET, 9, entry_id=new_uuid7(NOVEMBER), pending=True)
    await one(connection, hold)
    first = await post(connection, NOVEMBER, count=60)
    await one(connection, ledger.Void(new_uuid7(NOVEMBER), hold.entry_id))
    made = await create_months(connection, NOVEMBER)
    assert [each.name for each in made] == ["before_2026_12", *NAMES[1:]]
    assert await in_default(connection) == []
    assert await places(connection) == {"ledger_entries_before_2026_12", "ledger_lines_before_2026_12"}
    assert await ledger.entry(connection, first) is not None
    assert await post(connection, NOVEMBER + timedelta(days=1), first) == first
    await post(connection, NOVEMBER + timedelta(days=2))
    assert await places(connection) == {"ledger_entries_before_2026_12", "ledger_lines_before_2026_12"}
    numbers = [row[0] for row in await connection.fetch("SELECT sequence FROM ledger_entries ORDER BY posted_at")]
    assert len(set(numbers)) == len(numbers)
    assert await create_months(connection, NOVEMBER + timedelta(days=31)) == [periods.named("2027_03")]
    for table in ("ledger_entries", "ledger_lines", "ledger_resolutions"):
        for name in ("before_2026_12", "2026_12", "default"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(f"DELETE FROM {table}_{name}")  # noqa: S608 - names of this test


async def test_history_with_ids_of_another_kind_stays_in_the_default_partition(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "LARGE_BYTES", 0)
    await post(connection, NOVEMBER, UUID(int=uuid4().int | 1 << 127))
    assert [each.name for each in await create_months(connection, NOVEMBER)] == NAMES[1:]
    assert {each.id for each in await in_default(connection)} == {"ledger_entries_default", "ledger_lines_default"}


async def test_a_month_of_which_the_large_default_partition_has_a_row_is_left_out(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "LARGE_BYTES", 0)
    await post(connection, NOVEMBER, new_uuid7(NOVEMBER + timedelta(days=31)))
    made = await create_months(connection, NOVEMBER)
    assert [each.name for each in made] == ["before_2027_01", "2027_01", "2027_02"]


@pytest.mark.parametrize("partition", ["ledger_lines", "ledger_lines_2026_11", "ledger_lines_default"])
async def test_lines_that_do_not_add_up_are_refused_wherever_they_are_put(
    connection: Connection, partition: str
) -> None:
    await create_months(connection, NOVEMBER)
    moment = NOVEMBER if partition != "ledger_lines_default" else NOVEMBER + timedelta(days=900)
    columns = "amount, balance_after, account_line, posted_at, entry_id, balance_number, number, pending"
    values = "5, 5, 1, $1, gen_random_uuid(), 1, 0, FALSE"
    statement = f"INSERT INTO {partition} ({columns}) VALUES ({values})"  # noqa: S608 - names of this test
    with pytest.raises(asyncpg.CheckViolationError, match="debits and credits differ"):
        await connection.execute(statement, moment)


def test_periods_have_names_and_bounds() -> None:
    december = periods.month(2026, 12)
    assert (december.name, december.end) == ("2026_12", datetime(2026, 12, 31, 18, 30, tzinfo=UTC))
    assert periods.named("2026_12") == december
    assert periods.named("before_2026_12") == periods.before(december)
    assert periods.before(december).first_id is None
    assert december.first_id == periods.lowest_id(datetime(2026, 11, 30, 18, 30, tzinfo=UTC))
    assert new_uuid7(NOVEMBER) < december.first_id <= new_uuid7(datetime(2026, 11, 30, 18, 30, tzinfo=UTC))
    with pytest.raises(ValueError, match="2026_11"):
        periods.named("2026-11")
    with pytest.raises(ValueError, match="nothing lies before"):
        periods.before(periods.before(december))


async def test_lines_of_two_months_in_one_batch_go_to_their_own(connection: Connection) -> None:
    await create_months(connection, NOVEMBER)
    midnight = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
    await post(connection, midnight)
    late = [transfer(BANK, WALLET, 5, entry_id=new_uuid7(NOVEMBER))]
    early = [
        transfer(INCOME, SECOND_WALLET, 5, entry_id=new_uuid7(NOVEMBER), allow_below_floor=True) for _ in range(60)
    ]
    async with connection.transaction():
        await ledger.apply(connection, [*late, *early], midnight - timedelta(seconds=1))
    assert await connection.fetchval("SELECT count(*) FROM ledger_lines_2026_11") == 120
    assert await connection.fetchval("SELECT count(*) FROM ledger_lines_2026_12") == 4
