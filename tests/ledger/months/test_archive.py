"""Old months go to files, can be read and verified there, and come back; nothing is lost at any step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from support.books import BANK, INCOME, OVERDRAFT, SECOND_WALLET, WALLET, accepted, hold, transfer
from wisipay import ledger
from wisipay.core.ids import new_uuid7
from wisipay.ledger import PostedBy, months, seals
from wisipay.ledger.months import archive, detaching, parquet
from wisipay.ledger.months import archived as reading
from wisipay.ledger.months.manifest import CounterRow, read_manifest
from wisipay.ledger.store import Connection

JANUARY = datetime(2025, 1, 10, 12, tzinfo=UTC)
FEBRUARY = datetime(2025, 2, 10, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class History:
    """Two months of entries: ids by what they are."""

    connection: Connection
    january: UUID
    late: UUID
    held: UUID


async def apply(connection: Connection, moment: datetime, *commands: ledger.Command) -> None:
    async with connection.transaction():
        for result in await ledger.apply(connection, commands, moment):
            accepted(result)


@pytest.fixture
async def history(connection: Connection) -> History:
    """Return entries of January and February: one whose id is older than its posting, and a hold posted in February."""
    await months.create_months(connection, JANUARY, ahead=2)
    first = [transfer(BANK, WALLET, 100 + n, entry_id=new_uuid7(JANUARY)) for n in range(60)]
    await apply(connection, JANUARY, *first)
    gone = hold(BANK, WALLET, 7, entry_id=new_uuid7(JANUARY), metadata={"b": 1, "a": "ü"})
    held = hold(BANK, WALLET, 9, entry_id=new_uuid7(JANUARY), narration="Payout order-9")
    await apply(connection, JANUARY + timedelta(hours=1), gone, held)
    await apply(connection, JANUARY + timedelta(hours=2), ledger.Void(new_uuid7(JANUARY), gone.entry_id))
    await operation(connection, JANUARY + timedelta(hours=3))
    late = transfer(BANK, INCOME, 5, entry_id=new_uuid7(JANUARY))
    await apply(connection, FEBRUARY, late, ledger.Post(new_uuid7(JANUARY), held.entry_id))
    await apply(connection, FEBRUARY, ledger.Reverse(new_uuid7(FEBRUARY), first[0].entry_id))
    return History(connection, first[1].entry_id, late.entry_id, held.entry_id)


async def operation(connection: Connection, moment: datetime) -> None:
    async with connection.transaction():
        (recorded,) = await ledger.record_operations(
            connection,
            [
                ledger.Operation(
                    *("OP1", new_uuid7(moment), ledger.OperationName.TRANSFER, 3, "ops"),
                    debit_account_id=BANK.id,
                    credit_account_id=WALLET.id,
                    metadata={"z": 1, "why": "test"},
                )
            ],
            moment,
        )
    assert isinstance(recorded, ledger.Recorded), recorded


def folders(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def everything(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: sorted(tuple(row) for row in await connection.fetch(f"SELECT t::text FROM {table} AS t"))  # noqa: S608 - names of this test
        for table in ("ledger_entries", "ledger_lines", "ledger_resolutions", "ledger_operations")
    }


async def archived(history: History, folder: Path) -> str:
    period = await months.archive_month(history.connection, folder, LATER)
    assert period is not None
    return period.name


async def test_an_archived_month_leaves_the_database_and_the_rest_reads_as_before(
    history: History, tmp_path: Path
) -> None:
    connection = history.connection
    books = ledger.Reading(connection)
    february = date(2025, 2, 1), date(2025, 2, 28)
    before = await ledger.statement(books, WALLET.id, *february)
    lines = [line async for line in before.lines]
    totals = await ledger.account_totals(books, WALLET.id, *february)
    assert await archived(history, tmp_path) == "2025_01"
    after = await ledger.statement(books, WALLET.id, *february)
    assert (after.opening, after.closing) == (before.opening, before.closing)
    assert [line async for line in after.lines] == lines
    assert "Payout order-9" in {line.line.narration for line in lines}
    assert await ledger.account_totals(books, WALLET.id, *february) == totals
    with pytest.raises(ledger.ArchivedError, match="may be in an archived month"):
        await ledger.entry(connection, history.january)
    assert await ledger.entry(connection, history.late) is not None
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="archived month"):
        await ledger.balances_at(books, [WALLET.id], PostedBy(JANUARY))
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="archived month"):
        await ledger.account_totals(books, WALLET.id, date(2025, 1, 1), date(2025, 2, 28))
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="archived month"):
        await anext(ledger.stream_lines(books, WALLET.id, ledger.LineFilter()))
    end = datetime(2025, 1, 31, 18, 30, tzinfo=UTC)
    page = await ledger.account_entries(books, WALLET.id, limit=1)
    assert (page.older is None, page.archived_until) == (False, None)
    page = await ledger.account_entries(books, WALLET.id)
    assert (page.older, page.archived_until) == (None, end)
    page = await ledger.account_entries(books, WALLET.id, ledger.LineFilter(since=end))
    assert (page.older, page.archived_until) == (None, None)


async def test_a_line_that_counts_after_its_archived_month_is_not_left_out(history: History, tmp_path: Path) -> None:
    early = transfer(OVERDRAFT, SECOND_WALLET, 7, entry_id=new_uuid7(JANUARY), value_date=date(2025, 2, 2))
    await apply(history.connection, JANUARY + timedelta(hours=5), early)
    await archived(history, tmp_path)
    books = ledger.Reading(history.connection)
    found = await ledger.statement_by_value_date(books, SECOND_WALLET.id, date(2025, 2, 1), date(2025, 2, 28))
    with pytest.raises(ledger.ArchivedError, match="entry of a line"):
        [line async for line in found.lines]


async def test_an_archived_id_that_comes_again_is_refused(history: History, tmp_path: Path) -> None:
    await archived(history, tmp_path)
    again = transfer(BANK, WALLET, 101, entry_id=history.january)
    with pytest.raises(asyncpg.CheckViolationError, match="ledger_month_is_archived"):
        await apply(history.connection, LATER, again)
    async with history.connection.transaction():
        (result,) = await ledger.apply(history.connection, [ledger.Reverse(new_uuid7(), history.january)], LATER)
    assert isinstance(result, ledger.Rejected)
    await apply(history.connection, LATER, ledger.Reverse(new_uuid7(LATER), history.late))


async def test_an_archived_month_is_read_from_its_files(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_OF_A_GROUP", 10)
    monkeypatch.setattr(archive, "_AT_ONCE", 7)
    name = await archived(history, tmp_path)
    home = tmp_path / name
    entries = list(months.archived_entries(home))
    assert len(entries) == 64
    assert history.january in {each["id"] for each in entries}
    assert history.late not in {each["id"] for each in entries}
    lines = list(months.archived_lines(home, WALLET.id))
    assert [line.account_line for line in lines] == list(range(1, len(lines) + 1))
    some = list(months.archived_lines(home, WALLET.id, JANUARY + timedelta(hours=1), JANUARY + timedelta(hours=2)))
    assert [line.pending for line in some] == [True, True]
    statement = months.archived_statement(home, WALLET.id, date(2025, 1, 1), date(2025, 1, 31))
    assert (statement.opening, statement.closing, len(statement.lines)) == (0, lines[-1].balance_after, 61)
    nothing = months.archived_statement(home, WALLET.id, date(2025, 1, 1), date(2025, 1, 9))
    assert (nothing.opening, nothing.closing, nothing.lines) == (0, 0, [])
    for first, last in ((date(2024, 12, 31), date(2025, 1, 2)), (date(2025, 1, 2), date(2025, 2, 1))):
        with pytest.raises(months.ArchiveError, match="is not within 2025_01"):
            months.archived_statement(home, WALLET.id, first, last)


@pytest.mark.parametrize("dropped", [False, True], ids=["detached", "dropped"])
async def test_a_restored_month_is_as_it_was(history: History, tmp_path: Path, *, dropped: bool) -> None:
    connection = history.connection
    before = await everything(connection)
    name = await archived(history, tmp_path)
    assert await everything(connection) != before
    if dropped:
        assert await months.drop_detached(connection, tmp_path, name)
        assert not await months.drop_detached(connection, tmp_path, name)
    await months.restore(connection, tmp_path, name)
    assert await everything(connection) == before
    await apply(connection, LATER, ledger.Reverse(new_uuid7(LATER), history.january))
    for table in ("ledger_entries_2025_01", "ledger_lines_2025_01", "ledger_resolutions_2025_01"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this test
    assert await archived(history, tmp_path) == name
    await months.drop_detached(connection, tmp_path, name)
    assert await months.verify_archive(connection, tmp_path, name) == []


async def test_months_are_archived_and_restored_in_order(history: History, tmp_path: Path) -> None:
    connection = history.connection
    before = await everything(connection)
    assert [await archived(history, tmp_path), await archived(history, tmp_path)] == ["2025_01", "2025_02"]
    books = ledger.Reading(connection)
    assert (await ledger.balances_at(books, [INCOME.id], PostedBy(LATER)))[INCOME.id].net == -5
    with pytest.raises(months.ArchiveError, match="2025_02 was archived after"):
        await months.restore(connection, tmp_path, "2025_01")
    await months.restore(connection, tmp_path, "2025_02")
    await months.restore(connection, tmp_path, "2025_01")
    assert await everything(connection) == before
    with pytest.raises(months.ArchiveError, match="is not archived"):
        await months.restore(connection, tmp_path, "2025_01")


async def test_a_month_is_old_enough_and_its_holds_are_closed_and_sealed(history: History, tmp_path: Path) -> None:
    connection = history.connection
    assert await months.archive_month(connection, tmp_path, FEBRUARY) is None
    await apply(connection, JANUARY + timedelta(days=1), hold(OVERDRAFT, SECOND_WALLET, 1, entry_id=new_uuid7(JANUARY)))
    with pytest.raises(months.ArchiveError, match="an open hold"):
        await archived(history, tmp_path)


async def test_nothing_is_archived_that_has_no_seal(history: History, tmp_path: Path) -> None:
    await seals.seal(history.connection, LATER)
    await apply(
        history.connection,
        JANUARY + timedelta(days=1),
        transfer(OVERDRAFT, SECOND_WALLET, 1, entry_id=new_uuid7(JANUARY)),
    )
    with pytest.raises(months.ArchiveError, match="an unsealed entry"):
        await archived(history, tmp_path)


async def test_archived_entries_are_as_they_were_sealed(history: History, tmp_path: Path) -> None:
    connection = history.connection
    await seals.seal(connection, LATER)
    name = await archived(history, tmp_path)
    assert await months.verify_archive(connection, tmp_path, name) == []
    await connection.execute(
        "SET session_replication_role = replica;"
        "UPDATE ledger_seal_blocks"
        " SET digests = overlay(digests PLACING '\\x00'::bytea FROM length(digests) - 32 * 20);"
        "SET session_replication_role = origin"
    )
    (found,) = await months.verify_archive(connection, tmp_path, name)
    assert (found.check, found.subject) == ("archive_seal", "ENTRY")


@pytest.mark.parametrize("where", ["_refuse_more_rows", "_write", "_sync", "exchange"])
async def test_archiving_that_was_cut_off_is_done_again(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    connection = history.connection
    before = await everything(connection)
    done = getattr(archive, where)

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    async def cut_off_later(*arguments: Any) -> None:  # noqa: ANN401 - whatever the step takes
        if where != "exchange":
            await done(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(archive, where, cut_off if where == "_sync" else cut_off_later)
        with pytest.raises(KeyboardInterrupt):
            await archived(history, tmp_path)
    assert await everything(connection) == before
    name = await archived(history, tmp_path)
    assert folders(tmp_path) == [name]
    await months.drop_detached(connection, tmp_path, name)
    await months.restore(connection, tmp_path, name)
    assert await everything(connection) == before


async def test_files_of_an_attempt_that_say_something_else_are_written_anew(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "2025_01"
    with monkeypatch.context() as patched:
        patched.setattr(archive, "exchange", None)
        with pytest.raises(TypeError):
            await archived(history, tmp_path)
    await apply(history.connection, LATER, ledger.Reverse(new_uuid7(LATER), history.january))
    written = (home / "manifest.json").read_bytes()
    await archived(history, tmp_path)
    assert (home / "manifest.json").read_bytes() != written


async def test_a_reversal_while_files_are_written_puts_the_archive_off(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reversed_meanwhile(connection: Connection, *arguments: Any) -> None:  # noqa: ANN401 - whatever the step takes
        await apply(connection, LATER, ledger.Reverse(new_uuid7(LATER), history.january))
        await detaching.exchange(connection, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(archive, "exchange", reversed_meanwhile)
        with pytest.raises(months.ArchiveError, match="reversed meanwhile"):
            await archived(history, tmp_path)
    assert await archived(history, tmp_path) == "2025_01"


@pytest.mark.parametrize("extra", [True, False], ids=["too many", "too few"])
async def test_files_are_compared_with_the_database_before_anything_is_taken_out(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, extra: bool
) -> None:
    rows_of = parquet.rows_of

    def others(folder: Path, name: str) -> Any:  # noqa: ANN401 - rows
        rows = list(rows_of(folder, name))
        return iter([*rows, rows[-1]] if extra and rows else rows[:-1])

    monkeypatch.setattr(parquet, "rows_of", others)
    with pytest.raises(months.ArchiveError, match="has rows that" if extra else "differs from the database"):
        await archived(history, tmp_path)


@pytest.mark.parametrize("file", ["manifest.json", "entries.parquet", "lines.parquet", "missing"])
async def test_files_that_were_changed_are_found_and_not_restored(history: History, tmp_path: Path, file: str) -> None:
    connection = history.connection
    name = await archived(history, tmp_path)
    await months.drop_detached(connection, tmp_path, name)
    if file == "missing":
        (tmp_path / name / "manifest.json").unlink()
    else:
        path = tmp_path / name / file
        text = path.read_bytes()
        changed = text[:40] + bytes([text[40] ^ 1]) + text[41:]
        path.write_bytes(text.replace(b"INR", b"USD").replace(b"PAYIN", b"OTHER") if file.endswith("json") else changed)
    (found,) = await months.verify_archive(connection, tmp_path, name)
    assert (found.check, found.id) == ("archive_files", "2025_01")
    with pytest.raises(months.ArchiveError):
        await months.restore(connection, tmp_path, name)


async def test_totals_that_are_not_those_of_the_lines_are_found(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await archived(history, tmp_path)
    row = CounterRow(BANK.id, 0, 999, 1, 1, 0, 1, 1)
    manifest = read_manifest(tmp_path / name)
    manifest.counter_rows.append(row)
    monkeypatch.setattr(reading, "read_manifest", lambda *_: manifest)
    (found,) = await months.verify_archive(history.connection, tmp_path, name)
    assert (found.check, found.id) == ("archive_totals", BANK.id)
