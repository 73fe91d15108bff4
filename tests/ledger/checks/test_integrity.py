"""The scheduled checks: what is new is looked at once, everything in a full run, and what was found stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from support.books import NOW, accepted, hold, transfer
from support.ledger_damage import OF_ACCOUNTS, OF_ENTRIES, OF_LINES, statement
from support.ledger_history import CASH, DATED, SALES, START, TOP_UP, WALLET, write_history
from wisipay import ledger
from wisipay.ledger import checks
from wisipay.ledger.checks import Outcome
from wisipay.ledger.store import Connection

pytestmark = pytest.mark.tampers

LATER = START + timedelta(days=9)
HOUR = timedelta(hours=1)


@pytest.fixture
async def connection(database: asyncpg.Pool[asyncpg.Record]) -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await write_history(connection)
        yield connection


async def damage(connection: Connection, template: str) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(statement(template))


async def post(connection: Connection, *commands: ledger.Command, now: datetime = LATER) -> None:
    async with connection.transaction():
        for result in await ledger.apply(connection, commands, now):
            accepted(result)


async def new(connection: Connection, now: datetime = LATER) -> dict[str, Outcome]:
    return {each.check: each async for each in checks.check_new(connection, now) if each.found}


async def everything(connection: Connection, now: datetime = LATER) -> dict[str, Outcome]:
    return {each.check: each async for each in checks.check_everything(connection, now) if each.found}


async def test_what_is_new_is_right_run_after_run(connection: Connection) -> None:
    assert await new(connection) == {}
    held = hold(WALLET, SALES, 3)
    await post(connection, transfer(CASH, WALLET, 5_000), held)
    assert await new(connection) == {}
    await post(connection, ledger.Void(uuid4(), held.entry_id), hold(CASH, SALES, 4), transfer(WALLET, SALES, 1))
    await ledger.take_snapshots(connection)
    assert await new(connection) == {}
    assert await new(connection) == {}


@pytest.mark.parametrize("name", [*OF_LINES, *OF_ENTRIES, *OF_ACCOUNTS])
async def test_damage_to_what_is_new_is_found_at_once(connection: Connection, name: str) -> None:
    template, expected = {**OF_ACCOUNTS, **OF_ENTRIES, **OF_LINES}[name]
    await damage(connection, template)
    at_once, at_length = await new(connection), await everything(connection)
    assert at_once.keys() <= at_length.keys() == expected.keys()


async def test_old_damage_is_found_by_a_full_run_and_stays_until_one_is_clean(connection: Connection) -> None:
    assert await new(connection) == {}
    await damage(connection, "UPDATE ledger_lines SET balance_after = 7 WHERE entry_id = '{_TOP_UP}' AND number = 0")
    assert await new(connection) == {}
    found = await everything(connection)
    there = {(each.subject, each.subject_id) for each in found["running_balances"].unacknowledged}
    assert there == {("ENTRY", str(TOP_UP)), ("ENTRY", str(DATED))}  # the line, and the next that goes on from it
    assert await new(connection) == {}
    listed = [each async for each in checks.findings(connection)]
    assert {each.check for each in listed} == {"running_balances"}
    assert (await checks.open_findings(connection))["running_balances"].there == len(listed)
    await damage(connection, "UPDATE ledger_lines SET balance_after = 1000 WHERE entry_id = '{_TOP_UP}' AND number = 0")
    assert await everything(connection, LATER + HOUR) == {}
    assert [each async for each in checks.findings(connection)] == []
    assert [each.gone_at async for each in checks.findings(connection, also_gone=True)] == [LATER + HOUR] * len(listed)
    assert await checks.open_findings(connection) == {}


async def test_an_acknowledged_finding_raises_no_alarm_until_it_comes_back(connection: Connection) -> None:
    wrong = "UPDATE ledger_balances SET line_count = line_count + 1 WHERE number = {_SALES}"
    right = wrong.replace("+ 1", "- 1")
    await damage(connection, wrong)
    (finding,) = (await everything(connection))["counters"].unacknowledged
    assert await checks.acknowledge(connection, [finding.id, 999_999], "me", "known", LATER) != []
    assert await checks.acknowledge(connection, [finding.id], "you", "known", LATER) == []
    again = (await everything(connection, LATER + HOUR))["counters"]
    assert (again.found, again.unacknowledged) == (1, ())
    (listed,) = [each async for each in checks.findings(connection)]
    assert (listed.acknowledged_by, listed.note, listed.last_seen_at) == ("me", "known", LATER + HOUR)
    assert (await checks.open_findings(connection))["counters"] == checks.OpenFindings(1, 0)
    await damage(connection, right)
    assert await everything(connection, LATER + 2 * HOUR) == {}
    await damage(connection, wrong)
    (back,) = (await everything(connection, LATER + 3 * HOUR))["counters"].unacknowledged
    assert (back.id, back.first_seen_at, back.acknowledged_by) == (finding.id, LATER, None)


async def test_a_finding_is_never_deleted(connection: Connection) -> None:
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("DELETE FROM ledger_findings")


async def test_what_is_committed_late_is_looked_at_by_the_next_run(
    database: asyncpg.Pool[asyncpg.Record], connection: Connection
) -> None:
    assert await new(connection) == {}
    async with AsyncExitStack() as stack:
        slow = await stack.enter_async_context(database.acquire())
        async with slow.transaction():
            (result,) = await ledger.apply(slow, [transfer(CASH, SALES, 1, idempotency_key="late")], LATER)
            await slow.execute("SET LOCAL session_replication_role = replica")
            await slow.execute("DELETE FROM ledger_keys WHERE key = 'late'")
            await connection.execute("SELECT nextval('ledger_entries_sequence_seq')")
            assert await new(connection) == {}
    found = await new(connection)
    assert [each.subject_id for each in found["keys"].unacknowledged] == [str(accepted(result).entry_id)]


async def test_a_run_says_when_how_long_and_what_it_found(connection: Connection) -> None:
    await damage(connection, "DELETE FROM ledger_keys WHERE key = 'key 1'")
    await new(connection)
    await everything(connection, LATER + HOUR)
    runs = await checks.runs(connection)
    assert runs.keys() == {checks.run_name(check.name) for check in checks.CHECKS}
    keys, lines = runs["check keys"], runs["check lines"]
    assert (keys.found, keys.clean_at, keys.full_at) == (1, None, LATER + HOUR)
    assert (lines.found, lines.clean_at, lines.ended_at) == (0, LATER + HOUR, LATER + HOUR)
    assert lines.took >= timedelta(0)
    assert checks.checked("check keys") == "keys"
    assert checks.checked("ledger.eod") is None


async def test_a_flood_of_findings_is_cut(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    await damage(connection, "UPDATE ledger_lines SET balance_after = account_line * 1000000")
    monkeypatch.setattr("wisipay.ledger.checks.integrity.MOST_FINDINGS", 3)
    assert (await everything(connection))["running_balances"].found == 3
    await damage(connection, "UPDATE ledger_lines SET balance_after = account_line * 1000001")
    found = (await everything(connection, LATER + HOUR))["running_balances"]
    assert found.found == 3
    listed = [each async for each in checks.findings(connection) if each.check == "running_balances"]
    assert len(listed) == 6  # a run that was cut says nothing about what it did not see


async def test_entries_are_gathered_page_by_page(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisipay.ledger.checks.check.ENTRIES_PAGE", 2)
    assert await everything(connection) == {}
    await damage(connection, "DELETE FROM ledger_lines WHERE entry_id = '{_OPERATED}'")
    assert (await everything(connection))["lines"].found == 2


async def test_the_state_tells_what_is_not_sealed(connection: Connection) -> None:
    state = await checks.ledger_state(connection)
    assert state.unsealed_records > 10
    assert state.oldest_unsealed_at == START
    assert state.open == {}


async def test_balances_below_an_earlier_floor_are_judged_by_the_floor_of_their_time(connection: Connection) -> None:
    await ledger.set_account_floor(connection, WALLET.id, -9_000)
    await post(connection, transfer(WALLET, SALES, 3_000))
    await ledger.set_account_floor(connection, WALLET.id, 100)
    await post(connection, transfer(CASH, WALLET, 9_000), transfer(WALLET, SALES, 500))
    await ledger.set_account_floor(connection, WALLET.id, None)
    await post(connection, transfer(WALLET, SALES, 90_000))
    assert await everything(connection) == {}
    await damage(
        connection, "UPDATE ledger_account_events SET min_balance_before = 200 WHERE min_balance_before = -9000"
    )
    assert (await everything(connection))["floors"].found == 1


def test_names_of_checks_are_words() -> None:
    assert all(check.name.isidentifier() and check.rule for check in checks.CHECKS)
    assert NOW < LATER
