"""Reading runs: one, the newest, and what came of one. Withdrawing one."""

from __future__ import annotations

from dataclasses import fields, replace

import asyncpg

from wisipay.core.database import Connection
from wisipay.merchants import Author
from wisipay.payments import Kind
from wisipay.reconciliation.errors import UnknownRun
from wisipay.reconciliation.mappings import QUERIES
from wisipay.reconciliation.model import BrokenLine, Run, RunState, Summary

RUNS_LISTED_MAX = 1_000
_BROKEN_SHOWN = 100
_FIELDS = tuple(each.name for each in fields(Run))


def run_of(row: asyncpg.Record | None) -> Run:
    """Build a run from its row, which must be there."""
    assert row is not None  # noqa: S101 - runs are never deleted
    run = Run(*(row[name] for name in _FIELDS))
    return replace(run, kind=Kind(run.kind), state=RunState(run.state))


async def list_runs(conn: Connection, *, channel_id: str | None, before: int | None, limit: int) -> list[Run]:
    """Return up to `limit` runs, at most a thousand, the newest first; `before` is an id to page on from."""
    rows = await conn.fetch(QUERIES["runs"], channel_id, before, min(limit, RUNS_LISTED_MAX))
    return [run_of(row) for row in rows]


async def read_run(conn: Connection, run_id: int) -> Summary:
    """Return what came of a run. Raises UnknownRun."""
    row = await conn.fetchrow(QUERIES["run_by_id"], run_id)
    if row is None:
        raise UnknownRun(run_id)
    return await summary_of(conn, run_of(row))


async def summary_of(conn: Connection, run: Run, *, repeated: bool = False) -> Summary:
    """Return what came of a run."""
    counts = await conn.fetch(QUERIES["counts_of_differences"], run.id)
    broken = await conn.fetch(QUERIES["broken_lines"], run.id, _BROKEN_SHOWN)
    return Summary(
        run=run,
        differences={row["kind"]: row["total"] for row in counts},
        open_differences={row["kind"]: row["still_open"] for row in counts if row["still_open"]},
        broken=tuple(BrokenLine(row["line"], row["problem"]) for row in broken),
        repeated=repeated,
    )


async def withdraw_run(conn: Connection, author: Author, run_id: int) -> Run:
    """Say that a run counts no more, in the caller's transaction: its file may be imported again, for other days.

    Its rows and differences stay where they are, for whoever looks back. Raises UnknownRun.
    """
    row = await conn.fetchrow(QUERIES["lock_run"], run_id)
    if row is None:
        raise UnknownRun(run_id)
    before = run_of(row)
    after = run_of(await conn.fetchrow(QUERIES["set_state"], run_id, RunState.WITHDRAWN.value))
    entity = ("reconciliation_run", str(run_id))
    await author.record(conn, "reconciliation.withdraw", entity, {"state": before.state}, {"state": after.state})
    return after
