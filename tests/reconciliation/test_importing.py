"""A settlement file against our payments: what matches, what differs, and a file that comes again or half."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.payment_world import NOON
from support.reconciler import AUTHOR, Reconciler
from support.settlement_files import HEADING, MAPPING, inline_rows, row, write_csv, write_xlsx
from wisipay.core.database import Connection
from wisipay.payments import Kind
from wisipay.providers import ProviderStatus, Rejected
from wisipay.reconciliation import Run, RunState, importing, read_run, withdraw_run
from wisipay.reconciliation.errors import RunBusy, RunDiffers, UnknownMapping, UnknownRun, UnreadableFile


async def told(reconciler: Reconciler, run_id: int) -> list[tuple[Any, ...]]:
    return [(each.kind, each.line, each.ours, each.theirs) for each in await reconciler.differences(run_id)]


async def test_rows_match_by_reference_then_provider_reference_then_utr_and_amount(
    reconciler: Reconciler, tmp_path: Path
) -> None:
    paid = [await reconciler.paid() for _ in range(4)]
    path = write_csv(
        tmp_path / "day.csv",
        row(paid[0].id),
        row("", provider=f"P-{paid[1].id}"),
        row("NOTOURS", utr=f"UTR{paid[2].id}"),
        row("", utr=f"UTR{paid[3].id}", amount="999.00"),
    )
    summary = await reconciler.load(path)
    assert (summary.run.state, summary.run.row_count, summary.run.matched_count) == (RunState.MATCHED, 4, 3)
    assert (summary.run.file_paise, summary.run.matched_paise) == (399_900, 300_000)
    assert await told(reconciler, summary.run.id) == [("EXTRA", 5, None, "SUCCESS"), ("MISSING", None, "SUCCESS", None)]
    extra, missing = await reconciler.differences(summary.run.id)
    assert (extra.utr, extra.amount, extra.transaction_id) == (f"UTR{paid[3].id}", "999.00", None)
    assert (missing.reference, missing.amount) == (paid[3].id, "1000.00")


async def test_every_difference_is_told_with_both_sides(reconciler: Reconciler, tmp_path: Path) -> None:
    paid = [await reconciler.paid() for _ in range(4)]
    still_open = await reconciler.desks.accepted(Kind.PAYIN)
    path = write_csv(
        tmp_path / "day.csv",
        row(paid[0].id, amount="1000.01"),
        row(paid[1].id, fee="0.60"),
        row(paid[2].id, state="Failed", fee="0"),
        row(paid[3].id),
        row(paid[3].id),
        row(still_open.id),
        row("NOTOURS"),
    )
    summary = await reconciler.load(path)
    assert await told(reconciler, summary.run.id) == [
        ("AMOUNT", 2, "1000.00", "1000.01"),
        ("FEE", 3, "0.59", "0.69"),
        ("STATUS", 4, "SUCCESS", "FAILED"),
        ("DUPLICATE", 6, "line 5", "SUCCESS"),
        ("STATUS", 7, "PENDING", "SUCCESS"),
        ("EXTRA", 8, None, "SUCCESS"),
    ]
    assert summary.differences == {"AMOUNT": 1, "DUPLICATE": 1, "EXTRA": 1, "FEE": 1, "STATUS": 2}
    assert summary.open_differences == summary.differences


async def test_a_call_that_was_given_up_and_yet_paid_is_a_difference(reconciler: Reconciler, tmp_path: Path) -> None:
    await reconciler.desks.fund(1_000_000)
    await reconciler.save(kind=Kind.PAYOUT)
    opened = await reconciler.desks.opened(Kind.PAYOUT)
    failed = await reconciler.desks.answer(
        opened, Rejected("NO", "no", sent=True), remaining=reconciler.desks.open_command(Kind.PAYOUT).candidates[1:]
    )
    assert failed.attempt == 2
    path = write_csv(tmp_path / "day.csv", row(opened.id), row(failed.reference))
    summary = await reconciler.load(path, Kind.PAYOUT)
    # The second call was another channel's, whose file this is not.
    assert await told(reconciler, summary.run.id) == [
        ("STATUS", 2, "FAILED", "SUCCESS"),
        ("EXTRA", 3, None, "SUCCESS"),
    ]


async def test_a_further_call_is_known_by_its_own_reference(reconciler: Reconciler, tmp_path: Path) -> None:
    await reconciler.desks.fund(1_000_000)
    await reconciler.save(kind=Kind.PAYOUT)
    first, second = reconciler.desks.open_command(Kind.PAYOUT).candidates
    opened = await reconciler.desks.opened(Kind.PAYOUT, candidates=(second, first))
    failed = await reconciler.desks.answer(opened, Rejected("NO", "no", sent=True), remaining=(first,))
    heard = await reconciler.desks.hear(failed, ProviderStatus.SUCCESS)
    assert heard.transaction is not None
    summary = await reconciler.load(write_csv(tmp_path / "day.csv", row(f"{opened.id}A2")), Kind.PAYOUT)
    assert (summary.run.matched_count, summary.differences) == (1, {})


async def test_a_payment_that_came_back_stands_twice_and_the_last_word_counts(
    reconciler: Reconciler, tmp_path: Path
) -> None:
    await reconciler.desks.fund(1_000_000)
    await reconciler.save(kind=Kind.PAYOUT)
    paid = await reconciler.paid(Kind.PAYOUT)
    await reconciler.desks.hear(paid, ProviderStatus.REVERSED)
    path = write_csv(tmp_path / "day.csv", row(paid.id), row(paid.id, state="Returned"))
    assert (await reconciler.load(path, Kind.PAYOUT)).differences == {}


async def test_the_same_file_again_is_the_same_run(reconciler: Reconciler, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "day.csv", row("NOTOURS"))
    first = await reconciler.load(path)
    again = await reconciler.load(path.rename(tmp_path / "another name.csv"))
    assert (again.repeated, again.run) == (True, first.run)
    assert await reconciler.pool.fetchval("SELECT count(*) FROM audit_log WHERE action = 'reconciliation.import'") == 1
    with pytest.raises(RunDiffers, match=f"run {first.run.id}, for 2026-11-22"):
        await reconciler.load(tmp_path / "another name.csv", days=1)


async def test_a_withdrawn_file_may_be_imported_again_and_counts_no_more(
    reconciler: Reconciler, tmp_path: Path
) -> None:
    paid = await reconciler.paid()
    path = write_csv(tmp_path / "day.csv", row(paid.id))
    first = await reconciler.load(path)
    async with reconciler.pool.acquire() as conn, conn.transaction():
        assert (await withdraw_run(conn, AUTHOR, first.run.id)).state is RunState.WITHDRAWN
        with pytest.raises(UnknownRun):
            await withdraw_run(conn, AUTHOR, 999_999)
        with pytest.raises(UnknownRun):
            await read_run(conn, 999_999)
    second = await reconciler.load(path, days=1)
    assert (second.repeated, second.differences, second.run.matched_count) == (False, {}, 1)
    assert second.run.id != first.run.id


async def test_a_payment_of_an_earlier_file_is_a_duplicate_and_a_later_file_finds_a_missing_one(
    reconciler: Reconciler, tmp_path: Path
) -> None:
    early, late = await reconciler.paid(), await reconciler.paid()
    first = await reconciler.load(write_csv(tmp_path / "1.csv", row(early.id)))
    assert await told(reconciler, first.run.id) == [("MISSING", None, "SUCCESS", None)]
    second = await reconciler.load(write_csv(tmp_path / "2.csv", row(late.id), row(early.id)), days=1)
    assert await told(reconciler, second.run.id) == [("DUPLICATE", 3, f"run {first.run.id}, line 2", "SUCCESS")]
    (missing,) = await reconciler.differences(first.run.id)
    assert (missing.found_in_run_id, missing.state) == (second.run.id, "OPEN")


async def test_a_killed_import_goes_on_where_it_was(
    reconciler: Reconciler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 2)
    path = write_csv(tmp_path / "day.csv", *(row(f"T{number}") for number in range(5)), row("T9", amount="odd"))
    store = importing.store_chunk
    stored: list[importing.Chunk] = []

    async def dies_at_the_second(conn: Connection, run: Run, chunk: importing.Chunk) -> Run:
        if stored:
            raise ConnectionError
        stored.append(chunk)
        return await store(conn, run, chunk)

    with monkeypatch.context() as killed:
        killed.setattr(importing, "store_chunk", dies_at_the_second)
        with pytest.raises(ConnectionError):
            await reconciler.load(path)
    assert await reconciler.pool.fetchval("SELECT loaded_to_line FROM reconciliation_runs") == 3
    summary = await reconciler.load(path)
    assert (summary.run.row_count, summary.run.broken_count, summary.run.loaded_to_line) == (5, 1, 7)
    assert [(each.line, each.problem[:10]) for each in summary.broken] == [(7, "the amount")]
    assert summary.differences == {"EXTRA": 5}


async def test_a_killed_matching_is_done_again(
    reconciler: Reconciler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> None:
        raise ConnectionError

    path = write_csv(tmp_path / "day.csv", row("T1"))
    with monkeypatch.context() as killed:
        killed.setattr(importing, "match", dies)
        with pytest.raises(ConnectionError):
            await reconciler.load(path)
    assert await reconciler.pool.fetchval("SELECT state FROM reconciliation_runs") == "LOADED"
    assert (await reconciler.load(path)).differences == {"EXTRA": 1}


async def test_a_file_is_imported_by_one_at_a_time(
    reconciler: Reconciler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "day.csv", row("T1"))
    store = importing.store_chunk

    async def while_another_tries(conn: Connection, run: Run, chunk: importing.Chunk) -> Run:
        with pytest.raises(RunBusy):
            await reconciler.load(path)
        return await store(conn, run, chunk)

    monkeypatch.setattr(importing, "store_chunk", while_another_tries)
    assert (await reconciler.load(path)).run.state is RunState.MATCHED


async def test_too_many_broken_lines_stop_the_import_until_the_mapping_is_right(
    reconciler: Reconciler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BROKEN_MAX", 2)
    path = write_csv(tmp_path / "day.csv", *(row(f"T{number}", state="Done") for number in range(3)), row("T4"))
    broken = await reconciler.load(path)
    assert (broken.run.state, len(broken.broken), broken.differences) == (RunState.BROKEN, 3, {})
    assert await reconciler.pool.fetchval("SELECT count(*) FROM reconciliation_rows") == 0
    assert await reconciler.save(MAPPING.replace(b'"Settled"', b'"Done": "SUCCESS", "Settled"')) == 2
    mended = await reconciler.load(path)
    assert (mended.run.id, mended.run.state, mended.run.row_count) == (broken.run.id, RunState.MATCHED, 4)
    assert (mended.run.mapping_version, mended.run.broken_count, mended.broken) == (2, 0, ())


async def test_an_xlsx_is_read_like_a_csv(reconciler: Reconciler, tmp_path: Path) -> None:
    paid = await reconciler.paid()
    path = write_xlsx(tmp_path / "day.xlsx", inline_rows(HEADING, row(paid.id), row("NOTOURS"), row("", state="")))
    summary = await reconciler.load(path)
    assert (summary.run.matched_count, summary.run.row_count, summary.run.broken_count) == (1, 2, 1)


async def test_a_heading_further_down_and_rows_that_do_not_count(reconciler: Reconciler, tmp_path: Path) -> None:
    await reconciler.save(
        b'{"columns": {"utr": "UTR", "amount": "Amount"}, "headerRow": 3, "only": {"State": ["Settled"]}}'
    )
    path = write_csv(tmp_path / "day.csv", [""], HEADING, row(utr="U1"), row(utr="U2", state="Fee"), heading=["Report"])
    summary = await reconciler.load(path)
    assert (summary.run.row_count, summary.run.skipped_count) == (1, 1)


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"", "no line 1"), (b"A,B\n", "no column"), (b"x" * 140_000, "the heading, line 1, is no CSV")],
)
async def test_a_file_without_the_heading_is_refused(
    reconciler: Reconciler, tmp_path: Path, content: bytes, fault: str
) -> None:
    path = tmp_path / "day.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=fault):
        await reconciler.load(path)


async def test_a_file_that_could_not_be_begun_is_read_by_the_newest_mapping(
    reconciler: Reconciler, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "day.csv", ["T1", "5"], heading=["Their Ref", "Net"])
    with pytest.raises(UnreadableFile, match="no column"):
        await reconciler.load(path)
    await reconciler.save(b'{"columns": {"reference": "Their Ref", "amount": "Net"}}')
    summary = await reconciler.load(path)
    assert (summary.run.state, summary.run.mapping_version, summary.repeated) == (RunState.MATCHED, 2, False)


async def test_what_must_be_there_is_asked_for(
    reconciler: Reconciler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnreadableFile, match="cannot be read"):
        await reconciler.load(tmp_path / "nowhere.csv")
    with pytest.raises(UnknownMapping):
        await reconciler.load(write_csv(tmp_path / "day.csv"), Kind.PAYOUT)
    monkeypatch.setattr(importing, "ROWS_MAX", 1)
    with pytest.raises(UnreadableFile, match="more than 1 rows"):
        await reconciler.load(write_csv(tmp_path / "2.csv", row("T1"), row("T2")))


async def test_the_run_tells_when_and_by_whom(reconciler: Reconciler, tmp_path: Path) -> None:
    run = (await reconciler.load(write_csv(tmp_path / "day.csv", row("T1")))).run
    assert (run.author, run.created_at, run.matched_at, run.file_name) == ("cli:asha", NOON, NOON, "day.csv")
