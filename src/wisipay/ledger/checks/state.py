"""How the ledger is, for whoever watches it: open findings, last runs of checks and jobs, records not sealed yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wisipay.ledger.checks.check import QUERIES
from wisipay.ledger.checks.findings import OpenFindings, Run, open_findings, runs
from wisipay.ledger.store import Connection

MOST_UNSEALED = 100_000
"""Unsealed records are counted so far of each kind: whoever has that many is late enough."""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """`open` is by check, `runs` by name of check or job; `oldest_unsealed_at` is None when all is sealed."""

    open: Mapping[str, OpenFindings]
    runs: Mapping[str, Run]
    unsealed_records: int
    oldest_unsealed_at: datetime | None


async def ledger_state(connection: Connection) -> LedgerState:
    """Read the state; touches small tables, and the end of the entries."""
    sealed = await connection.fetchval(QUERIES["sealed_through"])
    unsealed = await connection.fetchrow(QUERIES["unsealed"], sealed or 0, MOST_UNSEALED)
    assert unsealed is not None  # noqa: S101 - a count always has a row
    return LedgerState(
        await open_findings(connection), await runs(connection), unsealed["records"], unsealed["oldest_at"]
    )
