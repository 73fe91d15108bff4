"""Random histories, in random batches: the PostgreSQL store answers and ends exactly as a book in memory."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from support.books import ENTRY_IDS, NOW, SPECS, commands
from support.command_content import content_of
from wisipay import ledger
from wisipay.ledger import Command, Line
from wisipay.ledger.store import Connection

_examples = count(1)


class Renamed:
    """The same accounts, entries and keys under names of their own, so that examples share a database."""

    def __init__(self) -> None:
        self.number = next(_examples)
        self.specs = [replace(spec, entity_id=f"{spec.entity_id}-{self.number}") for spec in SPECS]
        self._names = {old.id: new.id for old, new in zip(SPECS, self.specs, strict=True)}

    def entry_id(self, entry_id: UUID) -> UUID:
        return UUID(int=entry_id.int + (self.number << 64))

    def command(self, command: Command) -> Command:
        content: dict[str, Any] = {"entry_id": self.entry_id(command.entry_id)}
        if isinstance(command, ledger.Transfer | ledger.Post) and command.lines is not None:
            content["lines"] = tuple(Line(self._names.get(name, name), amount) for name, amount in command.lines)
        if not isinstance(command, ledger.Transfer):
            content["target_id"] = self.entry_id(command.target_id)
        if command.idempotency_key is not None:
            content["idempotency_key"] = f"{command.idempotency_key}-{self.number}"
        return structs.replace(command, **content)


@pytest.mark.usefixtures("written_both_ways")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(commands, min_size=1, max_size=6), max_size=6), linked=st.booleans())
async def test_the_store_is_the_book(
    database: "asyncpg.Pool[asyncpg.Record]", batches: Sequence[Sequence[Command]], *, linked: bool
) -> None:
    renamed = Renamed()
    book = ledger.Book(ledger.Account.opened(spec) for spec in renamed.specs)
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, renamed.specs)
        for batch in batches:
            batch_commands = [renamed.command(command) for command in batch]
            async with connection.transaction():
                if linked:
                    stored = await ledger.apply_linked(connection, batch_commands, NOW)
                    expected = list(book.apply_linked(batch_commands, NOW))
                else:
                    stored = await ledger.apply(connection, batch_commands, NOW)
                    expected = [book.apply(command, NOW) for command in batch_commands]
            assert stored == expected
        await _assert_same(connection, book, renamed)


async def _assert_same(connection: Connection, book: ledger.Book, renamed: Renamed) -> None:
    stored = await ledger.balances(connection, [spec.id for spec in renamed.specs])
    for spec in renamed.specs:
        account = book.account(spec.id)
        assert account is not None
        assert stored[spec.id].state() == account.state()
        lines = await ledger.account_lines(connection, spec.id)
        moved = [
            (entry.command.entry_id, number, amount, balance_after, account_line)
            for entry in book.added
            for number, (moved_account, amount, balance_after, account_line) in enumerate(entry.movements)
            if moved_account is account
        ]
        assert [(x.entry_id, x.number, x.amount, x.balance_after, x.account_line) for x in reversed(lines)] == moved
    for entry_id in map(renamed.entry_id, ENTRY_IDS):
        entry, known = await ledger.entry(connection, entry_id), book.entry(entry_id)
        assert _facts(entry) == _facts(known)


def _facts(entry: ledger.Entry | None) -> object:
    if entry is None:
        return None
    command = entry.command
    if isinstance(command, ledger.Post):
        command = structs.replace(command, lines=entry.lines)
    said = (command.entry_id, content_of(command), entry.kind, entry.lines, entry.posted_at)
    return said, entry.status, entry.resolved_by, entry.reversed_by
