"""What PostgreSQL holds after the writers: the history in its one order, and what should follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from wisipay import ledger
from wisipay.ledger import Line
from wisipay.ledger.rows import entry_of
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

_SEQUENCES = "SELECT id, sequence FROM ledger_entries"
_EVENTS = """
SELECT sequence, account_id, status, min_balance FROM ledger_account_events ORDER BY sequence
"""
_LINES = """
SELECT balance_number, account_line, posted_at, amount, balance_after, pending, entry_id, number
FROM ledger_lines ORDER BY balance_number, account_line
"""


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as it is stored."""

    sequence: int
    entry: ledger.Entry

    @property
    def id(self) -> UUID:
        """The entry's id."""
        return self.entry.command.entry_id


@dataclass(frozen=True, slots=True)
class Controls:
    """An account's status and floor from here on."""

    sequence: int
    account_id: str
    status: str
    floor: int | None


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line as its account sees it."""

    balance_number: int
    account_line: int
    posted_at: datetime
    amount: int
    balance_after: int
    pending: bool
    entry_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class History:
    """Everything, in order."""

    records: Sequence[Written | Controls]
    lines: Sequence[StoredLine]
    accounts: dict[str, ledger.Account]
    net_by_currency: dict[str, int]


async def read_history(connection: Connection, account_ids: Sequence[str]) -> History:
    """Read everything, as of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        sequences: dict[UUID, int] = {row["id"]: row["sequence"] for row in await connection.fetch(_SEQUENCES)}
        entries = map(entry_of, await connection.fetch(QUERIES["read_entries"], list(sequences)))
        written = [Written(sequences[entry.command.entry_id], entry) for entry in entries]
        controls = [Controls(*row) for row in await connection.fetch(_EVENTS)]
        return History(
            sorted([*written, *controls], key=lambda record: record.sequence),
            [StoredLine(*row) for row in await connection.fetch(_LINES)],
            await ledger.balances(connection, account_ids),
            dict((await ledger.trial_balance(connection)).net_by_currency),
        )


def line_faults(history: History) -> list[str]:
    """Return what is wrong with the lines: gaps, running balances, times, and what their entries say of them."""
    faults = []
    said: dict[UUID, tuple[Line, ...]] = {
        record.id: record.entry.lines for record in history.records if isinstance(record, Written)
    }
    told = {
        (record.id, number)
        for record in history.records
        if isinstance(record, Written)
        for number in range(len(record.entry.lines))
    }
    last: StoredLine | None = None
    for line in history.lines:
        if last is None or last.balance_number != line.balance_number:
            place, balance = 0, 0
        else:
            place, balance = last.account_line, last.balance_after
            if line.posted_at < last.posted_at:
                faults.append(f"{line}: earlier than the line before it")
        if line.account_line != place + 1:
            faults.append(f"{line}: the line before it is {place}")
        if line.balance_after != balance + (0 if line.pending else line.amount):
            faults.append(f"{line}: the balance before it was {balance}")
        if (line.entry_id, line.number) not in told:
            faults.append(f"{line}: no entry has it, or it is there twice")
        elif said[line.entry_id][line.number].amount != line.amount:
            faults.append(f"{line}: its entry says {said[line.entry_id][line.number]}")
        told.discard((line.entry_id, line.number))
        last = line
    return faults + [f"line {number} of entry {entry_id} is missing" for entry_id, number in told]
