"""What tests of the ledger's store start from, and what all of them must leave behind: books that are right."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from wisipay import ledger
from wisipay.ledger import checks, store


@pytest.fixture
async def database(
    database: "asyncpg.Pool[asyncpg.Record]", request: pytest.FixtureRequest
) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    """Return the pool on this worker's empty database; after the test, unless it `tampers`, every check is clean."""
    yield database
    if request.node.get_closest_marker("tampers") is None:
        async with database.acquire() as connection, ledger.reading(connection) as books:
            assert [difference async for difference in checks.run_checks(books)] == []


@pytest.fixture(params=[1, store.COPY_FROM], ids=["copied", "inline"])
def written_both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test twice: with entries written by COPY, and within the batch's one statement."""
    monkeypatch.setattr(store, "COPY_FROM", request.param)
