"""Every check is clean on a history in which everything happens, and finds what is planted against it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest

from support.ledger_damage import OF_ACCOUNTS, OF_ENTRIES, OF_LINES, Found, statement
from support.ledger_history import write_history
from wisipay import ledger
from wisipay.ledger import checks
from wisipay.ledger.store import Connection

pytestmark = pytest.mark.tampers

DAMAGES: Final = {**OF_ACCOUNTS, **OF_ENTRIES, **OF_LINES}


@pytest.fixture
async def connection(database: asyncpg.Pool[asyncpg.Record]) -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await write_history(connection)
        yield connection


async def found(connection: Connection, span: checks.Span = checks.EVERYTHING) -> Found:
    """Return what is found: subjects by check, without the numbers of counter rows."""
    by_check: Found = {}
    async with ledger.reading(connection) as books:
        async for difference in checks.run_checks(books, span=span):
            subject = re.sub(r"^counter row \d+$", "counter row", difference.id)
            by_check.setdefault(difference.check, set()).add(subject)
    return by_check


async def damage(connection: Connection, sql: str) -> None:
    """Change the books as only a superuser can: without the triggers that refuse it."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(sql)


async def test_nothing_is_found_in_books_that_are_right(connection: Connection) -> None:
    assert await found(connection) == {}


@pytest.mark.parametrize("name", DAMAGES)
async def test_damage_is_found_and_named(connection: Connection, name: str) -> None:
    template, expected = DAMAGES[name]
    await damage(connection, statement(template))
    assert await found(connection) == expected
