"""Tests of months change the schema, so each has a database of its own, with the accounts of `support.books`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from support import stores
from support.books import SPECS
from wisipay import ledger


@pytest.fixture
async def own_url(run_stores: stores.Stores) -> AsyncIterator[str]:
    """Return the URL of a migrated database that goes with the test."""
    name = f"ledger_months_{stores.worker_name()}"
    yield await stores.create_database(run_stores, name)
    await stores.execute(run_stores.postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def connection(own_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Return a connection to it; after the test, all debits are all credits."""
    connection = await asyncpg.connect(own_url)
    await ledger.open_accounts(connection, SPECS)
    yield connection
    assert set((await ledger.trial_balance(connection)).net_by_currency.values()) == {0}
    await connection.close()
