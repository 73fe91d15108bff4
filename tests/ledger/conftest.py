"""What tests of the ledger's store start from, and what all of them must leave behind: books that balance."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from wisipay import ledger
from wisipay.ledger import store


@pytest.fixture
async def database(database: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    """Return the pool on this worker's empty database; after the test, all debits are all credits."""
    yield database
    async with database.acquire() as connection:
        trial = await ledger.trial_balance(connection)
    assert {net for net in trial.net_by_currency.values() if net} == set()


@pytest.fixture(params=[1, store.COPY_FROM], ids=["copied", "inline"])
def written_both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test twice: with entries written by COPY, and within the batch's one statement."""
    monkeypatch.setattr(store, "COPY_FROM", request.param)
