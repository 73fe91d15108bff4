"""Decisions about differences and versions of mappings: noted, audited, and nothing else is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.reconciler import AUTHOR, Reconciler
from support.settlement_files import MAPPING, row, write_csv
from wisipay.core.errors import BadRequest
from wisipay.payments import Kind
from wisipay.reconciliation import (
    Action,
    DifferenceFilter,
    DifferenceKind,
    decide,
    find_mapping,
    list_differences,
    list_runs,
    read_mapping,
    save_mapping,
)
from wisipay.reconciliation.errors import UnusableMapping


async def test_a_difference_is_claimed_accepted_and_opened_again(reconciler: Reconciler, tmp_path: Path) -> None:
    run = (await reconciler.load(write_csv(tmp_path / "day.csv", row("T1"), row("T2")))).run
    first, second = (each.id for each in await reconciler.differences(run.id))
    for action, state, still_listed in (
        (Action.CLAIM, "CLAIMED", [first, second]),
        (Action.ACCEPT, "RESOLVED", [second]),
        (Action.REOPEN, "OPEN", [first, second]),
        (Action.CORRECTED, "RESOLVED", [second]),
    ):
        async with reconciler.pool.acquire() as conn, conn.transaction():
            assert await decide(conn, AUTHOR, [first, 999_999], action, f" because {action} ") == [first]
        assert [each.id for each in await reconciler.differences(run.id)] == still_listed
        decided = (await reconciler.differences(run.id, also_resolved=True))[0]
        assert decided.state == state
        assert decided.note == (None if action is Action.REOPEN else f"because {action}")
    rows = await reconciler.pool.fetch(
        "SELECT entity_id, state_before, state_after FROM audit_log WHERE action = 'reconciliation.decide'"
    )
    assert [each["entity_id"] for each in rows] == [str(first)] * 4
    (accepted,) = (each for each in rows if each["state_after"]["action"] == "ACCEPT")
    assert accepted["state_before"] == {"state": "CLAIMED", "action": "CLAIM", "note": "because CLAIM"}
    assert accepted["state_after"] == {"state": "RESOLVED", "action": "ACCEPT", "note": "because ACCEPT"}


async def test_a_decision_needs_a_note_and_something_to_decide(reconciler: Reconciler) -> None:
    async with reconciler.pool.acquire() as conn, conn.transaction():
        for ids, note in (([1], "  "), ([], "x"), (range(1_001), "x")):
            with pytest.raises(BadRequest, match="has a note"):
                await decide(conn, AUTHOR, ids, Action.ACCEPT, note)


async def test_differences_are_found_by_kind_and_id_and_runs_by_channel(reconciler: Reconciler, tmp_path: Path) -> None:
    await reconciler.paid()
    run = (await reconciler.load(write_csv(tmp_path / "day.csv", row("T1")))).run
    async with reconciler.pool.acquire() as conn:
        (missing,) = await list_differences(conn, DifferenceFilter(kind=DifferenceKind.MISSING))
        (extra,) = await list_differences(conn, DifferenceFilter(run.id, after=0), limit=1)
        assert await list_differences(conn, DifferenceFilter(run.id, ids=[missing.id])) == [missing]
        assert (extra.kind, missing.kind) == (DifferenceKind.EXTRA, DifferenceKind.MISSING)
        assert await list_runs(conn, channel_id="first_acme", before=None, limit=10) == [run]
        assert await list_runs(conn, channel_id=None, before=run.id, limit=10) == []


async def test_a_mapping_is_never_changed_but_followed_by_another_version(reconciler: Reconciler) -> None:
    assert await reconciler.save() == 1  # as it was
    assert await reconciler.save(MAPPING.replace(b"Charge", b"Fee")) == 2
    async with reconciler.pool.acquire() as conn:
        first = await find_mapping(conn, "first", Kind.PAYIN, 1)
        newest = await find_mapping(conn, "first", Kind.PAYIN)
    assert (first.mapping.columns.fee, newest.mapping.columns.fee, newest.author) == ("Charge", "Fee", "cli:asha")
    rows = await reconciler.pool.fetch(
        "SELECT state_before, state_after FROM audit_log WHERE action = 'reconciliation.mapping'"
    )
    befores = {each["state_after"]["version"]: each["state_before"] for each in rows}
    assert (befores[1], befores[2]["version"]) == (None, 1)
    async with reconciler.pool.acquire() as conn:
        with pytest.raises(UnusableMapping, match="no provider 'nobody'"):
            await save_mapping(conn, AUTHOR, "nobody", Kind.PAYIN, read_mapping(MAPPING))
