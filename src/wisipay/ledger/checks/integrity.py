"""The integrity job: run every check, over what is new or over everything, and keep what was found.

What is new is looked at in one transaction that also notes how far it came, so nothing is left out between two runs. A
full run looks at everything, whatever earlier runs noted; each check of it has a reading of its own, so that none
keeps PostgreSQL from tidying up for longer than it takes itself.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from wisipay.ledger.checks.catalogue import CHECKS
from wisipay.ledger.checks.check import EVERYTHING, QUERIES, Check, Span
from wisipay.ledger.checks.findings import Finding, note_findings, note_gone, note_run
from wisipay.ledger.checks.run import run_checks
from wisipay.ledger.difference import Difference
from wisipay.ledger.reading import Reading, reading
from wisipay.ledger.store import Connection

_PREFIX = "check "

MOST_FINDINGS = 1_000
"""Most findings of one check that one run keeps: who has that many needs no longer list."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a check came to. `unacknowledged` are those of its findings that nobody knows of yet."""

    check: str
    found: int
    took: timedelta
    unacknowledged: tuple[Finding, ...]


async def check_new(connection: Connection, now: datetime) -> AsyncIterator[Outcome]:
    """Check what was added since the last time, and yield an outcome for each check.

    The connection must not be in a transaction. What was found is kept, as seen at `now`, when all checks are done.
    Writers that are at work meanwhile are not waited for; what they write is new for the next run.
    """
    async with connection.transaction(isolation="repeatable_read"):
        books = Reading(connection)
        span = Span(since_last=True, after=await connection.fetchval(QUERIES["checked_entries"]) or 0)
        found = [(check, *await _run(books, check, span)) for check in CHECKS]
        await connection.execute(QUERIES["mark_lines"])
        await connection.execute(QUERIES["mark_holds"], span.after)
        await connection.execute(QUERIES["mark_entries"], span.after)
    for check, differences, took in found:
        yield await keep(connection, check.name, differences, now, took=took, full=False)


async def check_everything(connection: Connection, now: datetime) -> AsyncIterator[Outcome]:
    """Check the whole ledger, and yield an outcome after each check. The connection must not be in a transaction.

    What was found before and is not found any more is noted as gone.
    """
    for check in CHECKS:
        async with reading(connection) as books:
            differences, took = await _run(books, check, EVERYTHING)
        yield await keep(connection, check.name, differences, now, took=took, full=True)


async def check_days(connection: Connection, now: datetime) -> Outcome:
    """Compute the daily balances of the days closed last anew, from lines, and compare."""
    (check,) = (check for check in CHECKS if check.name == "daily_balances")
    async with reading(connection) as books:
        differences, took = await _run(books, check, Span(since_last=True, after=0))
    return await keep(connection, check.name, differences, now, took=took, full=False)


async def _run(books: Reading, check: Check, span: Span) -> tuple[list[Difference], timedelta]:
    began = monotonic()
    differences = [each async for each in run_checks(books, [check], span=span, most=MOST_FINDINGS)]
    return differences, timedelta(seconds=monotonic() - began)


async def keep(
    connection: Connection,
    check: str,
    differences: Sequence[Difference],
    now: datetime,
    *,
    took: timedelta = timedelta(0),
    full: bool,
) -> Outcome:
    """Keep what a check found, also one that is none of `CHECKS`, and note its run.

    `full` says that it looked at everything: what it found before and does not find any more is gone.
    """
    async with connection.transaction():
        unacknowledged = await note_findings(connection, differences, now)
        if full and len(differences) < MOST_FINDINGS:
            await note_gone(connection, check, now)
        await note_run(connection, run_name(check), now, took, found=len(differences), full=full)
    return Outcome(check, len(differences), took, tuple(unacknowledged))


def run_name(check: str) -> str:
    """Return the name under which the runs of a check are noted."""
    return _PREFIX + check


def checked(name: str) -> str | None:
    """Return the check whose runs are noted under a name; None if it is that of a job."""
    return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else None
