"""What tests of payments on real stores start from."""

from __future__ import annotations

import pytest

from support.desk_bench import DeskBench
from wisipay.core.database import Pool


@pytest.fixture
async def bench(database: Pool) -> DeskBench:
    """Return desks over an empty database with two channels and one merchant, who has no money."""
    bench = DeskBench(database)
    await bench.open_accounts()
    return bench
