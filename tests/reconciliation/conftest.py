"""What tests of reconciliation start from: two channels, and a mapping of the first one's provider."""

from __future__ import annotations

import pytest

from support.desk_bench import DeskBench
from support.reconciler import AUTHOR, Reconciler
from wisipay.core.database import Pool
from wisipay.merchants import ProviderType, create_provider


@pytest.fixture
async def reconciler(database: Pool) -> Reconciler:
    """Return an empty installation with two channels, of which the first's payin files can be read."""
    desks = DeskBench(database)
    await desks.open_accounts()
    async with database.acquire() as conn, conn.transaction():
        await create_provider(conn, AUTHOR, name="First", provider_type=ProviderType.GATEWAY, adapter="dummy")
    found = Reconciler(desks)
    await found.save()
    return found
