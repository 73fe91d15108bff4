"""How far a run has come, read from the stores: for the display, and to know when everything is final.

Reads only. A payment that is held for an operator is not waited for: nothing would end it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wisipay.core.database import Connection
from wisipay.core.sql import load_queries
from wisipay.entrypoints.demonstration.simulator import ProviderSummary, Simulator

_PAYMENTS: Final = load_queries(__file__, "payments.sql")
_CALLBACKS: Final = load_queries(__file__, "callbacks.sql")


@dataclass(frozen=True, slots=True)
class Progress:
    """One look: this run's payments by kind and status; open payments and waiting callbacks of the installation."""

    phase: str
    seconds: float
    ordered: int
    sent: int
    by_status: Mapping[tuple[str, str], int]
    open_payments: int
    callbacks_waiting: int
    people_waiting: int
    provider: ProviderSummary

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is going to happen by itself."""
        at_work = self.open_payments or self.callbacks_waiting or self.people_waiting
        return self.sent == self.ordered and not at_work and self.provider.is_quiet

    def words(self) -> str:
        """Say it in one line, which stays the same for as long as nothing changes."""
        counts = ", ".join(
            f"{count} {kind.lower()}s {status}" for (kind, status), count in sorted(self.by_status.items())
        )
        return f"{self.phase}; {self.sent}/{self.ordered} sent; {counts or 'no payment yet'}"


async def look(
    connection: Connection,
    simulator: Simulator,
    *,
    prefix: str,
    phase: str,
    seconds: float,
    ordered: int,
    sent: int,
    people_waiting: int,
) -> Progress:
    """Look at the stores and at the provider."""
    rows = await connection.fetch(_PAYMENTS["payments_by_status"], prefix)
    return Progress(
        phase=phase,
        seconds=seconds,
        ordered=ordered,
        sent=sent,
        by_status={(row["kind"], row["status"]): row["payments"] for row in rows},
        open_payments=await connection.fetchval(_PAYMENTS["payments_open"]),
        callbacks_waiting=await connection.fetchval(_CALLBACKS["waiting"]),
        people_waiting=people_waiting,
        provider=await simulator.summary(),
    )
