"""What checks found, kept until somebody has dealt with it, and when each check and job of the ledger ran last.

Decides when a finding is over: when a full check does not see it any more, never because time passed or because
somebody knows of it. Acknowledging stops the alarm, not the finding. Nothing here is ever deleted.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import asyncpg

from wisipay.ledger.checks.check import QUERIES
from wisipay.ledger.difference import Difference
from wisipay.ledger.store import Connection

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference that was found, when it was seen, and who knows of it; `note` is what came of it, in their words."""

    id: int
    check: str
    subject: str
    subject_id: str
    message: str
    first_seen_at: datetime
    last_seen_at: datetime
    gone_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class OpenFindings:
    """How many findings of a check are still there, and how many of those nobody has acknowledged."""

    there: int
    unacknowledged: int


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of a check or job; `clean_at` is the last that found nothing, `full_at` the last over all."""

    name: str
    ended_at: datetime
    took: timedelta
    found: int
    clean_at: datetime | None
    full_at: datetime | None


async def note_findings(connection: Connection, differences: Sequence[Difference], now: datetime) -> list[Finding]:
    """Keep what was found, and return those findings that nobody has acknowledged."""
    rows = await connection.fetch(
        QUERIES["note_findings"],
        [each.check for each in differences],
        [each.subject for each in differences],
        [each.id for each in differences],
        [each.message for each in differences],
        now,
    )
    return [finding for finding in map(_finding, rows) if finding.acknowledged_at is None]


async def note_gone(connection: Connection, check: str, seen_at: datetime) -> None:
    """Note as gone what a full run of a check, whose findings were noted at `seen_at`, did not find any more."""
    await connection.execute(QUERIES["note_gone"], check, seen_at)


async def findings(connection: Connection, *, also_gone: bool = False) -> AsyncIterator[Finding]:
    """Yield findings in order of their first sight: those still there, or all there ever were."""
    after = 0
    while rows := await connection.fetch(QUERIES["findings"], also_gone, after, _PAGE):
        for row in rows:
            yield _finding(row)
        after = rows[-1]["id"]


async def acknowledge(
    connection: Connection, finding_ids: Sequence[int], actor: str, note: str, now: datetime
) -> list[Finding]:
    """Say that `actor` knows of these findings; returns those that nobody had acknowledged before."""
    return [_finding(row) for row in await connection.fetch(QUERIES["acknowledge"], finding_ids, actor, note, now)]


async def open_findings(connection: Connection) -> dict[str, OpenFindings]:
    """Return how many findings are still there, by check; a check without any is left out."""
    rows = await connection.fetch(QUERIES["open_findings"])
    return {row["check_name"]: OpenFindings(row["there"], row["unacknowledged"]) for row in rows}


async def note_run(
    connection: Connection, name: str, ended_at: datetime, took: timedelta, *, found: int = 0, full: bool = False
) -> None:
    """Note that a check or job ran; the one before of this name is forgotten."""
    await connection.execute(QUERIES["note_run"], name, ended_at, took, found, full)


async def runs(connection: Connection) -> dict[str, Run]:
    """Return the last run of each check and job that ever ran, by name."""
    return {row["name"]: Run(*row) for row in await connection.fetch(QUERIES["runs"])}


_COLUMNS = tuple("check_name" if each.name == "check" else each.name for each in fields(Finding))


def _finding(row: asyncpg.Record) -> Finding:
    return Finding(*map(row.__getitem__, _COLUMNS))
