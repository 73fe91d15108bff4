"""Chain, journal and checks are whole when old months are in files, and whatever is falsified there is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from support.books import BANK, INCOME, OVERDRAFT, SECOND_WALLET, WALLET, accepted, hold, transfer
from wisipay import ledger
from wisipay.core.ids import new_uuid7
from wisipay.ledger import Difference, checks, daily, months, seals
from wisipay.ledger.months import archived as archived_month
from wisipay.ledger.months import by_time, files, parquet
from wisipay.ledger.months.manifest import MANIFEST, described, read_manifest, sha256_of, write_manifest
from wisipay.ledger.store import Connection

JANUARY = datetime(2025, 1, 30, 12, tzinfo=UTC)
FEBRUARY = datetime(2025, 2, 3, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAME = "2025_01"


@dataclass
class Archived:
    """January in files under `folder`, February in the database; ids by what they are."""

    connection: Connection
    folder: Path
    journal: bytes
    plain: UUID
    held: UUID
    dated: UUID
    free: UUID
    below: UUID

    async def differences(self, folder: Path | None = None, *, most: int = 100) -> list[Difference]:
        """Verify the chain."""
        async with months.all_records(self.connection, folder or self.folder) as records:
            return (await seals.verify_chain(self.connection, records_of=records, differences_max=most)).differences

    async def checked(self) -> list[Difference]:
        """Run all checks, over everything and over what is new."""
        async with ledger.reading(self.connection) as books:
            found = [each async for each in checks.run_checks(books)]
        new = [outcome.check async for outcome in checks.check_new(self.connection, LATER) if outcome.found]
        assert set(new) <= {each.check for each in found}
        return found

    async def tamper(self, statement: str, *arguments: object) -> None:
        """Change what is never changed."""
        await self.connection.execute("SET session_replication_role = replica")
        await self.connection.execute(statement, *arguments)
        await self.connection.execute("SET session_replication_role = origin")

    async def rewrite(self, name: str, change: Callable[[list[Any]], list[Any]]) -> None:
        """Write another file with a manifest that fits, and let the database say that it is the one."""
        home = self.folder / NAME
        rows = list(parquet.rows_of(home, name))
        writer = parquet.Writer(home, name)
        writer.write(change(rows))
        writer.close()
        manifest = read_manifest(home)
        manifest.files[name] = described(home / name, writer.rows)
        write_manifest(manifest, home)
        await self.tamper("UPDATE ledger_archives SET manifest_sha256 = $1", sha256_of(home / MANIFEST))


async def apply(connection: Connection, moment: datetime, *commands: ledger.Command) -> None:
    async with connection.transaction():
        for result in await ledger.apply(connection, commands, moment):
            accepted(result)


async def whole_journal(connection: Connection, records: months.AllRecords | None = None) -> bytes:
    return b"".join([piece async for piece in seals.journal(connection, records)])


@pytest.fixture
async def archived(connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archived:
    """Return books whose January is archived and dropped, in many small pieces of everything."""
    for module, name, value in (
        *((parquet, "ROWS_OF_A_GROUP", 10), (by_time, "LINES_OF_A_PIECE", 20)),
        *((by_time, "_DEALT", 2), (files, "ENTRIES_AT_ONCE", 7)),
    ):
        monkeypatch.setattr(module, name, value)
    await months.create_months(connection, JANUARY, ahead=2)
    plain = [transfer(BANK, WALLET, 100 + n, entry_id=new_uuid7(JANUARY)) for n in range(60)]
    for n in range(0, 60, 20):
        await apply(connection, JANUARY + timedelta(minutes=n), *plain[n : n + 20])
    held = hold(BANK, WALLET, 9, entry_id=new_uuid7(JANUARY), narration="Payout order-9")
    dated = transfer(BANK, WALLET, 6, entry_id=new_uuid7(JANUARY), value_date=date(2025, 1, 2), idempotency_key="key-1")
    only = transfer(OVERDRAFT, SECOND_WALLET, 8, entry_id=new_uuid7(JANUARY), metadata={"b": 1.5, "a": "ü"})
    gone = hold(BANK, WALLET, 4, entry_id=new_uuid7(JANUARY))
    void = ledger.Void(new_uuid7(JANUARY), gone.entry_id)
    within = transfer(INCOME, OVERDRAFT, 38, entry_id=new_uuid7(JANUARY))
    below = transfer(INCOME, OVERDRAFT, 32, entry_id=new_uuid7(JANUARY), allow_below_floor=True)
    await apply(connection, JANUARY + timedelta(hours=1), held, dated, only, gone, void, within, below)
    free = ledger.Operation(
        *("OP1", new_uuid7(JANUARY), ledger.OperationName.TRANSFER, 3, "ops"),
        debit_account_id=BANK.id,
        credit_account_id=WALLET.id,
        metadata={"z": 1, "why": "test"},
    )
    async with connection.transaction():
        (recorded,) = await ledger.record_operations(connection, [free], JANUARY + timedelta(hours=2))
    assert isinstance(recorded, ledger.Recorded), recorded
    await daily.close_days(connection, JANUARY + timedelta(days=1))
    await ledger.set_account_floor(connection, OVERDRAFT.id, -10)  # January's floor was another
    await apply(
        connection,
        FEBRUARY,
        *(ledger.Post(new_uuid7(FEBRUARY), held.entry_id), ledger.Reverse(new_uuid7(FEBRUARY), plain[0].entry_id)),
        transfer(BANK, WALLET, 5, entry_id=new_uuid7(JANUARY)),
    )
    await seals.seal(connection, FEBRUARY, block_records=16)
    journal = await whole_journal(connection)
    assert await months.archive_month(connection, tmp_path, LATER) is not None
    await months.drop_detached(connection, tmp_path, NAME)
    named = (each.entry_id for each in (plain[1], held, dated, free, below))
    return Archived(connection, tmp_path, journal, *named)


async def test_chain_journal_and_checks_are_whole_without_a_month(archived: Archived) -> None:
    connection = archived.connection
    assert await archived.differences() == []
    assert await archived.checked() == []
    async with months.all_records(connection, archived.folder) as records:
        assert await whole_journal(connection, records) == archived.journal
    # An account that has not moved since is in the closed days with what it had, and all goes on from there.
    await apply(connection, FEBRUARY + timedelta(hours=1), transfer(OVERDRAFT, SECOND_WALLET, 1))
    await daily.close_days(connection, FEBRUARY + timedelta(days=1))
    async with ledger.reading(connection) as books:
        (day,) = await daily.daily_balances(books, SECOND_WALLET.id, date(2025, 2, 1), date(2025, 2, 28))
    assert (day.opening, day.closing) == (-8, -9)
    assert await archived.checked() == []
    await archived.tamper("UPDATE ledger_balances SET debits_posted = debits_posted + 1 WHERE number = 1")
    assert {each.check for each in await archived.checked()} == {"trial_balance", "counters"}
    await archived.tamper("UPDATE ledger_balances SET debits_posted = debits_posted - 1 WHERE number = 1")
    await archived.tamper("UPDATE ledger_lines SET balance_after = balance_after + 1 WHERE account_line > 60")
    assert {each.check for each in await archived.checked()} >= {"running_balances"}
    await archived.tamper("UPDATE ledger_lines SET balance_after = balance_after - 1 WHERE account_line > 60")


def _told(found: list[Difference]) -> list[tuple[str, str, str]]:
    return [(each.check, each.subject, each.id) for each in found]


def _with(rows: list[Any], place: int, **columns: object) -> Iterator[Any]:
    """Return the rows of entries or lines, one of them with other values."""
    name = parquet.ENTRIES if len(rows[0]) == len(parquet.SCHEMAS[parquet.ENTRIES]) else parquet.LINES
    for number, row in enumerate(rows):
        if number == place:
            changed = dict(zip(parquet.SCHEMAS[name].names, row, strict=True)) | columns
            yield tuple(changed.values())
        else:
            yield row


async def test_what_is_falsified_in_files_is_named(archived: Archived, monkeypatch: pytest.MonkeyPatch) -> None:
    home = archived.folder / NAME
    written = {path.name: path.read_bytes() for path in home.iterdir()}

    async def back() -> None:
        for name, content in written.items():
            (home / name).write_bytes(content)
        await archived.tamper("UPDATE ledger_archives SET manifest_sha256 = $1", sha256_of(home / MANIFEST))
        assert await archived.differences() == []

    entries = list(months.archived_entries(home))
    for name, change, expected in (
        (
            parquet.ENTRIES,
            lambda rows: list(_with(rows, 1, narration="refund")),
            [("sealed_record_changed", "ENTRY", str(archived.plain))],
        ),
        (
            parquet.ENTRIES,
            lambda rows: rows[:5] + rows[6:],
            [("sealed_record_missing", "ENTRY", str(entries[5]["id"])), ("archive_lines", "MONTH", NAME)],
        ),
        (
            parquet.LINES,
            lambda rows: list(_with(rows, 20, balance_after=1)),
            [("sealed_record_changed", "ENTRY", str(entries[20]["id"]))],
        ),
        (parquet.LINES, lambda rows: [*rows, rows[-1]], [("archive_lines", "MONTH", NAME)]),
        (parquet.OPERATIONS, lambda _: [], [("sealed_record_changed", "ENTRY", str(archived.free))]),
    ):
        await archived.rewrite(name, change)
        found = _told(await archived.differences())
        assert [each for each in found if each[0] != "archive_remains"] == expected, name
        (first,) = _told(await archived.differences(most=1))[:1]
        assert first in found
        month = {each.check for each in await months.verify_archive(archived.connection, archived.folder, NAME)}
        assert month & {"archive_seal", "archive_lines"}
        await back()
    await archived.rewrite(parquet.ENTRIES, lambda rows: [*_with(list(_with(rows, 1, narration="")), 2, kind="POST")])
    monkeypatch.setattr(archived_month, "_DIFFERENCES_MAX", 1)
    assert len(await months.verify_archive(archived.connection, archived.folder, NAME)) == 1
    await back()
    # A file that is not the manifest's is named, and what can be read of it.
    manifest = (home / MANIFEST).read_bytes()
    await archived.rewrite(parquet.ENTRIES, lambda rows: list(_with(rows, 1, narration="refund")))
    (home / MANIFEST).write_bytes(manifest)
    assert set(_told(await archived.differences())) == {
        ("archive_files", "MONTH", NAME),
        ("sealed_record_changed", "ENTRY", str(archived.plain)),
    }
    await back()
    for name in (parquet.ENTRIES, parquet.LINES, MANIFEST):
        (home / name).unlink()
        lost = await archived.differences()
        assert {each.check for each in lost} == {"archive_files"}
        assert len(lost) == (1 if name == MANIFEST else 2)
        await back()
    (home / parquet.LINES).write_bytes(written[parquet.LINES][:-9])
    assert {each.check for each in await archived.differences()} == {"archive_files"}
    await back()
    async with months.all_records(archived.connection, None) as records:
        (without,) = (await seals.verify_chain(archived.connection, records_of=records)).differences
    assert "no folder of archives" in without.message


def _instead(rows: list[Any], _written: list[Any]) -> list[Any]:
    return rows


async def test_endings_in_files_are_those_that_the_entries_say(archived: Archived) -> None:
    rows = list(parquet.rows_of(archived.folder / NAME, parquet.RESOLUTIONS))
    (void,) = (row for row in rows if row[2] == "VOID")
    later = {row[2]: row for row in rows if row != void}
    month = ("archive_endings", "MONTH", NAME)

    def named(kind: str) -> tuple[str, str, str]:
        return "archive_endings", "ENTRY", str(later[kind][1])

    for change, expected in (
        ([], {named("POST"), named("REVERSAL"), month}),
        ([*rows, void], {month}),
        ([*later.values(), (void[0], archived.free, void[2])], {month}),
        ([void, later["POST"]], {named("REVERSAL")}),
        ([void, later["POST"], (archived.free, *later["REVERSAL"][1:])], {named("REVERSAL")}),
    ):
        await archived.rewrite(parquet.RESOLUTIONS, partial(_instead, change))
        assert set(_told(await archived.differences())) == expected, change
    (archived.folder / NAME / parquet.RESOLUTIONS).unlink()
    assert {each.check for each in await archived.differences()} == {"archive_files"}


REMAINS = {
    "DELETE FROM ledger_keys": ("ENTRY", "{dated}"),
    "INSERT INTO ledger_keys VALUES ('rogue', '{plain}')": ("MONTH", "all archived"),
    "UPDATE ledger_operations SET actor = 'nobody'": ("OPERATION", "OP1"),
    "UPDATE ledger_value_dated_lines SET amount = 2 * amount": ("ENTRY", "{dated}"),
    "DELETE FROM ledger_below_floor": ("ENTRY", "{below}"),
    "INSERT INTO ledger_below_floor VALUES ('00000000-0000-7000-8000-000000000000')": ("MONTH", "all archived"),
    "ALTER TABLE ledger_entries_2025_01 DROP CONSTRAINT ledger_month_is_archived;"
    "UPDATE ledger_entries SET narration = 'refund' WHERE id = '{held}'": ("ENTRY", "{held}"),
    "UPDATE ledger_snapshots SET debits_posted = debits_posted + 1 WHERE balance_number = 1": ("ACCOUNT", "{account}"),
}


async def test_what_stays_of_archived_entries_is_compared_with_them(archived: Archived) -> None:
    account = await archived.connection.fetchval("SELECT min(id) FROM ledger_accounts WHERE number = 1")
    words = {name: getattr(archived, name) for name in ("plain", "dated", "held", "below")} | {"account": account}
    for statement, (subject, subject_id) in REMAINS.items():
        transaction = archived.connection.transaction()
        await transaction.start()
        await archived.tamper(statement.format(**words))
        found = await archived.differences()
        assert ("archive_remains", subject, subject_id.format(**words)) in _told(found), statement
        assert {each.check for each in found} == {"archive_remains"}
        await transaction.rollback()
    # What is archived and was never sealed shows where the chain is cut off.
    await archived.tamper("DELETE FROM ledger_seal_blocks WHERE number > 2")
    assert {each.check for each in await archived.differences()} == {"archive_seal"}
    await archived.tamper("DELETE FROM ledger_seal_blocks")
    assert await archived.differences() == []
