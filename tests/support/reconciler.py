"""Payments of the first channel and short words for reconciling them."""

from __future__ import annotations

from pathlib import Path

from support.desk_bench import DeskBench
from support.payment_world import NOON
from support.settlement_files import MAPPING
from wisipay.core.clock import ist_day
from wisipay.merchants import Author
from wisipay.payments import Kind, Transaction
from wisipay.providers import ProviderStatus
from wisipay.reconciliation import (
    Difference,
    DifferenceFilter,
    Scope,
    Summary,
    import_file,
    list_differences,
    read_mapping,
    save_mapping,
)

AUTHOR = Author("cli:asha", NOON, reason="a test")


class Reconciler:
    """Payments as they are, and short words for reconciling them."""

    def __init__(self, desks: DeskBench) -> None:
        self.pool = desks.pool
        self.desks = desks

    async def paid(self, kind: Kind = Kind.PAYIN) -> Transaction:
        """Make a payment that succeeded."""
        transaction = await self.desks.accepted(kind)
        heard = await self.desks.hear(transaction, ProviderStatus.SUCCESS, utr=f"UTR{transaction.id}")
        assert heard.transaction is not None
        return heard.transaction

    async def save(self, mapping: bytes = MAPPING, kind: Kind = Kind.PAYIN) -> int:
        """Save how the first provider's files are read."""
        async with self.pool.acquire() as conn, conn.transaction():
            return await save_mapping(conn, AUTHOR, "first", kind, read_mapping(mapping))

    async def load(self, path: Path, kind: Kind = Kind.PAYIN, days: int = 0) -> Summary:
        """Import a file of the day of the payments, `days` later."""
        day = ist_day(NOON).replace(day=ist_day(NOON).day + days)
        return await import_file(self.pool, AUTHOR, Scope("first_acme", "first", kind, day, day), path)

    async def differences(self, run_id: int, *, also_resolved: bool = False) -> list[Difference]:
        """Return the differences of a run."""
        async with self.pool.acquire() as conn:
            return await list_differences(conn, DifferenceFilter(run_id, also_resolved=also_resolved))
