"""The result of a run, as tables for a person and as one JSON object for a program.

Decides the fields of that object (docs/demo.md) and never what "agree" means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from rich.console import RenderableType
from rich.table import Table

from wisipay.core.money import rupees_text
from wisipay.entrypoints.demonstration.books import Comparison

_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to. `refused` orders were answered with an error and left no payment."""

    comparison: Comparison
    settled: bool
    lifecycles_per_second: float
    seconds: float
    refused: int
    surprises: Mapping[str, int]

    @property
    def is_good(self) -> bool:
        """Whether every payment came to its end and all books agree."""
        return self.settled and self.comparison.agree and self.refused == 0


def json_line(result: Result) -> str:
    """Return the result as one line of JSON."""
    comparison = result.comparison
    totals, callbacks, provider = comparison.ledger, comparison.callbacks, comparison.provider
    content: dict[str, Any] = {
        "agree": result.is_good,
        "payins": _counts(comparison, "PAYIN"),
        "payouts": _counts(comparison, "PAYOUT"),
        "callbacks": {
            "expected": callbacks.expected,
            "delivered": callbacks.delivered,
            "verified": callbacks.verified,
        },
        "ledger": {
            "entries": totals.entries,
            "debits": totals.debits,
            "credits": totals.credits,
            "balanced": totals.balanced,
        },
        "provider": {
            "executed_payins": comparison.executed.get("PAYIN", 0),
            "executed_payouts": comparison.executed.get("PAYOUT", 0),
            "double_payins": provider.double_payins,
            "double_payouts": provider.double_payouts,
        },
        "lifecycles_per_second": result.lifecycles_per_second,
        "seconds": round(result.seconds, 1),
        "refused": result.refused,
        "disagreements": [str(each) for each in comparison.disagreements[:_SHOWN_MAX]],
    }
    return msgspec.json.encode(content).decode()


def tables(result: Result) -> Iterator[RenderableType]:
    """Yield what a person reads at the end."""
    comparison = result.comparison
    yield _trial_balance(comparison)
    yield _sides(comparison)
    for scenario, count in result.surprises.items():
        yield f"not as foreseen: {count} x {scenario}"
    for each in comparison.disagreements[:_SHOWN_MAX]:
        yield f"DISAGREE  {each}"
    yield _verdict(result)


def _counts(comparison: Comparison, kind: str) -> dict[str, int]:
    return {status: count for (of, status), count in sorted(comparison.by_status.items()) if of == kind}


def _trial_balance(comparison: Comparison) -> Table:
    totals = comparison.ledger
    table = Table(title=f"Trial balance, {totals.entries} entries, INR", title_justify="left", show_footer=True)
    table.add_column("account", footer="total, balanced" if totals.balanced else "total, NOT BALANCED")
    table.add_column("debits", justify="right", footer=rupees_text(totals.debits))
    table.add_column("credits", justify="right", footer=rupees_text(totals.credits))
    for row in totals.trial_balance.rows:
        if row.debits or row.credits:
            table.add_row(row.account_id, rupees_text(row.debits), rupees_text(row.credits))
    return table


def _sides(comparison: Comparison) -> Table:
    callbacks, provider = comparison.callbacks, comparison.provider
    table = Table(title="What everybody says about this run", title_justify="left", show_header=False)
    for kind in ("PAYIN", "PAYOUT"):
        counts = ", ".join(f"{count} {status}" for status, count in _counts(comparison, kind).items())
        moved = sum(comparison.by_status.get((kind, status), 0) for status in ("SUCCESS", "REVERSED"))
        table.add_row(f"our {kind.lower()}s", f"{counts or 'none'}: money moved {moved} times")
        table.add_row(f"the provider's {kind.lower()}s", f"money moved {comparison.executed.get(kind, 0)} times")
    table.add_row("money moved twice", f"{provider.double_payins} payins, {provider.double_payouts} payouts, ever")
    words = f"{callbacks.expected} due, {callbacks.delivered} delivered, {callbacks.verified} verified by the merchants"
    table.add_row("callbacks", words)
    return table


def _verdict(result: Result) -> str:
    comparison = result.comparison
    pace = f"{result.lifecycles_per_second:.0f} lifecycles/s; {result.seconds:.0f} s"
    if result.is_good:
        return (
            f"The books agree: payments, ledger, provider and merchants say the same about all "
            f"{comparison.payments} payments. {pace}"
        )
    if not result.settled:
        return f"Not every payment came to its end in time, so the books are not closed. {pace}"
    if result.refused:
        return f"{result.refused} orders were refused and left no payment. {pace}"
    return f"THE BOOKS DO NOT AGREE: {comparison.disagreement_count} disagreements. {pace}"
