"""The comparison of everybody's books: ours, the ledger, the provider's and the merchant's.

Decides what "the books agree" means for a whole installation; `judging` does so for one payment. Reads only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from wisipay import ledger
from wisipay.core.database import Connection
from wisipay.core.sql import load_queries
from wisipay.entrypoints.demonstration.judging import (
    AmountUnit,
    Disagreement,
    Evidence,
    OurCallback,
    OurPayment,
    disagreements,
)
from wisipay.entrypoints.demonstration.simulator import ProviderPayment, ProviderSummary, Simulator
from wisipay.providers import numeric_name

_PAYMENTS: Final = load_queries(__file__, "payments.sql")
_LEDGER: Final = load_queries(__file__, "ledger.sql")
_CALLBACKS: Final = load_queries(__file__, "callbacks.sql")
_PAGE: Final = 500
_KEPT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """The whole ledger: entries of every kind, and all that was posted, in paise."""

    entries: int
    debits: int
    credits: int
    balanced: bool
    trial_balance: ledger.TrialBalance


@dataclass(frozen=True, slots=True)
class CallbackTotals:
    """Callbacks: final statuses to be told, events delivered, and distinct events that the merchant verified."""

    expected: int
    delivered: int
    verified: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the books say together. `disagreements` has at most 1,000; `disagreement_count` counts all.

    `counted`, `by_status`, `executed` (how often money moved, by kind) and `callbacks` are of the payments that were
    made from `since` on; everything else is of the whole installation.
    """

    payments: int
    counted: int
    by_status: Mapping[tuple[str, str], int]
    executed: Mapping[str, int]
    ledger: LedgerTotals
    callbacks: CallbackTotals
    provider: ProviderSummary
    disagreements: Sequence[Disagreement]
    disagreement_count: int

    @property
    def agree(self) -> bool:
        """Whether every payment is final and all books say the same about all of them."""
        return self.disagreement_count == 0 and self.ledger.balanced and self.provider.double_payouts == 0


async def compare_books(
    connection: Connection,
    simulator: Simulator,
    *,
    since: datetime | None = None,
    unit: AmountUnit = "RUPEES",
) -> Comparison:
    """Compare the books of every payment in the database.

    The merchant's endpoint forgets what it received when the simulator restarts, so it is asked only about payments
    made from `since` on (all of them, when None).
    Each payment must be final: an open one is a disagreement. Bounded memory but for the provider's book.
    """
    book = dict(await simulator.book())
    tally = _Tally()
    async for page in _pages(connection):
        evidence = await _evidence(connection, simulator, page, book, since)
        for payment in page:
            tally.add(payment, evidence[payment.id], unit)
            for reference in payment.references:
                book.pop(reference, None)
    for reference, attempts in book.items():
        if any(attempt.executions for attempt in attempts):
            what = "money moved for a payment that we don't have"
            tally.disagree([Disagreement(reference, "", "provider", what)])
    return Comparison(
        payments=tally.payments,
        counted=tally.by_status.total(),
        by_status=tally.by_status,
        executed=tally.executed,
        ledger=await ledger_totals(connection),
        callbacks=CallbackTotals(tally.expected, tally.delivered, tally.verified),
        provider=await simulator.summary(),
        disagreements=tally.kept,
        disagreement_count=tally.disagreement_count,
    )


async def ledger_totals(connection: Connection) -> LedgerTotals:
    """Return the trial balance and whether it, the lines and each other's totals agree."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        trial = await ledger.trial_balance(connection)
        lines = await connection.fetchrow(_LEDGER["lines_net"])
        entries = await connection.fetchval(_LEDGER["entry_count"])
    debits, credits_ = sum(row.debits for row in trial.rows), sum(row.credits for row in trial.rows)
    assert lines is not None  # noqa: S101 - an aggregate without GROUP BY has always one row
    return LedgerTotals(
        entries=entries,
        debits=debits,
        credits=credits_,
        balanced=not any(trial.net_by_currency.values())
        and lines["net"] == 0
        and (lines["debits"], lines["credits"]) == (debits, credits_),
        trial_balance=trial,
    )


class _Tally:
    """Running counts over all payments."""

    def __init__(self) -> None:
        self.payments = 0
        self.by_status: Counter[tuple[str, str]] = Counter()
        self.executed: Counter[str] = Counter()
        self.expected = 0
        self.delivered = 0
        self.verified = 0
        self.kept: list[Disagreement] = []
        self.disagreement_count = 0

    def add(self, payment: OurPayment, evidence: Evidence, unit: AmountUnit) -> None:
        self.payments += 1
        self.disagree(disagreements(payment, evidence, unit))
        if evidence.received is None:
            return
        self.by_status[payment.kind, payment.status] += 1
        self.executed[payment.kind] += sum(attempt.executions for attempt in evidence.attempts)
        unheard = sum(callback.state == "NO_URL" for callback in evidence.callbacks)
        self.expected += len(payment.final_statuses) - unheard
        self.delivered += sum(callback.state == "DELIVERED" for callback in evidence.callbacks)
        self.verified += len({receipt.event_id for receipt in evidence.received if receipt.verified})

    def disagree(self, found: Sequence[Disagreement]) -> None:
        self.disagreement_count += len(found)
        self.kept += found[: _KEPT_MAX - len(self.kept)]


async def _pages(connection: Connection) -> AsyncIterator[list[OurPayment]]:
    last = ""
    while rows := await connection.fetch(_PAYMENTS["payments_page"], last, _PAGE):
        last = rows[-1]["id"]
        yield [_with_numbers(OurPayment(*row)) for row in rows]


def _with_numbers(payment: OurPayment) -> OurPayment:
    """Add the digits under which a provider has a reference that takes nothing else."""
    return replace(payment, references=[*payment.references, *map(numeric_name, payment.references)])


async def _evidence(
    connection: Connection,
    simulator: Simulator,
    page: Sequence[OurPayment],
    book: Mapping[str, tuple[ProviderPayment, ...]],
    since: datetime | None,
) -> dict[str, Evidence]:
    ids = [payment.id for payment in page]
    postings: dict[str, dict[str, int]] = {}
    for row in await connection.fetch(_LEDGER["postings"], ids):
        postings.setdefault(row["transaction_id"], {})[row["account_id"]] = row["amount"]
    holds = {row["transaction_id"]: row["holds"] for row in await connection.fetch(_LEDGER["open_holds"], ids)}
    events: dict[str, list[OurCallback]] = {}
    for row in await connection.fetch(_CALLBACKS["events_of"], ids):
        events.setdefault(row["transaction_id"], []).append(OurCallback(*row))
    asked = [payment.id for payment in page if since is None or payment.created_at >= since]
    received = await simulator.received(asked)
    return {
        payment.id: Evidence(
            postings=postings.get(payment.id, {}),
            open_holds=holds.get(payment.id, 0),
            attempts=[attempt for reference in payment.references for attempt in book.get(reference, ())],
            callbacks=events.get(payment.id, ()),
            received=received.get(payment.id),
        )
        for payment in page
    }
